"""Reads active and passive clauses back to who does what: passages that differ in voice alone are read alike."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from data.generators import language_english_words as words
from data.generators.language_tasks import ReadingError


def _any(names: Iterable[str]) -> str:
    return "|".join(sorted(map(re.escape, names), key=len, reverse=True))


_TIMES = {time: tense for tier in words.TIMES for tense, times in tier.items() for time in times}
_NUMBER = {one: (one, False) for tier in (*words.PEOPLE, *words.THINGS) for one in tier}
_NUMBER |= {many: (one, True) for tier in (*words.PEOPLE, *words.THINGS) for one, many in tier.items()}
_VERBS = {form: base for tier in words.VERBS for base, forms in tier.items() for form in (base, *forms)}
_FORMS = {base: forms for tier in words.VERBS for base, forms in tier.items()}
_ADJECTIVES = _any(word for tier in (*words.TRAITS, *words.QUALITIES) for word in tier)
_PHRASE = (
    rf"(?P<{{0}}_determiner>an|{_any({*words.SINGULAR, *words.PLURAL})}) "
    rf"(?:(?P<{{0}}_adjective>{_ADJECTIVES}) )?(?P<{{0}}_noun>{_any(_NUMBER)})"
)
_OPENING = rf"(?:(?P<time>{_any(_TIMES)}), )?"
_PLACE = rf"(?: (?P<place>{_any(place for tier in words.PLACES for place in tier)}))?"
_AUXILIARY = "will|has|have"
_BE = "will be|has been|have been|is|are|was|were"
_ACTIVE = re.compile(
    rf"{_OPENING}{_PHRASE.format('agent')} (?:(?P<auxiliary>{_AUXILIARY}) )?(?P<verb>{_any(_VERBS)}) "
    rf"{_PHRASE.format('object')}{_PLACE}"
)
_PASSIVE = re.compile(
    rf"{_OPENING}{_PHRASE.format('object')} (?P<auxiliary>{_BE}) (?P<verb>{_any(_VERBS)}) "
    rf"by {_PHRASE.format('agent')}{_PLACE}"
)
_JOINT = re.compile(_any(joint for tier in words.JOINTS for joint in tier))
# Auxiliary -> (tense, whether the subject is plural, which None leaves open, form of the verb).
_ACTIVE_TENSES = {"will": ("future", None, "base"), "has": ("perfect", False, 2), "have": ("perfect", True, 2)}
_PASSIVE_TENSES = {
    "will be": ("future", None),
    "has been": ("perfect", False),
    "have been": ("perfect", True),
    "is": ("present", False),
    "are": ("present", True),
    "was": ("past", False),
    "were": ("past", True),
}


def _phrase(match: re.Match[str], role: str) -> dict[str, Any]:
    determiner, adjective = match[f"{role}_determiner"], match[f"{role}_adjective"] or ""
    noun, plural = _NUMBER[match[f"{role}_noun"]]
    if determiner != "the" and plural == (determiner in ("an", *words.SINGULAR)):
        raise ReadingError(f"{match[0]!r}: {determiner} does not go with {match[f'{role}_noun']}")
    if determiner in ("a", "an"):
        following = adjective or noun
        if (determiner == "an") != bool(re.match("[aeiou]", following)):
            raise ReadingError(f"{match[0]!r}: {determiner} before {following}")
        determiner = "a"
    return {"determiner": determiner, "adjective": adjective, "noun": noun, "plural": plural}


def _clause(voice: str, text: str) -> dict[str, Any]:
    match = (_ACTIVE if voice == "active" else _PASSIVE).fullmatch(text)
    if match is None:
        raise ReadingError(f"{text!r} is no {voice} clause")
    agent, thing = _phrase(match, "agent"), _phrase(match, "object")
    base, form = _VERBS[match["verb"]], match["verb"]
    third, past, participle = _FORMS[base]
    if voice == "passive":
        tense, plural = _PASSIVE_TENSES[match["auxiliary"]]
        subject, right = thing, form == participle
    elif match["auxiliary"]:
        tense, plural, wanted = _ACTIVE_TENSES[match["auxiliary"]]
        subject, right = agent, form == (base if wanted == "base" else participle)
    else:
        subject, tense = agent, "past" if form == past else "present"
        plural, right = None, form in ((past,) if form == past else (base,) if agent["plural"] else (third,))
    if not right or plural not in (None, subject["plural"]):
        raise ReadingError(f"{text!r}: the verb does not agree")
    if match["time"] and _TIMES[match["time"]] != tense:
        raise ReadingError(f"{text!r}: {match['time']} is not {tense}")
    rest = {"agent": agent, "verb": base, "object": thing, "place": match["place"] or ""}
    return {"time": match["time"] or "", "tense": tense, **rest}


def passage(voice: str, text: str) -> list[dict[str, Any]]:
    """The sentences of a passage, each as its joint and its clauses.

    Raises:
      ReadingError: a clause is not in that voice, or not English.
    """
    found = []
    for sentence in text.removesuffix(".").split(". "):
        if not sentence[:1].isupper():
            raise ReadingError(f"{sentence!r} begins with a small letter")
        said = sentence[0].lower() + sentence[1:]
        joint = match[0] if (match := _JOINT.search(said)) else ""
        parts = said.split(joint) if joint else [said]
        found.append({"joint": joint, "clauses": [_clause(voice, part) for part in parts]})
    return found


def check(facts: Mapping[str, Any], prompt: str, completion: str) -> bool:
    """The given passage in one voice and the completion in the other are both the certificate's."""
    ask, given, _ = prompt.split("\n")
    wanted = facts["voice"]
    other = {"active": "passive", "passive": "active"}[wanted]
    read = passage(other, given.split(": ", 1)[1])
    return f"the {wanted} voice" in ask and read == passage(wanted, completion) == facts["passage"]
