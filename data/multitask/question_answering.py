"""The answer, from the question and what it is asked about."""

from __future__ import annotations

import random
import re

from data.document import Document
from data.multitask.task import Example, Task, cut_at_prompt, instruction

_PAIR = re.compile(r"^Question: (.+)\nAnswer: (.+)$", re.MULTILINE)


def _make(document: Document, rng: random.Random) -> Example | None:
    pairs = list(_PAIR.finditer(document.text))
    if pairs:
        context, chosen = document.text[: pairs[0].start()], rng.choice(pairs)
        return instruction(f"{context}Question: {chosen.group(1)}", chosen.group(2))
    # Conversations, summaries and translations have their own tasks.
    if {"turns", "assistant_spans", "summary", "target_text"} & document.meta.keys():
        return None
    if (cut := cut_at_prompt(document)) is not None:
        return instruction(*cut)
    question, answer = document.meta.get("question"), document.meta.get("answer")
    if not isinstance(question, str) or not isinstance(answer, (str, int, float)) or question not in document.text:
        return None
    context = document.text[: document.text.index(question)]
    return instruction(context + question, str(answer))


TASK = Task(
    "question_answering", "the answer from a question and its context", _make, ("language", "reasoning", "multimodal")
)
