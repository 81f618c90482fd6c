"""What rules ask of a document with media: its media decoded and measured, and the words of its caption."""

from __future__ import annotations

import dataclasses
import functools
import re

import numpy as np

from data.document import Document
from data.formats import arrays, images
from data.processors.view import DocView

TAG = re.compile(r"<[a-z!/][^<>]*>", re.IGNORECASE)
_WORD = re.compile(r"\w+(?:['’\-]\w+)*")
_MAX_SIDE = 512  # pixels of the picture that brightness is measured on
_MAX_PAGE_CHARS = 500_000


@dataclasses.dataclass(frozen=True)
class MediaFacts:
    """What decoding a document's media tells.

    Attributes:
      kind: picture, clip or recording; "" where it can't be decoded.
      error: why it can't be decoded, a reason of `images.ImageError`; "" where it can.
      width, height: pixels, of a recording bands and frames.
      frames: pictures of an animation or a clip, or frames of a spectrogram.
      contrast: standard deviation of the brightness, 0 to 127; of a clip the least of its frames.
      motion: mean change of brightness between frames of a clip, 0 to 255.
      level: greatest log10 of a band's power in a recording; -10 is nothing at all.
      sounding: share of a recording's frames within 40 dB of its loudest.
    """

    kind: str = ""
    error: str = ""
    width: int = 0
    height: int = 0
    frames: int = 0
    contrast: float = 0.0
    motion: float = 0.0
    level: float = -10.0
    sounding: float = 0.0


def media_facts(document: Document) -> MediaFacts:
    """Decodes a document's media, whatever its stated type, and measures it."""
    try:
        if not document.media:
            raise images.ImageError("no_media", "no picture, clip or recording")
        if not document.media.startswith(b"\x93NUMPY"):
            return _picture_facts(document.media)
        array = arrays.unpack(document.media)
        return _clip_facts(array) if array.ndim == 4 else _recording_facts(array)
    except (images.ImageError, arrays.ArrayError) as error:
        return MediaFacts(error=error.reason)


def _brightness(picture: np.ndarray) -> np.ndarray:
    step = max(1, max(picture.shape[:2]) // _MAX_SIDE)
    return picture[::step, ::step].astype(np.float32) @ np.array((0.299, 0.587, 0.114), np.float32)


def _picture_facts(data: bytes) -> MediaFacts:
    facts = images.inspect(data)
    contrast = float(_brightness(images.pixels(data)).std())
    return MediaFacts("picture", "", facts.width, facts.height, facts.frames, contrast)


def _clip_facts(frames: np.ndarray) -> MediaFacts:
    if frames.shape[-1] != 3 or 0 in frames.shape or frames.dtype != np.uint8:
        raise images.ImageError("undecodable", f"{frames.dtype} of shape {frames.shape} is no clip")
    bright = np.stack([_brightness(frame) for frame in frames])
    motion = float(np.abs(np.diff(bright, axis=0)).mean()) if len(bright) > 1 else 0.0
    contrast = float(bright.std(axis=(1, 2)).min())
    return MediaFacts("clip", "", frames.shape[2], frames.shape[1], len(frames), contrast, motion)


def _recording_facts(features: np.ndarray) -> MediaFacts:
    features = features.astype(np.float32)
    if features.ndim != 2 or 0 in features.shape or not np.isfinite(features).all():
        raise images.ImageError("undecodable", f"an array of shape {features.shape} is no spectrogram")
    loudest = features.max(axis=1) * 4.0 - 4.0  # as log10 of power again
    sounding = float((loudest > loudest.max() - 4.0).mean())
    length, bands = features.shape
    return MediaFacts("recording", "", bands, length, length, level=float(loudest.max()), sounding=sounding)


class MediaView(DocView):
    """A document's features, those of its media included, computed once."""

    @functools.cached_property
    def facts(self) -> MediaFacts:
        """What decoding the media tells."""
        return media_facts(self.document)

    @functools.cached_property
    def caption(self) -> str:
        """What the words of the text are counted in; of a page, what a reader sees of it."""
        if self.document.meta.get("code") == "html":
            from resiliparse.extract.html2text import extract_plain_text

            return extract_plain_text(self.text[:_MAX_PAGE_CHARS], preserve_formatting=False)
        return self.text

    @functools.cached_property
    def words(self) -> list[str]:
        """Lower-case words of the caption."""
        return _WORD.findall(self.caption.lower())

    def with_text(self, text: str) -> MediaView:
        """A view of the document with another text, over the same media."""
        if text == self.text:
            return self
        other = MediaView(dataclasses.replace(self.document, text=text))
        if "facts" in self.__dict__:
            other.__dict__["facts"] = self.facts
        return other
