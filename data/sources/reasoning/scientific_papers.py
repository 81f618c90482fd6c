"""Scientific papers: JATS, TEI and S2ORC files, each by itself, in JSONL, or in the packages that PubMed Central
serves."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from data import streams
from data.formats import rows
from data.formats import xml as safe_xml
from data.inputs import InputFile
from data.sources.reasoning import jats, s2orc, tei
from data.sources.reasoning.paper_text import Paper
from data.sources.reasoning.pieces import Item, Piece, converted, guarded, recorded

_OTHER_MEMBERS = tuple(
    ".pdf .jpg .jpeg .gif .png .tif .tiff .svg .eps .doc .docx .xls .xlsx .ppt .pptx .txt .csv .html .css .mov .mp4 "
    ".avi .zip".split()
)


def _paper(piece: Piece) -> Iterable[Item]:
    name = piece.name.lower()
    if piece.name != piece.file.name and name.endswith(_OTHER_MEMBERS):
        return [piece.skipped("companion")]
    if not piece.data.strip():
        return [piece.quarantined("empty", "nothing in it")]
    if piece.data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
        return _from_json(piece)
    return _from_xml(piece)


def _from_xml(piece: Piece) -> Iterable[Item]:
    root = safe_xml.parse(piece.data)
    kind = safe_xml.local_name(root)
    articles: list[Paper] = []
    if kind == "article":
        articles = [jats.read(root)]
    elif kind == "TEI":
        articles = [tei.read(root)]
    elif kind in ("teiCorpus", "pmc-articleset", "articles", "records", "OAI-PMH"):
        articles = [jats.read(part) for part in root.iter("{*}article")] + [
            tei.read(part) for part in root.iter("{*}TEI")
        ]
    if not articles:
        evidence = f"expected a JATS article or a TEI document, found <{kind}>"
        return [piece.quarantined("unknown_layout", evidence)]
    return [
        paper.document(piece.name if len(articles) == 1 else f"{piece.name}#{number}")
        if paper.has_text()
        else piece.skipped("no_text")
        for number, paper in enumerate(articles)
    ]


def _from_json(piece: Piece) -> Iterable[Item]:
    value = json.loads(streams.decode(piece.data))
    return [
        _one_row(row, f"{piece.name}#{number}", piece)
        for number, row in enumerate(value if isinstance(value, list) else [value])
    ]


def _one_row(row: Any, key: str, place: Piece | rows.Record) -> Item:
    try:
        paper = s2orc.read(row)
    except s2orc.NoPaper as error:
        return place.quarantined("unknown_layout", str(error))
    return paper.document(key) if paper.has_text() else place.skipped("no_text", paper.title)


def _from_record(record: rows.Record) -> Iterator[Item]:
    yield _one_row(record.value, f"{record.file.name}#{record.offset}", record)


@guarded
def read_rows(file: InputFile, start: int = 0, end: int | None = None) -> Iterator[Item]:
    """Items of a JSON, JSONL or Parquet file of S2ORC records."""
    yield from recorded(rows.records(file, start, end), _from_record)


@guarded
def read_xml(file: InputFile) -> Iterator[Item]:
    """Items of an .nxml or .xml file, or of a package of them, whose pictures and PDF are skipped."""
    yield from converted(file, _paper)
