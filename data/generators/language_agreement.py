"""Finds mistakes of grammar in English clauses by rules of agreement: the check of corrected texts.

The rules: `a` or `an` by the next letter, number of determiner and noun, number and tense of the verb, its base form
after `will`, comparatives before `than`, and the case of pronouns after `for`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from data.generators import language_english_words as words

Word = tuple[str, int]  # the word in small letters, and where it starts
_ONE = {one for tier in (*words.PEOPLE, *words.THINGS) for one in tier}
_MANY = {many for tier in (*words.PEOPLE, *words.THINGS) for many in tier.values()}
_DESCRIBING = {word for tier in (*words.TRAITS, *words.QUALITIES) for word in tier}
_BASES = {base for tier in words.VERBS for base in tier}
_THIRDS = {forms[0] for tier in words.VERBS for forms in tier.values()}
_PASTS = {forms[1] for tier in words.VERBS for forms in tier.values()}
_SHORT = {form for tier in words.COMPARATIVES for form in tier.values() if " " not in form}
_LONG = {form.split()[1] for tier in words.COMPARATIVES for form in tier.values() if " " in form}
_TENSES = {time: tense for tier in words.TIMES for tense, times in tier.items() for time in times}
_COUNTING = {"two", "three", "several", "many", "few", "much", "these", "those"}
_SINGLE = {"a", "an", "this", "that"}
_BE = {"is": (False, "present"), "are": (True, "present"), "was": (False, "past"), "were": (True, "past")}
_WORD = re.compile(r"[\w-]+")
_JOINT = re.compile(",? (?:and|but|because|while|whereas|although) ")
_OPENER = re.compile(rf"({'|'.join(sorted(_TENSES, key=len, reverse=True))}), ", re.IGNORECASE)


def mistakes(text: str) -> list[int]:
    """Where the mistakes of a text start, in characters, in rising order."""
    found, start = [], 0
    for sentence in text.split(". "):
        position = start
        for clause in _JOINT.split(sentence):
            position = text.index(clause, position)
            found += _in_clause(clause.rstrip("."), position)
            position += len(clause)
        start += len(sentence) + 2
    return sorted(found)


def _in_clause(clause: str, offset: int) -> Iterator[int]:
    opener = _OPENER.match(clause)
    tense = _TENSES[opener[1].lower()] if opener else ""
    found = _WORD.finditer(clause, opener.end() if opener else 0)
    said = [(match[0].lower(), match.start() + offset) for match in found]
    yield from _in_phrases(said)
    yield from _in_comparison(said)
    head, plural = _head(said)
    for place, (word, start) in enumerate(said):
        if place <= head:
            continue
        if word == "will" or word in _BE or word in _BASES | _THIRDS | _PASTS:
            if not _agrees([w for w, _ in said[place : place + 2]], plural, tense):
                yield start
            return


def _in_phrases(said: list[Word]) -> Iterator[int]:
    """Articles, determiners with their nouns, and pronouns."""
    for place, (word, start) in enumerate(said):
        following = [w for w, _ in said[place + 1 :]]
        if word in ("a", "an") and (word == "an") != (following[0][0] in "aeiou"):
            yield start
        if word == "much":
            yield start
        if word == "for" and following[0] in {p.lower() for p in words.PRONOUNS}:
            yield said[place + 1][1]
        if word in _COUNTING | _SINGLE:
            noun = place + 1 + (following[0] in _DESCRIBING)
            if said[noun][0] not in (_MANY if word in _COUNTING else _ONE):
                yield said[noun][1]


def _in_comparison(said: list[Word]) -> Iterator[int]:
    spoken = [word for word, _ in said]
    if "than" not in spoken:
        return
    than = spoken.index("than")
    more, quality = spoken[than - 2] == "more", spoken[than - 1]
    if more and quality in _SHORT:
        yield said[than - 2][1]
    elif not (quality in _SHORT or more and quality in _LONG):
        yield said[than - 1][1]


def _head(said: list[Word]) -> tuple[int, bool]:
    """The place of the last word of the subject, and whether what it is about is in the plural."""
    place = 1 + (said[1][0] in _DESCRIBING)
    noun = said[place][0]
    plural = noun not in _ONE or said[0][0] in _COUNTING
    if [word for word, _ in said[place + 1 : place + 4]] == ["next", "to", "the"]:
        place += 4
    return place, plural


def _agrees(verb: list[str], plural: bool, tense: str) -> bool:
    word = verb[0]
    if word == "will":
        return verb[1] in _BASES and tense in ("", "future")
    if word in _BE:
        return _BE[word][0] == plural and tense in ("", _BE[word][1])
    if word in _PASTS and tense != "present":
        return tense in ("", "past")
    return word in (_BASES if plural else _THIRDS) and tense in ("", "present")


def check(facts: Mapping[str, Any], prompt: str, completion: str) -> bool:
    """The recorded mistakes, undone, give the completion; by the rules they are all there are, and it has none."""
    text = prompt.split("\n")[1].removeprefix("Text: ")
    recorded = facts["mistakes"]
    right = text
    for start, wrong, mended in sorted(recorded, reverse=True):
        if right[start : start + len(wrong)] != wrong:
            return False
        right = right[:start] + mended + right[start + len(wrong) :]
    found = [start for start, _, _ in recorded]
    return bool(found) and right == completion and mistakes(text) == sorted(found) and not mistakes(completion)
