"""Web pages with their pictures: pairs of files, WebSight's rows, and pages that are not what they say."""

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.inputs import expand
from data.sources.multimodal import web_screenshots
from data.sources.multimodal.registry import SOURCES
from data.sources.source import plan

SOURCE = next(source for source in SOURCES if source.name == "web_screenshots")
PAGE = b"<!DOCTYPE html>\r\n<html><head><title> My\n page </title></head>\r\n  <body>caf\xc3\xa9</body></html>\n"


def test_a_page_and_its_screenshot(make_input, picture, sorted_items):
    make_input("site/screenshot.png", picture())
    (document,), skipped, broken = sorted_items(web_screenshots.read_page(make_input("site/index.html", PAGE)))
    assert not skipped and not broken
    assert document.text == (
        "<!DOCTYPE html>\n<html><head><title> My\n page </title></head>\n  <body>caf\u00e9</body></html>"
    )
    assert (document.media, document.media_type, document.licence) == (picture(), "image/png", "NOASSERTION")
    assert document.source == "web_screenshots:site/index.html#page"
    assert document.meta == {
        "screenshot": "site/screenshot.png", "title": "My page", "code": "html", "width": 64, "height": 48,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("page", "files", "shot"),
    [
        ("12.html", ["12.png", "13.png"], "12.png"),
        ("index.html", ["index.jpg", "screenshot.png"], "index.jpg"),
        ("about.html", ["index.html", "screenshot.png"], None),
        ("about.html", ["screenshot.png"], "screenshot.png"),
        ("about.html", ["about_screenshot.png", "index.html"], "about_screenshot.png"),
        ("index.htm", ["page.webp"], "page.webp"),
        ("index.html", ["logo.png"], None),
    ],
)
def test_which_picture_is_the_pages(make_input, picture, sorted_items, page, files, shot):
    for number, name in enumerate(files):
        kind = {"png": "PNG", "jpg": "JPEG", "webp": "WEBP"}.get(name.rsplit(".", 1)[-1], "PNG")
        make_input(name, picture(kind, seed=number))
    documents, skipped, _ = sorted_items(web_screenshots.read_page(make_input(page, PAGE)))
    assert [document.meta["screenshot"] for document in documents] == ([shot] if shot else [])
    assert [item.reason for item in skipped] == ([] if shot else ["no_screenshot"])


def test_contents_of_data_addresses_are_cut():
    inlined = 'src="data:image/png;base64,' + "QUJD" * 500 + '" alt="a"'
    assert web_screenshots.trimmed(f"<img {inlined}><p>data: kept</p>") == (
        '<img src="data:image/png;base64,…" alt="a"><p>data: kept</p>'
    )
    styled = "url(data:font/woff2;charset=utf-8;base64," + "A" * 300 + ") format('woff2')"
    assert web_screenshots.trimmed(styled) == "url(data:font/woff2;charset=utf-8;base64,…) format('woff2')"
    short = '<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">'
    assert web_screenshots.trimmed(short) == short


def test_encodings(make_input, picture, sorted_items):
    make_input("a.png", picture())
    pages = {
        "utf-8": (b"<meta charset=utf-8><p>caf\xc3\xa9", "caf\u00e9"),
        "said": (
            b'<meta http-equiv="Content-Type" content="text/html; charset=iso-8859-1"><p>\x93caf\xe9\x94',
            "\u201ccaf\u00e9\u201d",
        ),
        "wide": (b"\xff\xfe" + "<p>caf\u00e9".encode("utf-16-le"), "caf\u00e9"),
    }
    for data, expected in pages.values():
        (document,), _, _ = sorted_items(web_screenshots.read_page(make_input("a.html", data)))
        assert document.text.endswith(expected)
    for data, reason in (
        (b"<p>caf\xe9", "undecodable"),
        (b"<meta charset=zip><p>\xe9", "undecodable"),
        (b"<p>\x00", "binary"),
    ):
        _, _, (broken,) = sorted_items(web_screenshots.read_page(make_input("a.html", data)))
        assert broken.reason == reason


@pytest.mark.parametrize(
    ("mark", "licence"),
    [
        ('<a rel="license" href="https://creativecommons.org/licenses/by-sa/4.0/">terms</a>', "CC-BY-SA-4.0"),
        ("<!-- Licensed under MIT (https://example.org/LICENSE) -->", "MIT"),
        ("<p>all rights reserved</p>", "NOASSERTION"),
    ],
)
def test_licences_that_a_page_states(make_input, picture, sorted_items, mark, licence):
    make_input("a.png", picture())
    (document,), _, _ = sorted_items(web_screenshots.read_page(make_input("a.html", f"<html>{mark}</html>".encode())))
    assert document.licence == licence


def parquet(rows):
    stream = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), stream)
    return stream.getvalue()


def test_websight(make_input, picture, sorted_items):
    rows = [
        {
            "image": {"bytes": picture(), "path": None},
            "text": "<html><p>one</p></html>",
            "llm_generated_idea": "An idea",
        },
        {"image": {"bytes": picture()[:400], "path": None}, "text": "<html></html>", "llm_generated_idea": "x"},
        {"image": {"bytes": picture(), "path": None}, "text": "", "llm_generated_idea": "x"},
        {"image": None, "text": "<html></html>", "llm_generated_idea": "x"},
    ]
    (document,), skipped, (broken,) = sorted_items(web_screenshots.read_table(make_input("w.parquet", parquet(rows))))
    assert (document.text, document.licence, document.meta["idea"]) == (
        "<html><p>one</p></html>",
        "CC-BY-4.0",
        "An idea",
    )
    assert document.source == "web_screenshots:w.parquet#0" and document.media == picture()
    assert [item.reason for item in skipped] == ["no_html", "no_screenshot"] and broken.reason == "truncated"
    _, _, (broken,) = sorted_items(web_screenshots.read_table(make_input("w.parquet", parquet([{"a": 1}]))))
    assert broken.reason == "wrong_columns"


def test_broken_pages(make_input, picture, sorted_items):
    make_input("a.png", picture()[:300])
    _, _, (broken,) = sorted_items(web_screenshots.read_page(make_input("a.html", PAGE)))
    assert broken.reason == "truncated" and broken.path == "a.html"
    make_input("b.png", picture())
    _, (skipped,), _ = sorted_items(web_screenshots.read_page(make_input("b.html", b" \n ")))
    assert skipped.reason == "no_html"
    _, _, (broken,) = sorted_items(web_screenshots.read_page(make_input("b.html", b"<p>x</p>" * (2 << 20))))
    assert broken.reason == "too_long"


@pytest.mark.parametrize(
    "hostile", [b"<a " * 100_000, b'<link rel="' * 50_000, b"data:a/b;c" * 50_000, b"<meta charset" * 9000]
)
def test_hostile_pages_end(make_input, picture, sorted_items, hostile):
    make_input("a.png", picture())
    (document,), _, _ = sorted_items(web_screenshots.read_page(make_input("a.html", hostile)))
    assert document.licence == "NOASSERTION"


def test_assets_are_companions(make_input, tmp_path):
    for name in ("index.html", "screenshot.png", "css/a.css", "js/a.js", "favicon.ico", "notes.doc"):
        make_input(name, b"x")
    found = plan(SOURCE, expand(str(tmp_path / "in")), 1 << 20)
    assert [unit.file.name for unit in found.units] == ["index.html"]
    assert [file.name for file in found.unclaimed] == ["notes.doc"]


def test_real_samples(samples, input_files, sorted_items):
    found = plan(SOURCE, input_files(samples("multimodal/web_screenshots")), 1 << 30)
    assert found.units
    for unit in found.units:
        documents, skipped, broken = sorted_items(SOURCE.readers[unit.reader].read(unit.file))
        assert documents and not skipped and not broken
        assert all("<html" in document.text and document.meta["width"] >= 640 for document in documents)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_nothing_raises(make_input, picture, sorted_items, data):
    make_input("a.png", picture() if data.draw(st.booleans()) else data.draw(st.binary(max_size=40)))
    marks = [
        "<meta charset=",
        "utf-7",
        "idna",
        "undefined",
        "gbk",
        ">",
        "<title>",
        "data:a/b,",
        "\xff",
        "é",
        " ",
        "\x00",
        "<a rel=license href='x'>",
    ]
    text = st.lists(st.sampled_from(marks), max_size=12).map("".join).map(lambda words: words.encode("latin-1"))
    sorted_items(web_screenshots.read_page(make_input("a.html", data.draw(text | st.binary(max_size=60)))))
    cells = (
        st.none() | st.text(max_size=5).filter(lambda word: word.isascii()) | st.binary(max_size=9) | st.just(picture())
    )
    rows = [{"image": data.draw(cells), "text": "x"}]
    sorted_items(web_screenshots.read_table(make_input("w.parquet", parquet(rows))))
    sorted_items(web_screenshots.read_table(make_input("v.parquet", data.draw(st.binary(max_size=60)))))
