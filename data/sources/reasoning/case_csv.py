r"""CourtListener's bulk CSV, which PostgreSQL wrote with `ESCAPE '\'`: inside quotes `\"` is a quote and `\\` a
backslash.

Python's csv module takes a backslash before any other character away and so damages texts; files that were written
again by other programs double their quotes instead. Both are read here, one record at a time. After a record that
breaks, reading goes on at the next line that begins as records do, with a number in the first column.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

from data import streams
from data.document import Quarantined
from data.formats.rows import Record
from data.inputs import InputFile

_MAX_RECORD = 64 << 20
_SNIFFED = 1 << 20
_ESCAPED = re.compile(rb"\\.")
_START = re.compile(rb'"?\d+"?,')
# A field that is quoted, or one that isn't. The loops are unrolled: fields hold megabytes.
_FIELD = {
    "\\": re.compile(r'"([^"\\]*(?:\\.[^"\\]*)*)"(?=,|\n\Z)|([^",\n]*)(?=,|\n\Z)', re.DOTALL),
    '"': re.compile(r'"([^"]*(?:""[^"]*)*)"(?=,|\n\Z)|([^",\n]*)(?=,|\n\Z)', re.DOTALL),
}


@dataclasses.dataclass
class _Raw:
    """Lines of one record."""

    offset: int
    data: bytearray
    num_bytes: int = 0
    is_too_long: bool = False


def records(file: InputFile) -> Iterator[Record | Quarantined]:
    """Records by the header's names; offsets are those of their first bytes."""
    escape = _escape_of(file)
    header: list[str] | None = None
    with file.open() as stream:
        for raw in _raw_records(stream, escape):
            size = raw.num_bytes
            if raw.is_too_long:
                yield Quarantined(file.name, raw.offset, "too_long", size, f"{size} bytes in a record")
                continue
            try:
                fields = _fields(streams.decode(bytes(raw.data)), escape)
            except streams.StreamError as error:
                yield Quarantined(file.name, raw.offset + error.offset, error.reason, size, error.evidence)
                continue
            if header is None:
                header = [] if fields is None else [name.strip() for name in fields]
            elif fields is None:
                yield Quarantined(file.name, raw.offset, "malformed", size, "quotes that don't pair")
            elif len(fields) != len(header):
                evidence = f"{len(fields)} fields where the header has {len(header)}"
                yield Quarantined(file.name, raw.offset, "malformed", size, evidence)
            else:
                yield Record(dict(zip(header, fields, strict=True)), file, raw.offset, size)


def _escape_of(file: InputFile) -> str:
    """What escapes a quote: a backslash, unless the beginning of the file makes more sense with quotes doubled."""
    with file.open() as stream:
        head = stream.read(_SNIFFED)
    with_backslash = len(re.findall(rb'[^\\](?:\\\\)*\\"(?!,|\r?\n)', head))
    doubled = len(re.findall(rb'[^,\n"]""[^,\r\n"]', head))
    return '"' if doubled > with_backslash else "\\"


def _raw_records(stream, escape: str) -> Iterator[_Raw]:
    """Lines put together until all quotes are closed."""
    raw: _Raw | None = None
    is_open = False
    for line in streams.lines(stream):
        begins = bool(_START.match(line.data))
        if raw is not None and raw.is_too_long and begins:
            yield raw
            raw, is_open = None, False
        if raw is None:
            if not line.data.strip():
                continue
            raw = _Raw(line.offset, bytearray())
        raw.num_bytes += line.num_bytes
        if raw.is_too_long or line.too_long or raw.num_bytes > _MAX_RECORD:
            raw.is_too_long, raw.data = True, bytearray()
            continue
        raw.data += line.data + b"\n"
        is_open = _is_open(line.data, is_open, escape)
        if not is_open:
            yield raw
            raw = None
    if raw is not None:
        yield raw


def _is_open(data: bytes, is_open: bool, escape: str) -> bool:
    """Whether a quote is open after the line."""
    if escape == "\\" and b"\\" in data:
        data = _ESCAPED.sub(b"", data)
    return (data.count(b'"') + is_open) % 2 == 1


def _fields(text: str, escape: str) -> list[str] | None:
    """The fields of a record; None where quotes don't pair."""
    field = _FIELD[escape]
    fields, position = [], 0
    while True:
        match = field.match(text, position)
        if match is None:
            return None
        quoted = match[1]
        if quoted is None:
            fields.append(match[2])
        elif escape == "\\":
            fields.append(re.sub(r'\\(["\\])', r"\1", quoted))
        else:
            fields.append(quoted.replace('""', '"'))
        position = match.end()
        if position == len(text) - 1:
            return fields
        position += 1
