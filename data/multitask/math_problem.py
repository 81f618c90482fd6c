"""The worked solution of a problem, from the problem."""

from __future__ import annotations

import random

from data.document import Document
from data.multitask.task import Example, Task, cut_at_prompt, instruction


def _make(document: Document, rng: random.Random) -> Example | None:
    if (cut := cut_at_prompt(document)) is not None:
        return instruction(*cut)
    question = document.meta.get("question")
    if not isinstance(question, str):
        return None
    _, found, solution = document.text.partition(question)
    return instruction(question, solution) if found else None


TASK = Task("math_problem", "solution and answer from the problem", _make, ("math",))
