"""Review comments as REST objects, webhook payloads and GH Archive events."""

import gzip
import json
import tempfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.document import Document, Quarantined, Skipped
from data.inputs import InputFile
from data.sources.code import code_reviews

HUNK = "@@ -1,2 +1,3 @@\n def f():\n-    pass\n+    return 1"


def _comment(number, body, reply_to=None, login="ann", at="2020-01-01T00:00:00Z", **more):
    comment = {
        "id": number,
        "url": f"https://api.github.com/repos/o/r/pulls/comments/{number}",
        "html_url": f"https://github.com/o/r/pull/3#discussion_r{number}",
        "pull_request_url": "https://api.github.com/repos/o/r/pulls/3",
        "pull_request_review_id": 1,
        "diff_hunk": HUNK,
        "path": "src/f.py",
        "body": body,
        "user": {"login": login, "type": "User"},
        "created_at": at,
        "updated_at": at,
    }
    return comment | ({"in_reply_to_id": reply_to} if reply_to else {}) | more


PULL = {
    "title": "Return something",
    "user": {"login": "bob"},
    "base": {"repo": {"full_name": "o/r", "license": {"key": "mit", "spdx_id": "MIT"}}},
}


def _event(comment, action="created", kind="PullRequestReviewCommentEvent"):
    payload = {"action": action, "comment": comment, "pull_request": PULL}
    return {"id": "1", "type": kind, "repo": {"id": 1, "name": "o/r"}, "payload": payload}


def _lines(*records):
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def _read(make_input, name, data):
    return list(code_reviews.read(make_input(name, data)))


def test_a_thread_is_one_document_wherever_its_replies_stand(make_input):
    reply = _comment(12, "Because.\r\n", reply_to=10, login="bob", at="2020-01-01T01:00:00Z")
    root = _comment(10, "Why?<!-- hidden -->")
    other = _comment(11, "Nit: `x`", path="b.py")
    first, second = _read(make_input, "c.jsonl", _lines(reply, other, root))
    assert first == Document(
        text=f"File: src/f.py\n\n```diff\n{HUNK}\n```\n\nReviewer:\n\nWhy?\n\nReply:\n\nBecause.",
        domain="code",
        source="code_reviews:c.jsonl#o/r#discussion_r10",
        licence="NOASSERTION",
        meta={
            "kind": "text",
            "repo": "o/r",
            "url": "https://github.com/o/r/pull/3#discussion_r10",
            "title": "",
            "path": "src/f.py",
            "comments": 2,
            "created": "2020-01-01T00:00:00Z",
        },
    )
    assert second.text.endswith("Reviewer:\n\nNit: `x`") and second.meta["path"] == "b.py"


def test_events_of_an_archive_hour(make_input):
    late = "2020-01-01T01:00:00Z"
    data = _lines(
        {"type": "WatchEvent", "repo": {"name": "o/r"}, "payload": {"action": "started"}},
        _event(_comment(10, "Wy?")),
        _event(_comment(10, "Why?", updated_at=late), "edited"),
        _event(_comment(12, "Because.", reply_to=10, login="bob", at=late)),
        _event(_comment(20, "Rude.")),
        _event(_comment(20, "Rude."), "deleted"),
        _event(_comment(30, "bump", login="ci[bot]")),
        {"type": "CommitCommentEvent", "repo": {"name": "o/r"}, "payload": {"comment": {"body": "x", "path": "a"}}},
    )
    items = _read(make_input, "2020-01-01-0.json.gz", gzip.compress(data))
    (document,) = [item for item in items if isinstance(item, Document)]
    assert document.text == (
        f"Pull request: Return something\n\nFile: src/f.py\n\n```diff\n{HUNK}\n```\n\n"
        "Reviewer:\n\nWhy?\n\nAuthor:\n\nBecause."
    )
    assert document.licence == "MIT"
    assert [item.reason for item in items if isinstance(item, Skipped)] == [
        *("other_event", "superseded", "superseded", "deleted", "no_text", "other_event")
    ]
    assert items[0].evidence == "WatchEvent"


def test_webhook_payloads_and_reviews(make_input):
    review = {
        "id": 5,
        "body": "Good work.",
        "state": "changes_requested",
        "submitted_at": "2020",
        "user": {"login": "ann"},
    }
    payloads = [
        {
            "action": "submitted",
            "review": review,
            "pull_request": PULL,
            "repository": {"full_name": "o/r"},
            "sender": {},
        },
        {"action": "submitted", "review": review | {"id": 6, "body": None}, "pull_request": PULL, "sender": {}},
        {"action": "opened", "issue": {"title": "t", "body": "b", "number": 1}, "sender": {}},
        {"ref": "refs/heads/x", "commits": [], "repository": {"full_name": "o/r"}, "sender": {}},
    ]
    items = _read(make_input, "hooks.json", json.dumps(payloads).encode())
    assert items[0].text == "Pull request: Return something\n\nReview (changes requested):\n\nGood work."
    assert items[0].meta["state"] == "changes_requested" and items[0].licence == "MIT"
    assert [item.reason for item in items[1:]] == ["no_text", "other_event", "other_event"]


def test_other_records_are_quarantined_with_their_columns(make_input):
    data = _lines({"foo": 1, "bar": 2}, [7], _comment(1, "ok")) + b'{"broken": \n'
    wrong, number, document, broken = _read(make_input, "c.jsonl", data)
    assert wrong.reason == "wrong_columns" and "bar, foo" in wrong.evidence
    assert number.reason == "wrong_columns" and "int" in number.evidence
    assert isinstance(document, Document)
    assert broken.reason == "malformed" and data[broken.offset :].startswith(b'{"broken"')


def test_text_is_clean_whatever_the_json_holds(make_input):
    (document,) = _read(make_input, "c.jsonl", _lines(_comment(1, "a\ud83d \x00b\x1b[0m", path="p\ud800")))
    assert "a\ufffd b[0m" in document.text
    json.dumps([document.text, document.meta], ensure_ascii=False).encode("utf-8")


def test_a_cut_archive_keeps_what_came_before(make_input):
    lines = [_event(_comment(number, f"Comment {number} {number**9}")) for number in range(1, 3000)]
    whole = gzip.compress(_lines(*lines))
    items = _read(make_input, "x.json.gz", whole[: -len(whole) // 3])
    assert isinstance(items[-1], Quarantined) and items[-1].reason == "truncated" and items[-1].offset > 0
    assert sum(isinstance(item, Document) for item in items) > 1000


def test_a_fence_in_the_diff_does_not_end_the_block(make_input):
    (document,) = _read(make_input, "c.jsonl", _lines(_comment(1, "ok", diff_hunk="@@ -1 +1 @@\n+```python")))
    assert "````diff\n@@ -1 +1 @@\n+```python\n````" in document.text


def test_real_samples(samples, input_files):
    for file in input_files(samples("code/code_reviews")):
        items = list(code_reviews.read(file))
        documents = [item for item in items if isinstance(item, Document)]
        assert documents, file.name
        assert not [item for item in items if isinstance(item, Quarantined)]
        for document in documents:
            assert "```diff\n@@" in document.text or document.text.startswith(("Pull request", "Review"))
            assert document.meta["repo"].count("/") == 1 and document.meta["url"].startswith("https://github.com/")
        if "github3" in file.name:
            with file.open() as stream:
                num_lines = sum(1 for _ in stream)
            skipped = len(items) - len(documents)
            assert sum(document.meta["comments"] for document in documents) + skipped == num_lines
            assert any(document.meta["comments"] > 1 for document in documents)


FIXTURE = _lines(_event(_comment(10, "Why?")), _comment(12, "So.", reply_to=10), {"action": "x", "review": {"id": 1}})
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "type",
                    "payload",
                    "action",
                    "comment",
                    "review",
                    "issue",
                    "pull_request",
                    "id",
                    "body",
                    "user",
                    "diff_hunk",
                ]
                + [
                    "title",
                    "number",
                    "repository",
                    "labels",
                    "comments",
                    "bugs",
                    "summary",
                    "product",
                    "items",
                    "total_count",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@pytest.mark.parametrize("suffix", ["jsonl", "json"])
@given(
    st.one_of(
        st.binary(max_size=300),
        VALUES.map(lambda value: json.dumps(value).encode()),
        st.tuples(st.integers(0, len(FIXTURE)), st.binary(max_size=10)).map(
            lambda change: FIXTURE[: change[0]] + change[1] + FIXTURE[change[0] :]
        ),
    )
)
@settings(max_examples=60, deadline=None)
def test_any_bytes_are_read_to_their_end(suffix, data):
    with tempfile.TemporaryDirectory() as root:
        path = f"{root}/a.{suffix}"
        with open(path, "wb") as out:
            out.write(data)
        for item in code_reviews.read(InputFile(path, root, len(data))):
            assert isinstance(item, (Document, Quarantined, Skipped))
