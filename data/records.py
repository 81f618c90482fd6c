"""Documents in ArrayRecord files, encoded as `tf.train.Example`, so that TFDS, seqio and grain all read them.

The files themselves are `data.array_records`' business. Neither module needs TensorFlow.
"""

from __future__ import annotations

import json
import os
import pathlib
import re
from collections.abc import Iterable, Iterator

from data.array_records import CorruptRecordError, read_records, write_records
from data.document import Document
from data.example_proto import example_class

_TEXT_FIELDS = ("text", "domain", "level", "source", "licence", "media_type")
_SHARD = re.compile(r"-(\d{5})-of-(\d{5})\.array_record$")


def encode(document: Document) -> bytes:
    """Serialised `tf.train.Example` of a document."""
    values = {name: getattr(document, name).encode("utf-8") for name in _TEXT_FIELDS}
    values["id"] = document.id.encode()
    values["media"] = document.media
    values["meta"] = json.dumps(document.meta, sort_keys=True, ensure_ascii=False).encode("utf-8")
    example = example_class()()
    for name, value in values.items():
        example.features.feature[name].bytes_list.value.append(value)
    # Maps serialise in hash order unless told otherwise, and equal runs must write equal bytes.
    return example.SerializeToString(deterministic=True)


def decode(record: bytes) -> Document:
    """The document that `encode` wrote.

    Raises:
      CorruptRecordError: the bytes are no such example, or a field is missing.
    """
    try:
        feature = example_class().FromString(record).features.feature
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


def shard_name(split: str, shard: int = 0, num_shards: int = 1) -> str:
    """Name of one file of a split, as TFDS counts shards: `train-00000-of-00004.array_record`."""
    return f"{split}-{shard:05d}-of-{num_shards:05d}.array_record"


def shard_path(
    data_dir: str | os.PathLike[str], domain: str, level: str, split: str, shard: int = 0, num_shards: int = 1
) -> pathlib.Path:
    """Where one file of a level and split lies: `DATA/code/functions/train-00000-of-00001.array_record`."""
    return pathlib.Path(data_dir) / domain / level / shard_name(split, shard, num_shards)


def split_paths(data_dir: str | os.PathLike[str], domain: str, level: str, split: str) -> list[pathlib.Path]:
    """The files of a level and split, in order.

    Raises:
      CorruptRecordError: there are none, or not all that their names speak of.
    """
    folder = pathlib.Path(data_dir) / domain / level
    found = sorted(path for path in folder.glob(f"{split}-*.array_record") if _SHARD.search(path.name))
    if not found:
        raise CorruptRecordError(f"{folder}: no documents of split {split}; run launch.process_data for {domain} first")
    wanted = [shard_name(split, shard, len(found)) for shard in range(len(found))]
    if [path.name for path in found] != wanted:
        raise CorruptRecordError(
            f"{folder}: the files of split {split} are not {wanted[0]} to {wanted[-1]}; delete them and write them anew"
        )
    return found


def read_split(data_dir: str | os.PathLike[str], domain: str, level: str, split: str) -> Iterator[Document]:
    """Yields all documents of a level and split in order. Raises as `split_paths` and `read_documents`."""
    for path in split_paths(data_dir, domain, level, split):
        yield from read_documents(path)
