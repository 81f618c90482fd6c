"""One document on its way through the data stages, and the two ways out of a step: kept or rejected."""

from __future__ import annotations

import dataclasses
from typing import Any

import xxhash


def content_id(text: str, media: bytes = b"") -> str:
    """32 hex digits that name a content: xxh3-128 of the text and the media bytes."""
    digest = xxhash.xxh3_128(text.encode("utf-8", "surrogatepass"))
    digest.update(b"\x00")
    digest.update(media)
    return digest.hexdigest()


@dataclasses.dataclass(frozen=True)
class Document:
    """A text, the media it speaks of, and where it came from.

    Attributes:
      text: what a text model reads, UTF-8 clean.
      domain: one of `data.domains.DOMAINS`.
      level: one of the domain's levels, or "" before a difficulty was measured.
      source: name of the source, and inside it the path or generator (`stdlib:json/decoder.py`).
      licence: SPDX identifier of the source's licence.
      media: encoded bytes of an image, clip or recording; empty for plain text.
      media_type: MIME type of `media`, or "".
      meta: small JSON-able facts (difficulty measures, certificates, questions and answers).
    """

    text: str
    domain: str
    source: str
    licence: str
    level: str = ""
    media: bytes = b""
    media_type: str = ""
    meta: dict[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def id(self) -> str:
        return content_id(self.text, self.media)

    @property
    def num_bytes(self) -> int:
        return len(self.text.encode("utf-8", "surrogatepass")) + len(self.media)


@dataclasses.dataclass(frozen=True)
class Reject:
    """Why a step dropped a document: a reason that is counted, and the evidence that a reviewer reads."""

    reason: str
    evidence: str = ""


@dataclasses.dataclass(frozen=True)
class Quarantined:
    """A piece of a source that can't be read at all, with what a person needs to look at it.

    Attributes:
      path: the file.
      offset: where in the file reading failed, in bytes (a syntax error: the line's first byte).
      reason: short name that is counted.
      num_bytes: bytes that were set aside.
      evidence: the decoder's or parser's own words.
    """

    path: str
    offset: int
    reason: str
    num_bytes: int
    evidence: str = ""


@dataclasses.dataclass(frozen=True)
class Skipped:
    """A record that was read and is no document of its source: an answer's vote, a redirect, a request in a WARC file.

    Attributes:
      path: the file.
      offset: where the record lies, in bytes of the decompressed file or in records, whichever the format counts by.
      reason: short name that is counted as dropped.
      num_bytes: bytes of the record.
      evidence: what a reviewer reads.
    """

    path: str
    offset: int
    reason: str
    num_bytes: int
    evidence: str = ""


@dataclasses.dataclass(frozen=True)
class ReadRequest:
    """Which part of a source one worker reads.

    Attributes:
      seed: of the generators; sources that read files use it to draw which files.
      shard, num_shards: this part and the number of parts; the parts together are the source, whatever their number.
      level_bytes: bytes of each level that a generator is to make over all its shards.
      source_bytes: bytes of files that a reader may open over all its shards, 0 for all there are.
      root: folder of the input, "" for the source's own place.
    """

    seed: int = 0
    shard: int = 0
    num_shards: int = 1
    level_bytes: int = 0
    source_bytes: int = 0
    root: str = ""
