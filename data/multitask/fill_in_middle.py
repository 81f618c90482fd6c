"""A hole in a program, from what stands before and after it.

Bavarian et al. 2022 (arXiv:2207.14255): two places drawn evenly among the characters cut the text in three, and all three
are learned. The order and the control symbols are those of Mistral's code models: [SUFFIX] suffix [PREFIX] prefix middle.
"""

from __future__ import annotations

import random

from data.document import Document
from data.multitask.task import Example, Part, Task

MIN_CHARACTERS = 60


def _make(document: Document, rng: random.Random) -> Example | None:
    text = document.text
    if len(text) < MIN_CHARACTERS:
        return None
    first, second = sorted(rng.sample(range(1, len(text)), 2))
    return Part(text[second:], control="[SUFFIX]"), Part(text[:first], control="[PREFIX]"), Part(text[first:second])


TASK = Task("fill_in_middle", "the middle of a program from its two ends", _make, ("code",))
