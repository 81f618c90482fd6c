"""Reports of bugs: issues of GitHub and bugs of Bugzilla, with the comments that the same file holds.

A document is the title, what is known of the report, its description, and the comments by time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from data.document import Document
from data.formats.rows import Item, Record
from data.inputs import InputFile
from data.sources.code import bugzilla, github_api
from data.sources.code.posts import Post, read_threads
from data.sources.code.prose import paragraphs

NAME = "bug_reports"
PATTERNS = github_api.PATTERNS
XML_PATTERNS = ("*.xml",)


def read(file: InputFile) -> Iterator[Item]:
    """Yields a document for each issue or bug of a file of JSON; pull requests and other events are skipped."""
    yield from read_threads(file, _records(file), _parse, _write)


def read_xml(file: InputFile) -> Iterator[Item]:
    """Yields a document for each bug of Bugzilla's XML (`show_bug.cgi?ctype=xml`)."""
    yield from read_threads(file, bugzilla.xml_records(file), bugzilla.xml_posts, _write)


def _records(file: InputFile) -> Iterator[Record | Item]:
    for record in github_api.records(file):
        yield from bugzilla.flat(record) if isinstance(record, Record) else [record]


def _parse(record: Record) -> Iterable[Item | Post]:
    if bugzilla.is_bug(record.value):
        return bugzilla.posts(record)
    found = github_api.posts(record)
    if not isinstance(found, Post):
        return [found]
    if found.kind not in ("issue", "comment"):
        return [record.skipped("other_event", f"{found.kind} of {found.thread}"[:200])]
    if found.facts.get("is_pull_request"):
        return [record.skipped("pull_request", found.thread[:200])]
    return [found]


def _write(file: InputFile, posts: list[Post]) -> Item | str:
    issue = next((post for post in posts if post.kind == "issue"), None)
    if issue is None:
        return "orphan_comment"
    comments = [post for post in posts if post.kind == "comment" and post.body and not post.is_bot]
    comments.sort(key=lambda post: post.created)
    facts = issue.facts
    if not issue.body and not comments:
        return "no_text"
    state = facts["state"] + (f" ({facts['state_reason']})" if facts.get("state_reason") else "")
    known = [
        f"{name}: {value}"
        for name, value in (
            ("Repository", facts.get("repo")),
            ("Product", facts.get("product")),
            ("Labels", ", ".join(facts.get("labels", ()))),
            ("Status", state),
        )
        if value
    ]
    parts = [f"# {facts['title']}" if facts["title"] else "", "\n".join(known), issue.body]
    for comment in comments:
        by_reporter = comment.author and comment.author == issue.author
        parts += ["Comment by the reporter:" if by_reporter else "Comment:", comment.body]
    meta = {"kind": "text", "created": issue.created, "comments": len(comments)}
    meta |= {name: value for name, value in facts.items() if value and name != "is_pull_request"}
    return Document(paragraphs(*parts), "code", f"{NAME}:{file.name}#{issue.thread}", issue.licence, meta=meta)
