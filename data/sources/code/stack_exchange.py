"""Questions with their answers out of a Stack Exchange dump's `Posts.xml`.

The dump is one `<row .../>` a post, answers years after their questions. Rows are cut out of the stream one by one, so
that a broken row costs itself only, and joined on disk. A document is a question, then its accepted answer, then the
others by score; the column names are those of the dump's own readme (https://meta.stackexchange.com/q/2677).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from data.document import Document
from data.formats import xml
from data.formats.rows import Item, Record
from data.inputs import InputFile
from data.sources.code import spool
from data.sources.code.html_markdown import markdown
from data.sources.code.prose import clean, paragraphs
from data.streams import MAX_LINE_BYTES, StreamError

NAME = "stackoverflow_qa"
PATTERNS = ("posts.xml",)
COMPANIONS = (
    *("comments.xml", "posthistory.xml", "badges.xml", "users.xml", "votes.xml", "tags.xml", "postlinks.xml"),
    *("posttypes.xml", "posthistorytypes.xml", "votetypes.xml", "linktypes.xml", "closereasontypes.xml"),
    *("pendingflags.xml", "suggestededits.xml", "reviewtasks.xml", "license.txt", "readme.txt", "sites.xml"),
)
MAX_ANSWERS = 5
_BLOCK = 1 << 20
_ROW = re.compile(rb"<row(?=[\s/>])")
# Of a row, what a document needs: the rest would only fill the disk.
_KEPT = (
    *("Id", "PostTypeId", "ParentId", "AcceptedAnswerId", "CreationDate", "Score", "Title", "Tags", "Body"),
    "ContentLicense",
)
_END = re.compile(rb"</(?!row\b)[\w:.-]+\s{0,9}>\s*$")  # of the root element
_QUESTION, _ANSWER = "1", "2"
_OTHER_TYPES = {"3": "wiki", "4": "tag wiki excerpt", "5": "tag wiki", "6": "nomination", "7": "wiki placeholder"}
# What a post is under by the day it was written, where the dump does not say (https://stackoverflow.com/help/licensing).
_LICENCES = (("2018-05-02", "CC-BY-SA-4.0"), ("2011-04-08", "CC-BY-SA-3.0"), ("", "CC-BY-SA-2.5"))
_SITE = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")


def read(file: InputFile) -> Iterator[Item]:
    """Yields a document for each question that was answered; other posts are skipped, broken rows quarantined."""
    yield from spool.joined(file, _parts(file), _thread)


def _parts(file: InputFile) -> Iterator[Item | tuple[str, Record]]:
    with file.open() as stream:
        for offset, data, size in _rows(stream):
            record = Record(None, file, offset, size)
            if len(data) > MAX_LINE_BYTES:
                yield record.quarantined("too_long", f"a row of {size} bytes")
                continue
            try:
                yield _post(Record(dict(xml.parse(data).attrib), file, offset, size))
            except StreamError as error:
                yield record.quarantined(error.reason, error.evidence)
            except ValueError as error:
                yield record.quarantined("malformed", str(error))


def _rows(stream: BinaryIO) -> Iterator[tuple[int, bytes, int]]:
    """Offset, bytes and size of each row; of a longer one than MAX_LINE_BYTES little more than those are held.

    No `<` stands inside an attribute, so whatever lies between the beginnings of two rows is one row.

    Raises:
      StreamError: the stream breaks, declares entities, or ends before the root element does.
    """
    num_rows, end, piece = 0, 0, b""
    for offset, piece, size in _pieces(stream):
        end = offset + size
        if not offset:
            xml.refuse_entities(piece[: 64 << 10])
        if _ROW.match(piece):
            num_rows += 1
            yield offset, _END.sub(b"", piece), size
    if not _END.search(piece[-64:]):
        evidence = f"the root element is not closed after {num_rows} rows"
        raise StreamError("truncated" if num_rows else "malformed", end if num_rows else 0, evidence)


def _pieces(stream: BinaryIO) -> Iterator[tuple[int, bytes, int]]:
    """The stream, cut before each row."""
    read = getattr(stream, "read1", stream.read)  # of a broken stream, read1 first returns what there is
    held, offset, dropped = b"", 0, 0
    broken: StreamError | None = None
    while True:
        try:
            block = read(_BLOCK)
        except StreamError as error:
            block, broken = b"", error
        if not block:
            break
        start, new = 0, max(len(held) - 4, 1)
        held += block
        for match in _ROW.finditer(held, new):
            yield offset, held[start : match.start()], match.start() - start + dropped
            offset += match.start() - start + dropped
            start, dropped = match.start(), 0
        held = held[start:]
        if len(held) > MAX_LINE_BYTES + 2 * _BLOCK:
            dropped += len(held) - MAX_LINE_BYTES - 64
            held = held[:MAX_LINE_BYTES] + held[-64:]
    yield offset, held, len(held) + dropped
    if broken:
        raise broken


def _post(record: Record) -> Item | tuple[str, Record]:
    row = record.value
    missing = [name for name in ("Id", "PostTypeId", "CreationDate") if not row.get(name)]
    if missing:
        evidence = f"no {', '.join(missing)}; the row has {', '.join(sorted(row)[:20])}"
        return record.quarantined("wrong_columns", evidence)
    kind = row["PostTypeId"]
    if kind not in (_QUESTION, _ANSWER):
        return record.skipped("other_post_type", f"{_OTHER_TYPES.get(kind, kind[:40])}, post {row['Id'][:40]}")
    if kind == _ANSWER and not row.get("ParentId"):
        return record.skipped("orphan_answer", f"answer {row['Id'][:40]} names no question")
    if not row.get("Body", "").strip():
        return record.skipped("empty", f"post {row['Id'][:40]} has no body")
    row = {name: row[name] for name in _KEPT if name in row}
    row["Score"] = int(row.get("Score") or 0)
    key = row["Id"] if kind == _QUESTION else row["ParentId"]
    return key, Record(row, record.file, record.offset, record.num_bytes)


def _thread(records: list[Record]) -> Iterator[Item]:
    questions = [record for record in records if record.value["PostTypeId"] == _QUESTION]
    answers: dict[str, Record] = {}
    for record in records:
        if record.value["PostTypeId"] == _QUESTION:
            if record is not questions[0]:
                yield record.skipped("duplicate_id", f"question {record.value['Id']} was there before")
        elif not questions:
            row = record.value
            yield record.skipped("orphan_answer", f"answer {row['Id']}: question {row['ParentId']} is not here")
        elif record.value["Id"] in answers:
            yield record.skipped("duplicate_id", f"answer {record.value['Id']} was there before")
        else:
            answers[record.value["Id"]] = record
    if not questions:
        return
    question = questions[0]
    accepted = question.value.get("AcceptedAnswerId")
    ranked = sorted(
        answers.values(), key=lambda record: (record.value["Id"] != accepted, -record.value["Score"], record.offset)
    )
    # Voted down is wrong or off the point, unless the asker says that it helped.
    chosen = [r for r in ranked if r.value["Score"] >= 0 or r.value["Id"] == accepted][:MAX_ANSWERS]
    if chosen:
        yield _document(question, chosen)
    else:
        evidence = f"question {question.value['Id']}: {len(ranked)} answers in the file, none with a score of 0 or more"
        yield question.skipped("unanswered", evidence)
    for record in ranked:
        if record not in chosen:
            yield record.skipped("lesser_answer", f"answer {record.value['Id']}, score {record.value['Score']}")


def _document(question: Record, answers: list[Record]) -> Document:
    row, name = question.value, question.file.name
    title = " ".join(clean(row.get("Title", "")).split())
    text = paragraphs(f"# {title}" if title else "", "Question:", markdown(row["Body"]))
    for answer in answers:
        text = paragraphs(text, "Answer:", markdown(answer.value["Body"]))
    site = _site(question.file)
    meta: dict[str, Any] = {
        "kind": "text",
        "title": title,
        "tags": [tag for tag in re.split(r"[<>|]+", clean(row.get("Tags", ""))) if tag],
        "score": row["Score"],
        "created": clean(row["CreationDate"]),
        "question_id": row["Id"],
        "answer_ids": [answer.value["Id"] for answer in answers],
        "answer_scores": [answer.value["Score"] for answer in answers],
        "accepted": answers[0].value["Id"] == row.get("AcceptedAnswerId"),
    }
    if site:
        meta |= {"site": site, "url": f"https://{site}/questions/{row['Id']}"}
    # Each version lets what is made of a text be under a later one, so the newest holds for the whole.
    licence = max(_licence(record.value) for record in (question, *answers))
    return Document(text, "code", f"{NAME}:{name}#{row['Id']}", licence, meta=meta)


def _licence(row: dict[str, Any]) -> str:
    stated = row.get("ContentLicense", "").strip()
    if stated:
        return stated.replace(" ", "-")
    return next(licence for day, licence in _LICENCES if row["CreationDate"] >= day)


def _site(file: InputFile) -> str:
    """`cooking.stackexchange.com` of the folder that the dump was unpacked to, "" where its name is no host."""
    folder = posixpath.basename(posixpath.dirname(file.name)) or posixpath.basename(file.root.rstrip("/"))
    return folder.lower() if _SITE.fullmatch(folder.lower()) else ""
