"""Documents in ArrayRecord files, encoded as `tf.train.Example`, so that TFDS, seqio and grain all read them.

The files themselves are `data.array_records`' business, which needs no TensorFlow.
"""

from __future__ import annotations

import json
import os
import pathlib
from collections.abc import Iterable, Iterator

import tensorflow as tf

from data.array_records import CorruptRecordError, read_records, write_records
from data.document import Document

_TEXT_FIELDS = ("text", "domain", "level", "source", "licence", "media_type")


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


def write_documents(path: str | os.PathLike[str], documents: Iterable[Document]) -> int:
    """Writes documents in the given order, atomically. Returns their number."""
    return write_records(path, (encode(document) for document in documents))


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
