"""Issues of GitHub and bugs of Bugzilla."""

import gzip
import json
import tempfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.document import Document, Quarantined, Skipped
from data.inputs import InputFile
from data.sources.code import bug_reports
from data.sources.code.registry import SOURCES
from data.sources.source import plan


def _issue(number=7, body="It crashes.", **more):
    return {
        "id": 1000 + number,
        "number": number,
        "url": f"https://api.github.com/repos/o/r/issues/{number}",
        "html_url": f"https://github.com/o/r/issues/{number}",
        "title": "Crash  on start",
        "body": body,
        "user": {"login": "ann", "type": "User"},
        "labels": [{"name": "bug"}, "p1"],
        "state": "closed",
        "state_reason": "completed",
        "comments": 2,
        "created_at": "2020-01-01T00:00:00Z",
        "updated_at": "2020-01-02T00:00:00Z",
    } | more


def _comment(number, body, login="bob", at="2020-01-01T05:00:00Z"):
    return {
        "id": number,
        "url": f"https://api.github.com/repos/o/r/issues/comments/{number}",
        "issue_url": "https://api.github.com/repos/o/r/issues/7",
        "html_url": f"https://github.com/o/r/issues/7#issuecomment-{number}",
        "body": body,
        "user": {"login": login, "type": "Bot" if login == "stale" else "User"},
        "created_at": at,
        "updated_at": at,
    }


def _lines(*records):
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def _read(make_input, name, data):
    read = bug_reports.read_xml if name.endswith(".xml") else bug_reports.read
    return list(read(make_input(name, data)))


def test_an_issue_comes_with_the_comments_of_its_file(make_input):
    late = _comment(22, "Fixed, thanks!", login="ann", at="2020-01-03T00:00:00Z")
    items = _read(
        make_input, "i.jsonl", _lines(late, _issue(), _comment(21, "Which version?"), _comment(23, "bump", "stale"))
    )
    assert items == [
        Document(
            text="# Crash on start\n\nRepository: o/r\nLabels: bug, p1\nStatus: closed (completed)\n\nIt crashes.\n\n"
            "Comment:\n\nWhich version?\n\nComment by the reporter:\n\nFixed, thanks!",
            domain="code",
            source="bug_reports:i.jsonl#o/r#7",
            licence="NOASSERTION",
            meta={
                "kind": "text",
                "created": "2020-01-01T00:00:00Z",
                "comments": 2,
                "repo": "o/r",
                "title": "Crash on start",
                "url": "https://github.com/o/r/issues/7",
                "labels": ["bug", "p1"],
                "state": "closed",
                "state_reason": "completed",
            },
        )
    ]


def test_pull_requests_are_skipped_but_not_issues_of_the_first_years(make_input):
    pull = {"url": "https://api.github.com/repos/o/r/pulls/8", "html_url": None}
    nulls = {"diff_url": None, "html_url": None, "patch_url": None}
    data = _lines(_issue(8, pull_request=pull), _issue(9, pull_request=nulls), _issue(10, body=None, comments=0))
    skipped, issue, empty = _read(make_input, "i.jsonl", data)
    assert isinstance(skipped, Skipped) and skipped.reason == "pull_request"
    assert isinstance(issue, Document) and issue.source.endswith("#o/r#9")
    assert isinstance(empty, Skipped) and empty.reason == "no_text"


def test_events_and_webhooks_of_one_issue_become_one_document(make_input):
    def event(kind, **payload):
        return {"type": kind, "repo": {"name": "o/r"}, "payload": payload}

    first = _issue(body="It crahses.", updated_at="2020-01-01T00:00:00Z")
    pull = _issue(8, pull_request={"url": "u"})
    repository = {"full_name": "o/r", "license": {"spdx_id": "Apache-2.0"}}
    spam = {"issue": _issue(), "comment": _comment(22, "Spam"), "repository": repository, "sender": {}}
    data = _lines(
        event("IssuesEvent", action="opened", issue=first),
        event("PushEvent", commits=[]),
        event("IssueCommentEvent", action="created", issue=_issue(), comment=_comment(21, "Same here.")),
        {"action": "created", **spam},
        {"action": "deleted", **spam},
        event("IssueCommentEvent", action="created", issue=pull, comment=_comment(24, "LGTM")),
    )
    items = _read(make_input, "2020-01-01-3.json.gz", gzip.compress(data))
    (document,) = [item for item in items if isinstance(item, Document)]
    assert document.text.endswith("It crashes.\n\nComment:\n\nSame here.")
    assert document.licence == "Apache-2.0"  # of the newest version
    # The first event's issue and the spam are of older versions; the last event of the issue tells its newest.
    assert sorted(item.reason for item in items if isinstance(item, Skipped)) == [
        *("other_event", "pull_request", "superseded", "superseded")
    ]


def test_deleted_issues_and_lone_comments_are_skipped(make_input):
    data = _lines(
        {"action": "opened", "issue": _issue(), "sender": {}}, {"action": "deleted", "issue": _issue(), "sender": {}}
    )
    assert [item.reason for item in _read(make_input, "a.jsonl", data)] == ["superseded", "deleted"]
    (orphan,) = _read(make_input, "b.jsonl", _lines(_comment(1, "What?")))
    assert orphan.reason == "orphan_comment"


def test_search_answers_and_embedded_comments_are_taken_apart(make_input):
    issues = {"total_count": 2, "items": [_issue(1), _issue(2, comments=[{"id": 1, "body": "Me too."}, "And me."])]}
    first, second = _read(make_input, "s.json", json.dumps(issues).encode())
    assert first.meta["comments"] == 0
    assert second.text.endswith("Comment:\n\nMe too.\n\nComment:\n\nAnd me.")


BUG = {
    "id": 35,
    "summary": "Wrong sum",
    "product": "Calc",
    "component": "Core",
    "status": "RESOLVED",
    "resolution": "FIXED",
    "keywords": ["regression"],
    "creator": "a@example.org",
    "creation_time": "2001-01-01T00:00:00Z",
    "last_change_time": "2001-02-01T00:00:00Z",
}
TEXT = (
    "# Wrong sum\n\nProduct: Calc / Core\nLabels: regression\nStatus: RESOLVED (FIXED)\n\n1 + 1 is 3.\n\n"
    "Comment:\n\nNot here.\n\nComment by the reporter:\n\nIt is gone."
)
COMMENTS = [
    {"id": 1, "text": "1 + 1 is 3.", "creator": "a@example.org", "time": "2001-01-01T00:00:00Z"},
    {"id": 2, "text": "Not here.", "creator": "b@example.org", "time": "2001-01-02T00:00:00Z"},
    {
        "id": 3,
        "text": "The password is x.",
        "creator": "b@example.org",
        "time": "2001-01-03T00:00:00Z",
        "is_private": True,
    },
    {"id": 4, "text": "It is gone.", "creator": "a@example.org", "time": "2001-01-04T00:00:00Z"},
]


def test_bugzilla_rest_with_comments_inside(make_input):
    items = _read(make_input, "b.json", json.dumps({"bugs": [BUG | {"comments": COMMENTS}, {"faults": 1}]}).encode())
    assert items[0].text == TEXT
    assert items[0].source == "bug_reports:b.json#35"
    assert items[0].meta["bug"] == "35" and items[0].meta["product"] == "Calc / Core" and items[0].meta["comments"] == 2
    assert items[1].reason == "wrong_columns" and "faults" in items[1].evidence


def test_bugzilla_rest_with_comments_in_another_answer(make_input):
    answer = {"bugs": {"35": {"comments": COMMENTS}}, "comments": {}}
    (document,) = _read(make_input, "b.jsonl", _lines(answer, {"bugs": [BUG | {"description": ""}]}))
    assert "1 + 1 is 3." in document.text and "It is gone." in document.text and "password" not in document.text


XML = """<?xml version="1.0" encoding="UTF-8" standalone="yes" ?>
<!DOCTYPE bugzilla SYSTEM "https://bugs.example.org/page.cgi?id=bugzilla.dtd">
<bugzilla version="5.0" urlbase="https://bugs.example.org/">
  <bug>
    <bug_id>35</bug_id><creation_ts>2001-01-01 00:00:00 +0000</creation_ts><short_desc>Wrong sum</short_desc>
    <delta_ts>2001-02-01 00:00:00 +0000</delta_ts><product>Calc</product><component>Core</component>
    <bug_status>RESOLVED</bug_status><resolution>FIXED</resolution><keywords>regression</keywords>
    <reporter name="A">a@example.org</reporter>
    <long_desc isprivate="0"><commentid>1</commentid><who>a@example.org</who><bug_when>2001-01-01</bug_when>
      <thetext>1 + 1 is 3.</thetext></long_desc>
    <long_desc isprivate="0"><commentid>2</commentid><who>b@example.org</who><bug_when>2001-01-02</bug_when>
      <thetext encoding="base64">Tm90IGhlcmUu</thetext></long_desc>
    <long_desc isprivate="1"><commentid>3</commentid><who>b@example.org</who><bug_when>2001-01-03</bug_when>
      <thetext>The password is x.</thetext></long_desc>
    <long_desc isprivate="0"><commentid>4</commentid><who>a@example.org</who><bug_when>2001-01-04</bug_when>
      <thetext>It is gone.</thetext></long_desc>
    <attachment><attachid>9</attachid><data encoding="base64">AAAA</data></attachment>
  </bug>
  <bug error="NotPermitted"><bug_id>36</bug_id></bug>
  <bug><bug_id>37</bug_id></bug>
</bugzilla>
"""


def test_bugzilla_xml(make_input):
    document, hidden, wrong = _read(make_input, "bugs.xml", XML.encode())
    assert document.text == TEXT
    assert (hidden.reason, hidden.evidence) == ("not_permitted", "bug 36: NotPermitted")
    assert wrong.reason == "wrong_columns" and "short_desc" in wrong.evidence


@pytest.mark.parametrize(
    "data, reasons",
    [
        (XML[: XML.index("<bug><bug_id>37")].encode(), ["document", "not_permitted", "malformed"]),
        (XML.replace("SYSTEM", '[<!ENTITY a "b">] SYSTEM').encode(), ["entities"]),
        (b"<html><body/></html>", ["wrong_columns"]),
        (b"", ["malformed"]),
        (b"\x00\xff\x00", ["malformed"]),
    ],
)
def test_broken_xml_keeps_what_came_before(make_input, data, reasons):
    items = _read(make_input, "bugs.xml", data)
    assert [getattr(item, "reason", "document") for item in items] == reasons


def test_the_plan_reads_json_and_xml(make_input):
    info = next(info for info in SOURCES if info.name == "bug_reports")
    files = [make_input("a.jsonl", _lines(_issue())), make_input("b.xml", XML.encode())]
    units = plan(info, files, 100).units
    items = [item for unit in units for item in info.readers[unit.reader].read(unit.file)]
    assert [item.source for item in items if isinstance(item, Document)] == [
        "bug_reports:a.jsonl#o/r#7",
        "bug_reports:b.xml#35",
    ]


def test_real_samples(samples, input_files):
    for file in input_files(samples("code/bug_reports")):
        items = list(bug_reports.read(file))
        documents = [item for item in items if isinstance(item, Document)]
        assert documents, file.name
        assert not [item for item in items if isinstance(item, Quarantined)]
        for document in documents:
            assert document.text.startswith(f"# {document.meta['title']}\n")
            assert document.meta["repo"] in document.meta["url"]
            assert "/pull/" not in document.meta["url"]
        assert len({document.source for document in documents}) == len(documents)
        if file.name.endswith(".jsonl"):
            assert len(documents) > 200
            assert {item.reason for item in items if isinstance(item, Skipped)} >= {"pull_request", "no_text"}


FIXTURE = _lines(_issue(), {"bugs": [BUG | {"comments": COMMENTS}]}, _comment(1, "x"))


@pytest.mark.parametrize("suffix, fixture", [("jsonl", FIXTURE), ("json", FIXTURE), ("xml", XML.encode())])
@given(data=st.data())
@settings(max_examples=50, deadline=None)
def test_any_bytes_are_read_to_their_end(suffix, fixture, data):
    at, more = data.draw(st.integers(0, len(fixture))), data.draw(st.binary(max_size=20))
    content = data.draw(st.sampled_from([fixture[:at] + more + fixture[at:], fixture[:at] + more, more]))
    with tempfile.TemporaryDirectory() as root:
        path = f"{root}/a.{suffix}"
        with open(path, "wb") as out:
            out.write(content)
        read = bug_reports.read_xml if suffix == "xml" else bug_reports.read
        for item in read(InputFile(path, root, len(content))):
            assert isinstance(item, (Document, Quarantined, Skipped))
