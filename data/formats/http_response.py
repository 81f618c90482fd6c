"""The HTTP response in a record of a web archive: status, type, and the payload without chunks and encodings."""

from __future__ import annotations

import dataclasses
import re
import zlib

import brotli
import zstandard
from fastwarc.warc import WarcRecord

from data import streams
from data.formats.warc import ArchiveRecord

MAX_PAYLOAD_BYTES = 64 << 20
_HEADER = (
    b"WARC/1.0\r\nWARC-Type: response\r\nContent-Type: application/http; msgtype=response\r\nContent-Length: %d\r\n\r\n"
)
_MAX_CHUNK_HEADER = 1024
_CHUNK_SIZE = re.compile(rb"[0-9a-fA-F]{1,15}")
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:\-]{2,40})", re.IGNORECASE)


@dataclasses.dataclass(frozen=True)
class HttpResponse:
    """A response.

    Attributes:
      status: of the status line, 0 where there is none.
      content_type: MIME type, lower case, "" where none is given.
      charset: that the type names, or None.
      payload: the decoded body.
    """

    status: int
    content_type: str
    charset: str | None
    payload: bytes


def parse(record: ArchiveRecord) -> HttpResponse:
    """The response in a `response` record; of a `resource`, which has no HTTP header, its content with status 200.

    Crawlers often store bodies decoded under headers that say they are not: an encoding that is not there is no error.

    Raises:
      StreamError: there is no HTTP header, or the payload is larger than MAX_PAYLOAD_BYTES.
    """
    if record.kind == "resource":
        return HttpResponse(200, *_type(record.headers.get("content-type", "")), record.block)
    try:
        found = WarcRecord.from_bytes(_HEADER % len(record.block) + record.block + b"\r\n\r\n")
        found.parse_http(auto_decode="none", strict_mode=False)
        headers, payload = found.http_headers, found.reader.read(len(record.block))
    except (OSError, ValueError) as error:
        raise streams.StreamError("malformed", record.offset, f"HTTP: {error}") from error
    if headers is None or not headers.status_code:
        raise streams.StreamError("malformed", record.offset, f"no HTTP status line: {record.block[:60]!r}")
    if "chunked" in (headers.get("Transfer-Encoding") or "").lower():
        payload = dechunked(payload)
    for encoding in reversed((headers.get("Content-Encoding") or "").lower().split(",")):
        payload = _decoded(payload, encoding.strip().removeprefix("x-"))
    return HttpResponse(headers.status_code, *_type(headers.get("Content-Type") or ""), payload)


def dechunked(data: bytes) -> bytes:
    """A body without its chunks' headers (RFC 9112, 7.1); one that is not chunked, or not any more, as it is."""
    pieces, position = [], 0
    while position < len(data):
        end = data.find(b"\n", position, position + _MAX_CHUNK_HEADER)
        size = data[position:end].split(b";")[0].strip() if end >= 0 else b""
        if not _CHUNK_SIZE.fullmatch(size):
            # Cut short behind whole chunks, or never chunked.
            return b"".join(pieces) if pieces else data
        length = int(size, 16)
        if length == 0:
            break
        pieces.append(data[end + 1 : end + 1 + length])
        position = end + 1 + length
        position += 2 if data[position : position + 2] == b"\r\n" else 1
    return b"".join(pieces)


def _decoded(data: bytes, encoding: str) -> bytes:
    """A body without a content encoding (RFC 9110, 8.4.1); one that is not so encoded is given back."""
    decoders = {"gzip": (_gzip,), "deflate": (_zlib, _deflate), "br": (_brotli,), "zstd": (_zstd,)}.get(encoding, ())
    for decode in decoders:
        try:
            found = decode(data, MAX_PAYLOAD_BYTES + 1)
        except (zlib.error, brotli.error, zstandard.ZstdError):
            continue
        if len(found) > MAX_PAYLOAD_BYTES:
            raise streams.StreamError("bomb", 0, f"a payload of more than {MAX_PAYLOAD_BYTES} bytes")
        return found
    return data


def _gzip(data: bytes, limit: int) -> bytes:
    return zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(data, limit)


def _zlib(data: bytes, limit: int) -> bytes:
    return zlib.decompressobj().decompress(data, limit)


def _deflate(data: bytes, limit: int) -> bytes:
    """Without zlib's header, as old servers sent it."""
    return zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, limit)


def _brotli(data: bytes, limit: int) -> bytes:
    return brotli.Decompressor().process(data, output_buffer_limit=limit)


def _zstd(data: bytes, limit: int) -> bytes:
    return zstandard.ZstdDecompressor().stream_reader(data).read(limit)


def _type(value: str) -> tuple[str, str | None]:
    charset = _CHARSET.search(value)
    return value.split(";")[0].strip().lower(), charset.group(1) if charset else None
