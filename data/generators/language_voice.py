"""Passages in the active voice to be put into the passive, and the other way round."""

from __future__ import annotations

import random

from data.generators import language_english as english
from data.generators.language_english_words import JOINTS
from data.generators.language_tasks import Task

# By level: tiers of the words, sentences, share with two clauses, share of adjectives and places.
_SHAPES = (
    ((0,), (2, 5), 0.2, 0.4),
    ((0, 0, 1), (3, 6), 0.6, 0.7),
    ((0, 1), (3, 6), 0.7, 0.6),
    ((1, 1, 1, 2), (2, 4), 0.7, 0.6),
    ((2, 2, 1), (2, 4), 0.9, 0.7),
)
VOICES = ("active", "passive")
_ASK = (
    "Put this text into the {} voice.",
    "Rewrite the text below in the {} voice.",
    "Say the same in the {} voice.",
    "Turn each clause into the {} voice.",
)


def voice(rng: random.Random, level: int) -> Task:
    """A passage, to be said in the other voice."""
    tiers, (least, most), joined, full = _SHAPES[level]
    to_passive = rng.random() < 0.6
    write = (english.active, english.passive) if to_passive else (english.passive, english.active)
    said: tuple[list[str], list[str]] = ([], [])
    passage = []
    for _ in range(rng.randint(least, most)):
        tier, tense = rng.choice(tiers), rng.choice(("present", "past", "future", "perfect", "past"))
        joint = rng.choice(JOINTS[tier]) if rng.random() < joined else ""
        clauses = [english.drawn_clause(rng, tier, tense, timed=rng.random() < 0.5, full=full)]
        if joint:
            clauses.append(english.drawn_clause(rng, tier, tense, timed=False, full=full))
        for sentences, parts in zip(said, write):
            sentences.append(english.sentence([english.joined(parts(clause)) for clause in clauses], joint))
        passage.append({"joint": joint, "clauses": clauses})
    given, wanted = (" ".join(sentences) for sentences in said)
    names = VOICES if to_passive else VOICES[::-1]
    heads = [name.capitalize() for name in names]
    prompt = f"{rng.choice(_ASK).format(names[1])}\n{heads[0]}: {given}\n{heads[1]}: "
    return Task(prompt, wanted, "voice", {"voice": names[1], "passage": passage})
