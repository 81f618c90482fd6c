"""The abstract or summary, from the text without it."""

from __future__ import annotations

import random
import re

from data.document import Document
from data.multitask.task import Example, Task, instruction

_ABSTRACT = re.compile(r"^## Abstract\n+(.+?)\n+(?=## |# )", re.MULTILINE | re.DOTALL)
_ASK = "Summarise this text.\n"
# Longer texts are cut: what an abstract says stands mostly at the beginning.
MAX_CHARACTERS = 12_000


def _make(document: Document, rng: random.Random) -> Example | None:
    summary = document.meta.get("summary")
    if isinstance(summary, str) and summary and summary in document.text:
        rest = document.text.replace(summary, "", 1)
    elif (found := _ABSTRACT.search(document.text)) is not None:
        summary, rest = found.group(1), document.text[: found.start()] + document.text[found.end() :]
    else:
        return None
    return instruction(_ASK + rest.strip()[:MAX_CHARACTERS], summary)


TASK = Task("summarising", "a summary from the text that it sums up", _make, ("language", "reasoning", "math"))
