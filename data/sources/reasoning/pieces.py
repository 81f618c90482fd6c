"""What the readers of reasoning sources share: whole small files and archive members, and text made clean.

A file that is held whole, or each member of an archive of such files, is a `Piece`; a reader says what one piece means.
Texts from JSON may hold NUL or half a surrogate pair, which no text file can; `clean` is the one place that repairs
them.
"""

from __future__ import annotations

import dataclasses
import functools
import html
import re
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from data import archives, streams
from data.document import Document, Quarantined, Skipped
from data.formats import plain_text
from data.formats.rows import Record
from data.inputs import InputFile

Item = Document | Quarantined | Skipped

MAX_WHOLE_BYTES = 64 << 20
ARCHIVES = ("*.zip", "*.tar", "*.tgz", "*.tbz2", "*.txz")

_SPACES = re.compile(r"\s+")


def clean(text: str) -> str:
    """Text as documents hold it, see `plain_text.clean`, with ordinary blanks for no-break ones."""
    return plain_text.clean(text.replace("\u00a0", " "))


def line(value: object) -> str:
    """A value as one clean line, markup's entities resolved; "" for what is no string or number."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return ""
    return _SPACES.sub(" ", clean(html.unescape(str(value)))).strip()


def joined(parts: Iterable[str], separator: str = "\n\n") -> str:
    """The parts that are not empty."""
    return separator.join(part for part in parts if part)


# What converting a record whose values are of other types or sizes than they should be may raise.
BROKEN = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)


@dataclasses.dataclass(frozen=True)
class Piece:
    """A whole document as stored: a file, or one member of an archive.

    Attributes:
      file: the file it lies in.
      name: of the file, or `archive!member`.
      data: its decompressed bytes.
      offset: 0, or where the member lies in the archive.
    """

    file: InputFile
    name: str
    data: bytes
    offset: int = 0

    def quarantined(self, reason: str, evidence: str, offset: int = 0) -> Quarantined:
        """This piece, set aside."""
        where = self.offset if self.name != self.file.name else offset
        told = evidence if self.name == self.file.name else f"{self.name}: {evidence}"
        return Quarantined(self.file.name, where, reason, len(self.data), told)

    def skipped(self, reason: str, evidence: str = "") -> Skipped:
        """This piece, read but no document."""
        return Skipped(self.file.name, self.offset, reason, len(self.data), evidence or self.name)


Place = TypeVar("Place", Piece, Record)


def pieces(file: InputFile, limit: int = MAX_WHOLE_BYTES) -> Iterator[Piece | Quarantined]:
    """A file as one piece, or an archive's members as one each."""
    if not file.matches(ARCHIVES):
        yield Piece(file, file.name, file.read(limit))
        return
    for member in archives.members(file, limit):
        if isinstance(member, Quarantined):
            yield member
        else:
            yield Piece(file, f"{file.name}!{member.name}", member.data, member.offset)


def attempted(place: Place, convert: Callable[[Place], Iterable[Item]]) -> list[Item]:
    """The items of one record or piece; an error that broken content provokes quarantines it."""
    try:
        return list(convert(place))
    except streams.StreamError as error:
        if isinstance(place, Piece):
            return [place.quarantined(error.reason, error.evidence, error.offset)]
        return [place.quarantined(error.reason, error.evidence)]
    except BROKEN as error:
        return [place.quarantined("malformed", f"{type(error).__name__}: {error}")]


def recorded(records: Iterable[Record | Quarantined], convert: Callable[[Record], Iterable[Item]]) -> Iterator[Item]:
    """The items of a file of records from what one record means."""
    for record in records:
        if isinstance(record, Quarantined):
            yield record
        else:
            yield from attempted(record, convert)


def converted(file: InputFile, convert: Callable[[Piece], Iterable[Item]]) -> Iterator[Item]:
    """The items of a file from what one piece of it means."""
    for piece in pieces(file):
        if isinstance(piece, Quarantined):
            yield piece
            continue
        yield from attempted(piece, convert)


def guarded(read: Callable[..., Iterator[Item]]) -> Callable[..., Iterator[Item]]:
    """A reader that tells of an empty file, and whose stream's failure (truncated, corrupt, bomb) is its last item."""

    @functools.wraps(read)
    def guard(file: InputFile, start: int = 0, end: int | None = None) -> Iterator[Item]:
        found = False
        try:
            for item in read(file, start, end) if start or end is not None else read(file):
                found = True
                yield item
        except streams.StreamError as error:
            yield Quarantined(file.name, error.offset, error.reason, max(file.size - error.offset, 0), error.evidence)
            return
        if not found and not start and end is None:
            yield Quarantined(file.name, 0, "empty", file.size, "nothing in the file")

    return guard
