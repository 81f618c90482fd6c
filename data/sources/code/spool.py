"""Records of one file that belong together but lie apart, joined in bounded memory.

A dump holds an answer years after its question, an archive of events a reply hours after what it replies to. All
records go through a private database in a temporary file, which SQLite deletes by itself however the process ends
(TMPDIR says where), and come back thread by thread at the place of each thread's first record.
"""

from __future__ import annotations

import contextlib
import pickle
import sqlite3
import zlib
from collections.abc import Callable, Iterable, Iterator

from data.formats.rows import Item, Record
from data.inputs import InputFile
from data.streams import StreamError

Row = tuple[bytes | None, int, int, bytes]  # key, offset, size, body

MAX_THREAD_RECORDS = 5000
MAX_THREAD_BYTES = 64 << 20
_CACHE_KIB = 128 << 10
_TABLE = "CREATE TABLE records (position INTEGER PRIMARY KEY, key BLOB, offset INTEGER, size INTEGER, body BLOB)"
_IN_ORDER = """
    SELECT position, key, body, key IS NULL OR NOT EXISTS (
        SELECT 1 FROM records AS other WHERE other.key = records.key AND other.position < records.position
    ) FROM records ORDER BY position
"""
_THREAD = "SELECT offset, size, body FROM records WHERE key = ? ORDER BY position"


def joined(
    file: InputFile,
    parts: Iterable[Item | tuple[str, Record]],
    convert: Callable[[list[Record]], Iterable[Item]],
) -> Iterator[Item]:
    """Yields what threads of records become, and the items that are finished already, in the order of the file.

    Args:
      file: where the records are from.
      parts: finished items, and records with the key of the thread that they belong to. A StreamError ends them: what
        came before is kept, and the rest of the file is quarantined.
      convert: items of one thread, whose records come in the file's order; a ValueError, TypeError, KeyError,
        AttributeError or RecursionError quarantines the records of the thread.
    """
    # An empty name is SQLite's own temporary file: on disk once it outgrows the cache, gone when it is closed.
    with contextlib.closing(sqlite3.connect("", isolation_level=None)) as database:
        for setting in ("journal_mode = OFF", "synchronous = OFF", f"cache_size = -{_CACHE_KIB}"):
            database.execute(f"PRAGMA {setting}")
        database.execute(_TABLE)
        database.execute("BEGIN")
        for position, row in enumerate(_rows(file, parts)):
            database.execute("INSERT INTO records VALUES (?, ?, ?, ?, ?)", (position, *row))
        database.execute("COMMIT")
        database.execute("CREATE INDEX thread ON records (key, position)")
        for _, key, body, is_first in database.execute(_IN_ORDER):
            if key is None:
                yield _unpack(body)
            elif is_first:
                yield from _thread(file, database.execute(_THREAD, (key,)), convert)


def _rows(file: InputFile, parts: Iterable[Item | tuple[str, Record]]) -> Iterator[Row]:
    for part in _until_broken(file, parts):
        if isinstance(part, tuple):
            key, record = part
            yield key.encode("utf-8", "surrogatepass"), record.offset, record.num_bytes, _pack(record.value)
        else:
            yield None, 0, 0, _pack(part)


def _until_broken(file: InputFile, parts: Iterable[Item | tuple[str, Record]]) -> Iterator[Item | tuple[str, Record]]:
    try:
        yield from parts
    except StreamError as error:
        rest = max(file.size - error.offset, 0)
        yield Record(None, file, error.offset, rest).quarantined(error.reason, error.evidence)


def _thread(file: InputFile, rows: Iterable, convert: Callable[[list[Record]], Iterable[Item]]) -> Iterator[Item]:
    records: list[Record] = []
    beyond: list[Record] = []
    total = 0
    for offset, size, body in rows:
        total += size
        if len(records) < MAX_THREAD_RECORDS and (total <= MAX_THREAD_BYTES or not records):
            records.append(Record(_unpack(body), file, offset, size))
        else:
            beyond.append(Record(None, file, offset, size))
    try:
        items = list(convert(records))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        items = [record.quarantined("malformed", f"{type(error).__name__}: {error}") for record in records]
    yield from items
    for record in beyond:
        yield record.skipped("thread_too_long", f"after {len(records)} records of the same thread")


def _pack(value: object) -> bytes:
    return zlib.compress(pickle.dumps(value, pickle.HIGHEST_PROTOCOL), 1)


def _unpack(body: bytes) -> object:
    return pickle.loads(zlib.decompress(body))
