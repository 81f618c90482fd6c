"""LAION-5B: pictures with the texts that web pages give them, as shards of img2dataset, and its metadata.

A shard is a tar in WebDataset layout: the members of one key (`000000017.jpg`, `.txt`, `.json`) follow each other. The
metadata is Parquet of addresses and texts; nothing is downloaded, so a row without a picture's bytes is counted and
skipped. https://github.com/rom1504/img2dataset, Schuhmann et al. 2022 (arXiv 2210.08402).
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterator, Sequence
from typing import Any

from data import archives, streams
from data.document import Document, Quarantined, Skipped
from data.formats import images, rows
from data.inputs import InputFile
from data.sources.multimodal import fields
from data.sources.multimodal.breaks import set_aside
from data.sources.source import Item

NAME = "laion_5b"
_CAPTIONS = ("text", "caption", "txt", "alt", "alt_text", "title")
_PICTURES = ("jpg", "jpeg", "png", "webp", "gif", "image", "image_bytes", "img", "bytes")
_MAX_MEMBERS = 64  # of one key
_ADDRESSES = ("url", "image_url", "img_url")
_META = (
    "key", "url", "width", "height", "original_width", "original_height", "nsfw", "punsafe", "pwatermark", "similarity",
    "aesthetic_score", "language", "hash", "sha256", "status", "sample_id",
)  # fmt: skip


@set_aside
def read_shard(file: InputFile) -> Iterator[Item]:
    """The keys of a tar: a document where there are a picture and a text, else why there is none."""
    key, group = "", []
    for member in archives.members(file):
        if isinstance(member, Quarantined):
            yield member
            continue
        # The key ends at the first dot of the base name, as in WebDataset.
        folder, base = posixpath.split(member.name)
        name, _, suffix = base.partition(".")
        found = posixpath.join(folder, name)
        if group and found != key:
            yield from _sample(file, key, group)
            group = []
        size = sum(len(data) for _, data, _ in group) + len(member.data)
        if size > streams.MAX_RECORD_BYTES or len(group) >= _MAX_MEMBERS:
            evidence = f"member {len(group) + 1} of the key {fields.clean_text(found)[:200]!r}, {size} bytes"
            yield Quarantined(file.name, member.offset, "too_long", len(member.data), evidence)
            continue
        key = found
        group.append((suffix.lower(), member.data, member.offset))
    if group:
        yield from _sample(file, key, group)


def _sample(file: InputFile, key: str, members: Sequence[tuple[str, bytes, int]]) -> Iterator[Item]:
    offset, size = members[0][2], sum(len(data) for _, data, _ in members)
    parts: dict[str, bytes] = {}
    for suffix, data, at in members:
        # A suffix that is there already is another sample which lost its key; it is not to replace the first.
        if suffix in parts:
            yield Quarantined(file.name, at, "duplicate_key", len(data), f"{key[:200]}.{suffix} comes twice")
            size -= len(data)
        else:
            parts[suffix] = data
    row: dict[str, Any] = {}
    try:
        if "json" in parts:
            described = json.loads(streams.decode(parts["json"]))
            row = described if isinstance(described, dict) else {}
        caption = streams.decode(parts["txt"]) if "txt" in parts else fields.first(row, _CAPTIONS)
    except (ValueError, RecursionError) as error:
        reason = getattr(error, "reason", "malformed")
        yield Quarantined(file.name, offset, reason, size, f"{key[:200]}: {error}"[:500])
        return
    picture = next((parts[suffix] for suffix in _PICTURES if suffix in parts), None)
    yield _pair(file, key, offset, size, row, caption, picture)


@set_aside
def read_table(file: InputFile) -> Iterator[Item]:
    """Rows of Parquet: a document where the row holds a picture, else counted as skipped."""
    yield from _read_rows(file)


def _row_items(record: rows.Record) -> Iterator[Item]:
    row = record.value
    if not isinstance(row, dict):
        yield record.quarantined("malformed", f"a {type(row).__name__} where a row is meant")
        return
    names = {str(name).lower() for name in row}
    if not names.intersection((*_CAPTIONS, *_PICTURES, *_ADDRESSES)):
        yield record.quarantined("wrong_columns", f"no text, picture or address among {', '.join(sorted(names))[:300]}")
        return
    picture = _embedded(row)
    key = fields.first(row, ("key", "sample_id"))
    key = str(key) if isinstance(key, (str, int, float)) else str(record.offset)
    yield _pair(record.file, key, record.offset, record.num_bytes, row, fields.first(row, _CAPTIONS), picture)


_read_rows = rows.reader(_row_items)


def _embedded(row: dict[str, Any]) -> bytes | None:
    for name in _PICTURES:
        value = fields.first(row, (name,))
        if isinstance(value, dict):
            value = fields.first(value, ("bytes",))
        if isinstance(value, bytes):
            return value
    return None


def _pair(
    file: InputFile, key: str, offset: int, size: int, row: dict[str, Any], caption: Any, picture: bytes | None
) -> Item:
    text = fields.one_line(caption)
    if picture is None:
        address = fields.first(row, _ADDRESSES)
        evidence = f"{key[:200]}: {fields.clean_text(address)[:300] or 'neither picture nor address'}"
        return Skipped(file.name, offset, "no_image", size, evidence)
    if not text:
        return Skipped(file.name, offset, "no_caption", size, key[:200])
    try:
        facts = images.inspect(picture)
    except images.ImageError as error:
        return Quarantined(file.name, offset, error.reason, size, f"{key[:200]}: {error}"[:500])
    licence = fields.spdx(fields.first(row, ("license_url", "licence_url")), fields.first(row, ("license", "licence")))
    meta = fields.bare_meta(row, _META) | {"width": facts.width, "height": facts.height}
    source = f"{NAME}:{file.name}#{fields.clean_text(key)}"
    return Document(text, "multimodal", source, licence, media=picture, media_type=facts.media_type, meta=meta)


def lone_tables(files: Sequence[InputFile]) -> list[InputFile]:
    """The Parquet files to read: not those that img2dataset writes beside a tar, whose rows describe the tar's keys."""
    return [file for file in files if not _has_tar(file)]


def _has_tar(file: InputFile) -> bool:
    base = posixpath.basename(file.name)[: -len(".parquet")]
    return any(file.sibling(base + suffix) is not None for suffix in (".tar", ".tar.gz", ".tgz", ".tar.zst"))
