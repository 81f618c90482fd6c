"""Next tokens of the whole document."""

from __future__ import annotations

import random

from data.document import Document
from data.multitask.task import Example, Part, Task


def _make(document: Document, rng: random.Random) -> Example:
    return (Part(document.text),)


TASK = Task("causal_lm", "every token of the text from those before it", _make)
