"""Documents in Parquet (zstd) between the steps, written and read a few megabytes at a time."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data.document import Document
from data.pipeline.store import Store

_DOCUMENT_FIELDS = [
    pa.field("id", pa.string()),
    pa.field("text", pa.string()),
    pa.field("domain", pa.string()),
    pa.field("level", pa.string()),
    pa.field("source", pa.string()),
    pa.field("licence", pa.string()),
    pa.field("media", pa.binary()),
    pa.field("media_type", pa.string()),
    pa.field("meta", pa.string()),
    pa.field("read_id", pa.string()),  # the document's id as it was read: a story begins with it
    pa.field("read_bytes", pa.int64()),  # its bytes as it was read, which all accounts are kept in
    pa.field("bytes", pa.int64()),  # its bytes as it is here, text and media
]
READ_SCHEMA = pa.schema(
    [
        *_DOCUMENT_FIELDS,
        pa.field("exact", pa.binary(16)),
        pa.field("bands", pa.list_(pa.uint64())),  # empty where only equal documents are duplicates
        pa.field("image", pa.binary()),  # fingerprint of the picture, empty without one
        pa.field("preference", pa.float64()),  # which of several duplicates stays
    ]
)
FINISH_SCHEMA = pa.schema(_DOCUMENT_FIELDS)
DROPPED_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("read_id", "source", "step", "reason", "evidence", "excerpt")),
        ("read_bytes", pa.int64()),
    ]
)
_FLUSH_BYTES = 8 << 20


def to_row(document: Document, read_id: str, read_bytes: int, **more: Any) -> dict[str, Any]:
    """A document as a row of READ_SCHEMA or FINISH_SCHEMA."""
    return {
        "id": document.id,
        "text": document.text,
        "domain": document.domain,
        "level": document.level,
        "source": document.source,
        "licence": document.licence,
        "media": document.media,
        "media_type": document.media_type,
        "meta": json.dumps(document.meta, sort_keys=True, ensure_ascii=False),
        "read_id": read_id,
        "read_bytes": read_bytes,
        "bytes": document.num_bytes,
        **more,
    }


def to_document(row: dict[str, Any]) -> Document:
    """The document of a row."""
    return Document(
        text=row["text"],
        domain=row["domain"],
        source=row["source"],
        licence=row["licence"],
        level=row["level"],
        media=row["media"],
        media_type=row["media_type"],
        meta=json.loads(row["meta"]),
    )


class Writer:
    """Writes rows in the order given, holding a few megabytes of them; `cut` ends a row group."""

    def __init__(self, path: str, schema: pa.Schema):
        self._schema = schema
        self._file = pq.ParquetWriter(path, schema, compression="zstd")
        self._rows: list[dict[str, Any]] = []
        self._bytes = 0

    def write(self, row: dict[str, Any]) -> None:
        """Adds a row."""
        self._rows.append(row)
        self._bytes += sum(len(value) for value in row.values() if isinstance(value, (str, bytes)))
        if self._bytes >= _FLUSH_BYTES:
            self.cut()

    def cut(self) -> None:
        """Writes what is held as one row group."""
        if self._rows:
            self._file.write_table(pa.Table.from_pylist(self._rows, schema=self._schema))
            self._rows, self._bytes = [], 0

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *error: object) -> None:
        if error[0] is None:
            self.cut()
        self._file.close()


def write_rows(store: Store, name: str, rows: Iterable[dict[str, Any]], schema: pa.Schema) -> None:
    """Writes one Parquet file."""
    with store.local_file(name) as path, Writer(path, schema) as writer:
        for row in rows:
            writer.write(row)


def read_rows(store: Store, name: str, columns: list[str] | None = None) -> Iterator[dict[str, Any]]:
    """Yields the rows of a file in order, a small batch held at a time."""
    with store.open(name) as file:
        for batch in pq.ParquetFile(file).iter_batches(batch_size=128, columns=columns):
            yield from batch.to_pylist()


def find_rows(store: Store, name: str, columns: list[str], **wanted: Any) -> Iterator[dict[str, Any]]:
    """Yields the rows of a file in which one of the columns `wanted` holds its value.

    Batches are read here and not by Arrow's dataset scanner: its threads may still ask a Python file for bytes when the
    interpreter ends, which aborts the process.
    """
    with store.open(name) as file:
        for batch in pq.ParquetFile(file).iter_batches(columns=columns, use_threads=False):
            masks = [pc.equal(batch.column(key), value) for key, value in wanted.items()]
            yield from batch.filter(functools.reduce(pc.or_, masks)).to_pylist()


def read_columns(store: Store, name: str, columns: list[str]) -> pa.Table:
    """Some columns of a file, whole."""
    with store.open(name) as file:
        return pq.ParquetFile(file).read(columns=columns, use_threads=False)
