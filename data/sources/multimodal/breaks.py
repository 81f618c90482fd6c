"""Files that break while they are read: what came before stays, and the rest is set aside with its place.

Evidence quotes what strangers wrote, so it is made clean text here, once for all readers.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator

from data import streams
from data.document import Document, Quarantined, Skipped
from data.inputs import InputFile
from data.sources.multimodal.fields import clean_text
from data.sources.source import Item


def _quotable(item: Quarantined | Skipped) -> Quarantined | Skipped:
    evidence = clean_text(item.evidence)
    return item if evidence == item.evidence else dataclasses.replace(item, evidence=evidence)


def set_aside(read: Callable[[InputFile], Iterator[Item]]) -> Callable[[InputFile], Iterator[Item]]:
    """A reader that ends with a Quarantined where its file's compression, size or storage breaks."""

    @functools.wraps(read)
    def reading(file: InputFile) -> Iterator[Item]:
        try:
            for item in read(file):
                yield item if isinstance(item, Document) else _quotable(item)
        except streams.StreamError as error:
            rest = max(file.size - error.offset, 0)
            yield Quarantined(file.name, error.offset, error.reason, rest, error.evidence)
        except OSError as error:
            yield Quarantined(file.name, 0, "unreadable", file.size, f"{type(error).__name__}: {error}"[:500])

    return reading
