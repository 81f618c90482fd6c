"""What every reader of the language sources promises: empty files are told as such, broken ones end in quarantine."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator

from data import streams
from data.document import Quarantined
from data.inputs import InputFile
from data.sources.source import Item


def guarded(read: Callable[[InputFile], Iterator[Item]]) -> Callable[[InputFile], Iterator[Item]]:
    """A `read` that quarantines what is left of a file when its stream breaks, and a file that holds nothing."""

    @functools.wraps(read)
    def guarded_read(file: InputFile) -> Iterator[Item]:
        found = False
        try:
            for item in read(file):
                found = True
                yield item
        except streams.StreamError as error:
            # The rest of a compressed file can't be told in bytes of its content: it is counted as stored.
            size = max(file.size - error.offset, 0)
            yield Quarantined(file.name, error.offset, error.reason, size, error.evidence)
            return
        if not found:
            yield Quarantined(file.name, 0, "empty", file.size, "nothing in the file")

    return guarded_read
