"""Review comments of pull requests: the piece of the diff, and what was said about it.

A thread of comments on one line is one document: the hunk, the reviewer's comment, the replies. The summary that a
review was handed in with is a document of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from data.document import Document
from data.formats.rows import Item, Record
from data.inputs import InputFile
from data.sources.code import github_api
from data.sources.code.posts import Post, read_threads
from data.sources.code.prose import fenced, paragraphs

NAME = "code_reviews"
PATTERNS = github_api.PATTERNS
_STATES = {"approved": "approved", "changes_requested": "changes requested", "commented": "commented"}


def read(file: InputFile) -> Iterator[Item]:
    """Yields a document for each thread of review comments and each review with a text; other events are skipped."""
    yield from read_threads(file, github_api.records(file), _parse, _write)


def _parse(record: Record) -> list[Item | Post]:
    found = github_api.posts(record)
    if isinstance(found, Post) and found.kind not in ("review_comment", "review"):
        return [record.skipped("other_event", f"{found.kind} of {found.thread}"[:200])]
    return [found]


def _write(file: InputFile, posts: list[Post]) -> Item | str:
    posts = sorted((post for post in posts if post.body and not post.is_bot), key=lambda post: post.created)
    if not posts:
        return "no_text"
    # The comment that others reply to is the first, also where clocks say otherwise.
    posts.sort(key=lambda post: post.facts.get("is_reply", False))
    first = posts[0]
    facts = first.facts
    title = next((post.facts["title"] for post in posts if post.facts["title"]), "")
    parts = [f"Pull request: {title}" if title else ""]
    meta: dict[str, Any] = {"kind": "text", "repo": facts["repo"], "url": facts["url"], "title": title}
    if first.kind == "review":
        state = _STATES.get(facts["state"], "")
        parts += [f"Review ({state}):" if state else "Review:", first.body]
        meta["state"] = facts["state"]
    else:
        parts += [f"File: {facts['path']}" if facts["path"] else ""]
        parts += [fenced(facts["diff_hunk"], "diff") if facts["diff_hunk"].strip() else ""]
        for post in posts:
            parts += [f"{_speaker(post, first, facts['pull_author'])}:", post.body]
        meta |= {"path": facts["path"], "comments": len(posts)}
    meta["created"] = first.created
    return Document(paragraphs(*parts), "code", f"{NAME}:{file.name}#{first.thread}", first.licence, meta=meta)


def _speaker(post: Post, first: Post, pull_author: str) -> str:
    if pull_author and post.author:
        return "Author" if post.author == pull_author else "Reviewer"
    return "Reviewer" if post is first or (post.author and post.author == first.author) else "Reply"
