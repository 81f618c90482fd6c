"""Documents in ArrayRecord files, encoded as `tf.train.Example`, so that TFDS, seqio and grain all read them.

ArrayRecord is read by position, which is what shuffling, mixing and resuming without loss rest on
(https://github.com/google/array_record).
"""

from __future__ import annotations

import json
import os
import pathlib
from collections.abc import Iterable, Iterator

from array_record.python import array_record_module
import tensorflow as tf

from data.document import Document

# One record a group: a random read decodes one document, not its neighbours.
WRITER_OPTIONS = "group_size:1,zstd:3"
_TEXT_FIELDS = ("text", "domain", "level", "source", "licence", "media_type")


class CorruptRecordError(ValueError):
    """A file or record that can't be read; the message names both and what to do."""


def encode(document: Document) -> bytes:
    """Serialised `tf.train.Example` of a document."""
    values = {name: getattr(document, name).encode("utf-8") for name in _TEXT_FIELDS}
    values["id"] = document.id.encode()
    values["media"] = document.media
    values["meta"] = json.dumps(document.meta, sort_keys=True, ensure_ascii=False).encode("utf-8")
    feature = {
        name: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value])) for name, value in sorted(values.items())
    }
    # Maps serialise in hash order unless told otherwise, and equal runs must write equal bytes.
    return tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString(deterministic=True)


def decode(record: bytes) -> Document:
    """The document that `encode` wrote.

    Raises:
      CorruptRecordError: the bytes are no such example, or a field is missing.
    """
    try:
        feature = tf.train.Example.FromString(record).features.feature
        values = {name: feature[name].bytes_list.value[0].decode("utf-8") for name in (*_TEXT_FIELDS, "meta")}
        return Document(
            media=feature["media"].bytes_list.value[0],
            meta=json.loads(values.pop("meta")),
            **values,
        )
    except Exception as error:  # protobuf, index, unicode and JSON errors all mean one thing here
        raise CorruptRecordError(f"not a document record: {error}") from error


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


def write_documents(path: str | os.PathLike[str], documents: Iterable[Document]) -> int:
    """Writes documents in the given order, atomically. Returns their number."""
    return write_records(path, (encode(document) for document in documents))


def read_records(path: str | os.PathLike[str]) -> Iterator[bytes]:
    """Yields the raw records of one file in order.

    Raises:
      CorruptRecordError: the file is missing, truncated or no ArrayRecord.
    """
    try:
        reader = array_record_module.ArrayRecordReader(str(path))
        num_records = reader.num_records()
    except Exception as error:
        raise CorruptRecordError(f"{path}: cannot be opened as ArrayRecord ({error}); write it anew") from error
    try:
        for index in range(num_records):
            try:
                yield reader.read([index])[0]
            except Exception as error:
                raise CorruptRecordError(f"{path}: record {index} cannot be read ({error}); write the file anew") from error
    finally:
        reader.close()


def read_documents(path: str | os.PathLike[str]) -> Iterator[Document]:
    """Yields the documents of one file in order; a bad record is an error that names file and position."""
    for index, record in enumerate(read_records(path)):
        try:
            yield decode(record)
        except CorruptRecordError as error:
            raise CorruptRecordError(f"{path}: record {index}: {error}") from error


def split_path(data_dir: str | os.PathLike[str], domain: str, level: str, split: str) -> pathlib.Path:
    """Where the documents of one level and split lie: `DATA/code/functions/train.array_record`."""
    return pathlib.Path(data_dir) / domain / level / f"{split}.array_record"
