"""Encoded pictures: what they are, and whether they decode in full.

Sizes are read from the header and held to a limit before a decoder allocates anything. Only JPEG, PNG, WebP and GIF are
handed to Pillow; its other decoders never see bytes from a stranger.
"""

from __future__ import annotations

import dataclasses
import io
import struct
import warnings
import zlib

import numpy as np
from PIL import Image, ImageOps


MAX_PIXELS = 64_000_000
MAX_FRAMES = 1000  # of an animation; the first VERIFIED_FRAMES are decoded
VERIFIED_FRAMES = 16
MEDIA_TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "GIF": "image/gif"}
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".gif")
_PNG_END = b"IEND\xaeB`\x82"
# What the decoders of Pillow raise on bytes that are not what they say.
_BROKEN = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    struct.error,
    zlib.error,
    MemoryError,
)


class ImageError(ValueError):
    """Bytes that are no picture which is read here.

    Attributes:
      reason: short name that is counted: empty, svg, unsupported_format, too_many_pixels, too_many_frames, truncated,
        undecodable.
    """

    def __init__(self, reason: str, evidence: str):
        super().__init__(evidence)
        self.reason = reason


@dataclasses.dataclass(frozen=True)
class ImageFacts:
    """What a picture is, as it is shown: an orientation in its Exif is applied to the sizes.

    Attributes:
      width, height: pixels.
      format: JPEG, PNG, WEBP or GIF.
      media_type: its MIME type.
      mode: Pillow's name of the pixels' form (RGB, L, P, RGBA, CMYK, ...).
      frames: 1, or the pictures of an animation.
    """

    width: int
    height: int
    format: str
    media_type: str
    mode: str
    frames: int = 1


def format_of(data: bytes) -> str | None:
    """JPEG, PNG, WEBP or GIF by the first bytes; None for any other."""
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    return "GIF" if data.startswith((b"GIF87a", b"GIF89a")) else None


def inspect(data: bytes, max_pixels: int = MAX_PIXELS) -> ImageFacts:
    """Facts of a picture that was decoded in full; of an animation, its first VERIFIED_FRAMES.

    Raises:
      ImageError: it is no JPEG, PNG, WebP or GIF, is too large or has too many frames, or breaks while decoding.
    """
    with _opened(data, max_pixels) as image:
        try:
            width, height = image.size
            mode, format_ = image.mode, image.format
            frames = _verified_frames(image)
            swapped = image.getexif().get(0x0112, 1) in (5, 6, 7, 8)
        except ImageError:
            raise
        except _BROKEN as error:
            raise _broken(error) from error
    if swapped:
        width, height = height, width
    return ImageFacts(width, height, format_, MEDIA_TYPES[format_], mode, frames)


def pixels(data: bytes, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """The picture as uint8 [H, W, 3]: its first frame, upright, on white where it is transparent.

    Raises:
      ImageError: as `inspect`.
    """
    return np.asarray(_flattened(data, max_pixels))


def _opened(data: bytes, max_pixels: int) -> Image.Image:
    """The picture with its header read and its size within the limit; nothing is decoded yet."""
    format_ = format_of(data)
    if format_ is None:
        raise _foreign(data)
    if format_ == "WEBP":  # its decoder allocates the canvas when it is opened
        _check_pixels(*_webp_size(data), max_pixels)
    _check_end(data, format_)
    with warnings.catch_warnings():
        # Pillow only warns between its own limit and twice that; ours is asked below in any case.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        try:
            image = Image.open(io.BytesIO(data), formats=[format_])
        except Image.DecompressionBombError as error:
            raise ImageError("too_many_pixels", str(error)) from error
        except _BROKEN as error:
            raise _broken(error) from error
    try:
        _check_pixels(*image.size, max_pixels)
    except ImageError:
        image.close()
        raise
    return image


def _foreign(data: bytes) -> ImageError:
    if not data:
        return ImageError("empty", "no bytes")
    head = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith(b"<") and b"<svg" in head:
        return ImageError("svg", "an SVG drawing; it would have to be rendered, and may hold scripts and links")
    return ImageError("unsupported_format", f"begins with {data[:12]!r}")


def _check_pixels(width: int, height: int, max_pixels: int) -> None:
    if width * height > max_pixels:
        raise ImageError("too_many_pixels", f"{width} x {height}; at most {max_pixels} pixels are decoded")
    if not width or not height:
        raise ImageError("undecodable", f"{width} x {height} pixels")


def _webp_size(data: bytes) -> tuple[int, int]:
    """Width and height from the header, after the container's specification (RFC 9649)."""
    kind, body = data[12:16], data[20:30]
    if len(body) == 10:
        if kind == b"VP8X":
            return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
        if kind == b"VP8L" and body[0] == 0x2F:
            bits = int.from_bytes(body[1:5], "little")
            return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        if kind == b"VP8 " and body[3:6] == b"\x9d\x01\x2a":
            width, height = struct.unpack("<HH", body[6:10])
            return width & 0x3FFF, height & 0x3FFF
    raise ImageError("truncated" if len(body) < 10 else "undecodable", f"WebP whose first chunk is {kind!r}")


def _check_end(data: bytes, format_: str) -> None:
    """Ends that the decoders don't ask for: all pixels may be there while a chunk after them is not."""
    if format_ == "PNG" and _PNG_END not in data:
        raise ImageError("truncated", f"{len(data)} bytes of PNG without the chunk that ends it")
    if format_ == "WEBP" and len(data) < (announced := 8 + int.from_bytes(data[4:8], "little")):
        raise ImageError("truncated", f"{len(data)} of {announced} bytes of WebP")


def _verified_frames(image: Image.Image) -> int:
    image.load()
    if not getattr(image, "is_animated", False):
        return 1
    count = getattr(image, "n_frames", 1)
    if count > MAX_FRAMES:
        raise ImageError("too_many_frames", f"{count} frames; at most {MAX_FRAMES} are read")
    for number in range(1, min(count, VERIFIED_FRAMES)):
        image.seek(number)
        image.load()
    image.seek(0)
    return count


def _flattened(data: bytes, max_pixels: int) -> Image.Image:
    with _opened(data, max_pixels) as image:
        try:
            image.load()
            upright = ImageOps.exif_transpose(image)
            if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info:
                over = upright.convert("RGBA")
                white = Image.new("RGBA", over.size, (255, 255, 255, 255))
                return Image.alpha_composite(white, over).convert("RGB")
            if upright.mode.startswith("I;16") or upright.mode == "I":
                # Sixteen bits a pixel: Pillow would clip them to the lowest eight.
                return Image.fromarray((np.asarray(upright).astype(np.uint32) >> 8).astype(np.uint8)).convert("RGB")
            return upright.convert("RGB")
        except _BROKEN as error:
            raise _broken(error) from error


def _broken(error: Exception) -> ImageError:
    words = str(error)
    cut = "truncated" in words.lower() or isinstance(error, EOFError)
    return ImageError("truncated" if cut else "undecodable", f"{type(error).__name__}: {words}"[:300])
