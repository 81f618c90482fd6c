"""Issues, comments and reviews as GitHub tells them: REST objects, webhook payloads, events of GH Archive.

All three hold the same objects (https://docs.github.com/en/rest, https://www.gharchive.org/); what differs is what is
wrapped around them. `posts` unwraps a record, `records` finds the records of a file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from data.formats import rows
from data.formats.rows import Item, Record
from data.inputs import InputFile
from data.sources.code.posts import Post
from data.sources.code.prose import NO_LICENCE, clean, spdx, user_markdown
from data.streams import StreamError, decode, lines

PATTERNS = ("*.jsonl", "*.ndjson", "*.json", "*.parquet", "*.csv", "*.tsv")
_REPO = re.compile(r"https?://[^/\s]+/(?:api/v\d+/)?(?:repos/)?([\w.-]+/[\w.-]+)(?:/|$)")
_NUMBER = re.compile(r"/(?:issues|pulls?)/(\d+)(?:[/#?]|$)")
_MAX_DEPTH = 3


def records(file: InputFile) -> Iterator[Record | Item]:
    """Records of a file; arrays of objects and answers of searches (`{"items": [...]}`) are taken apart.

    A `.json` file of one object a line, as GH Archive's hours are, is read by lines whatever its size.
    """
    found = _by_lines(file) if file.stem.endswith(".json") and _is_by_lines(file) else rows.records(file)
    for record in found:
        yield from _flat(record) if isinstance(record, Record) else [record]


def _is_by_lines(file: InputFile) -> bool:
    try:
        with file.open() as stream:
            first, second = (next(found, None) for found in [lines(stream)] for _ in range(2))
        return bool(first and second and not first.too_long and isinstance(json.loads(decode(first.data)), dict))
    except (ValueError, RecursionError):
        return False


def _by_lines(file: InputFile) -> Iterator[Record | Item]:
    with file.open() as stream:
        for line in lines(stream):
            record = Record(None, file, line.offset, line.num_bytes)
            if line.too_long:
                yield record.quarantined("line_too_long", f"{line.num_bytes} bytes")
            elif line.data.strip():
                try:
                    yield Record(json.loads(decode(line.data)), file, line.offset, line.num_bytes)
                except StreamError as error:
                    yield record.quarantined(error.reason, error.evidence)
                except (ValueError, RecursionError) as error:
                    yield record.quarantined("malformed", str(error))


def _flat(record: Record, depth: int = 0) -> Iterator[Record]:
    value = record.value
    inner = value.get("items") if isinstance(value, dict) and "total_count" in value else value
    if not isinstance(inner, list) or depth == _MAX_DEPTH:
        yield record
        return
    for element in inner:
        yield from _flat(Record(element, record.file, record.offset, record.num_bytes // max(len(inner), 1)), depth + 1)


def posts(record: Record) -> Post | Item:
    """What a record says: a post, an event of another kind (skipped), or none of GitHub's objects (quarantined)."""
    value = record.value
    if not isinstance(value, dict):
        return record.quarantined("wrong_columns", f"a record is a {type(value).__name__}, not an object")
    if isinstance(value.get("type"), str) and value["type"].endswith("Event") and "payload" in value:
        return _event(record, value)
    if isinstance(value.get("action"), str) or isinstance(value.get("sender"), dict):
        return _payload(value, _name_of(value.get("repository"))) or record.skipped("other_event", _described(value))
    return _bare(value) or record.quarantined("wrong_columns", f"no issue, comment or review; {_described(value)}")


def _described(value: dict[str, Any]) -> str:
    return clean(f"the record has {', '.join(map(str, sorted(value)[:20]))}")[:500]


def _event(record: Record, event: dict[str, Any]) -> Post | Item:
    payload = event["payload"]
    if isinstance(payload, str):  # some exports hold the payload as text
        payload = json.loads(payload)
    repo = _name_of(event.get("repo") or event.get("repository"))
    found = _payload(payload, repo) if isinstance(payload, dict) else None
    return found or record.skipped("other_event", clean(event["type"])[:100])


def _payload(payload: dict[str, Any], repo: str) -> Post | None:
    """The post that a payload is about: its comment, its review or its issue."""
    comment, review, issue = (payload.get(name) for name in ("comment", "review", "issue"))
    parent = payload.get("pull_request") if isinstance(payload.get("pull_request"), dict) else {}
    licence = _licence(payload.get("repository"), parent)
    action = str(payload.get("action"))
    if isinstance(comment, dict):
        if _is_review_comment(comment):
            return _review_comment(comment, parent, repo, licence, action)
        if isinstance(issue, dict):
            thread = _issue(issue, repo, licence, "")
            reply = _comment(comment, thread.thread, licence, action)
            return Post(**{**vars(thread), "replies": (*thread.replies, reply)})
        return None
    if isinstance(review, dict):
        return _review(review, parent, repo, licence)
    return _issue(issue, repo, licence, action) if isinstance(issue, dict) and "title" in issue else None


def _bare(value: dict[str, Any]) -> Post | None:
    licence = _licence(value.get("repository"), {})
    if _is_review_comment(value):
        return _review_comment(value, {}, "", licence, "")
    if "title" in value and "body" in value:
        return _issue(value, _name_of(value.get("repository")), licence, "")
    if isinstance(value.get("issue_url"), str) and "body" in value:
        return _comment(value, _thread_of(value["issue_url"], "", ""), licence, "")
    if "submitted_at" in value and "state" in value:
        return _review(value, {}, "", licence)
    return None


def _is_review_comment(value: dict[str, Any]) -> bool:
    """A comment on a whole file has no hunk, one on a commit has neither hunk nor review."""
    return isinstance(value.get("diff_hunk"), str) or ("pull_request_review_id" in value and "path" in value)


def _review_comment(comment: dict[str, Any], pull: dict[str, Any], repo: str, licence: str, action: str) -> Post:
    repo = repo or _repo_of(comment.get("pull_request_url"), comment.get("url"), comment.get("html_url"))
    root = comment.get("in_reply_to_id") or comment.get("id")
    facts = {
        "repo": repo,
        "path": _text(comment.get("path")),
        "url": _text(comment.get("html_url") or comment.get("url")),
        "diff_hunk": _text(comment.get("diff_hunk")),
        "is_reply": bool(comment.get("in_reply_to_id")),
        **_of_pull(pull),
    }
    return _post("review_comment", f"{repo}#discussion_r{root}", comment, licence, facts, action)


def _review(review: dict[str, Any], pull: dict[str, Any], repo: str, licence: str) -> Post:
    repo = repo or _repo_of(review.get("pull_request_url"), review.get("html_url"))
    facts = {
        "repo": repo,
        "url": _text(review.get("html_url")),
        "state": _text(review.get("state")).lower(),
        **_of_pull(pull),
    }
    return _post("review", f"{repo}#pullrequestreview-{review.get('id')}", review, licence, facts, "")


def _issue(issue: dict[str, Any], repo: str, licence: str, action: str) -> Post:
    repo = repo or _repo_of(issue.get("repository_url"), issue.get("url"), issue.get("html_url"))
    labels = issue.get("labels") if isinstance(issue.get("labels"), list) else []
    names = [label.get("name") if isinstance(label, dict) else label for label in labels]
    pull = issue.get("pull_request")
    facts = {
        "repo": repo,
        "title": " ".join(_text(issue.get("title")).split()),
        "url": _text(issue.get("html_url") or issue.get("url")),
        "labels": [clean(name) for name in names if isinstance(name, str)],
        "state": _text(issue.get("state")),
        "state_reason": _text(issue.get("state_reason")),
        # In GitHub's first years every issue had this key, with nulls in it where it was no pull request.
        "is_pull_request": any(pull.values()) if isinstance(pull, dict) else bool(pull),
    }
    thread = _thread_of(issue.get("url"), repo, issue.get("number") or issue.get("id"))
    comments = issue.get("comments") if isinstance(issue.get("comments"), list) else []
    objects = [
        one if isinstance(one, dict) else {"body": one, "id": f"text {place}"} for place, one in enumerate(comments)
    ]
    replies = [_comment(one, thread, licence, "") for one in objects]
    post = _post("issue", thread, issue, licence, facts, "")
    return Post(**{**vars(post), "deleted": action == "deleted", "replies": tuple(replies)})


def _comment(comment: dict[str, Any], thread: str, licence: str, action: str) -> Post:
    return _post("comment", thread, comment, licence, {}, action)


def _post(kind: str, thread: str, value: dict[str, Any], licence: str, facts: dict[str, Any], action: str) -> Post:
    user = value.get("user")
    login = _text(user.get("login")) if isinstance(user, dict) else _text(user)
    created = _text(value.get("created_at") or value.get("submitted_at"))
    return Post(
        kind=kind,
        thread=clean(thread),
        id=clean(str(value.get("id") if kind != "issue" else thread)),
        body=user_markdown(value.get("body")),
        author=login,
        created=created,
        updated=_text(value.get("updated_at")) or created,
        deleted=action == "deleted",
        is_bot=login.endswith("[bot]") or (isinstance(user, dict) and user.get("type") == "Bot"),
        licence=licence,
        facts=facts,
    )


def _of_pull(pull: dict[str, Any]) -> dict[str, str]:
    user = pull.get("user")
    author = user.get("login") if isinstance(user, dict) else ""
    return {"title": " ".join(_text(pull.get("title")).split()), "pull_author": _text(author)}


def _thread_of(url: object, repo: str, number: object) -> str:
    """`owner/name#12`, by an address where repository and number are not given."""
    found = _NUMBER.search(url) if isinstance(url, str) else None
    return f"{repo or _repo_of(url)}#{number or (found[1] if found else url)}"


def _repo_of(*urls: object) -> str:
    found = (_REPO.match(url) for url in urls if isinstance(url, str))
    return next((match[1] for match in found if match), "")


def _name_of(repository: object) -> str:
    if isinstance(repository, str):
        return clean(repository)
    if not isinstance(repository, dict):
        return ""
    owner, name = repository.get("owner"), _text(repository.get("full_name") or repository.get("name"))
    if "/" not in name and owner:
        return f"{_text(owner.get('login') or owner.get('name')) if isinstance(owner, dict) else _text(owner)}/{name}"
    return name


def _licence(repository: object, pull: dict[str, Any]) -> str:
    """What GitHub's terms (D.6) put a contribution under: the licence of the repository, where it is told."""
    base = pull.get("base")
    for owner in (repository, base.get("repo") if isinstance(base, dict) else None):
        if isinstance(owner, dict) and (name := spdx(owner.get("license"))) != NO_LICENCE:
            return name
    return NO_LICENCE


def _text(value: object) -> str:
    return clean(value) if isinstance(value, str) else ""
