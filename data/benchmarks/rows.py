"""Rows of a benchmark's files, whatever their format; what can't be read is told by file and row.

.jsonl, .json, .csv, .tsv (each also .gz) and .parquet. A row is a dict; its place is `file:row`, rows counted from 1.
"""

from __future__ import annotations

import csv
import dataclasses
import gzip
import hashlib
import io
import json
import pathlib
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

SUFFIXES = (".jsonl", ".json", ".csv", ".tsv", ".parquet")
_CSV_FIELD_BYTES = 1 << 27


class BenchmarkDataError(ValueError):
    """Data that is there and can't be used; the message names the file, the row and the fix."""


class MissingDataError(FileNotFoundError):
    """Data that isn't there; the message says where it was looked for and what to put there."""


@dataclasses.dataclass(frozen=True)
class Row:
    """One row.

    Attributes:
      fields: its columns.
      place: `file:row`, for messages.
    """

    fields: Mapping[str, Any]
    place: str

    def __getitem__(self, column: str) -> Any:
        return self.fields[column]


def find(data_dir: pathlib.Path, *globs: str) -> list[pathlib.Path]:
    """Files of a data folder that match any of the globs, sorted; of `x.jsonl` and `x.jsonl.gz` the first alone.

    Raises:
      MissingDataError: none does.
    """
    found = {path for glob in globs for path in data_dir.glob(glob) if path.is_file() and _format(path)}
    kept = sorted(path for path in found if not (path.suffix == ".gz" and path.with_suffix("") in found))
    if not kept:
        raise MissingDataError(f"{data_dir} holds none of {', '.join(globs)}; put the benchmark's files there")
    return kept


def _format(path: pathlib.Path) -> str | None:
    suffixes = [suffix for suffix in path.suffixes if suffix != ".gz"]
    return suffixes[-1] if suffixes and suffixes[-1] in SUFFIXES else None


def _text(path: pathlib.Path) -> str:
    try:
        data = path.read_bytes()
        data = gzip.decompress(data) if path.suffix == ".gz" else data
        return data.decode("utf-8-sig")
    except (OSError, EOFError, zlib.error) as error:
        raise BenchmarkDataError(f"{path} can't be read: {error}; fetch it again") from error
    except UnicodeDecodeError as error:
        raise BenchmarkDataError(f"{path}: byte {error.start} is not UTF-8; fetch it again") from error


def read(
    path: pathlib.Path,
    key: str = "",
    columns: Sequence[str] = (),
    mend: Callable[[list[str]], list[str] | None] | None = None,
) -> list[Row]:
    """All rows of a file.

    Args:
      path: the file.
      key: in a .json, the member that holds the rows; "" where the rows are the file's only value.
      columns: names of the columns of a .csv or .tsv without a header.
      mend: for a .csv or .tsv whose authors' own file is known to be broken: the right values of a row of the wrong
        width, or None where it can't tell.

    Raises:
      BenchmarkDataError: it can't be read, is empty, or a row is no object.
    """
    reader = {".jsonl": _json_lines, ".json": _json, ".csv": _table, ".tsv": _table, ".parquet": _parquet}[
        _format(path)
    ]
    found = reader(path, key, columns, mend) if reader is _table else reader(path, key, columns)
    rows = [Row(fields, f"{path}:{number}") for number, fields in enumerate(found, 1)]
    if not rows:
        raise BenchmarkDataError(f"{path} is empty; fetch it again")
    return rows


def _json_lines(path: pathlib.Path, key: str, columns: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    for number, line in enumerate(_text(path).split("\n"), 1):
        if not line.strip():
            continue
        try:
            fields = json.loads(line)
        except ValueError as error:
            raise BenchmarkDataError(f"{path}:{number} is no JSON ({error}); fetch the file again") from error
        if not isinstance(fields, dict):
            raise BenchmarkDataError(f"{path}:{number} is no object; one object a line is wanted")
        yield fields


def value(path: pathlib.Path) -> Any:
    """The one value of a .json.

    Raises:
      BenchmarkDataError: it can't be read.
    """
    try:
        return json.loads(_text(path))
    except json.JSONDecodeError as error:
        raise BenchmarkDataError(f"{path} is no JSON ({error}); fetch it again") from error


def _json(path: pathlib.Path, key: str, columns: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    try:
        read_value = value(path)
    except BenchmarkDataError as error:
        # Some benchmarks (POPE) name files of one object a line .json.
        if isinstance(error.__cause__, json.JSONDecodeError) and error.__cause__.msg == "Extra data":
            yield from _json_lines(path, key, columns)
            return
        raise
    if key:
        if not isinstance(read_value, dict) or key not in read_value:
            raise BenchmarkDataError(f"{path} has no member {key!r}; is it the benchmark's own file?")
        read_value = read_value[key]
    if not isinstance(read_value, list):
        raise BenchmarkDataError(f"{path}: {key or 'its value'} is no list of rows; is it the benchmark's own file?")
    for number, fields in enumerate(read_value, 1):
        if isinstance(fields, list) and columns and len(fields) == len(columns):
            fields = dict(zip(columns, fields))
        if not isinstance(fields, dict):
            raise BenchmarkDataError(f"{path}:{number} is no object; is it the benchmark's own file?")
        yield fields


def _table(
    path: pathlib.Path, key: str, columns: Sequence[str], mend: Callable[[list[str]], list[str] | None] | None
) -> Iterator[Mapping[str, Any]]:
    csv.field_size_limit(_CSV_FIELD_BYTES)
    is_tsv = _format(path) == ".tsv"
    # GLUE's .tsv files hold lone quotes, which are text.
    options = {"delimiter": "\t", "quoting": csv.QUOTE_NONE} if is_tsv else {}
    rows = csv.reader(io.StringIO(_text(path), newline=""), **options)
    header = list(columns) or next(rows, [])
    for number, values in enumerate(rows, 1):
        if not values:
            continue
        if len(values) != len(header) and mend:
            values = mend(values) or values
        if len(values) != len(header):
            raise BenchmarkDataError(
                f"{path}:{number} has {len(values)} columns and the header {len(header)}; fetch the file again"
            )
        yield dict(zip(header, values))


def _parquet(path: pathlib.Path, key: str, columns: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    import pyarrow
    import pyarrow.parquet

    try:
        file = pyarrow.parquet.ParquetFile(path)
        # The hub keeps pictures and sound as {bytes, path}; benchmarks here are scored on text.
        texts = [
            field.name
            for field in file.schema_arrow
            if not (pyarrow.types.is_struct(field.type) and field.type.get_field_index("bytes") >= 0)
        ]
        yield from file.read(columns=texts).to_pylist()
    except (OSError, pyarrow.ArrowException) as error:
        raise BenchmarkDataError(f"{path} can't be read: {error}; fetch it again") from error


def require(row: Row, columns: Sequence[str], types: Mapping[str, type | tuple[type, ...]] | None = None) -> None:
    """Raises BenchmarkDataError where a row lacks a column, or a value is of another type than `types` says."""
    missing = [column for column in columns if column not in row.fields]
    if missing:
        raise BenchmarkDataError(
            f"{row.place} has no {', '.join(missing)}; it has {', '.join(map(str, row.fields))}: were columns renamed?"
        )
    for column, kind in (types or {}).items():
        if not isinstance(row.fields[column], kind):
            raise BenchmarkDataError(f"{row.place}: {column} is {row.fields[column]!r:.80}; is it the right column?")


def without_duplicates(
    documents: Iterable[dict[str, Any]], identity: Callable[[dict[str, Any]], str] | None = None
) -> tuple[list[dict[str, Any]], int]:
    """Documents with an `id` each that is theirs alone, and how many were left out or renamed.

    Of equal documents the first is kept. Different ones of one id are all kept: the later ones get `#2`, `#3`, ... added.

    Args:
      documents: with or without an `id`; where it is missing, a hash of the document becomes its id.
      identity: what makes two documents equal; all fields but `id` where None.
    """
    kept: list[dict[str, Any]] = []
    seen: set[tuple[str, str]] = set()
    used: dict[str, int] = {}
    found = 0
    for document in documents:
        content = {field: value for field, value in document.items() if field != "id"}
        text = identity(document) if identity else json.dumps(content, sort_keys=True, default=str)
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        name = str(document.get("id", digest[:16]))
        if (name, digest) in seen:
            found += 1
            continue
        seen.add((name, digest))
        used[name] = used.get(name, 0) + 1
        if used[name] > 1:
            found += 1
        kept.append({**document, "id": name if used[name] == 1 else f"{name}#{used[name]}"})
    return kept, found
