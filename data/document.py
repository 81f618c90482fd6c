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
