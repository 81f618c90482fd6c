"""English texts with mistakes of grammar that are known, to be corrected.

A right text is drawn first, as words with what may go wrong with each; then some of them do. The certificate holds the
mistakes as `[start, wrong, right]`, with `start` the character in the wrong text.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Mapping, Sequence
from typing import Any

from data.generators import language_english as english
from data.generators import language_english_words as words
from data.generators.language_tasks import Task

# By level: tiers of the words, sentences, share with two clauses, share of adjectives and places.
_SHAPES = (
    ((0,), (2, 6), 0.2, 0.4),
    ((0, 0, 1), (3, 7), 0.6, 0.7),
    ((0, 1), (3, 7), 0.7, 0.7),
    ((1, 1, 1, 2), (2, 4), 0.7, 0.5),
    ((2, 2, 1), (2, 4), 0.9, 0.7),
)
_ASK = (
    "Correct the grammar of this text.",
    "Put the mistakes of grammar right.",
    "The following text has mistakes; write it correctly.",
    "Find the mistakes in this text and write it anew without them.",
)
_PLURALS = {one: many for tier in (*words.PEOPLE, *words.THINGS) for one, many in tier.items()}


@dataclasses.dataclass(frozen=True)
class Piece:
    """Some words of a right text, and what may stand in their place in a wrong one."""

    right: str
    wrong: tuple[str, ...] = ()


def _phrase(phrase: Mapping[str, Any]) -> list[Piece]:
    determiner, *rest = english.noun_phrase(phrase)
    noun, singular = rest[-1], phrase["noun"]
    if determiner in ("a", "an"):
        first = Piece(determiner, ("a" if determiner == "an" else "an",))
    else:
        first = Piece(determiner, ("much",) if determiner == "many" else ())
    # Only where the determiner tells the number can the noun be seen to be wrong.
    counted = phrase["plural"] and determiner in ("two", "three", "several", "many", "few")
    regular = f"{singular}s" if _PLURALS[singular] != f"{singular}s" else singular
    return [first, *map(Piece, rest[:-1]), Piece(noun, (regular,) if counted else ())]


def _verb(clause: Mapping[str, Any]) -> Piece:
    base, tense, plural = clause["verb"], clause["tense"], clause["agent"]["plural"]
    right = english.verb(base, tense, plural)
    if tense == "past":
        # Without a time that says past, the present would be right as well.
        return Piece(right, (english.verb(base, "present", plural),) if clause["time"] else ())
    if tense == "future":
        return Piece(right, (f"will {english.verb(base, 'present', False)}",))
    # `The boys sees` may be meant for one boy: only another determiner tells that the verb is wrong.
    return Piece(right, (english.verb(base, "present", not plural),) if clause["agent"]["determiner"] != "the" else ())


def _deed(rng: random.Random, tier: int, tense: str, timed: bool, full: float) -> list[Piece]:
    clause = english.drawn_clause(rng, tier, tense, timed, full)
    pieces = [Piece(f"{clause['time']},")] if clause["time"] else []
    pieces += _phrase(clause["agent"])
    if rng.random() < 0.3:  # a noun between subject and verb, of the other number
        other = english.drawn_phrase(rng, "people", tier, 0.0)
        other |= {"plural": not clause["agent"]["plural"], "determiner": "the"}
        pieces += [Piece("next to"), *_phrase(other)]
    pieces += [_verb(clause), *_phrase(clause["object"])]
    if rng.random() < 0.3:
        subject, thing = rng.choice(sorted(words.PRONOUNS.items()))
        pieces += [Piece("for"), Piece(thing, (subject,))]
    return pieces + ([Piece(clause["place"])] if clause["place"] else [])


def _comparison(rng: random.Random, tier: int, tense: str) -> list[Piece]:
    first, second = (english.drawn_phrase(rng, "things", tier, 0.0) for _ in range(2))
    plain, comparative = rng.choice(sorted(words.COMPARATIVES[tier].items()))
    wrong = (plain,) if comparative.startswith("more ") else (f"more {comparative}", plain)
    form = {"present": ("is", "are"), "past": ("was", "were")}[tense]
    said, other = form if not first["plural"] else form[::-1]
    link = Piece(said, (other,) if first["determiner"] != "the" else ())
    return [*_phrase(first), link, Piece(comparative, wrong), Piece("than"), *_phrase(second)]


def _clauses(rng: random.Random, tier: int, joined: float, full: float) -> list[Piece]:
    """A sentence's pieces, without its full stop."""
    tense = rng.choice(words.TENSES)
    pieces = _deed(rng, tier, tense, rng.random() < 0.6, full)
    if rng.random() < joined:
        joint = Piece(rng.choice(words.JOINTS[tier]).strip())
        if tense != "future" and rng.random() < 0.4:
            return [*pieces, joint, *_comparison(rng, tier, tense)]
        return [*pieces, joint, *_deed(rng, tier, tense, False, full)]
    return pieces


def _written(pieces: Sequence[Piece], chosen: Mapping[int, str]) -> tuple[str, list[list[Any]]]:
    """A sentence with the chosen mistakes, and where they are."""
    text, mistakes = "", []
    for number, piece in enumerate(pieces):
        said = chosen.get(number, piece.right)
        # A joint brings its own comma, which stands at the word before.
        text += "" if not text or said.startswith(",") else " "
        first = text == ""
        if number in chosen:
            shown = [part[0].upper() + part[1:] if first else part for part in (said, piece.right)]
            mistakes.append([len(text), *shown])
        text += said
    return f"{text[0].upper()}{text[1:]}.", mistakes


def correction(rng: random.Random, level: int) -> Task:
    """A text with one to four mistakes, and the same without them."""
    tiers, (least, most), joined, full = _SHAPES[level]
    places: list[tuple[int, int]] = []
    while not places:
        sentences = [_clauses(rng, rng.choice(tiers), joined, full) for _ in range(rng.randint(least, most))]
        places = [(s, p) for s, pieces in enumerate(sentences) for p, piece in enumerate(pieces) if piece.wrong]
    marked = set(rng.sample(places, min(rng.randint(1, 4), len(places))))
    given, wanted, mistakes = "", "", []
    for s, pieces in enumerate(sentences):
        chosen = {p: rng.choice(piece.wrong) for p, piece in enumerate(pieces) if (s, p) in marked}
        text, found = _written(pieces, chosen)
        mistakes += [[start + len(given), wrong, right] for start, wrong, right in found]
        given += f"{text} "
        wanted += f"{_written(pieces, {})[0]} "
    prompt = f"{rng.choice(_ASK)}\nText: {given.strip()}\nCorrected: "
    return Task(prompt, wanted.strip(), "correction", {"mistakes": mistakes})
