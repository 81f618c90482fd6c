"""Reads numbers, dates and times of day in words and figures: the check of `data.generators.language_numerals`.

Numbers are read by adding up values from left to right (English, French, Spanish) or by cutting the word at its units
(German), with the rules of spelling that a learner gets wrong held on the way: `and`, the s of `cents`, gender.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from data.generators.language_tasks import ReadingError


def _values(text: str) -> dict[str, int]:
    pairs = (pair.rsplit(":", 1) for pair in text.split())
    return {word: int(value) for word, value in pairs}


_ENGLISH = _values(
    "zero:0 one:1 two:2 three:3 four:4 five:5 six:6 seven:7 eight:8 nine:9 ten:10 eleven:11 twelve:12 thirteen:13 "
    "fourteen:14 fifteen:15 sixteen:16 seventeen:17 eighteen:18 nineteen:19 twenty:20 thirty:30 forty:40 fifty:50 "
    "sixty:60 seventy:70 eighty:80 ninety:90"
)
_GERMAN = _values(
    "null:0 ein:1 eins:1 zwei:2 drei:3 vier:4 fünf:5 sechs:6 sieben:7 acht:8 neun:9 zehn:10 elf:11 zwölf:12 "
    "dreizehn:13 vierzehn:14 fünfzehn:15 sechzehn:16 siebzehn:17 achtzehn:18 neunzehn:19 zwanzig:20 dreißig:30 "
    "vierzig:40 fünfzig:50 sechzig:60 siebzig:70 achtzig:80 neunzig:90"
)
_FRENCH = _values(
    "zéro:0 un:1 une:1 deux:2 trois:3 quatre:4 cinq:5 six:6 sept:7 huit:8 neuf:9 dix:10 onze:11 douze:12 treize:13 "
    "quatorze:14 quinze:15 seize:16 vingt:20 trente:30 quarante:40 cinquante:50 soixante:60"
)
_SPANISH = _values(
    "cero:0 uno:1 un:1 una:1 dos:2 tres:3 cuatro:4 cinco:5 seis:6 siete:7 ocho:8 nueve:9 diez:10 once:11 doce:12 "
    "trece:13 catorce:14 quince:15 dieciséis:16 diecisiete:17 dieciocho:18 diecinueve:19 veinte:20 veintiuno:21 "
    "veintiún:21 veintiuna:21 veintidós:22 veintitrés:23 veinticuatro:24 veinticinco:25 veintiséis:26 veintisiete:27 "
    "veintiocho:28 veintinueve:29 treinta:30 cuarenta:40 cincuenta:50 sesenta:60 setenta:70 ochenta:80 noventa:90"
)
_SPANISH_HUNDREDS = _values(
    "ciento:1 doscient:2 trescient:3 cuatrocient:4 quinient:5 seiscient:6 setecient:7 ochocient:8 novecient:9"
)
_MONTHS = {
    "en": "jan feb mar apr may jun jul aug sep oct nov dec",
    "de": "jan feb mär apr mai jun jul aug sep okt nov dez",
    "fr": "jan fév mar avr mai juin juil aoû sep oct nov déc",
    "es": "ene feb mar abr may jun jul ago sep oct nov dic",
}


def _need(right: bool, words: str) -> None:
    if not right:
        raise ReadingError(f"{words!r} is not how this is said")


def _english_number(words: str, gender: str) -> int:
    total, before = 0, ""
    for word in re.split(r"[ -]", words):
        if word == "thousand":
            _need(0 < total < 10, words)
            total *= 1000
        elif word == "hundred":
            _need(0 < total % 1000 < 10, words)
            total += total % 1000 * 99
        elif word == "and":
            _need(before in ("hundred", "thousand"), words)
        else:
            value = _ENGLISH.get(word, -1)
            is_one = 0 < value < 10 and total % 100 >= 20 and not total % 10
            # `two thousand three hundred`: what multiplies a hundred takes no `and`.
            counts = before == "thousand" and f"{word} hundred" in words.split(" thousand ")[-1]
            first = value >= 0 and not total % 100 and (before in ("", "and") or counts)
            _need(is_one or first, words)
            total += value
        before = word
    _need(before != "and", words)
    return total


def _german_number(words: str, gender: str) -> int:
    for name, unit, limit in (("tausend", 1000, 10), ("hundert", 100, 10)):
        head, found, rest = words.partition(name)
        if found:
            _need(head in _GERMAN and 0 < _GERMAN[head] < limit and head != "eins", words)
            return _GERMAN[head] * unit + (_german_number(rest, gender) if rest else 0)
    one, found, ten = words.partition("und")
    if found:
        _need(0 < _GERMAN.get(one, 0) < 10 and one != "eins" and _GERMAN.get(ten, 0) >= 20, words)
        return _GERMAN[one] + _GERMAN[ten]
    _need(words in _GERMAN and words != "ein", words)
    return _GERMAN[words]


def _french_number(words: str, gender: str) -> int:
    tokens = re.split(r"[ -]", words)
    total = 0
    for place, word in enumerate(tokens):
        is_last = place == len(tokens) - 1
        ended = total % 100
        if word == "mille":
            _need(total < 10 and total != 1, words)
            total = (total or 1) * 1000
        elif word in ("cent", "cents"):
            _need(total % 1000 < 10 and total % 1000 != 1, words)
            _need((word == "cents") == (is_last and total % 1000 > 1), words)
            total += (total % 1000 or 1) * 100 - total % 1000
        elif word in ("vingt", "vingts") and ended == 4 and tokens[place - 1] == "quatre":
            _need((word == "vingts") == is_last, words)
            total += 76
        elif word == "et":
            _need(ended in (20, 30, 40, 50, 60) and tokens[place + 1 : place + 2] in (["un"], ["une"], ["onze"]), words)
        else:
            value = _FRENCH.get(word, -1)
            takes = 20 if ended in (60, 80) else 10
            fits = not ended or (ended == 70 or ended == 10 or ended == 90) and 7 <= value <= 9
            fits = fits or ended >= 20 and not ended % 10 and ended != 70 and ended != 90 and 0 < value < takes
            _need(value >= 0 and fits, words)
            if value in (1, 11) and ended >= 20:
                _need((tokens[place - 1] == "et") == (ended < 80), words)
            total += value
    if tokens[-1] in ("un", "une"):
        _need((tokens[-1] == "une") == (gender == "f"), words)
    return total


def _spanish_number(words: str, gender: str) -> int:
    if words == "cien":
        return 100
    total, before = 0, ""
    tokens = words.split(" ")
    for place, word in enumerate(tokens):
        stem = word if word == "ciento" else word[:-2]
        if word == "mil":
            _need(total < 10 and total != 1, words)
            total = (total or 1) * 1000
        elif word == "cien":
            _need(place == len(tokens) - 1 and before == "mil", words)
            total += 100
        elif stem in _SPANISH_HUNDREDS:
            _need(not total % 1000 and (word == "ciento") == (stem == "ciento"), words)
            _need(word == "ciento" or word[-2:] == ("as" if gender == "f" else "os"), words)
            total += 100 * _SPANISH_HUNDREDS[stem]
        elif word == "y":
            _need(total % 100 >= 30 and not total % 10, words)
        else:
            value = _SPANISH.get(word, -1)
            _need(value >= 0 and (0 < value < 10 if before == "y" else not total % 100), words)
            total += value
            if value in (1, 21) and place == len(tokens) - 1:
                endings = {"m": ("un", "veintiún"), "f": ("una", "veintiuna"), "": ("uno", "veintiuno")}
                _need(word in endings[gender], words)
        before = word
    _need(before != "y", words)
    return total


def number(language: str, words: str, gender: str = "") -> int:
    """The number that words or figures say.

    Raises:
      ReadingError: they say none, or not as the language does with a noun of that gender.
    """
    if words.isdecimal():
        return int(words)
    read = {"en": _english_number, "de": _german_number, "fr": _french_number, "es": _spanish_number}[language]
    return read(words, gender)


def _month(language: str, name: str) -> int:
    for month, start in enumerate(_MONTHS[language].split(), 1):
        if name.casefold().startswith(start):
            return month
    raise ReadingError(f"{name!r} is no month")


_ODD_ORDINALS = {
    "en": _values("first:1 second:2 third:3 fifth:5 eighth:8 ninth:9 twelfth:12 twentieth:20 thirtieth:30"),
    "de": _values("ersten:1 dritten:3 siebten:7 achten:8"),
    "fr": _values("premier:1"),
    "es": _values("primero:1"),
}


def _ordinal(language: str, text: str) -> int:
    head, dash, last = text.rpartition("-") if language == "en" else ("", "", text)
    value = _ODD_ORDINALS[language].get(last)
    if value is None and language == "en":
        value = _english_number(last.removesuffix("th"), "")
    elif value is None and language == "de":
        value = _german_number(text.removesuffix("sten" if "zig" in text or "ßig" in text else "ten"), "")
    elif value is None:
        value = number(language, text, "m" if language == "fr" else "")
    return value + (_english_number(head, "") if dash else 0)


_DATES = {
    "en": r"on (?:(?P<day>\d+)|the (?P<words>[a-z-]+) of) (?P<month>[A-Z]\w+)",
    "de": r"am (?:(?P<day>\d+)\.|(?P<words>[a-zäöüß]+ten)) (?P<month>[A-Z]\w+)",
    "fr": r"le (?:(?P<day>\d+)(?:er)?|(?P<words>[a-zé -]+?)) (?P<month>\w+)",
    "es": r"el (?:(?P<day>\d+)|(?P<words>[a-záéíóú ]+?)) de (?P<month>\w+)",
}


def date(language: str, text: str) -> tuple[int, int]:
    """(day, month) of a date.

    Raises:
      ReadingError: the text is none, or a day that no month has.
    """
    match = re.fullmatch(_DATES[language], text)
    _need(match is not None, text)
    day = int(match["day"]) if match["day"] else _ordinal(language, match["words"])
    _need(1 <= day <= 31 and (language != "fr" or not match["day"] or ("1er" in text) == (day == 1)), text)
    return day, _month(language, match["month"])


_FIGURES = {
    "en": r"at (\d+):(\d\d)",
    "de": r"um (\d+):(\d\d) Uhr",
    "fr": r"à (\d+) h(?: (\d\d))?",
    "es": r"a las? (\d+):(\d\d)",
}
# The hour's words, what moves from it, and in which direction; German halves count towards the hour to come.
_CLOCKS: dict[str, Sequence[tuple[str, int]]] = {
    "en": (
        (r"at (?P<hour>\w+) o'clock", 0),
        (r"at (?P<part>[a-z -]+) past (?P<hour>\w+)", 1),
        (r"at (?P<part>[a-z -]+) to (?P<hour>\w+)", -1),
    ),
    "de": (
        (r"um (?P<hour>\w+) Uhr", 0),
        (r"um (?P<half>(?:fünf (?:vor|nach) )?halb) (?P<hour>\w+)", -1),
        (r"um (?P<part>\w+) nach (?P<hour>\w+)", 1),
        (r"um (?P<part>\w+) vor (?P<hour>\w+)", -1),
    ),
    "fr": (
        (r"à (?P<hour>\w+) heures?", 0),
        (r"à (?P<hour>\w+) heures? moins (?P<part>[a-zé -]+)", -1),
        (r"à (?P<hour>\w+) heures? (?P<part>(?!moins)[a-zé -]+)", 1),
    ),
    "es": (
        (r"a las? (?P<hour>\w+)", 0),
        (r"a las? (?P<hour>\w+) y (?P<part>[a-zé]+)", 1),
        (r"a las? (?P<hour>\w+) menos (?P<part>[a-zé]+)", -1),
    ),
}
_PARTS = {
    "en": {"a quarter": 15, "half": 30},
    "de": {"Viertel": 15},
    "fr": {"et quart": 15, "le quart": 15, "et demie": 30},
    "es": {"cuarto": 15, "media": 30},
}
_HALVES = {"halb": 30, "fünf vor halb": 35, "fünf nach halb": 25}


def clock(language: str, text: str) -> tuple[int, int]:
    """(hour, minute) of a time, the hour from 1 to 12.

    Raises:
      ReadingError: the text is none.
    """
    if match := re.fullmatch(_FIGURES[language], text):
        hour, minute = int(match[1]), int(match[2] or 0)
    else:
        hour, minute = _spoken_clock(language, text)
    _need(1 <= hour <= 12 and 0 <= minute < 60, text)
    _need(language != "es" or text.startswith("a la ") == bool(re.match(r"a las? (?:1\b|una)", text)), text)
    _need(language != "fr" or "heure" not in text or ("heures" in text) != text.startswith("à une "), text)
    return hour, minute


def _spoken_clock(language: str, text: str) -> tuple[int, int]:
    for pattern, direction in _CLOCKS[language]:
        match = re.fullmatch(pattern, text)
        if match is None:
            continue
        name, groups = match["hour"], match.groupdict()
        if language == "de" and not direction and name == "ein":
            name = "eins"
        hour = number(language, name, "f" if language in ("fr", "es") else "")
        part = groups.get("part")
        minutes = 0
        if groups.get("half"):
            minutes = _HALVES[groups["half"]]
        elif part is not None:
            minutes = _PARTS[language].get(part) or number(language, part, "m" if language == "fr" else "")
            _need(0 < minutes <= 30 and (direction > 0 or minutes < 30), text)
        if direction < 0:
            return (hour - 2) % 12 + 1, 60 - minutes
        return hour, minutes
    raise ReadingError(f"{text!r} is no time")
