"""Records of tabular files, whatever the container: JSONL, JSON, Parquet, CSV, TSV.

A source says what one record means; this module says how records are found, one at a time, and names the place of each
that can't be read.
"""

from __future__ import annotations

import csv
import dataclasses
import functools
import io
import json
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from data import streams
from data.document import Document, Quarantined, Skipped
from data.inputs import TFDS, InputFile

PATTERNS = ("*.jsonl", "*.ndjson", "*.json", "*.parquet", "*.csv", "*.tsv", "*.tfds")
_PARQUET_BATCH = 64
_MAX_CSV_FIELD = 16 << 20

Item = Document | Quarantined | Skipped


@dataclasses.dataclass(frozen=True)
class Record:
    """One record of a file.

    Attributes:
      value: what was decoded; an object is a dict.
      file: where from.
      offset: of its first byte in the decompressed file; in Parquet the row's number.
      num_bytes: bytes of the record as stored in the decompressed file; in Parquet its bytes in memory.
    """

    value: Any
    file: InputFile
    offset: int
    num_bytes: int

    @property
    def label(self) -> str:
        """Names the record inside its input: `a/train.jsonl@1024`."""
        return f"{self.file.name}@{self.offset}"

    def quarantined(self, reason: str, evidence: str) -> Quarantined:
        """This record, set aside."""
        return Quarantined(self.file.name, self.offset, reason, self.num_bytes, evidence)

    def skipped(self, reason: str, evidence: str = "") -> Skipped:
        """This record, read but no document."""
        return Skipped(self.file.name, self.offset, reason, self.num_bytes, evidence)


def reader(convert: Callable[[Record], Iterable[Item]]) -> Callable[..., Iterator[Item]]:
    """A source's `read(file, start=0, end=None)` from what one record means; it can be pickled if `convert` can.

    Args:
      convert: items of one record; an error that a strange record may cause in it quarantines the record.
    """
    return functools.partial(_converted, convert)


def _converted(
    convert: Callable[[Record], Iterable[Item]], file: InputFile, start: int = 0, end: int | None = None
) -> Iterator[Item]:
    for record in records(file, start, end):
        if isinstance(record, Quarantined):
            yield record
            continue
        try:
            yield from list(convert(record))
        except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError) as error:
            yield record.quarantined("malformed", f"{type(error).__name__}: {error}")


def records(file: InputFile, start: int = 0, end: int | None = None) -> Iterator[Record | Quarantined]:
    """Records of a file by its name's ending: see PATTERNS. Only JSONL takes a range of bytes."""
    if file.url.startswith(TFDS):
        yield from _tfds(file)
    elif file.stem.endswith(".parquet"):
        yield from _parquet(file)
    elif file.stem.endswith((".csv", ".tsv")):
        yield from _csv(file, "\t" if file.stem.endswith(".tsv") else ",")
    elif file.stem.endswith(".json"):
        yield from _json(file)
    else:
        yield from _jsonl(file, start, end)


def _jsonl(file: InputFile, start: int, end: int | None) -> Iterator[Record | Quarantined]:
    with file.open() as stream:
        for line in streams.lines(stream, start=start, end=end):
            if line.too_long:
                yield Quarantined(file.name, line.offset, "line_too_long", line.num_bytes, f"{line.num_bytes} bytes")
                continue
            if not line.data.strip():
                continue
            try:
                value = json.loads(streams.decode(line.data))
            except streams.StreamError as error:
                yield Quarantined(file.name, line.offset + error.offset, error.reason, line.num_bytes, error.evidence)
            except (ValueError, RecursionError) as error:
                yield Quarantined(file.name, line.offset, "malformed", line.num_bytes, str(error))
            else:
                yield Record(value, file, line.offset, line.num_bytes)


def _json(file: InputFile) -> Iterator[Record | Quarantined]:
    """An array's elements, or the one object; a file of one object a line is read as such."""
    data = file.read()
    try:
        text = streams.decode(data)
        value = json.loads(text)
    except streams.StreamError as error:
        yield Quarantined(file.name, error.offset, error.reason, len(data), error.evidence)
        return
    except json.JSONDecodeError as error:
        first = data.lstrip().split(b"\n", 1)[0]
        if error.msg == "Extra data" and _is_object(first):
            yield from _jsonl(file, 0, None)
            return
        offset = len(text[: error.pos].encode("utf-8", "surrogatepass"))
        yield Quarantined(file.name, offset, "malformed", len(data), str(error))
        return
    except (ValueError, RecursionError) as error:
        yield Quarantined(file.name, 0, "malformed", len(data), str(error))
        return
    if not isinstance(value, list):
        yield Record(value, file, 0, len(data))
        return
    for number, element in enumerate(value):
        size = len(json.dumps(element, ensure_ascii=False).encode("utf-8", "surrogatepass"))
        yield Record(element, file, number, size)


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _parquet(file: InputFile) -> Iterator[Record | Quarantined]:
    number = 0
    try:
        with file.open_raw() as stream:
            table = pq.ParquetFile(stream)
            for batch in table.iter_batches(batch_size=_PARQUET_BATCH):
                for row in batch.to_pylist():
                    yield Record(row, file, number, _size(row))
                    number += 1
    except (pa.ArrowException, OSError, ValueError) as error:
        yield Quarantined(file.name, number, "malformed", file.size if not number else 0, f"Parquet: {error}")


def _tfds(file: InputFile) -> Iterator[Record]:
    """Examples of a TFDS split in its own order, with texts decoded."""
    import tensorflow_datasets as tfds  # brings TensorFlow

    name, split = file.url.removeprefix(TFDS).rsplit(":", 1)
    builder = tfds.builder_from_directory(name) if os.path.isdir(name) else tfds.builder(name)
    dataset = builder.as_dataset(split=split, shuffle_files=False)
    for number, example in enumerate(tfds.as_numpy(dataset)):
        value = {key: _plain(item) for key, item in example.items()}
        yield Record(value, file, number, _size(value))


def _plain(value: Any) -> Any:
    """Texts, which TFDS gives as bytes, as str; arrays and numbers as Python's."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            return value
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _size(value: Any) -> int:
    if isinstance(value, (bytes, bytearray)):
        return len(value)
    if isinstance(value, str):
        return len(value.encode("utf-8", "surrogatepass"))
    if isinstance(value, dict):
        return sum(map(_size, value.values()))
    if isinstance(value, (list, tuple)):
        return sum(map(_size, value))
    return 0 if value is None else 8


def _csv(file: InputFile, delimiter: str) -> Iterator[Record | Quarantined]:
    """Rows by the header's names. Offsets are those of each record's first byte."""
    csv.field_size_limit(_MAX_CSV_FIELD)
    with file.open() as stream:
        feed = _CsvLines(stream)
        rows = csv.reader(feed, delimiter=delimiter, strict=True)
        header: list[str] | None = None
        while True:
            feed.start_record()
            try:
                row = next(rows)
            except StopIteration:
                return
            except (csv.Error, streams.StreamError) as error:
                reason = getattr(error, "reason", "malformed")
                if header is None:
                    # No later row says what the columns are.
                    yield Quarantined(file.name, feed.record_offset, reason, file.size, f"header: {error}")
                    return
                yield Quarantined(file.name, feed.record_offset, reason, feed.record_bytes, str(error))
                rows = csv.reader(feed, delimiter=delimiter, strict=True)
                continue
            if header is None:
                header = [name.strip() for name in row]
            elif not row:
                continue
            elif len(row) != len(header):
                evidence = f"{len(row)} fields where the header has {len(header)}"
                yield Quarantined(file.name, feed.record_offset, "malformed", feed.record_bytes, evidence)
            else:
                yield Record(dict(zip(header, row)), file, feed.record_offset, feed.record_bytes)


class _CsvLines:
    """Decoded lines for `csv.reader`, counting the bytes of the record that it puts together."""

    def __init__(self, stream: io.BufferedIOBase):
        self._lines = streams.lines(stream)
        self._next_offset = 0
        self.record_offset = self.record_bytes = 0

    def start_record(self) -> None:
        self.record_offset, self.record_bytes = self._next_offset, 0

    def __iter__(self) -> _CsvLines:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.record_bytes += line.num_bytes
        self._next_offset = line.offset + line.num_bytes
        if line.too_long:
            raise streams.StreamError("line_too_long", line.offset, f"{line.num_bytes} bytes")
        return streams.decode(line.data) + "\n"
