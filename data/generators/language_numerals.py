"""Numbers, days of the month and times of day in words and figures, in English, German, French and Spanish.

Numbers are 0 to 9999, and those that count a noun agree with its gender where the language wants it: `vingt et une
lampes`, `doscientas veintiuna casas`. Times are on the five minutes of a twelve-hour clock.
`data.generators.language_numeral_reading` reads all of it back by other rules.
"""

from __future__ import annotations

from collections.abc import Callable

LANGUAGES = {"en": "English", "de": "German", "fr": "French", "es": "Spanish"}
MONTHS = {
    "en": "January February March April May June July August September October November December".split(),
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember".split(),
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre".split(),
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre".split(),
}
DAYS = {
    "en": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split(),
    "de": "Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag".split(),
    "fr": "lundi mardi mercredi jeudi vendredi samedi dimanche".split(),
    "es": "lunes martes miércoles jueves viernes sábado domingo".split(),
}
_ENGLISH = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
).split()
_ENGLISH_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_ENGLISH_ORDINALS = {"one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth"}
_ENGLISH_ORDINALS |= {"nine": "ninth", "twelve": "twelfth"}
_GERMAN = (
    "null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn "
    "achtzehn neunzehn"
).split()
_GERMAN_TENS = "zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig".split()
_FRENCH = (
    "zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize dix-sept dix-huit "
    "dix-neuf"
).split()
_FRENCH_TENS = "vingt trente quarante cinquante soixante soixante quatre-vingt quatre-vingt".split()
_SPANISH = (
    "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis diecisiete "
    "dieciocho diecinueve veinte veintiuno veintidós veintitrés veinticuatro veinticinco veintiséis veintisiete "
    "veintiocho veintinueve"
).split()
_SPANISH_TENS = "treinta cuarenta cincuenta sesenta setenta ochenta noventa".split()
_SPANISH_HUNDREDS = (
    "ciento doscientos trescientos cuatrocientos quinientos seiscientos setecientos ochocientos novecientos"
).split()


def _english(n: int, gender: str) -> str:
    if n < 20:
        return _ENGLISH[n]
    if n < 100:
        return _ENGLISH_TENS[n // 10 - 2] + (f"-{_ENGLISH[n % 10]}" if n % 10 else "")
    unit, name, joint = (1000, "thousand", " ") if n >= 1000 else (100, "hundred", " and ")
    rest = n % unit
    if unit == 1000 and rest < 100:
        joint = " and "
    return f"{_english(n // unit, gender)} {name}" + (joint + _english(rest, gender) if rest else "")


def _german(n: int, gender: str) -> str:
    if n < 20:
        return _GERMAN[n]
    if n < 100:
        ten, one = _GERMAN_TENS[n // 10 - 2], "ein" if n % 10 == 1 else _GERMAN[n % 10]
        return f"{one}und{ten}" if n % 10 else ten
    unit, name = (1000, "tausend") if n >= 1000 else (100, "hundert")
    head = "ein" if n // unit == 1 else _german(n // unit, gender)
    return head + name + (_german(n % unit, gender) if n % unit else "")


def _french(n: int, gender: str) -> str:
    if n < 20:
        return "une" if n == 1 and gender == "f" else _FRENCH[n]
    if n < 100:
        # 70 to 79 and 90 to 99 go on from sixty and eighty.
        base = n // 10 * 10 - (10 if n // 10 in (7, 9) else 0)
        ten, rest = _FRENCH_TENS[n // 10 - 2], n - base
        if not rest:
            return ten + ("s" if base == 80 else "")
        joint = " et " if rest in (1, 11) and base < 80 else "-"
        return ten + joint + _french(rest, gender)
    unit, name = (1000, "mille") if n >= 1000 else (100, "cent")
    count, rest = divmod(n, unit)
    head = name if count == 1 else f"{_french(count, 'm')} {name}"
    if not rest:
        return head + ("s" if unit == 100 and count > 1 else "")
    return f"{head} {_french(rest, gender)}"


def _spanish(n: int, gender: str) -> str:
    if n < 30:
        if n % 10 != 1 or n == 11 or not gender:
            return _SPANISH[n]
        return {"f": {1: "una", 21: "veintiuna"}, "m": {1: "un", 21: "veintiún"}}[gender][n]
    if n < 100:
        return _SPANISH_TENS[n // 10 - 3] + (f" y {_spanish(n % 10, gender)}" if n % 10 else "")
    if n == 100:
        return "cien"
    if n < 1000:
        hundred = _SPANISH_HUNDREDS[n // 100 - 1]
        if gender == "f" and n >= 200:
            hundred = hundred[:-2] + "as"
        return hundred + (f" {_spanish(n % 100, gender)}" if n % 100 else "")
    head = "mil" if n // 1000 == 1 else f"{_spanish(n // 1000, gender)} mil"
    return head + (f" {_spanish(n % 1000, gender)}" if n % 1000 else "")


_NUMBERS: dict[str, Callable[[int, str], str]] = {"en": _english, "de": _german, "fr": _french, "es": _spanish}


def number(language: str, n: int, gender: str = "") -> str:
    """A number from 0 to 9999 in words.

    Args:
      language: en, de, fr or es.
      n: the number.
      gender: m or f of the noun that is counted, "" for the number by itself.

    Raises:
      ValueError: a number beyond.
    """
    if not 0 <= n <= 9999:
        raise ValueError(f"{n} is not written in words; numbers are 0 to 9999")
    return _NUMBERS[language](n, gender)


def _english_ordinal(day: int) -> str:
    head, dash, last = _english(day, "").rpartition("-")
    if day in (20, 30):
        return f"{last[:-1]}ieth"
    return head + dash + _ENGLISH_ORDINALS.get(last, f"{last}th")


def _german_ordinal(day: int) -> str:
    """As it stands after `am`."""
    special = {1: "ersten", 3: "dritten", 7: "siebten", 8: "achten"}
    return special.get(day, _german(day, "") + ("ten" if day < 20 else "sten"))


def date(language: str, day: int, month: int, in_words: bool) -> str:
    """`on 3 May`, `am dritten Mai`, `le 1er mai`, `el primero de mayo`; months are counted from 1."""
    name = MONTHS[language][month - 1]
    if language == "en":
        return f"on the {_english_ordinal(day)} of {name}" if in_words else f"on {day} {name}"
    if language == "de":
        return f"am {_german_ordinal(day)} {name}" if in_words else f"am {day}. {name}"
    if language == "fr":
        shown = ("premier" if day == 1 else _french(day, "m")) if in_words else ("1er" if day == 1 else str(day))
        return f"le {shown} {name}"
    shown = ("primero" if day == 1 else _spanish(day, "")) if in_words else str(day)
    return f"el {shown} de {name}"


def weekday(language: str, day: int) -> str:
    """`on Monday`, `am Montag`, `lundi`, `el lunes`; days are counted from 0."""
    return {"en": "on ", "de": "am ", "fr": "", "es": "el "}[language] + DAYS[language][day]


def clock(language: str, hour: int, minute: int, in_words: bool) -> str:
    """`at a quarter past three`, `um 3:15 Uhr`, `à trois heures et quart`, `a las tres y cuarto`."""
    if in_words:
        write = {"en": _english_clock, "de": _german_clock, "fr": _french_clock, "es": _spanish_clock}[language]
        return write(hour, minute)
    if language == "fr":
        return f"à {hour} h {minute:02d}" if minute else f"à {hour} h"
    if language == "es":
        return f"a la{'' if hour == 1 else 's'} {hour}:{minute:02d}"
    return f"at {hour}:{minute:02d}" if language == "en" else f"um {hour}:{minute:02d} Uhr"


def _next_hour(hour: int) -> int:
    return hour % 12 + 1


def _english_clock(hour: int, minute: int) -> str:
    if not minute:
        return f"at {_ENGLISH[hour]} o'clock"
    is_past = minute <= 30
    part = {15: "a quarter", 30: "half"}.get(min(minute, 60 - minute)) or _english(min(minute, 60 - minute), "")
    return f"at {part} {'past' if is_past else 'to'} {_ENGLISH[hour if is_past else _next_hour(hour)]}"


def _german_clock(hour: int, minute: int) -> str:
    following = _GERMAN[_next_hour(hour)]
    if not minute:
        return f"um {'ein' if hour == 1 else _GERMAN[hour]} Uhr"
    if minute in (25, 30, 35):
        return f"um {({25: 'fünf vor ', 30: '', 35: 'fünf nach '})[minute]}halb {following}"
    part = "Viertel" if minute in (15, 45) else _german(min(minute, 60 - minute), "")
    return f"um {part} {'nach' if minute < 30 else 'vor'} {_GERMAN[hour] if minute < 30 else following}"


def _french_clock(hour: int, minute: int) -> str:
    shown = hour if minute <= 30 else _next_hour(hour)
    head = f"à {_french(shown, 'f')} heure{'' if shown == 1 else 's'}"
    if not minute:
        return head
    if minute in (15, 30):
        return f"{head} et {'quart' if minute == 15 else 'demie'}"
    if minute < 30:
        return f"{head} {_french(minute, 'm')}"
    return f"{head} moins {'le quart' if minute == 45 else _french(60 - minute, 'm')}"


def _spanish_clock(hour: int, minute: int) -> str:
    shown = hour if minute <= 30 else _next_hour(hour)
    head = "a la una" if shown == 1 else f"a las {_SPANISH[shown]}"
    if not minute:
        return head
    part = {15: "cuarto", 30: "media"}.get(min(minute, 60 - minute)) or _SPANISH[min(minute, 60 - minute)]
    return f"{head} {'y' if minute <= 30 else 'menos'} {part}"
