"""The next step of a proof, from the statement and the steps before it."""

from __future__ import annotations

import random

from data.document import Document
from data.multitask.task import Example, Task, cut_at_prompt, instruction

_ASK = "Give the next step of this proof.\n"
_PROOF_LEVELS = {"math": "proofs", "reasoning": "proof"}


def _make(document: Document, rng: random.Random) -> Example | None:
    if document.level != _PROOF_LEVELS[document.domain] or (cut := cut_at_prompt(document)) is None:
        return None
    prompt, proof = cut
    steps = [line for line in proof.splitlines(keepends=True) if line.strip()]
    if len(steps) < 2:
        return None
    number = rng.randrange(len(steps))
    return instruction(_ASK + prompt + "".join(steps[:number]), steps[number])


TASK = Task(
    "proof_step", "the next line of a proof from the statement and the lines before", _make, tuple(_PROOF_LEVELS)
)
