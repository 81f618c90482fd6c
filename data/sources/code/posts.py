"""What the trackers of bugs and reviews have in common: posts that belong to a thread, in versions.

The same comment comes many times: in each event of its thread, before and after an edit, and when it is deleted. A post
is one such version; the newest of each counts, and a post whose newest version is its deletion is gone.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from data.formats.rows import Item, Record
from data.inputs import InputFile
from data.sources.code import spool


@dataclasses.dataclass(frozen=True)
class Post:
    """One version of an issue, a comment or a review.

    Attributes:
      kind: `issue`, `comment`, `review_comment` or `review`.
      thread: names what the post belongs to, unique inside a file.
      id: names the post inside its thread.
      body: Markdown or plain text, clean.
      author: who wrote it, only to tell the reporter from others; never part of a text.
      created, updated: times as the tracker writes them, which sort as text.
      deleted: this version tells that the post was removed.
      is_bot: a program wrote it.
      licence: SPDX identifier of the repository.
      facts: what else a document tells of it; JSON-able.
      replies: comments that came inside the same record.
    """

    kind: str
    thread: str
    id: str
    body: str
    author: str = ""
    created: str = ""
    updated: str = ""
    deleted: bool = False
    is_bot: bool = False
    licence: str = "NOASSERTION"
    facts: dict[str, Any] = dataclasses.field(default_factory=dict)
    replies: tuple[Post, ...] = ()


Parse = Callable[[Record], Iterable[Item | Post]]
Write = Callable[[InputFile, list[Post]], Item | str]


def read_threads(file: InputFile, records: Iterable[Record | Item], parse: Parse, write: Write) -> Iterator[Item]:
    """Yields one document a thread.

    Args:
      file: where from.
      records: of the file, and those that can't be read.
      parse: the posts of a record, or what it is instead; errors quarantine the record. A record may be several posts
        only where all are of one thread.
      write: the document of a thread's living posts, in the file's order, or the reason to skip them all.
    """
    yield from spool.joined(file, _parts(records, parse), functools.partial(_items, file, write))


def _parts(records: Iterable[Record | Item], parse: Parse) -> Iterator[Item | tuple[str, Record]]:
    for record in records:
        if not isinstance(record, Record):
            yield record
            continue
        try:
            parsed = list(parse(record))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            yield record.quarantined("malformed", f"{type(error).__name__}: {error}")
            continue
        posts = [part for part in parsed if isinstance(part, Post)]
        yield from (part for part in parsed if not isinstance(part, Post))
        if posts:
            yield posts[0].thread, Record(posts, record.file, record.offset, record.num_bytes)


@dataclasses.dataclass
class _Versions:
    """What is known of one post: whether its newest version removes it, and which version's text counts."""

    newest: tuple[str, int]
    deleted: bool
    rank: tuple[bool, str, int]
    post: Post
    record: int
    first: int


def _versions(records: list[Record]) -> list[_Versions]:
    found: dict[tuple[str, str], _Versions] = {}
    order = 0
    for number, record in enumerate(records):
        for top in record.value:
            for post in (top, *top.replies):
                order += 1
                # Events of the same second go by their order; one without its text adds nothing to one with it.
                newest, rank = (post.updated, order), (bool(post.body), post.updated, order)
                known = found.get((post.kind, post.id))
                if known is None:
                    found[post.kind, post.id] = _Versions(newest, post.deleted, rank, post, number, order)
                    continue
                if newest > known.newest:
                    known.newest, known.deleted = newest, post.deleted
                if rank > known.rank:
                    known.rank, known.post, known.record = rank, post, number
    return sorted(found.values(), key=lambda versions: versions.first)


def _items(file: InputFile, write: Write, records: list[Record]) -> Iterator[Item]:
    versions = _versions(records)
    living = [one for one in versions if not one.deleted]
    result = write(file, [one.post for one in living]) if living else "deleted"
    used = {one.record for one in living}
    gone = {one.record for one in versions if one.deleted}
    if not isinstance(result, str):
        yield result
    for number, record in enumerate(records):
        label = f"{record.value[0].kind} {record.value[0].id} of {record.value[0].thread}"[:300]
        if number not in used:
            yield record.skipped("deleted" if number in gone else "superseded", label)
        elif isinstance(result, str):
            yield record.skipped(result, label)
