"""A program put right, from a faulty one whose tests fail."""

from __future__ import annotations

import random

from data.document import Document
from data.multitask.task import Example, Task, instruction

_ASK = "This function has a fault. Put it right.\n"


def _make(document: Document, rng: random.Random) -> Example | None:
    bug, end = document.meta.get("bug"), document.meta.get("implementation_end")
    if not isinstance(bug, str) or not isinstance(end, int):
        return None
    return instruction(_ASK + bug, document.text[:end])


TASK = Task("bug_fixing", "a function that passes its tests from a mutant that fails them", _make, ("code",))
