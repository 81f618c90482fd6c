"""Bugs as Bugzilla tells them: its REST answers, and the XML of `show_bug.cgi?ctype=xml`.

REST (https://bmo.readthedocs.io/en/latest/api/): `{"bugs": [{"id", "summary", ...}]}`, and for the comments of bugs
`{"bugs": {"35": {"comments": [...]}}}`; a bug may hold its comments. The first comment is the description. Comments and
bugs marked private are left out.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator
from typing import Any

from data.formats import xml
from data.formats.rows import Item, Record
from data.inputs import InputFile
from data.sources.code.posts import Post
from data.sources.code.prose import clean
from data.streams import StreamError, decode


def flat(record: Record) -> Iterator[Record]:
    """The bugs of an answer of the REST interface; any other record as it is."""
    bugs = record.value.get("bugs") if isinstance(record.value, dict) else None
    if isinstance(bugs, list):
        found = bugs
    elif isinstance(bugs, dict):
        found = [{"id": key, **value} if isinstance(value, dict) else value for key, value in bugs.items()]
    else:
        yield record
        return
    for bug in found:
        yield Record({_MARK: True, "bug": bug}, record.file, record.offset, record.num_bytes // max(len(found), 1))


# Set by `flat` on what stood under "bugs": that place says more than any column.
_MARK = "\x00bugzilla"


def is_bug(value: object) -> bool:
    """Whether a record is a bug, or the comments of one."""
    return isinstance(value, dict) and (_MARK in value or {"id", "summary", "product"} <= value.keys())


def posts(record: Record) -> Iterable[Item | Post]:
    """The bug with its comments, or the comments alone where the record holds no summary."""
    bug = record.value["bug"] if _MARK in record.value else record.value
    if not isinstance(bug, dict) or "id" not in bug or not ("summary" in bug or "comments" in bug):
        names = sorted(map(str, bug))[:20] if isinstance(bug, dict) else [type(bug).__name__]
        return [record.quarantined("wrong_columns", clean(f"no id, or no summary or comments, in {', '.join(names)}"))]
    number = _text(bug["id"])
    listed = bug.get("comments") if isinstance(bug.get("comments"), list) else []
    comments = [
        _comment(number, _text(c.get("id", place)), c.get("raw_text") or c.get("text"), c.get("creator"), c.get("time"))
        for place, c in enumerate(listed)
        if isinstance(c, dict) and not c.get("is_private")
    ]
    comments += [_comment(number, f"text {n}", text, "", "") for n, text in enumerate(listed) if isinstance(text, str)]
    if "summary" not in bug:
        return comments or [record.skipped("no_text", f"bug {number}: no public comments")]
    description = bug.get("description") if isinstance(bug.get("description"), str) else ""
    facts = _facts(number, bug.get("summary"), bug.get("product"), bug.get("component"), bug.get("keywords"))
    facts |= {"state": _text(bug.get("status")), "state_reason": _text(bug.get("resolution"))}
    author = _text(bug.get("creator"))
    created, updated = _text(bug.get("creation_time")), _text(bug.get("last_change_time"))
    return [_bug(number, description, author, created, updated, facts, comments)]


def xml_records(file: InputFile) -> Iterator[Record | Item]:
    """The `<bug>` elements of a file."""
    number = 0
    seen = False
    try:
        for element in xml.elements(file, ("bug",)):
            seen = True
            yield Record(_plain(element), file, number, len(xml_text(element)))
            number += 1
    except StreamError as error:
        rest = Record(None, file, error.offset, max(file.size - error.offset, 0))
        yield rest.quarantined(error.reason, error.evidence)
        return
    if not seen:
        yield Record(None, file, 0, file.size).quarantined("wrong_columns", "no <bug> in it")


def xml_text(element: Any) -> str:
    """All text of an element."""
    return "".join(element.itertext())


def _plain(element: Any) -> dict[str, Any]:
    """What is needed of a bug, without its attachments, as plain values that can be put aside."""
    bug: dict[str, Any] = {"error": element.get("error", ""), "keywords": [], "comments": []}
    for child in element:
        name = xml.local_name(child)
        if name == "long_desc":
            fields = {xml.local_name(part): part for part in child}
            bug["comments"].append(
                {
                    "is_private": child.get("isprivate") == "1",
                    "encoding": fields["thetext"].get("encoding", "") if "thetext" in fields else "",
                    **{key: xml_text(part) for key, part in fields.items()},
                }
            )
        elif name == "keywords":
            bug["keywords"] += [word.strip() for word in xml_text(child).split(",") if word.strip()]
        elif name and not len(child):
            bug.setdefault(name, child.text or "")
    return bug


def xml_posts(record: Record) -> Iterable[Item | Post]:
    """The bug with its comments; bugs that may not be seen are skipped."""
    bug = record.value
    if bug["error"]:
        return [record.skipped("not_permitted", clean(f"bug {bug.get('bug_id', '?')}: {bug['error']}")[:200])]
    missing = [name for name in ("bug_id", "short_desc") if name not in bug]
    if missing:
        return [record.quarantined("wrong_columns", f"no {', '.join(missing)}; it has {', '.join(sorted(bug)[:20])}")]
    number = _text(bug["bug_id"]).strip()
    comments = [
        _comment(number, c.get("commentid") or str(place), _decoded(c), c.get("who"), c.get("bug_when"))
        for place, c in enumerate(bug["comments"])
        if not c["is_private"]
    ]
    facts = _facts(number, bug["short_desc"], bug.get("product"), bug.get("component"), bug["keywords"])
    facts |= {"state": _text(bug.get("bug_status")), "state_reason": _text(bug.get("resolution"))}
    author = _text(bug.get("reporter"))
    return [_bug(number, "", author, _text(bug.get("creation_ts")), _text(bug.get("delta_ts")), facts, comments)]


def _decoded(comment: dict[str, Any]) -> str:
    text = comment.get("thetext", "")
    if comment["encoding"] != "base64":
        return text
    try:
        return decode(base64.b64decode(text, validate=False))
    except binascii.Error as error:
        raise ValueError(f"a comment is not base64: {error}") from error


def _facts(number: str, title: object, product: object, component: object, keywords: object) -> dict[str, Any]:
    place = " / ".join(filter(None, (_text(product), _text(component))))
    words = keywords if isinstance(keywords, list) else []
    title = " ".join(_text(title).split())
    return {"bug": number, "title": title, "product": place, "labels": [_text(word) for word in words if _text(word)]}


def _bug(
    number: str, body: str, author: str, created: str, updated: str, facts: dict[str, Any], comments: list[Post]
) -> Post:
    if not body and comments:  # the first comment is the description
        body, comments = comments[0].body, comments[1:]
    body = clean(body).strip()
    return Post("issue", number, number, body, author, created, updated, facts=facts, replies=tuple(comments))


def _comment(number: str, key: str, text: object, author: object, created: object) -> Post:
    body = clean(text).strip() if isinstance(text, str) else ""
    return Post("comment", number, clean(key), body, _text(author), _text(created), _text(created))


def _text(value: object) -> str:
    return clean(str(value)).strip() if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
