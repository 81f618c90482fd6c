"""Byte streams that can't exhaust memory: decompression, lines and text with limits, and errors that name the offset."""

from __future__ import annotations

import bz2
import codecs
import dataclasses
import gzip
import io
import lzma
import zlib
from collections.abc import Iterator
from typing import BinaryIO

import zstandard

MAX_RECORD_BYTES = 256 << 20  # of one record held in memory
MAX_LINE_BYTES = 32 << 20
# A stream that grew beyond MIN_BOMB_BYTES by more than this factor is a bomb: text compresses 3 to 30 times.
MAX_RATIO = 1000
MIN_BOMB_BYTES = 64 << 20
_BLOCK = 1 << 20
_MAGIC = ((b"\x1f\x8b", "gzip"), (b"BZh", "bz2"), (b"\xfd7zXZ\x00", "xz"), (b"\x28\xb5\x2f\xfd", "zstd"))


class StreamError(ValueError):
    """A stream that can't be read on.

    Attributes:
      reason: short name that is counted (truncated, corrupt, bomb, too_long, undecodable).
      offset: bytes read before it, of the stream that failed.
    """

    def __init__(self, reason: str, offset: int, evidence: str):
        super().__init__(f"{reason} at byte {offset}: {evidence}")
        self.reason, self.offset, self.evidence = reason, offset, evidence


class _Decompressed(io.RawIOBase):
    """A decompressor's stream with its errors told as StreamError, and an eye on the ratio."""

    def __init__(self, stream: BinaryIO, raw: BinaryIO, kind: str):
        self._stream, self._raw, self._kind, self._count = stream, raw, kind, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        try:
            # One piece at a time: what was decompressed before an error would be lost with a full read.
            data = self._stream.read1(len(buffer))
        except EOFError as error:
            raise StreamError("truncated", self._count, f"{self._kind} stream ends early ({error})") from error
        except (OSError, zlib.error, lzma.LZMAError, zstandard.ZstdError) as error:
            raise StreamError("corrupt", self._count, f"{self._kind}: {error}") from error
        self._count += len(data)
        if self._count > MIN_BOMB_BYTES and self._count > MAX_RATIO * max(self._raw.tell(), 1):
            raise StreamError(
                "bomb", self._count, f"{self._raw.tell()} bytes of {self._kind} grew to over {self._count}"
            )
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
            self._raw.close()
        super().close()


class _Zstd:
    """Frames of zstd, one after the other. zstandard's own reader takes a truncated file for a whole one."""

    # A block of 4 bytes may grow to 128 kB.
    _PIECE = 2 << 10

    def __init__(self, raw: BinaryIO):
        self._raw, self._frame = raw, None
        self._stored, self._output = b"", b""

    def read1(self, size: int) -> bytes:
        while not self._output:
            self._stored = self._stored or self._raw.read(self._PIECE)
            if not self._stored:
                if self._frame is not None:
                    raise EOFError("inside a frame")
                return b""
            self._frame = self._frame or zstandard.ZstdDecompressor().decompressobj()
            self._output = self._frame.decompress(self._stored)
            self._stored = b""
            if self._frame.eof:
                self._stored, self._frame = self._frame.unused_data, None
        data, self._output = self._output[:size], self._output[size:]
        return data

    def close(self) -> None:
        self._output = b""


def compression_of(head: bytes) -> str | None:
    """`gzip`, `bz2`, `xz` or `zstd` by the first bytes of a stream; None for any other."""
    return next((kind for magic, kind in _MAGIC if head.startswith(magic)), None)


def decompressed(raw: BinaryIO) -> BinaryIO:
    """A seekable stream's content, decompressed by what its first bytes say, whatever its name says.

    Reading it raises StreamError where the compression is truncated, corrupt or a bomb. Members that follow each other
    in one file, as WARC files have them, are read as one stream.
    """
    kind = compression_of(raw.read(6))
    raw.seek(0)
    if kind is None:
        return raw
    if kind == "zstd":
        inner: BinaryIO = _Zstd(raw)
    else:
        inner = {"gzip": gzip.open, "bz2": bz2.open, "xz": lzma.open}[kind](raw)
    return io.BufferedReader(_Decompressed(inner, raw, kind), _BLOCK)


def read_at_most(stream: BinaryIO, limit: int) -> bytes:
    """All bytes of a stream.

    Raises:
      StreamError: there are more than `limit`.
    """
    data = stream.read(limit + 1)
    if len(data) > limit:
        raise StreamError("too_long", limit, f"more than {limit} bytes in one record")
    return data


@dataclasses.dataclass(frozen=True)
class Line:
    """A line of a file: its first byte's offset, its bytes without the line end, its length with it.

    Attributes:
      too_long: the line exceeds the limit; `data` holds only its beginning.
    """

    offset: int
    data: bytes
    num_bytes: int
    too_long: bool = False


def lines(stream: BinaryIO, limit: int = MAX_LINE_BYTES, start: int = 0, end: int | None = None) -> Iterator[Line]:
    """Lines of a stream with their offsets; of a longer line than `limit` only the beginning is held.

    Args:
      stream: positioned at its first byte.
      limit: bytes of one line to hold.
      start, end: of an uncompressed, seekable stream: yields the lines that begin in [start, end), so that ranges that
        cover a file cover its lines once.
    """
    offset = start
    if start:
        stream.seek(start - 1)
        offset = start - 1 + _skip_line(stream)
    while end is None or offset < end:
        data = stream.readline(limit + 1)
        if not data:
            return
        size, too_long = len(data), False
        if len(data) > limit and not data.endswith(b"\n"):
            size, too_long = size + _skip_line(stream), True
        yield Line(offset, data[:200] if too_long else data.rstrip(b"\r\n"), size, too_long)
        offset += size


def _skip_line(stream: BinaryIO) -> int:
    """Reads to the end of the line. Returns the bytes read."""
    skipped = 0
    while data := stream.readline(_BLOCK):
        skipped += len(data)
        if data.endswith(b"\n"):
            break
    return skipped


_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def decode(data: bytes, encoding: str | None = None) -> str:
    """Text of bytes: as its byte order mark says, else as `encoding` says, else UTF-8; strictly.

    Raises:
      StreamError: the bytes are no such text, or hold NUL, which no text does.
    """
    found = next((name for bom, name in _BOMS if data.startswith(bom)), encoding or "utf-8")
    try:
        text = data.decode(found)
    except UnicodeDecodeError as error:
        raise StreamError("undecodable", error.start, f"not {found}: {error.reason}") from error
    except LookupError as error:
        raise StreamError("undecodable", 0, str(error)) from error
    if (position := text.find("\x00")) >= 0:
        raise StreamError("binary", position, "holds NUL, so it is no text")
    return text
