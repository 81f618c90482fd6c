"""Generated problems of language, each with a certificate that an independent reader of the text replays.

Reading comprehension, summaries, conversations, translation between four languages, figures and words, corrections of
grammar, and the voices of the verb. `generate(level, seed, index)` is a pure function. What a family makes is measured
by `data.levels.language` and drawn anew until it is of the level that was asked for.
"""

from __future__ import annotations

import dataclasses
import random

from data.document import Document, content_id
from data.domains import LEVELS
from data.generators import language_checks
from data.generators.language_corrections import correction
from data.generators.language_dialogues import dialogue
from data.generators.language_reports import summary
from data.generators.language_stories import comprehension
from data.generators.language_tasks import Family, Task
from data.generators.language_translation import figures, translation
from data.generators.language_voice import voice
from data.levels.language import language_level, language_measures

NAME = "language_problems"
DOMAIN = "language"
LICENCE = "CC0-1.0"
FAMILIES: tuple[Family, ...] = (comprehension, summary, dialogue, translation, figures, correction, voice)
TRIES = 64


def draw(family: Family, level: str, rng: random.Random) -> Task:
    """A task of a family that is measured as of the level; after TRIES that were not, the last one.

    Raises:
      ValueError: an unknown level.
    """
    index = LEVELS[DOMAIN].index(level)
    for _ in range(TRIES):
        task = family(rng, index)
        if language_level(language_measures(task.text)) == level:
            break
    return task


def generate(level: str, seed: int, index: int) -> Document:
    """The problem of that level, seed and index.

    Raises:
      ValueError: an unknown level.
    """
    rng = random.Random(f"{DOMAIN}/{level}/{seed}/{index}")
    task = draw(rng.choice(FAMILIES), level, rng)
    text, end = task.text, len(task.prompt)
    certificate = {"answer": _answer(text, end), "check": task.check, "text_id": content_id(text), **task.facts}
    meta = {"certificate": certificate, **task.form} | ({"prompt_end": end} if end else {})
    return Document(text, DOMAIN, f"{NAME}:{level}/{seed}/{index}", LICENCE, level, meta=meta)


def _answer(text: str, end: int) -> str:
    """What is behind the prompt; of a conversation, which has none, the assistant's last words."""
    return text[end:] if end else text.rsplit("\nAssistant: ", 1)[-1]


def answered(document: Document, completion: str) -> Document | None:
    """The problem with another completion, which the check reads as it reads the generator's own; not for conversations."""
    meta, end = document.meta, document.meta.get("prompt_end", 0)
    if not end:
        return None
    text, before = document.text[:end] + completion, document.text[end:]
    form = {name: completion if value == before else value for name, value in meta.items()}
    certificate = meta["certificate"] | {"answer": completion, "text_id": content_id(text)}
    return dataclasses.replace(document, text=text, meta=form | {"certificate": certificate})


def verify(document: Document) -> bool:
    """Whether the certificate belongs to this very text, and the text, read anew, is what it should be."""
    certificate, end, text = document.meta.get("certificate"), document.meta.get("prompt_end", 0), document.text
    if not isinstance(certificate, dict) or certificate.get("text_id") != content_id(text):
        return False
    if not isinstance(end, int) or certificate.get("answer") != _answer(text, end):
        return False
    return language_checks.holds(certificate, text[:end], text[end:], document.meta)
