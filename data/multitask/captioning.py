"""What a picture, a clip or a recording shows, after the medium itself."""

from __future__ import annotations

import random

from data.document import Document
from data.multitask.task import Example, Task, cut_at_prompt, instruction

_ASKS = {"image": "Describe the picture.", "application/x-npy": "Describe the clip."}


def _make(document: Document, rng: random.Random) -> Example | None:
    kind = document.media_type if document.media_type in _ASKS else document.media_type.partition("/")[0]
    caption = document.meta.get("caption")
    if not isinstance(caption, str):
        (_, said) = cut_at_prompt(document) or ("", document.text)
        caption = said.partition("\n")[0]
    return instruction(_ASKS[kind], caption) if kind in _ASKS else None


TASK = Task("captioning", "the caption of a picture or clip, whose patches stand before it", _make, ("multimodal",))
