"""Streams: every byte is accounted for, and every broken compression is told after what could be read of it."""

import bz2
import gzip
import io
import lzma

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from data import streams

COMPRESSORS = {
    "gzip": gzip.compress,
    "bz2": lambda data: bz2.compress(data, 1),  # in blocks of 100 kB
    "xz": lzma.compress,
    "zstd": lambda data: zstandard.ZstdCompressor().compress(data),
}
# Lines that compress little, so that a cut in the middle of the file lies in the middle of the text.
TEXT = b"".join(b"%d %d\n" % (number, number * 2654435761 % 4294967291) for number in range(60_000))


def read_pieces(stream):
    """What a stream yields in small reads, and the StreamError that ended it."""
    pieces = []
    try:
        while piece := stream.read(1000):
            pieces.append(piece)
    except streams.StreamError as error:
        return b"".join(pieces), error
    return b"".join(pieces), None


@pytest.mark.parametrize("kind", COMPRESSORS)
def test_a_compressed_stream_reads_as_its_content(kind):
    data = COMPRESSORS[kind](TEXT)
    assert streams.compression_of(data) == kind
    assert streams.decompressed(io.BytesIO(data)).read() == TEXT


@pytest.mark.parametrize("kind", COMPRESSORS)
def test_members_that_follow_each_other_are_one_stream(kind):
    data = b"".join(COMPRESSORS[kind](part) for part in (b"one\n", b"", b"two\n", TEXT))
    assert streams.decompressed(io.BytesIO(data)).read() == b"one\ntwo\n" + TEXT


@pytest.mark.parametrize("kind", COMPRESSORS)
@pytest.mark.parametrize("missing", [1, 3, 9])
def test_a_stream_without_its_last_bytes_yields_its_lines_and_then_fails(kind, missing):
    data = COMPRESSORS[kind](TEXT)[:-missing]
    read, error = [], None
    try:
        for line in streams.lines(streams.decompressed(io.BytesIO(data))):
            read.append(line)
    except streams.StreamError as found:
        error = found
    assert error is not None and error.reason == "truncated"
    # The last bytes may be a checksum, or data of a last block that is then lost: of 128 kB in zstd, of 100 kB in bz2.
    assert sum(line.num_bytes for line in read) >= len(TEXT) - (128 << 10) - 100
    assert b"".join(line.data + b"\n" for line in read) == TEXT[: sum(line.num_bytes for line in read)]


@pytest.mark.parametrize("kind", COMPRESSORS)
def test_a_stream_cut_in_the_middle_yields_a_true_beginning_and_then_fails(kind):
    data = COMPRESSORS[kind](TEXT)
    read, error = read_pieces(streams.decompressed(io.BytesIO(data[: len(data) * 2 // 3])))
    assert error is not None and error.reason == "truncated"
    assert len(read) > len(TEXT) // 3
    assert TEXT.startswith(read)
    assert len(read) <= error.offset <= len(TEXT)


@pytest.mark.parametrize("kind", COMPRESSORS)
@pytest.mark.parametrize("size", [6, 8, 12])
def test_a_mere_beginning_of_a_header_is_truncated(kind, size):
    read, error = read_pieces(streams.decompressed(io.BytesIO(COMPRESSORS[kind](TEXT)[:size])))
    assert read == b"" and error is not None and error.reason == "truncated"


@pytest.mark.parametrize("kind", ["gzip", "bz2", "zstd"])
def test_a_truncated_second_member_is_noticed(kind):
    compress = COMPRESSORS[kind]
    read, error = read_pieces(streams.decompressed(io.BytesIO(compress(b"one\n") + compress(TEXT)[:-2])))
    assert read.startswith(b"one\n") and error is not None and error.reason == "truncated"


@pytest.mark.parametrize("kind", COMPRESSORS)
def test_corruption_is_told(kind):
    data = bytearray(COMPRESSORS[kind](TEXT))
    for position in range(len(data) // 2, len(data) // 2 + 40):
        data[position] ^= 0x5A
    _, error = read_pieces(streams.decompressed(io.BytesIO(bytes(data))))
    assert error is not None and error.reason in ("corrupt", "truncated")


@pytest.mark.parametrize("kind", COMPRESSORS)
def test_a_bomb_is_stopped(kind, monkeypatch):
    monkeypatch.setattr(streams, "MIN_BOMB_BYTES", 100_000)
    monkeypatch.setattr(streams, "MAX_RATIO", 50)
    bomb = COMPRESSORS[kind](bytes(5_000_000))
    read, error = read_pieces(streams.decompressed(io.BytesIO(bomb)))
    assert error is not None and error.reason == "bomb"
    assert len(read) < 4_000_000
    # The same limits leave alone what only compresses well.
    honest = COMPRESSORS[kind](b"a little text, again and again\n" * 3000)
    assert read_pieces(streams.decompressed(io.BytesIO(honest)))[1] is None


def test_a_stream_that_is_not_compressed_is_passed_on():
    assert streams.decompressed(io.BytesIO(b"plain\n")).read() == b"plain\n"
    assert streams.decompressed(io.BytesIO(b"")).read() == b""


def test_closing_a_decompressed_stream_closes_the_file():
    for compress in COMPRESSORS.values():
        raw = io.BytesIO(compress(TEXT))
        with streams.decompressed(raw) as stream:
            stream.read(10)
        assert raw.closed


def test_read_at_most():
    assert streams.read_at_most(io.BytesIO(b"12345"), 5) == b"12345"
    with pytest.raises(streams.StreamError) as caught:
        streams.read_at_most(io.BytesIO(b"123456"), 5)
    assert (caught.value.reason, caught.value.offset) == ("too_long", 5)


file_bytes = st.lists(st.sampled_from([b"\n", b"\r\n", b"a", b"bc", b"\r", b"long line " * 3]), max_size=60).map(
    b"".join
)


@settings(max_examples=100, deadline=None)
@given(file_bytes, st.integers(1, 12))
def test_lines_account_for_every_byte(data, limit):
    found = list(streams.lines(io.BytesIO(data), limit=limit))
    assert sum(line.num_bytes for line in found) == len(data)
    position = 0
    for line in found:
        whole = data[position : position + line.num_bytes]
        assert line.offset == position
        assert whole.endswith(b"\n") or position + line.num_bytes == len(data)
        assert b"\n" not in whole[:-1]
        if line.too_long:
            assert len(whole) > limit and whole.startswith(line.data)
        else:
            assert line.data == whole.rstrip(b"\r\n")
        position += line.num_bytes


@settings(max_examples=100, deadline=None)
@given(file_bytes, st.lists(st.integers(0, 200), max_size=6), st.integers(1, 40))
def test_ranges_that_cover_a_file_cover_its_lines_once(data, cuts, limit):
    bounds = sorted({0, len(data), *(min(cut, len(data)) for cut in cuts)})
    found = []
    for start, end in zip(bounds, bounds[1:], strict=False):
        part = list(streams.lines(io.BytesIO(data), limit=limit, start=start, end=end))
        assert all(start <= line.offset < end for line in part)
        found += part
    assert found == list(streams.lines(io.BytesIO(data), limit=limit))


def test_a_line_beyond_the_limit_does_not_stay_in_memory():
    class Endless(io.RawIOBase):
        """A line of a gigabyte that is never in memory."""

        left = 1 << 30

        def readable(self):
            return True

        def readinto(self, buffer):
            size = min(len(buffer), self.left)
            buffer[:size] = b"x" * size
            self.left -= size
            return size

    (line,) = streams.lines(io.BufferedReader(Endless(), 1 << 20), limit=1000)
    assert line.too_long and line.num_bytes == 1 << 30 and len(line.data) <= 1000


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_decode_follows_the_byte_order_mark(encoding):
    assert streams.decode("Größe".encode(encoding), "latin-1") == "Größe"


def test_decode_is_strict():
    assert streams.decode("Größe".encode()) == "Größe"
    assert streams.decode("Größe".encode("latin-1"), "latin-1") == "Größe"
    for data, encoding, reason, offset in [
        (b"ab\xff", None, "undecodable", 2),
        (b"ab\x00c", None, "binary", 2),
        (b"ab", "no-such-encoding", "undecodable", 0),
        (b"ab", "hex", "undecodable", 0),
        ("\ud800".encode("utf-8", "surrogatepass"), None, "undecodable", 0),
    ]:
        with pytest.raises(streams.StreamError) as caught:
            streams.decode(data, encoding)
        assert (caught.value.reason, caught.value.offset) == (reason, offset)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400), st.sampled_from(["", *COMPRESSORS]), st.integers(0, 400))
def test_whatever_the_bytes_only_stream_errors_are_raised(data, kind, cut):
    stored = COMPRESSORS[kind](data)[:cut] + data[:50] if kind else data
    try:
        for line in streams.lines(streams.decompressed(io.BytesIO(stored))):
            streams.decode(line.data)
    except streams.StreamError as error:
        assert error.reason and error.offset >= 0
