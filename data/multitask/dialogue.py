"""What the assistant says, from what was said before."""

from __future__ import annotations

import random

from data.document import Document
from data.multitask.task import Example, Part, Task


def _make(document: Document, rng: random.Random) -> Example | None:
    spans = document.meta.get("assistant_spans")
    if not isinstance(spans, list) or not spans:
        return None
    parts, at = [], 0
    for start, end in spans:
        if not at < start < end <= len(document.text):
            return None
        parts += [
            Part(document.text[at:start].strip(), learned=False, control="[INST]"),
            Part(document.text[start:end].strip(), control="[/INST]"),
        ]
        at = end
    return tuple(parts)


TASK = Task(
    "dialogue", "each answer of the assistant from the turns before it", _make, ("language", "code", "reasoning")
)
