"""XML: elements come one at a time whatever the size, entities never do, what breaks is told after what was whole."""

import bz2
import gzip

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from data.formats import xml
from data.inputs import InputFile
from data.streams import StreamError

BOMB = '<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><r><a>&b;</a></r>'


def texts(file, tags=("a",)):
    return [element.text for element in xml.elements(file, tags)]


def failing(file, tags=("a",)):
    """Texts of the elements before the StreamError, and the error."""
    found = []
    with pytest.raises(StreamError) as caught:
        for element in xml.elements(file, tags):
            found.append(element.text)
    return found, caught.value


def test_elements_come_in_order_and_with_their_content(make_input):
    data = b"<r><a n='1'>x<b>y</b></a><c><a n='2'/></c><b>z</b></r>"
    seen = [
        (xml.local_name(e), e.get("n"), "".join(e.itertext())) for e in xml.elements(make_input("x.xml", data), ("a",))
    ]
    assert seen == [("a", "1", "xy"), ("a", "2", "")]


def test_namespaces_do_not_matter(make_input):
    data = b"<r xmlns='u:v'><a>1</a><q:a xmlns:q='u:w'>2</q:a><a xmlns=''>3</a></r>"
    assert texts(make_input("x.xml", data)) == ["1", "2", "3"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1"])
def test_encodings(make_input, encoding):
    declared = f"<?xml version='1.0' encoding='{encoding.removesuffix('-sig')}'?>"
    data = f"{declared}<r><a>Größe</a></r>".encode(encoding)
    assert texts(make_input("x.xml", data)) == ["Größe"]
    assert xml.parse(data).findtext("a") == "Größe"


def test_utf16_with_a_mark_alone(make_input):
    data = "<r><a>Größe</a></r>".encode("utf-16")
    assert texts(make_input("x.xml.bz2", bz2.compress(data))) == ["Größe"]


def test_no_more_than_the_last_read_is_held(make_input):
    element = b"<a>" + b"<b>text</b>" * 100 + b"</a><c/>"
    held, count = 0, 0
    for found in xml.elements(make_input("x.xml", b"<r>" + element * 4000 + b"</r>"), ("a",)):
        assert len(found) == 100
        held = max(held, len(found.getparent()))
        count += 1
    # 64 kB hold 57 of the 4000 elements.
    assert count == 4000 and held < 200


@pytest.mark.parametrize(
    "data",
    [
        BOMB.encode(),
        BOMB.encode("utf-16"),
        f"<?xml version='1.0' encoding='utf-16le'?>{BOMB}".encode("utf-16-le"),
        b'<!DOCTYPE r [<!ENTITY % x SYSTEM "file:///etc/passwd"> %x;]><r><a>1</a></r>',
        b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r><a>&x;</a></r>',
        b'<!doctype r [<!entity x "1">]><r><a>1</a></r>'.replace(b"doctype", b"DOCTYPE").replace(b"entity", b"ENTITY"),
        f"<!--{'x' * 70_000}-->{BOMB}".encode(),
        f"<!--{'x' * (65_536 - 7 - 20)}-->{BOMB}".encode(),
        b"<!DOCTYPE r [<!-- ]> -->" + BOMB[13:].encode(),
    ],
)
def test_entities_are_refused(make_input, data):
    found, error = failing(make_input("x.xml", data))
    assert found == [] and error.reason == "entities"
    with pytest.raises(StreamError) as caught:
        xml.parse(data)
    assert caught.value.reason == "entities"


@pytest.mark.parametrize("cut", range(1, 9))
def test_a_declaration_on_the_border_of_two_reads_is_seen(make_input, cut):
    # A gzip member ends inside `<!ENTITY`, so that it comes in two pieces.
    head, tail = BOMB[: BOMB.index("<!ENTITY") + cut], BOMB[BOMB.index("<!ENTITY") + cut :]
    data = gzip.compress(head.encode()) + gzip.compress(tail.encode())
    found, error = failing(make_input("x.xml.gz", data))
    assert found == [] and error.reason == "entities"


@pytest.mark.parametrize(
    "head",
    [
        '<!DOCTYPE r SYSTEM "tmx14.dtd">',
        '<!DOCTYPE r PUBLIC "-//X//DTD//EN" "http://localhost:1/x.dtd">',
        "<!DOCTYPE r [<!ELEMENT a (#PCDATA)><!ATTLIST a b CDATA 'c'>]>",
    ],
)
def test_a_document_type_without_entities_passes(make_input, head):
    data = f"<?xml version='1.0'?>{head}<r><a>1</a></r>".encode()
    assert texts(make_input("x.xml", data)) == ["1"]
    assert xml.parse(data).findtext("a") == "1"


def test_a_text_may_speak_of_entities(make_input):
    data = b"<!DOCTYPE r SYSTEM 'x.dtd'><r><a><![CDATA[<!DOCTYPE x [<!ENTITY y 'z'>]>]]></a></r>"
    assert texts(make_input("x.xml", data)) == ["<!DOCTYPE x [<!ENTITY y 'z'>]>"]
    assert "<!ENTITY" in xml.parse(data).findtext("a")


def test_files_and_networks_are_not_read(make_input, tmp_path):
    (tmp_path / "secret").write_text("SECRET")
    data = (
        f'<r xmlns:xi="http://www.w3.org/2001/XInclude"><a><xi:include href="{tmp_path}/secret" parse="text"/></a></r>'
    )
    (element,) = xml.elements(make_input("x.xml", data.encode()), ("a",))
    assert "SECRET" not in "".join(element.itertext())


@pytest.mark.parametrize(
    "rest", [b"<a>3", b"</b>", b"<a>\xff</a></r>", b"<a>&undeclared", b"<a>\x00</a></r>", b"<a b=></a>", b""]
)
def test_what_is_whole_comes_before_the_error(make_input, rest):
    data = b"<r><a>1</a><a>2</a>" + rest
    found, error = failing(make_input("x.xml", data))
    assert found == ["1", "2"] and error.reason == "malformed" and 0 < error.offset <= len(data)


@pytest.mark.parametrize("data", [b"", b"   ", b"no xml", b"\x00\x01\x02", b"{}", b"<"])
def test_what_is_no_xml(make_input, data):
    assert failing(make_input("x.xml", data))[1].reason == "malformed"
    with pytest.raises(StreamError):
        xml.parse(data)


def test_truncated_compression_is_told_as_such(make_input):
    data = gzip.compress(b"<r>" + b"".join(b"<a>%d</a>" % (n * 7919 % 9973) for n in range(20_000)) + b"</r>")
    found, error = failing(make_input("x.xml.gz", data[: len(data) // 2]))
    assert error.reason == "truncated" and len(found) > 5000
    assert found == [str(n * 7919 % 9973) for n in range(len(found))]


def test_depth_is_bounded(make_input):
    data = b"<r>" + b"<a>" * 100_000
    assert failing(make_input("x.xml", data))[1].reason == "malformed"
    with pytest.raises(StreamError):
        xml.parse(data)


def test_parse_names_the_place(make_input):
    with pytest.raises(StreamError) as caught:
        xml.parse(b"<r>\n<a>\n</b></r>")
    assert caught.value.reason == "malformed" and 8 <= caught.value.offset <= 12


def test_comments_and_instructions_are_left_out(make_input):
    data = b"<r><a>x<!-- no --><?pi no?>y</a></r>"
    assert "".join(xml.parse(data).find("a").itertext()) == "xy"
    assert ["".join(e.itertext()) for e in xml.elements(make_input("x.xml", data), ("a",))] == ["xy"]


def test_local_name():
    assert xml.local_name(etree.fromstring("<a xmlns='u'/>")) == "a"
    assert xml.local_name(etree.Comment("x")) == ""


pieces = st.lists(
    st.sampled_from(["<a>", "</a>", "x", "&lt;", "&b;", "<!--", "-->", "<![CDATA[", "]]>", "<b c='d'/>", "<", "\x01"])
)


@settings(max_examples=60, deadline=None)
@given(st.one_of(st.binary(max_size=200), pieces.map(lambda found: f"<r>{''.join(found)}</r>".encode())))
def test_whatever_the_bytes_only_stream_errors_are_raised(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "fuzz.xml"
    path.write_bytes(data)
    try:
        for element in xml.elements(InputFile(str(path), str(path.parent), len(data)), ("a",)):
            assert xml.local_name(element) == "a"
    except StreamError as error:
        assert error.reason and error.offset >= 0
    try:
        xml.parse(data)
    except StreamError as error:
        assert error.reason and 0 <= error.offset <= len(data)
