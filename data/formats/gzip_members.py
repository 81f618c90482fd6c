"""A decompressed stream that goes on behind a broken gzip member: archives of records hold one record in each member.

`streams.decompressed` ends a file where its compression breaks; of a crawl of 30,000 pages only one is lost here.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import BinaryIO

from data import streams

_BLOCK = 64 << 10
_OUTPUT = 1 << 20
_MAGIC = b"\x1f\x8b\x08"
_HEAD_INPUT = 4 << 10
_HEAD = 512


class MemberStream:
    """Reads a file's content, whether it is gzip or plain, with lines, blocks and bytes that are put back.

    Attributes:
      offset: of the next byte, in the decompressed content.
      member: stored offset of the gzip member at hand; of a plain file, 0.
    """

    def __init__(self, raw: BinaryIO, starts_record: Callable[[bytes], bool]):
        """Takes a seekable file, and what tells whether a record starts with these up to 512 bytes."""
        self._raw, self._starts_record = raw, starts_record
        self._kind = streams.compression_of(raw.read(6))
        raw.seek(0)
        self._plain = streams.decompressed(raw) if self._kind != "gzip" else None
        self._decoder: zlib._Decompress | None = None
        self._input = b""  # stored bytes that were read and not decompressed yet
        self._stored = 0  # stored bytes handed to decoders
        self._member_output = 0
        self._buffer, self._position = b"", 0
        self.offset = self.member = 0
        self._fresh = False  # whether the buffer begins with a member's first bytes

    def read(self, size: int) -> bytes:
        """`size` bytes; fewer only at the end of the file."""
        pieces, missing = [], size
        while missing and (piece := self._take(missing)):
            pieces.append(piece)
            missing -= len(piece)
        return b"".join(pieces)

    def read_record(self, size: int, keep: int) -> tuple[bytes, int]:
        """The first `keep` of `size` bytes, and how many of them there were.

        There are fewer at the end of the file, and where a gzip member ends and the next one starts a record.
        """
        pieces, kept, missing = [], 0, size
        while missing:
            if self._position == len(self._buffer):
                if not self._fill() or (self._fresh and self._starts_record(self._buffer[:_HEAD])):
                    break
            piece = self._take(missing)
            missing -= len(piece)
            if kept < keep:
                pieces.append(piece[: keep - kept])
                kept += len(pieces[-1])
        return b"".join(pieces), size - missing

    def readline(self, limit: int) -> bytes:
        """A line with its end, or its first `limit` bytes."""
        pieces, missing = [], limit
        while missing:
            if self._position == len(self._buffer) and not self._fill():
                break
            end = self._buffer.find(b"\n", self._position, self._position + missing)
            size = (end + 1 - self._position) if end >= 0 else min(len(self._buffer) - self._position, missing)
            pieces.append(self._take(size))
            missing -= size
            if end >= 0:
                break
        return b"".join(pieces)

    def unread(self, data: bytes) -> None:
        """Puts back bytes that were just read."""
        self.offset -= len(data)
        if self._buffer.endswith(data, 0, self._position):
            self._position -= len(data)
        else:
            self._buffer, self._position, self._fresh = data + self._buffer[self._position :], 0, False

    def recover(self) -> int | None:
        """After a StreamError: goes to the next member that starts a record.

        Returns:
          The stored bytes passed over, the broken member's own included; None where no such member is left, or where
          the file is no gzip.
        """
        self._buffer, self._position, self._decoder, self._input = b"", 0, None, b""
        if self._kind != "gzip":
            return None
        position = self.member + 1
        while len(window := self._window(position)) >= len(_MAGIC):
            found = window.find(_MAGIC)
            while found >= 0 and (found <= len(window) - _HEAD_INPUT or len(window) < _OUTPUT):
                if self._starts_record(_head(window[found : found + _HEAD_INPUT])):
                    passed = position + found - self.member
                    self.member = self._stored = position + found
                    self._raw.seek(self.member)
                    return passed
                found = window.find(_MAGIC, found + 1)
            position += found if found >= 0 else len(window) - len(_MAGIC) + 1
        return None

    def _window(self, position: int) -> bytes:
        self._raw.seek(position)
        return self._raw.read(_OUTPUT)

    def _take(self, size: int) -> bytes:
        """Up to `size` bytes of what is at hand; empty at the end of the file."""
        if self._position == len(self._buffer) and not self._fill():
            return b""
        data = self._buffer[self._position : self._position + size]
        self._position += len(data)
        self.offset += len(data)
        return data

    def _fill(self) -> bool:
        self._buffer, self._position = self._plain.read(_OUTPUT) if self._plain else self._inflate(), 0
        return bool(self._buffer)

    def _inflate(self) -> bytes:
        """The next decompressed bytes, of one member; empty at the end of the file."""
        while True:
            if not self._input:
                self._input = self._raw.read(_BLOCK)
            if self._decoder is None:
                # Members may be padded with zeros, as tapes and some writers do.
                stripped = self._input.lstrip(b"\x00")
                self._stored += len(self._input) - len(stripped)
                if not stripped:
                    if not self._input:
                        return b""
                    self._input = b""
                    continue
                self._input = stripped
                self.member, self._member_output = self._stored, 0
                self._decoder = zlib.decompressobj(wbits=31)
            elif not self._input:
                raise self._error("truncated", "gzip member ends early")
            try:
                data = self._decoder.decompress(self._input, _OUTPUT)
            except zlib.error as error:
                raise self._error("corrupt", f"gzip: {error}") from error
            rest = self._decoder.unused_data if self._decoder.eof else self._decoder.unconsumed_tail
            self._stored += len(self._input) - len(rest)
            self._input = rest
            self._member_output += len(data)
            if self._decoder.eof:
                self._decoder = None
            used = self._stored - self.member
            if self._member_output > max(streams.MIN_BOMB_BYTES, streams.MAX_RATIO * used):
                raise self._error("bomb", f"{used} bytes of gzip grew to over {self._member_output}")
            if data:
                self._fresh = self._member_output == len(data)
                return data

    def _error(self, reason: str, evidence: str) -> streams.StreamError:
        return streams.StreamError(reason, self.offset, f"{evidence}, member stored at byte {self.member}")


def _head(stored: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(stored, _HEAD)
    except zlib.error:
        return b""
