"""news_archives: articles from pages, archives and feeds, with headline, day, site and language."""

import gzip
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.document import Document, Quarantined, Skipped
from data.formats import html
from data.inputs import InputFile
from data.sources.language import news
from data.sources.language.registry import SOURCES
from data.sources.source import plan

SENTENCE = "Der Fluss stieg drei Tage lang und fiel dann so still, wie er gekommen war. "
PAGE = f"""<!DOCTYPE html><html lang="de-DE"><head><title>Hochwasser - Der Bote</title><meta charset="utf-8">
<meta property="og:title" content="Hochwasser am Fluss"><meta property="og:site_name" content="Der Bote">
<meta property="article:published_time" content="2023-07-04T08:00:00+02:00"><meta name="author" content="Ann Autor">
<link rel="canonical" href="https://bote.example/hochwasser"></head>
<body><nav><ul><li><a href="/">Start</a></li><li><a href="/abo">Abo</a></li></ul></nav>
<article><p>{SENTENCE * 4}</p><p>{SENTENCE * 3}</p></article>
<footer><a href="https://creativecommons.org/licenses/by/4.0/">CC BY</a> Impressum</footer></body></html>"""
RSS = f"""<?xml version="1.0"?><rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"
 xmlns:cc="http://web.resource.org/cc/"><channel><title>Der Bote</title><language>de</language>
<item><title>Erste &amp; letzte</title><link>https://bote.example/1</link><guid>id-1</guid>
<pubDate>Tue, 04 Jul 2023 08:00:00 GMT</pubDate><description>Kurz.</description>
<content:encoded><![CDATA[<p>{SENTENCE}</p><script>evil()</script><ul><li>eins</li></ul>]]></content:encoded></item>
<item><title>Nur kurz</title><description>&lt;b&gt;{SENTENCE}&lt;/b&gt;</description></item>
<item><title>Leer</title></item></channel></rss>"""
ATOM = f"""<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom" xml:lang="de">
<title>Der Bote</title>
<entry><title type="html">&lt;i&gt;Titel&lt;/i&gt;</title><id>urn:1</id><updated>2023-07-04T08:00:00Z</updated>
<author><name>Ann Autor</name></author><link href="https://bote.example/1"/>
<link rel="license" href="https://creativecommons.org/licenses/by-sa/4.0/"/>
<content type="text">{SENTENCE}a &lt; b</content></entry></feed>"""


def items(read, make_input, name, data):
    return list(read(make_input(name, data.encode() if isinstance(data, str) else data)))


def test_a_page(make_input):
    (item,) = items(news.read_page, make_input, "b/x.html", PAGE)
    assert item.text == f"Hochwasser am Fluss\n\n{(SENTENCE * 4).strip()}\n{(SENTENCE * 3).strip()}"
    assert (item.source, item.licence, item.domain) == ("news_archives:b/x.html#0", "CC-BY-4.0", "language")
    assert item.meta == {
        "title": "Hochwasser am Fluss",
        "date": "2023-07-04",
        "site": "Der Bote",
        "author": "Ann Autor",
        "url": "https://bote.example/hochwasser",
        "declared_language": "de-de",
        "language": "de",
        "language_probability": pytest.approx(1, abs=0.01),
    }


def test_a_headline_is_not_told_twice(make_input):
    page = PAGE.replace("<article>", "<article><h1>Hochwasser am Fluss</h1>")
    (item,) = items(news.read_page, make_input, "x.htm", page)
    assert item.text.count("Hochwasser am Fluss") == 1 and item.text.startswith("Hochwasser am Fluss")


def test_a_page_of_an_unknown_site_is_named_by_its_host(make_input):
    page = PAGE.replace('<meta property="og:site_name" content="Der Bote">', "").replace(" - Der Bote", "")
    (item,) = items(news.read_page, make_input, "x.html", page)
    assert item.meta["site"].lower() == "bote.example"


def test_pages_that_hold_no_article(make_input):
    (item,) = items(news.read_page, make_input, "x.html", "<html><head><title>T</title></head><body></body></html>")
    assert isinstance(item, Skipped) and item.reason == "no_text"
    for data, reason in ((b"", "empty"), (b" \n", "empty"), (b"\x00\x01\x02<html>", "binary")):
        (item,) = items(news.read_page, make_input, "x.html", data)
        assert isinstance(item, Quarantined) and item.reason == reason


def test_a_news_crawl(make_input):
    block = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + PAGE.encode()
    head = "WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: https://bote.example/h\r\n"
    head += "WARC-Date: 2023-07-05T00:00:00Z\r\n"
    data = head.encode() + b"Content-Length: %d\r\n\r\n" % len(block) + block + b"\r\n\r\n"
    found = items(news.read_archive, make_input, "x.warc.gz", gzip.compress(data) + gzip.compress(data)[:-60])
    assert isinstance(found[0], Document) and [item.reason for item in found[1:]] == ["truncated"]
    assert found[0].meta["date"] == "2023-07-04" and found[0].meta["site"] == "Der Bote"
    assert found[0].meta["url"] == "https://bote.example/h" and found[0].text.startswith("Hochwasser am Fluss\n\n")


def test_no_page_was_written_after_it_was_fetched():
    page = PAGE.replace("2023-07-04", "2031-05-01")
    assert html.main_text(page).date == "2031-05-01"
    assert html.main_text(page, day="2023-07-05").date == ""


def test_rss(make_input):
    first, second, third = items(news.read_feed, make_input, "f/x.rss", RSS)
    assert (
        first.text == f"Erste & letzte\n\n{SENTENCE.strip()}\n\n  • eins" and first.source == "news_archives:f/x.rss#0"
    )
    assert first.meta["url"] == "https://bote.example/1" and first.meta["date"] == "2023-07-04"
    assert first.meta["site"] == "Der Bote" and first.meta["entry"] == "id-1" and first.meta["language"] == "de"
    assert second.text == f"Nur kurz\n\n{SENTENCE.strip()}"
    assert isinstance(third, Skipped) and third.reason == "no_text" and third.evidence == "Leer" and third.offset == 2


def test_atom(make_input):
    (item,) = items(news.read_feed, make_input, "x.atom", ATOM)
    assert item.text == f"Titel\n\n{SENTENCE}a < b" and item.meta["author"] == "Ann Autor"
    assert item.meta["date"] == "2023-07-04" and item.meta["declared_language"] == "de"


@pytest.mark.parametrize("encoding", ["utf-8", "iso-8859-1", "utf-16"])
def test_feeds_in_other_encodings(make_input, encoding):
    data = (
        RSS.replace('version="1.0"?', f'version="1.0" encoding="{encoding}"?')
        .replace("Nur kurz", "Größe")
        .encode(encoding)
    )
    assert items(news.read_feed, make_input, "x.xml.gz", gzip.compress(data))[1].meta["title"] == "Größe"


def test_a_feed_that_breaks_off_loses_its_last_entry(make_input):
    found = items(news.read_feed, make_input, "x.rss", RSS[: RSS.index("</b") - 10] if "</b" in RSS else RSS[:-150])
    assert isinstance(found[0], Document) and found[0].meta["entry"] == "id-1"
    assert isinstance(found[-1], Quarantined) and found[-1].reason == "truncated"


def test_a_feed_that_is_not_well_formed_is_read_as_far_as_it_goes(make_input):
    found = items(news.read_feed, make_input, "x.rss", RSS.replace("Erste &amp; letzte", "Erste & letzte &nbsp; <br>"))
    assert [type(item) for item in found] == [Document, Document, Skipped]


def test_what_is_no_feed(make_input):
    cases = [
        (b"", "empty"),
        (b"nonsense", "malformed"),
        (b"<a><b></a>", "malformed"),
        (b"<urlset><url/></urlset>", "no_entries"),
        (b'<rss version="2.0"><channel><title>t</title></channel></rss>', "no_entries"),
        (b'<!DOCTYPE r [<!ENTITY a "b">]>' + RSS.encode()[21:], "entities"),
        (gzip.compress(RSS.encode())[:-20], "truncated"),
    ]
    for data, reason in cases:
        (item,) = items(news.read_feed, make_input, "x.xml", data)
        assert item.reason == reason and not isinstance(item, Document)


def test_a_feed_is_never_fetched(make_input, tmp_path):
    (tmp_path / "local.xml").write_text(RSS)
    for data in (f"{tmp_path}/local.xml", "http://localhost:9/feed", f"file://{tmp_path}/local.xml"):
        (item,) = items(news.read_feed, make_input, "x.xml", data)
        assert isinstance(item, Quarantined)


@settings(max_examples=50, deadline=None)
@given(
    st.sampled_from([news.read_feed, news.read_page]),
    st.one_of(
        st.binary(max_size=300),
        st.lists(st.sampled_from(RSS.split(">") + ATOM.split(">") + ["<", "&", "\x00", "]]"])).map(
            lambda p: ">".join(p).encode()
        ),
        st.lists(st.sampled_from(PAGE.split(">") + ["<table", "<!--", "<math", "<svg", "&#x0;", "&#xD800;"])).map(
            lambda p: ">".join(p).encode()
        ),
    ),
)
def test_whatever_the_bytes_items_come_and_no_error(tmp_path_factory, read, data):
    path = tmp_path_factory.getbasetemp() / "fuzz.xml"
    path.write_bytes(data)
    found = list(read(InputFile(str(path), str(path.parent), len(data))))
    assert found and all(isinstance(item, Document | Quarantined | Skipped) for item in found)
    for item in found:
        if isinstance(item, Document):
            assert item.text.encode() and "\x00" not in item.text
    pickle.dumps(found)


def test_the_samples(samples, input_files):
    source = next(source for source in SOURCES if source.name == news.NAME)
    planned = plan(source, input_files(samples("language/news_archives")), 1 << 30)
    assert planned.units and not planned.unclaimed
    for unit in planned.units:
        (item,) = source.readers[unit.reader].read(unit.file)
        assert isinstance(item, Document), unit.file.name
        assert 500 < len(item.text) < unit.file.size and item.meta["title"] and item.meta["language"] in ("de", "en")
        assert item.meta["language_probability"] > 0.9 and item.meta["date"][:2] == "20"
        assert item.licence.startswith("CC-BY") and "<p" not in item.text and "function(" not in item.text
        if unit.file.name.endswith("wikimediafoundation.org.turkey.html"):
            assert item.meta["date"] == "2020-01-15" and item.meta["site"] == "Wikimedia Foundation"
            assert item.text.startswith(
                "Access to Wikipedia restored in Turkey after more than two and a half years\n\n"
            )
