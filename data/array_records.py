"""Raw records in ArrayRecord files, without TensorFlow: what the token cache and the loaders read.

ArrayRecord is read by position, which is what shuffling, mixing and resuming without loss rest on
(https://github.com/google/array_record).
"""

from __future__ import annotations

import os
import pathlib
from collections.abc import Iterable, Iterator

from array_record.python import array_record_module

# One record a group: a random read decodes one document, not its neighbours.
WRITER_OPTIONS = "group_size:1,zstd:3"


class CorruptRecordError(ValueError):
    """A file or record that can't be read; the message names both and what to do."""


def write_records(path: str | os.PathLike[str], records: Iterable[bytes]) -> int:
    """Writes one ArrayRecord file atomically (a crash leaves no half file under `path`). Returns the record count."""
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    writer = array_record_module.ArrayRecordWriter(str(partial), WRITER_OPTIONS)
    count = 0
    try:
        for record in records:
            writer.write(record)
            count += 1
    finally:
        writer.close()
    os.replace(partial, path)
    return count


def open_reader(path: str | os.PathLike[str]) -> array_record_module.ArrayRecordReader:
    """A random-access reader of one file: `num_records()`, `read([index, ...])`, `close()`.

    Raises:
      CorruptRecordError: the file is missing, truncated or no ArrayRecord.
    """
    reader = array_record_module.ArrayRecordReader(str(path))
    if not reader.ok():
        # The reader takes any path, says it holds 0 records, and tells what is wrong only when it is closed.
        try:
            reader.close()
            reason = "the reader gives no reason"
        except Exception as error:
            reason = str(error)
        raise CorruptRecordError(f"{path}: cannot be opened as ArrayRecord ({reason}); write it anew")
    return reader


def num_records(path: str | os.PathLike[str]) -> int:
    """Records of one file. Raises as `open_reader`."""
    reader = open_reader(path)
    try:
        return reader.num_records()
    finally:
        reader.close()


def read_records(path: str | os.PathLike[str]) -> Iterator[bytes]:
    """Yields the raw records of one file in order.

    Raises:
      CorruptRecordError: the file is missing, truncated or no ArrayRecord.
    """
    reader = open_reader(path)
    try:
        for index in range(reader.num_records()):
            try:
                yield reader.read([index])[0]
            except Exception as error:
                raise CorruptRecordError(
                    f"{path}: record {index} cannot be read ({error}); write the file anew"
                ) from error
    finally:
        reader.close()
