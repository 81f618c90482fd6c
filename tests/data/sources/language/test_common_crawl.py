"""common_crawl_filtered: pages come out of every kind of archive, and one that is broken costs only itself."""

import gzip
import pickle
import zlib

import brotli
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from data import streams
from data.document import Document, Quarantined, Skipped
from data.formats import gzip_members, http_response, warc
from data.inputs import InputFile
from data.sources.language import common_crawl
from data.sources.language.registry import SOURCES
from data.sources.source import plan

SENTENCE = "The river rose for three days and then fell as quietly as it had come. "
PAGE = (
    '<!DOCTYPE html><html lang="en"><head><title>The river</title></head><body>'
    '<nav><a href="/">Home</a> <a href="/x">Menu</a></nav>'
    f"<article><h1>The river</h1><p>{SENTENCE * 5}</p><p>Größe: {SENTENCE * 3}</p></article>"
    '<footer><a rel="license" href="https://creativecommons.org/licenses/by-sa/3.0/de/">CC</a> Imprint</footer>'
)
DATE = "2024-05-18T01:58:10Z"


def http(body, *headers, status="200 OK"):
    fields = "\r\n".join(headers or ("Content-Type: text/html; charset=utf-8",))
    return f"HTTP/1.1 {status}\r\n{fields}\r\n\r\n".encode() + body


def record(block, kind="response", url="http://example.org/a", length=None, **headers):
    fields = {
        "WARC-Type": kind,
        "WARC-Target-URI": url,
        "WARC-Date": DATE,
        "WARC-Record-ID": "<urn:uuid:1>",
        "Content-Type": "application/http; msgtype=response",
        "Content-Length": str(len(block) if length is None else length),
    } | {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value is not None)
    return b"WARC/1.0\r\n" + head.encode() + b"\r\n" + block + b"\r\n\r\n"


GOOD = record(http(PAGE.encode()))
INFO = record(b"software: x\r\n", "warcinfo", "")


def items(make_input, data, name="x.warc.gz"):
    return list(common_crawl.read_archive(make_input(name, data)))


def kinds(found):
    return [getattr(item, "reason", "") or "document" for item in found]


def members(*records):
    return b"".join(map(gzip.compress, records))


def test_a_page_becomes_its_main_text(make_input):
    (item,) = items(make_input, GOOD, "a/x.warc")
    assert item.text.startswith("The river") and SENTENCE.strip() in item.text and "Größe" in item.text
    assert "Menu" not in item.text and "Imprint" not in item.text
    assert (item.source, item.domain, item.licence) == ("common_crawl_filtered:a/x.warc#0", "language", "CC-BY-SA-3.0")
    assert item.meta == {
        "title": "The river",
        "url": "http://example.org/a",
        "date": "2024-05-18",
        "declared_language": "en",
        "record_id": "urn:uuid:1",
        "fetched": DATE,
        "language": "en",
        "language_probability": pytest.approx(1, abs=0.01),
    }


def test_every_other_record_says_why_it_is_left_out(make_input):
    records = [
        INFO,
        record(b"GET / HTTP/1.1\r\n\r\n", "request"),
        record(b'{"Container": {}}', "metadata"),
        record(http(b""), "revisit"),
        record(http(b"gone", status="404 Not Found")),
        record(http(b"", "Location: /b", status="301 Moved")),
        record(http(b"%PDF", "Content-Type: application/pdf")),
        record(b"1.2.3.4", "response", "dns:example.org"),
        record(http(b"<html><body></body></html>")),
        GOOD,
    ]
    expected = "warcinfo request metadata revisit http_status http_status not_html not_http no_text document".split()
    for data in (b"".join(records), members(*records), gzip.compress(b"".join(records))):
        found = items(make_input, data)
        assert kinds(found) == expected
        assert all(isinstance(item, Skipped) for item in found[:-1])
        assert [item.num_bytes for item in found[:-1]] == [len(data) for data in records[:-1]]
        assert found[1].offset == len(INFO)


def test_wet_and_wat(make_input):
    wet = record("Größe und Länge sind zwei verschiedene Dinge.\n".encode(), "conversion", Content_Type="text/plain")
    wat = record(b'{"Envelope": {}}', "metadata", Content_Type="application/json")
    found = items(make_input, members(INFO, wet), "x.warc.wet.gz")
    assert kinds(found) == ["warcinfo", "document"]
    assert found[1].text == "Größe und Länge sind zwei verschiedene Dinge." and found[1].meta["language"] == "de"
    assert kinds(items(make_input, members(INFO, wat), "x.warc.wat.gz")) == ["warcinfo", "metadata"]


@pytest.mark.parametrize("packed", [True, False])
def test_arc(make_input, packed):
    block = http(PAGE.encode())
    version = b"1 0 Test\nURL IP-address Archive-date Content-type Archive-length\n"
    head = b"filedesc://x.arc 0.0.0.0 20140216050221 text/plain %d\n" % len(version) + version
    pages = [b"http://example.org/a b 1.2.3.4 20140216050221 text/html %d\n" % len(block) + block, b"broken line\n"]
    # Version 2 has more fields before the length.
    pages.append(b"http://example.org/2 1.2.3.4 20140216050222 text/html 200 - - 99 x.arc %d\n" % len(block) + block)
    parts = [part + b"\n" for part in (head, *pages)]
    found = items(make_input, members(*parts) if packed else b"".join(parts), "x.arc.gz")
    assert kinds(found) == ["warcinfo", "document", "malformed", "document"]
    assert [item.meta["url"] for item in found if isinstance(item, Document)] == [
        "http://example.org/a b",
        "http://example.org/2",
    ]
    assert found[1].meta["date"] == "2014-02-16"


def chunked(data, size=50):
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    return b"".join(b"%x;ext=1\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def raw_deflate(data):
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


HTML = "Content-Type: text/html; charset=utf-8"


@pytest.mark.parametrize(
    ("encode", "headers"),
    [
        (chunked, ["Transfer-Encoding: chunked"]),
        (lambda data: chunked(data)[:-30], ["Transfer-Encoding: chunked"]),
        (lambda data: brotli.compress(gzip.compress(data)), ["Content-Encoding: gzip, br"]),
        (gzip.compress, ["Content-Encoding: gzip"]),
        (gzip.compress, ["content-encoding: x-gzip"]),
        (zlib.compress, ["Content-Encoding: deflate"]),
        (raw_deflate, ["Content-Encoding: deflate"]),
        (brotli.compress, ["Content-Encoding: br"]),
        (zstandard.compress, ["Content-Encoding: zstd"]),
        (lambda data: chunked(gzip.compress(data)), ["Content-Encoding: gzip", "Transfer-Encoding: chunked"]),
        (lambda data: data, ["Transfer-Encoding: chunked"]),
        (lambda data: data, ["Content-Encoding: gzip"]),
        (lambda data: data, ["Content-Encoding: br", "Transfer-Encoding: chunked"]),
        (lambda data: data, ["Content-Encoding: identity", "X-Crawler-Content-Encoding: gzip"]),
    ],
)
def test_what_http_did_to_a_page_is_undone(make_input, encode, headers):
    """Also where a crawler stored the plain page under headers that still say how it was sent."""
    (item,) = items(make_input, record(http(encode(PAGE.encode()), HTML, *headers)), "x.warc")
    assert SENTENCE.strip() in item.text and "Größe" in item.text


@pytest.mark.parametrize(
    ("encoding", "header", "meta"),
    [
        ("utf-8", "", ""),
        ("iso-8859-1", "; charset=ISO-8859-1", ""),
        ("windows-1252", "", "<meta charset='windows-1252'>"),
        ("windows-1252", "", '<meta http-equiv="Content-Type" content="text/html; charset=iso-8859-1">'),
        ("utf-16", "", ""),
        ("utf-8", "; charset=no-such-thing", ""),
        ("windows-1252", "; charset=utf-8", "<meta charset=latin1>"),
    ],
)
def test_character_sets(make_input, encoding, header, meta):
    page = PAGE.replace("<head>", f"<head>{meta}").encode(encoding)
    (item,) = items(make_input, record(http(page, f"Content-Type: text/html{header}")), "x.warc")
    assert "Größe" in item.text


def test_a_page_that_is_no_text_is_quarantined(make_input):
    found = items(make_input, record(http(b"<html>\x00\x01\x02")) + GOOD, "x.warc")
    assert kinds(found) == ["binary", "document"] and "example.org" in found[0].evidence


def test_a_type_that_is_missing_is_guessed(make_input):
    found = items(make_input, record(http(PAGE.encode(), "Server: x")) + record(http(b"GIF89a", "Server: x")), "x.warc")
    assert kinds(found) == ["document", "not_html"]


def test_a_resource_has_no_http_header(make_input):
    (item,) = items(make_input, record(PAGE.encode(), "resource", Content_Type="text/html"), "x.warc")
    assert SENTENCE.strip() in item.text


def test_a_response_without_http_is_quarantined(make_input):
    assert kinds(items(make_input, record(b"\x01\x02 no http") + GOOD, "x.warc")) == ["malformed", "document"]


def test_payloads_that_grow_without_end_are_stopped(make_input, monkeypatch):
    monkeypatch.setattr(http_response, "MAX_PAYLOAD_BYTES", 1 << 20)
    bomb = record(http(gzip.compress(bytes(8 << 20)), HTML, "Content-Encoding: gzip"))
    assert kinds(items(make_input, bomb + GOOD, "x.warc")) == ["bomb", "document"]


def test_a_corrupt_member_costs_only_itself(make_input):
    broken = bytearray(gzip.compress(GOOD))
    broken[40:80] = b"\xa5" * 40
    data = gzip.compress(GOOD) + bytes(broken) + gzip.compress(INFO) + gzip.compress(GOOD)
    found = items(make_input, data)
    assert kinds(found) == ["document", "corrupt", "warcinfo", "document"]
    assert found[1].num_bytes == len(broken) and str(len(gzip.compress(GOOD))) in found[1].evidence


def test_junk_between_members_costs_no_record(make_input):
    data = gzip.compress(GOOD) + b"junk that is no gzip" + gzip.compress(GOOD) + bytes(100)
    found = items(make_input, data)
    assert kinds(found) == ["document", "corrupt", "document"]


@pytest.mark.parametrize("compress", [gzip.compress, bytes])
def test_a_file_that_breaks_off_ends_in_quarantine(make_input, compress):
    data = compress(GOOD) + compress(GOOD)[:-40]
    found = items(make_input, data)
    assert kinds(found) == ["document", "truncated"] and found[1].num_bytes > 0


def test_a_bomb_in_a_member_costs_only_itself(make_input, monkeypatch):
    monkeypatch.setattr(streams, "MIN_BOMB_BYTES", 1 << 20)
    monkeypatch.setattr(streams, "MAX_RATIO", 100)
    bomb = record(http(bytes(20 << 20)))
    assert kinds(items(make_input, members(GOOD, bomb, GOOD))) == ["document", "bomb", "document"]


@pytest.mark.parametrize(
    "join", [members, lambda *records: b"".join(records), lambda *records: gzip.compress(b"".join(records))]
)
@pytest.mark.parametrize("lie", [-100, 60, 1_000, 100_000, 10**12])
def test_a_wrong_length_costs_only_its_record(make_input, join, lie):
    block = http(PAGE.encode())
    wrong = record(block, length=max(len(block) + lie, 0))
    found = items(make_input, join(GOOD, wrong, INFO, GOOD))
    assert kinds(found)[0] == "document" and kinds(found)[-2:] == ["warcinfo", "document"]
    assert kinds(found)[1] in ("malformed", "truncated") and len(found) == 4


def test_a_length_beyond_the_file_ends_a_large_plain_file_in_quarantine(make_input):
    wrong = record(http(PAGE.encode()), length=10**12)
    padding = record(http(b"x" * 200_000))
    found = items(make_input, GOOD + wrong + padding + GOOD, "x.warc")
    # In a stream without borders there is no way back: what was passed over is counted.
    assert kinds(found) == ["document", "truncated"]
    assert found[1].num_bytes == len(wrong + padding + GOOD)


@pytest.mark.parametrize("length", ["", "x", "-5", "99999999999999999999", "١٢", None])
def test_a_length_that_is_none(make_input, length):
    wrong = record(http(PAGE.encode()), Content_Length=length)
    found = items(make_input, GOOD + wrong + GOOD, "x.warc")
    assert kinds(found) == ["document", "malformed", "document"]
    assert (found[1].offset, found[1].num_bytes) == (len(GOOD), len(wrong))


def test_a_header_without_end(make_input):
    head = b"WARC/1.0\r\n" + b"X-Long: y\r\n" * 20_000
    found = items(make_input, head + b"\r\n\r\n" + GOOD, "x.warc")
    assert kinds(found) == ["malformed", "document"]


def test_large_records_are_not_held(make_input, monkeypatch):
    monkeypatch.setattr(warc, "MAX_BLOCK_BYTES", 10_000)
    large = record(http(b"<html>" + b"x" * 200_000))
    film = record(http(bytes(200_000), "Content-Type: video/mp4"))
    found = items(make_input, large + film + GOOD, "x.warc")
    assert kinds(found) == ["too_long", "not_html", "document"]
    assert [item.num_bytes for item in found[:2]] == [len(large), len(film)]


@pytest.mark.parametrize("data", [b"", gzip.compress(b"", mtime=0), b"\r\n\r\n"])
def test_an_empty_archive_is_told_as_such(make_input, data):
    assert kinds(items(make_input, data)) == ["empty"]


@pytest.mark.parametrize("data", [b"\x00" * 5000, bytes(range(256)) * 40, b"<html>" * 1000, b"\x1f\x8b\x08" * 500])
def test_no_archive(make_input, data):
    found = items(make_input, data)
    assert len(found) == 1 and isinstance(found[0], Quarantined)


def test_members_split_anywhere_read_as_one_stream(make_input):
    data = GOOD + INFO + GOOD
    for cut in (5, 40, len(GOOD) - 3, len(GOOD) + 30):
        joined = gzip.compress(data[:cut]) + gzip.compress(data[cut:])
        assert kinds(items(make_input, joined)) == ["document", "warcinfo", "document"]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 3000), max_size=8), st.binary(max_size=2000), st.booleans())
def test_the_member_stream_reads_what_was_written(tmp_path_factory, sizes, data, packed):
    path = tmp_path_factory.getbasetemp() / "members.gz"
    path.write_bytes(members(data[:700], b"", data[700:]) if packed else data)
    plain = data if packed or streams.compression_of(data) is None else b""
    if not plain:
        return
    with path.open("rb") as raw:
        stream = gzip_members.MemberStream(raw, lambda head: False)
        position = 0
        for number, size in enumerate(sizes):
            piece = stream.readline(size) if number % 2 else stream.read(size)
            assert piece == plain[position : position + len(piece)] and len(piece) <= size
            if number % 3 == 2:
                stream.unread(piece[len(piece) // 2 :])
                piece = piece[: len(piece) // 2]
            position += len(piece)
            assert stream.offset == position
        assert stream.read(len(plain) + 1) == plain[position:]


SEEDS = [members(GOOD, INFO, GOOD), GOOD + INFO, gzip.compress(GOOD + INFO)]


@settings(max_examples=50, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=300),
        st.tuples(st.sampled_from(SEEDS), st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=9)), max_size=5)),
    )
)
def test_whatever_the_bytes_items_come_and_no_error(tmp_path_factory, case):
    data = case if isinstance(case, bytes) else bytearray(case[0])
    for place, patch in () if isinstance(case, bytes) else case[1]:
        start = int(place * len(data))
        data[start : start + len(patch)] = patch
    path = tmp_path_factory.getbasetemp() / "fuzz.warc.gz"
    path.write_bytes(bytes(data))
    found = list(common_crawl.read_archive(InputFile(str(path), str(path.parent), len(data))))
    assert found and all(isinstance(item, Document | Quarantined | Skipped) for item in found)
    pickle.dumps(found)


def test_the_samples(samples, input_files):
    source = next(source for source in SOURCES if source.name == common_crawl.NAME)
    planned = plan(source, input_files(samples("language/common_crawl_filtered")), 1 << 30)
    assert not planned.unclaimed and planned.units
    found = {unit.file.name: list(source.readers[unit.reader].read(unit.file)) for unit in planned.units}
    for name, listed in found.items():
        assert listed and not any(isinstance(item, Quarantined) for item in listed), name
        assert any(isinstance(item, Document) for item in listed) != name.endswith((".wat", ".wat.gz")), name
        for item in listed:
            if isinstance(item, Document):
                item.text.encode()
                assert item.meta["url"].startswith("http") and item.meta["date"][:2] == "20" and item.meta["language"]
                assert item.text.strip() and "<div" not in item.text and "\x00" not in item.text
    documents = [item for name in found for item in found[name] if isinstance(item, Document)]
    by_url = {
        item.meta["url"]: item
        for item in documents
        if not item.source.partition(":")[2].startswith("whirlwind.warc.wet")
    }
    if "https://an.wikipedia.org/wiki/Escopete" in by_url:
        page = by_url["https://an.wikipedia.org/wiki/Escopete"]
        assert page.meta["language"] == "an" and page.licence == "CC-BY-SA-4.0" and "Guadalachara" in page.text
    if "http://www.iana.org/" in by_url:
        assert "Root Zone" in by_url["http://www.iana.org/"].text
