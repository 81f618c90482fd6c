"""A text in another language, from the text and the language's name."""

from __future__ import annotations

import random

from data.document import Document
from data.multitask.task import Example, Task, instruction

_NAMES = {
    **{
        "cs": "Czech",
        "da": "Danish",
        "de": "German",
        "el": "Greek",
        "en": "English",
        "es": "Spanish",
        "et": "Estonian",
    },
    **{"fi": "Finnish", "fr": "French", "hu": "Hungarian", "it": "Italian", "ja": "Japanese", "ko": "Korean"},
    **{"nl": "Dutch", "pl": "Polish", "pt": "Portuguese", "ro": "Romanian", "ru": "Russian", "sv": "Swedish"},
    **{"tr": "Turkish", "uk": "Ukrainian", "zh": "Chinese"},
}


def _make(document: Document, rng: random.Random) -> Example | None:
    sides = [
        (document.meta.get(f"{side}_text"), document.meta.get(f"{side}_language")) for side in ("source", "target")
    ]
    if not all(isinstance(value, str) and value for side in sides for value in side):
        return None
    (given, _), (wanted, language) = sides if rng.random() < 0.5 else sides[::-1]
    name = _NAMES.get(language.split("-")[0].lower(), language)
    return instruction(f"Translate to {name}.\n{given}", wanted)


TASK = Task("translation", "a text in another language, in either direction", _make, ("language",))
