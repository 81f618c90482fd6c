"""English clauses from their parts: who does what to which thing, when and where, in the active or the passive voice.

A noun phrase is `{"determiner", "adjective", "noun", "plural"}`, a clause `{"time", "tense", "agent", "verb", "object",
"place"}`, "" standing for what there is not. Words are the singular and the base form; the rest is grammar.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

from data.generators import language_english_words as words
from data.generators.language_english_words import article

Phrase = Mapping[str, Any]
Clause = Mapping[str, Any]
_PLURALS = {one: many for tier in (*words.PEOPLE, *words.THINGS) for one, many in tier.items()}
_FORMS = {base: forms for tier in words.VERBS for base, forms in tier.items()}


def noun_phrase(phrase: Phrase) -> list[str]:
    """The words of a noun phrase."""
    noun = _PLURALS[phrase["noun"]] if phrase["plural"] else phrase["noun"]
    said = [phrase["adjective"], noun] if phrase["adjective"] else [noun]
    determiner = phrase["determiner"]
    return [article(said[0]) if determiner == "a" else determiner, *said]


def be(tense: str, plural: bool) -> str:
    """The form of `be` before a participle."""
    forms = {"present": ("is", "are"), "past": ("was", "were"), "perfect": ("has been", "have been")}
    return "will be" if tense == "future" else forms[tense][plural]


def verb(base: str, tense: str, plural: bool) -> str:
    """A verb in the active voice."""
    third, past, participle = _FORMS[base]
    if tense == "perfect":
        return f"{'have' if plural else 'has'} {participle}"
    return {"present": base if plural else third, "past": past, "future": f"will {base}"}[tense]


def active(clause: Clause) -> list[str]:
    """The parts of an active clause: time, agent, verb, object, place."""
    said = verb(clause["verb"], clause["tense"], clause["agent"]["plural"])
    return [_opening(clause), _words(clause["agent"]), said, _words(clause["object"]), clause["place"]]


def passive(clause: Clause) -> list[str]:
    """The parts of the same clause in the passive: time, object, verb, agent, place."""
    said = f"{be(clause['tense'], clause['object']['plural'])} {_FORMS[clause['verb']][2]}"
    return [_opening(clause), _words(clause["object"]), said, f"by {_words(clause['agent'])}", clause["place"]]


def _words(phrase: Phrase) -> str:
    return " ".join(noun_phrase(phrase))


def _opening(clause: Clause) -> str:
    return f"{clause['time']}," if clause["time"] else ""


def joined(parts: Sequence[str]) -> str:
    """Parts with spaces between those that are there."""
    return " ".join(filter(None, parts))


def sentence(clauses: Sequence[str], joint: str) -> str:
    """A sentence of one clause, or of two with what joins them."""
    text = joint.join(clauses)
    return f"{text[0].upper()}{text[1:]}."


def drawn_phrase(rng: random.Random, kind: str, tier: int, adjectives: float) -> dict[str, Any]:
    """A noun phrase of a tier's words; `kind` is people or things."""
    nouns, adjective = (words.PEOPLE, words.TRAITS) if kind == "people" else (words.THINGS, words.QUALITIES)
    plural = rng.random() < 0.5
    return {
        "determiner": rng.choice(words.PLURAL if plural else words.SINGULAR),
        "adjective": rng.choice(adjective[tier]) if rng.random() < adjectives else "",
        "noun": rng.choice(sorted(nouns[tier])),
        "plural": plural,
    }


def drawn_clause(rng: random.Random, tier: int, tense: str, timed: bool, full: float) -> dict[str, Any]:
    """A clause of a tier's words.

    Args:
      rng: random numbers.
      tier: 0 to 2.
      tense: present, past, future or perfect.
      timed: whether it says when.
      full: share of adjectives and places that are there.
    """
    times = words.TIMES[tier].get(tense, ("",))
    return {
        "time": rng.choice(times) if timed else "",
        "tense": tense,
        "agent": drawn_phrase(rng, "people", tier, full),
        "verb": rng.choice(sorted(words.VERBS[tier])),
        "object": drawn_phrase(rng, "things", tier, full),
        "place": rng.choice(words.PLACES[tier]) if rng.random() < full else "",
    }
