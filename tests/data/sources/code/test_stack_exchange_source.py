"""Questions and answers out of Posts.xml of a Stack Exchange dump."""

import gzip
import tempfile
from xml.sax.saxutils import quoteattr

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.document import Document, Quarantined, Skipped
from data.inputs import InputFile
from data.sources.code import spool, stack_exchange

BOM = b"\xef\xbb\xbf"


def _row(number, kind, body="<p>Text.</p>", **columns):
    row = {"Id": number, "PostTypeId": kind, "CreationDate": "2013-06-25T03:05:29.920", "Score": 1, "Body": body}
    attributes = " ".join(f"{name}={quoteattr(str(value))}" for name, value in (row | columns).items())
    return f"  <row {attributes} />\n"


def _posts(*rows):
    return BOM + ('<?xml version="1.0" encoding="utf-8"?>\n<posts>\n' + "".join(rows) + "</posts>").encode()


QUESTION_BODY = "<p>How do I <em>add</em>?</p>\n\n<pre><code>1 +\n</code></pre>\n"
QUESTION = _row(4, 1, QUESTION_BODY, Title="Adding & more", Tags="<python><math>", AcceptedAnswerId=9, Score=7)
GOOD = _row(5, 2, "<p>So: $a_1 + a_2 &lt; 3$</p>", ParentId=4, Score=30)
ACCEPTED = _row(9, 2, "<p>Like <code>1 + 1</code>.</p>", ParentId=4, Score=2)
BAD = _row(10, 2, "<p>Don't.</p>", ParentId=4, Score=-3)


def _read(make_input, data, name="site.stackexchange.com/Posts.xml"):
    return list(stack_exchange.read(make_input(name, data)))


def test_a_question_comes_with_its_answers_best_first(make_input):
    # The accepted answer stands before its question, which dumps that were merged have.
    document, lesser, tag = _read(make_input, _posts(ACCEPTED, QUESTION, GOOD, BAD, _row(11, 5)))
    assert document == Document(
        text="# Adding & more\n\nQuestion:\n\nHow do I *add*?\n\n```\n1 +\n```\n\n"
        "Answer:\n\nLike `1 + 1`.\n\nAnswer:\n\nSo: $a_1 + a_2 < 3$",
        domain="code",
        source="stackoverflow_qa:site.stackexchange.com/Posts.xml#4",
        licence="CC-BY-SA-3.0",
        meta={
            "kind": "text",
            "title": "Adding & more",
            "tags": ["python", "math"],
            "score": 7,
            "created": "2013-06-25T03:05:29.920",
            "question_id": "4",
            "answer_ids": ["9", "5"],
            "answer_scores": [2, 30],
            "accepted": True,
            "site": "site.stackexchange.com",
            "url": "https://site.stackexchange.com/questions/4",
        },
    )
    assert isinstance(lesser, Skipped) and lesser.reason == "lesser_answer" and "10" in lesser.evidence
    assert isinstance(tag, Skipped) and tag.reason == "other_post_type" and "tag wiki" in tag.evidence


@pytest.mark.parametrize(
    "columns, licence",
    [
        ({"CreationDate": "2010-01-01T00:00:00.000"}, "CC-BY-SA-2.5"),
        ({"CreationDate": "2011-04-08T00:00:00.000"}, "CC-BY-SA-3.0"),
        ({"CreationDate": "2019-01-01T00:00:00.000"}, "CC-BY-SA-4.0"),
        ({"CreationDate": "2010-01-01T00:00:00.000", "ContentLicense": "CC BY-SA 4.0"}, "CC-BY-SA-4.0"),
    ],
)
def test_licence_by_attribute_or_day_and_the_newest_of_the_posts(make_input, columns, licence):
    old = {"CreationDate": "2009-01-01T00:00:00.000"}
    question, answer = _row(1, 1, Title="Q", **old), _row(2, 2, ParentId=1, **columns)
    (document,) = _read(make_input, _posts(question, answer))
    assert document.licence == licence


def test_posts_that_make_no_pair_are_counted_by_reason(make_input):
    rows = [
        _row(1, 1, Title="alone"),
        _row(2, 2, ParentId=77),
        _row(3, 2),
        _row(4, 1, body=" "),
        _row(6, 2, ParentId=1),
    ]
    items = _read(make_input, _posts(*rows[:-1]))
    assert [(item.reason, type(item)) for item in items] == [
        *(("unanswered", Skipped), ("orphan_answer", Skipped), ("orphan_answer", Skipped), ("empty", Skipped))
    ]
    assert "alone" not in items[1].evidence and "77" in items[1].evidence
    items = _read(make_input, _posts(rows[0], rows[-1], rows[0], rows[-1]))
    assert [getattr(item, "reason", "document") for item in items] == ["duplicate_id", "duplicate_id", "document"]


def test_tags_with_bars_as_dumps_since_2024_have_them(make_input):
    (document,) = _read(make_input, _posts(_row(1, 1, Title="Q", Tags="|c#|.net|"), _row(2, 2, ParentId=1)))
    assert document.meta["tags"] == ["c#", ".net"]


def test_a_broken_row_costs_itself_only(make_input):
    broken = '  <row Id="20" PostTypeId="1" Body="&bogus; <p" />\n'
    data = _posts(
        QUESTION, broken, ACCEPTED, '  <row Id="21" PostTypeId="1" Score="many" CreationDate="2013" Body="x" />\n'
    )
    first, bad, worse = _read(make_input, data)
    assert isinstance(first, Document) and first.meta["answer_ids"] == ["9"]
    assert isinstance(bad, Quarantined) and bad.reason == "malformed" and data[bad.offset :].startswith(b'<row Id="20"')
    assert isinstance(worse, Quarantined) and "many" in worse.evidence


@pytest.mark.parametrize("end", [-20, -8])
def test_a_cut_file_keeps_what_came_before(make_input, end):
    data = _posts(QUESTION, ACCEPTED, GOOD)[:end]
    items = _read(make_input, data)
    assert isinstance(items[0], Document) and items[0].text.startswith("# Adding")
    assert items[-1] == Quarantined(
        "site.stackexchange.com/Posts.xml", len(data), "truncated", 0, "the root element is not closed after 3 rows"
    )


def test_a_cut_gzip_stream_is_quarantined_where_it_breaks(make_input):
    whole = gzip.compress(_posts(*[_row(n, 1, Title="Q") for n in range(2000)], QUESTION, ACCEPTED))
    items = _read(make_input, whole[: len(whole) // 2], "Posts.xml.gz")
    assert isinstance(items[-1], Quarantined) and items[-1].reason == "truncated" and items[-1].offset > 0


BOMB = b'<!DOCTYPE p [<!ENTITY a "b"><!ENTITY c "&a;&a;">]><posts><row Id="1" PostTypeId="1" Body="&c;"/></posts>'


@pytest.mark.parametrize(
    "data, reason",
    [
        (b"", "malformed"),
        (b"\x00\x01\xff" * 50, "malformed"),
        (BOMB, "entities"),
        (b'<comments><row Id="1" PostId="2" Text="hm"/></comments>', "wrong_columns"),
    ],
)
def test_other_files_are_quarantined(make_input, data, reason):
    items = _read(make_input, data)
    assert items and all(isinstance(item, Quarantined) for item in items)
    assert reason in [item.reason for item in items]


def test_a_row_too_long_to_hold_is_set_aside(make_input, monkeypatch):
    monkeypatch.setattr(stack_exchange, "MAX_LINE_BYTES", 5000)
    monkeypatch.setattr(stack_exchange, "_BLOCK", 1000)
    data = _posts(QUESTION, _row(50, 1, "x" * 100_000), ACCEPTED)
    document, long = _read(make_input, data)
    assert isinstance(document, Document)
    assert long.reason == "too_long" and long.num_bytes == len(_row(50, 1, "x" * 100_000))


def test_rows_are_found_across_blocks_of_any_size(make_input, monkeypatch):
    data = _posts(QUESTION, ACCEPTED, GOOD, BAD)
    whole = _read(make_input, data)
    for size in (1, 2, 3, 7, 64):
        monkeypatch.setattr(stack_exchange, "_BLOCK", size)
        assert _read(make_input, data) == whole


def test_a_thread_too_long_to_hold_is_cut_and_counted(make_input, monkeypatch):
    monkeypatch.setattr(spool, "MAX_THREAD_RECORDS", 3)
    rows = [_row(1, 1, Title="Q"), *(_row(n, 2, ParentId=1, Score=n) for n in range(2, 8))]
    items = _read(make_input, _posts(*rows))
    assert items[0].meta["answer_ids"] == ["3", "2"]
    assert [item.reason for item in items[1:]] == ["thread_too_long"] * 4


def test_real_samples(samples, input_files):
    for file in input_files(samples("code/stackoverflow_qa")):
        if not file.matches(stack_exchange.PATTERNS):
            continue
        items = list(stack_exchange.read(file))
        documents = [item for item in items if isinstance(item, Document)]
        with file.open() as stream:
            num_rows = stream.read().count(b"<row ")
        assert not [item for item in items if isinstance(item, Quarantined)]
        # Every row is in a document, as question or answer, or is told of.
        assert num_rows == sum(1 + len(item.meta["answer_ids"]) for item in documents) + len(items) - len(documents)
        assert len(documents) > 100
        for document in documents:
            assert document.text.count("\nAnswer:\n") >= len(document.meta["answer_ids"]) >= 1
            assert document.meta["title"] in document.text
            assert document.licence.startswith("CC-BY-SA-")
        assert any(document.meta["accepted"] for document in documents)
        # Some posts speak of HTML; that of the posts themselves is gone.
        assert sum("</p>" in document.text or "<li>" in document.text for document in documents) < len(documents) / 50


FIXTURE = _posts(QUESTION, GOOD, ACCEPTED, BAD, _row(11, 5))


@given(
    st.one_of(
        st.binary(max_size=400),
        st.tuples(st.integers(0, len(FIXTURE)), st.binary(max_size=20), st.integers(0, 30)).map(
            lambda change: FIXTURE[: change[0]] + change[1] + FIXTURE[change[0] + change[2] :]
        ),
    )
)
@settings(max_examples=60, deadline=None)
def test_any_bytes_are_read_to_their_end(data):
    with tempfile.TemporaryDirectory() as root:
        path = f"{root}/Posts.xml"
        with open(path, "wb") as out:
            out.write(data)
        for item in stack_exchange.read(InputFile(path, root, len(data))):
            assert isinstance(item, (Document, Quarantined, Skipped))
            if isinstance(item, Document):
                assert "\x00" not in item.text and item.text.encode("utf-8")
