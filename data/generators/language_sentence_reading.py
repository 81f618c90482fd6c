"""Reads the sentences of `data.generators.language_sentences` back to their meaning: what proves a translation.

A clause is cut into chunks from left to right, each of a role written as one letter: A who acts, V verb, H auxiliary, P
participle, B a form that may be either, O things with their number, L place, W time, K what links clauses. The letters
must then be in an order that the language allows, and within the chunks articles, numbers and adjectives must agree.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from data.generators import language_numeral_reading as numerals
from data.generators.language_tasks import ReadingError
from data.generators.language_words import ADJECTIVES, AGENTS, COLUMNS, LINKS, OBJECTS, PLACES, SUBORDINATE, VERBS

_DAYS = {
    "en": "on (Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day",
    "de": "am (Mon|Diens|Mitt|Donners|Frei|Sams|Sonn)(?:tag|woch)",
    "fr": "(lun|mar|mercre|jeu|vendre|same|diman)(?:di|che)",
    "es": "el (lun|mart|miérc|juev|viern|sábado|doming)(?:es|oles|o|)",
}
_DATES = {
    "en": r"on (?:\d+|the [a-z-]+ of) MONTH",
    "de": r"am (?:\d+\.|[a-zäöüß]+ten) MONTH",
    "fr": r"le (?:\d+(?:er)?|[a-zé -]+?) MONTH",
    "es": r"el (?:\d+|[a-záéíóú ]+?) de MONTH",
}
_MONTHS = {
    "en": "(?:January|February|March|April|May|June|July|August|September|October|November|December)",
    "de": "(?:Januar|Februar|März|April|Mai|Juni|Juli|August|September|Oktober|November|Dezember)",
    "fr": "(?:janvier|février|mars|avril|mai|juin|juillet|août|septembre|octobre|novembre|décembre)",
    "es": "(?:enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre|diciembre)",
}
_CLOCKS = {
    "en": r"at (?:\d+:\d\d|\w+ o'clock|(?:a quarter|half|[a-z-]+) (?:past|to) \w+)",
    "de": r"um (?:\d+:\d\d Uhr|\w+ Uhr|(?:fünf (?:vor|nach) )?halb \w+|\w+ (?:nach|vor) \w+)",
    "fr": r"à (?:\d+ h(?: \d\d)?|\w+ heures?(?: et (?:quart|demie)| moins (?:le quart|MINUTE)| MINUTE)?)",
    "es": r"a las? (?:\d+:\d\d|\w+(?: (?:y|menos) (?:cuarto|media|MINUTE))?)",
}
_MINUTES = {"fr": "(?:vingt-cinq|vingt|dix|cinq)", "es": "(?:veinticinco|veinte|diez|cinco)"}
_AVO = "(?:WAVOL?|AVOL?W?)"
_MAIN = {
    "en": _AVO,
    "es": _AVO,
    "fr": "(?:W,A(?:V|HP)OL?|A(?:V|HP)OL?W?)",
    "de": "(?:(?:W[VB]A|A[VB]W?)OL?|(?:WHA|AHW?)OL?[PB])",
}
_GERMAN_SUBORDINATE = "AW?OL?(?:[VB]|[PB]H)"
_AUXILIARIES = {"de": "hat", "fr": "a"}
_END = {"de": r"(?<!\d)\. ", "en": r"\. ", "fr": r"\. ", "es": r"\. "}
Chunk = tuple[str, Any]


class _Grammar:
    """The tables and patterns of one language, built on first use."""

    def __init__(self, language: str):
        self.language = language
        self.exact: dict[str, Chunk] = {}
        for name, word in AGENTS.items():
            self.exact[_with_article(language, word.forms[language])] = ("A", name)
        for name, word in PLACES.items():
            self.exact[word.forms[language][0]] = ("L", name)
        for name, word in VERBS.items():
            self._add_verb(name, word.forms[language])
        if language in _AUXILIARIES:
            self.exact[_AUXILIARIES[language]] = ("H", None)
        if language == "fr":
            self.exact[","] = (",", None)
        self.links = {text[language]: name for name, text in LINKS.items()}
        self.known = _any(self.exact)
        self.nouns = {word.forms[language][-1]: name for name, word in OBJECTS.items()}
        self.adjectives: dict[str, str] = {}
        for name, word in ADJECTIVES.items():
            forms = word.forms[language]
            self.adjectives |= dict.fromkeys(forms[1:] if language == "fr" else forms, name)
        adjective = "|".join(self.adjectives)
        self.things = re.compile(
            rf"(?P<count>\d+|[a-zà-ÿß -]+?) (?:(?P<before>{adjective}) )?(?P<noun>{'|'.join(self.nouns)})"
            rf"(?: (?P<after>{adjective}))?(?!\w)"
        )
        date = _DATES[language].replace("MONTH", _MONTHS[language])
        clock = _CLOCKS[language].replace("MINUTE", _MINUTES.get(language, ""))
        self.when = re.compile(rf"(?:(?P<day>{_DAYS[language]})|(?P<date>{date})|(?P<time>{clock}))(?![\w:])")

    def _add_verb(self, name: str, forms: Sequence[str]) -> None:
        present, other = forms
        if self.language in ("en", "es"):
            self.exact[present], self.exact[other] = ("V", (name, False)), ("V", (name, True))
        elif present == other:
            self.exact[present] = ("B", (name, False))
        else:
            self.exact[present], self.exact[other] = ("V", (name, False)), ("P", (name, True))


def _any(words: Iterable[str]) -> re.Pattern[str]:
    longest_first = sorted(map(re.escape, words), key=len, reverse=True)
    return re.compile(rf"(?:{'|'.join(longest_first)})(?!\w)")


def _with_article(language: str, forms: Sequence[str]) -> str:
    noun = forms[-1]
    if language == "en":
        return f"the {noun}"
    if language == "fr" and re.match("[aeéiouhêô]", noun):
        return f"l'{noun}"
    articles = {"de": {"m": "der", "f": "die", "n": "das"}, "fr": {"m": "le", "f": "la"}, "es": {"m": "el", "f": "la"}}
    return f"{articles[language][forms[0]]} {noun}"


@functools.cache
def _grammar(language: str) -> _Grammar:
    return _Grammar(language)


class _Reader:
    """Reads one sentence; `figures` collects whether each number was in figures."""

    def __init__(self, language: str, figures: set[bool]):
        self._grammar, self._language, self._figures = _grammar(language), language, figures

    def sentence(self, text: str) -> dict[str, Any]:
        """The meaning of a sentence without its full stop."""
        text, position, link = text[0].lower() + text[1:], 0, ""
        clauses: list[list[Chunk]] = [[]]
        while position < len(text):
            for joint, name in self._grammar.links.items():
                if text.startswith(joint, position):
                    if link:
                        raise ReadingError(f"{text!r} has two links")
                    link, position = name, position + len(joint)
                    clauses.append([])
                    break
            else:
                position += clauses[-1] != [] and text[position] == " "
                chunk, position = self._chunk(text, position)
                clauses[-1].append(chunk)
        meanings = [self._clause(clause, bool(n) and link in SUBORDINATE) for n, clause in enumerate(clauses)]
        return {"link": link, "clauses": meanings}

    def _chunk(self, text: str, position: int) -> tuple[Chunk, int]:
        if match := self._grammar.known.match(text, position):
            return self._grammar.exact[match[0]], match.end()
        if match := self._grammar.when.match(text, position):
            return ("W", self._when(match)), match.end()
        if match := self._grammar.things.match(text, position):
            return ("O", self._things(match)), match.end()
        raise ReadingError(f"{text[position:]!r} is not in the grammar")

    def _when(self, match: re.Match[str]) -> list[Any]:
        if match["day"]:
            stems = _DAYS[self._language].split("(", 1)[1].split(")", 1)[0].split("|")
            return ["day", next(n for n, stem in enumerate(stems) if stem in match.groups())]
        self._figures.add(any(map(str.isdecimal, match[0])))
        kind = "date" if match["date"] else "time"
        return [kind, *(numerals.date if kind == "date" else numerals.clock)(self._language, match[0])]

    def _things(self, match: re.Match[str]) -> dict[str, Any]:
        name = self._grammar.nouns[match["noun"]]
        forms = OBJECTS[name].forms[self._language]
        gender = forms[0] if len(forms) == 2 else ""
        if match["before"] and match["after"]:
            raise ReadingError(f"{match[0]!r} has two adjectives")
        adjective = self._grammar.adjectives.get(match["before"] or match["after"] or "", "")
        if adjective:
            self._agree(match, ADJECTIVES[adjective].forms[self._language], gender)
        self._figures.add(match["count"].isdecimal())
        count = numerals.number(self._language, match["count"], gender)
        return {"count": count, "adjective": adjective, "object": name}

    def _agree(self, match: re.Match[str], forms: Sequence[str], gender: str) -> None:
        place = {"en": "before", "de": "before", "es": "after"}.get(self._language) or forms[0]
        wanted = {"en": 0, "de": 0, "es": int(gender == "f"), "fr": 1 + (gender == "f")}[self._language]
        if match[place] != forms[wanted]:
            raise ReadingError(f"{match[0]!r}: {forms[wanted]} is wanted, {place} the noun")

    def _clause(self, chunks: Sequence[Chunk], is_subordinate: bool) -> dict[str, Any]:
        roles = "".join(role for role, _ in chunks)
        order = _GERMAN_SUBORDINATE if self._language == "de" and is_subordinate else _MAIN[self._language]
        if not re.fullmatch(order, roles) or is_subordinate and roles[0] == "W":
            raise ReadingError(f"the order {roles} is not {self._language}")
        values: Mapping[str, Any] = dict(chunks)
        verb, past = next(values[role] for role in "VPB" if role in values)
        return {
            "agent": values["A"],
            "verb": verb,
            "past": past or "H" in values,
            **values["O"],
            "place": values.get("L", ""),
            "when": values.get("W", []),
            "first": roles[0] == "W",
        }


def passage(language: str, text: str) -> tuple[list[dict[str, Any]], set[bool]]:
    """The meanings of a passage, and whether its numbers stand in figures (True), in words (False), or both.

    Raises:
      ReadingError: a sentence is not of the language's grammar.
    """
    if language not in COLUMNS or not text.endswith("."):
        raise ReadingError(f"{text[-20:]!r} ends no sentence of {language!r}")
    figures: set[bool] = set()
    reader = _Reader(language, figures)
    sentences = re.split(_END[language], text[:-1])
    if not all(sentence[:1].isupper() for sentence in sentences):
        raise ReadingError("a sentence begins with a small letter")
    return [reader.sentence(sentence) for sentence in sentences], figures
