"""Records of web archives: WARC (ISO 28500), which WET and WAT files are too, and ARC, its forerunner; gzip or plain.

Records are framed here, so that a broken one costs no more than itself, and what lies in one (headers, chunks, content
encodings) is fastwarc's.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping

from data import streams
from data.document import Quarantined
from data.formats.gzip_members import MemberStream
from data.inputs import InputFile

# Of larger records the beginning is kept, enough to see what they are: no page is that large.
MAX_BLOCK_BYTES = 64 << 20
_KEPT_OF_LARGE = 64 << 10
_MAX_HEADER_BYTES = 64 << 10
_MAX_LINE = 16 << 10
# A wrong length is looked into for the records it swallowed, which costs up to the block's size each time.
_MAX_SEARCHED = 256
_VERSION = re.compile(rb"WARC/\d{1,2}\.\d{1,2}\s*$")
_SWALLOWED = re.compile(rb"\r?\n\r?\nWARC/\d{1,2}\.\d{1,2}\r?\n")


@dataclasses.dataclass(frozen=True)
class ArchiveRecord:
    """One record.

    Attributes:
      kind: WARC-Type, lower case; of ARC files `response`, and `warcinfo` for the version block.
      url: WARC-Target-URI.
      date: when it was fetched, as YYYY-MM-DDTHH:MM:SSZ.
      headers: WARC headers, names in lower case.
      block: the record's content; of one larger than MAX_BLOCK_BYTES only the beginning.
      offset: of the record's first byte in the decompressed file.
      num_bytes: of header and block.
      is_whole: whether `block` is all of it.
    """

    kind: str
    url: str
    date: str
    headers: Mapping[str, str]
    block: bytes
    offset: int
    num_bytes: int
    is_whole: bool


def starts_record(head: bytes) -> bool:
    """Whether a record of either format starts with these bytes."""
    line = head.split(b"\n", 1)[0]
    return bool(_VERSION.match(line)) or _arc_header(line) is not None


def records(file: InputFile) -> Iterator[ArchiveRecord | Quarantined]:
    """Yields the records of an archive in order.

    A record that is cut short, has no readable header or a wrong length is quarantined, and reading goes on with the
    next one. Offsets are those of the decompressed content; evidence names the gzip member where one is broken.
    """
    with file.open_raw() as raw:
        reader = _Reader(file, MemberStream(raw, starts_record))
        while True:
            start = reader.stream.offset
            try:
                item = reader.next()
            except streams.StreamError as error:
                passed = reader.stream.recover()
                size = max(file.size - reader.stream.member, 0) if passed is None else passed
                yield Quarantined(file.name, start, error.reason, size, error.evidence)
                if passed is None:
                    return
                continue
            if item is None:
                return
            yield item


class _Reader:
    def __init__(self, file: InputFile, stream: MemberStream):
        self.file, self.stream = file, stream
        self._searched = 0

    def next(self) -> ArchiveRecord | Quarantined | None:
        """The next record, or None at the file's end."""
        line = self._next_line()
        if not line:
            return None
        start = self.stream.offset - len(line)
        if arc := _arc_header(line):
            kind, headers, size = arc
            url, date = headers["url"], _iso_date(headers["date"])
        elif _VERSION.match(line):
            headers = self._headers()
            length = headers.get("content-length", "") if headers is not None else ""
            if not (length.isascii() and length.isdigit() and len(length) < 16):
                evidence = "no end of the header" if headers is None else f"Content-Length {length[:40]!r}"
                return self._to_next_record(start, "malformed", evidence)
            size, kind = int(length), headers.get("warc-type", "").lower()
            url, date = headers.get("warc-target-uri", "").strip("<>"), headers.get("warc-date", "")
        else:
            return self._to_next_record(start, "malformed", f"no record starts with {line[:80]!r}")
        block, found = self.stream.read_record(size, size if size <= MAX_BLOCK_BYTES else _KEPT_OF_LARGE)
        is_whole = len(block) == found
        if found < size:
            return self._wrong_length(start, block if is_whole else b"", "truncated", f"{found} of {size} bytes")
        if not self._is_terminated(b"\n" if arc else b"\r\n\r\n"):
            evidence = f"Content-Length {size} does not end at a record's end"
            return self._wrong_length(start, block if is_whole else b"", "malformed", evidence)
        return ArchiveRecord(kind, url, date, headers, block, start, self.stream.offset - start, is_whole)

    def _next_line(self) -> bytes:
        """The next line that is not blank; empty at the end."""
        while (line := self.stream.readline(_MAX_LINE)) and not line.strip():
            pass
        return line

    def _headers(self) -> dict[str, str] | None:
        """Header fields up to the blank line; None where there is none."""
        headers: dict[str, str] = {}
        name, used = "", 0
        while used < _MAX_HEADER_BYTES:
            line = self.stream.readline(_MAX_LINE)
            used += len(line)
            if not line.endswith(b"\n"):
                return None
            text = line.decode("utf-8", "replace").rstrip("\r\n")
            if not text:
                return headers
            if text[0] in " \t" and name:
                headers[name] += " " + text.strip()
                continue
            name, _, value = text.partition(":")
            name = name.strip().lower()
            headers.setdefault(name, value.strip())
        return None

    def _is_terminated(self, mark: bytes) -> bool:
        """Whether the block just read ends where its length says: with the format's mark, or before the next record."""
        after = self.stream.read(len(mark))
        if after in (b"", mark):
            return True
        after += self.stream.read(_MAX_LINE)
        self.stream.unread(after)
        rest = after.lstrip()
        return starts_record(rest) if rest else len(after) <= _MAX_LINE

    def _wrong_length(self, start: int, block: bytes, reason: str, evidence: str) -> Quarantined:
        """A record whose length is wrong, up to the first record that it swallowed, or up to the next one."""
        self._searched += 1
        found = _SWALLOWED.search(block) if self._searched <= _MAX_SEARCHED else None
        if found:
            self.stream.unread(block[found.start() :])
            return Quarantined(self.file.name, start, reason, self.stream.offset - start, evidence)
        return self._to_next_record(start, reason, evidence)

    def _to_next_record(self, start: int, reason: str, evidence: str) -> Quarantined:
        """Passes over what belongs to no record."""
        while line := self.stream.readline(_MAX_LINE):
            if starts_record(line):
                self.stream.unread(line)
                break
        return Quarantined(self.file.name, start, reason, self.stream.offset - start, evidence)


def _arc_header(line: bytes) -> tuple[str, dict[str, str], int] | None:
    """Kind, fields and length of an ARC URL-record line, of version 1 or 2; None for any other line.

    Both begin with URL, address, date and type and end with the length (Burner and Kahle 1996); URLs and types may hold
    blanks.
    """
    parts = line.strip().split(b" ") if len(line) < _MAX_LINE and b":" in line[:64] else []
    date = next((n for n, part in enumerate(parts) if n >= 2 and part.isdigit() and len(part) in (12, 14)), 0)
    if not date or date + 2 > len(parts) - 1 or not parts[-1].isdigit() or len(parts[-1]) > 15:
        return None
    url = b" ".join(parts[: date - 1]).decode("utf-8", "replace")
    kind = "warcinfo" if url.startswith("filedesc:") else "response"
    fields = {"url": url, "date": parts[date].decode(), "content-type": parts[date + 1].decode("utf-8", "replace")}
    return kind, fields, int(parts[-1])


def _iso_date(date: str) -> str:
    """`20140216050221` as `2014-02-16T05:02:21Z`."""
    date = date.ljust(14, "0")
    return f"{date[:4]}-{date[4:6]}-{date[6:8]}T{date[8:10]}:{date[10:12]}:{date[12:14]}Z"
