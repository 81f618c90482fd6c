"""Legal cases: the Caselaw Access Project, Fastcase and CourtListener, in all the formats that they publish.

Which files are parts of others (a volume's index, tables of dockets beside the table of opinions) is told by `cases`,
`tables`.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from data import archives, streams
from data.document import Quarantined, Skipped
from data.formats import rows
from data.formats import xml as safe_xml
from data.inputs import InputFile
from data.sources.reasoning import case_csv, case_json, case_plain, case_xml
from data.sources.reasoning.case_text import Case
from data.sources.reasoning.pieces import Item, Piece, attempted, converted, guarded, recorded

_INDEXES = (
    "casesmetadata.json",
    "volumemetadata.json",
    "volumesmetadata.json",
    "reportersmetadata.json",
    "jurisdictionsmetadata.json",
)
_TABLES = re.compile(
    r"(?:search_|people_db_|people-db-|audio_)?"
    r"(?:opinion-?_?clusters?|opinions?_?cited|dockets?|originating-?court|courts?|court-appeals|citations?|citation-map|"
    r"parentheticals?|person|people|positions?|schools?|races?|retention|political|educations?|financial|fjc|bankruptcy|"
    r"audio|integrated)(?:[-_][a-z_-]*?)?(?:[-_.]\d[\d-]*)?\.csv",
)
_COMPANIONS = (".html", ".htm", ".pdf", ".txt", ".md", ".csv", ".tif", ".jp2", ".png", ".jpg", ".sha256", ".md5")


def cases(files: Sequence[InputFile]) -> list[InputFile]:
    """The JSON files that hold cases: not the indexes of volumes, which repeat their facts."""
    return [file for file in files if file.stem not in _INDEXES]


def tables(files: Sequence[InputFile]) -> list[InputFile]:
    """The CSV files that may hold opinions: not CourtListener's tables of dockets, courts, citations and people."""
    return [file for file in files if not _TABLES.fullmatch(file.stem)]


def _item(case: Case, key: str, place: Piece | rows.Record) -> Item:
    return case.document(key) if case.has_opinion() else place.skipped("no_text", case.name)


def _from_row(row: Any, key: str, place: Piece | rows.Record) -> Iterator[Item]:
    if isinstance(row, dict) and isinstance(row.get("results"), list):  # a page of an API's answer
        for number, result in enumerate(row["results"]):
            yield from _from_row(result, f"{key}.{number}", place)
        return
    try:
        case = case_json.read(row)
    except case_json.NoCase as error:
        yield place.quarantined("unknown_layout", str(error))
    except streams.StreamError as error:
        yield place.quarantined(error.reason, error.evidence)
    else:
        yield _item(case, key, place)


def _from_record(record: rows.Record) -> Iterator[Item]:
    yield from _from_row(record.value, f"{record.file.name}#{record.offset}", record)


@guarded
def read_rows(file: InputFile, start: int = 0, end: int | None = None) -> Iterator[Item]:
    """Items of a JSON, JSONL or Parquet file."""
    yield from recorded(rows.records(file, start, end), _from_record)


@guarded
def read_csv(file: InputFile) -> Iterator[Item]:
    """Items of a CSV file of opinions, as CourtListener's bulk data are; no facts but the opinions' own stand in it."""
    yield from recorded(case_csv.records(file), _from_record)


def _from_xml(piece: Piece) -> Iterable[Item]:
    root = safe_xml.parse(piece.data)
    kind = safe_xml.local_name(root)
    if kind in ("alto", "ALTO"):
        return [piece.skipped("companion", "ALTO: the layout of a page")]
    found: list[Case] = []
    if kind == "mets":
        case = case_xml.from_mets(root)
        if case is None:
            return [piece.skipped("no_case", "METS of a volume, or of a case that another file holds")]
        found = [case]
    elif kind == "casebody":
        case = Case()
        case_xml.add_body(root, case)
        found = [case]
    elif kind in ("Case", "Cases"):
        found = [
            case_xml.from_fastcase(element) for element in ([root] if kind == "Case" else root.iterfind("./{*}Case"))
        ]
    if not found:
        return [piece.quarantined("unknown_layout", f"expected CASEMETS, casebody or a Fastcase Case, found <{kind}>")]
    keys = [piece.name] if len(found) == 1 else [f"{piece.name}#{number}" for number in range(len(found))]
    return [_item(case, key, piece) for case, key in zip(found, keys, strict=True)]


@guarded
def read_xml(file: InputFile) -> Iterator[Item]:
    """Items of an XML file."""
    yield from converted(file, _from_xml)


def _from_text(piece: Piece) -> Iterable[Item]:
    try:
        text = streams.decode(piece.data)
    except streams.StreamError as error:
        if error.reason == "binary":
            raise
        text = streams.decode(piece.data, "cp1252")
    if not case_plain.is_opinion(text):
        evidence = f"expected an opinion (court, judge, parties, v., affirmed ...), found {text.strip()[:80]!r}"
        return [piece.quarantined("unknown_layout", evidence)]
    return [_item(case_plain.read(text), piece.name, piece)]


@guarded
def read_text(file: InputFile) -> Iterator[Item]:
    """Items of a text file: the one opinion that it is."""
    yield from converted(file, _from_text)


@guarded
def read_archive(file: InputFile) -> Iterator[Item]:
    """Items of a volume's zip or a bulk archive: cases in JSON, JSONL (compressed or not) or XML."""
    for member in archives.members(file):
        if isinstance(member, Quarantined):
            yield member
            continue
        name = member.name.lower()
        base = name.rsplit("/", 1)[-1]
        piece = Piece(file, f"{file.name}!{member.name}", member.data, member.offset)
        if base in _INDEXES or base.endswith(_COMPANIONS):
            yield Skipped(file.name, member.offset, "companion", len(member.data), member.name)
        elif re.search(r"\.jsonl(?:\.(?:gz|xz|bz2|zst))?$", name):
            yield from _from_lines(piece)
        else:
            yield from attempted(piece, _member)


def _member(piece: Piece) -> Iterable[Item]:
    is_json = piece.data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[")
    return _from_json(piece) if is_json else _from_xml(piece)


def _from_json(piece: Piece) -> Iterator[Item]:
    value = json.loads(streams.decode(piece.data))
    if not isinstance(value, list):
        yield from _from_row(value, piece.name, piece)
        return
    for number, row in enumerate(value):
        yield from _from_row(row, f"{piece.name}#{number}", piece)


def _from_lines(piece: Piece) -> Iterator[Item]:
    """Each line of a member as a case."""
    try:
        with streams.decompressed(io.BytesIO(piece.data)) as stream:
            for line in streams.lines(stream):
                one = Piece(piece.file, f"{piece.name}#{line.offset}", line.data, piece.offset)
                if line.too_long:
                    yield one.quarantined("line_too_long", f"{line.num_bytes} bytes")
                elif line.data.strip():
                    yield from attempted(one, _from_json)
    except streams.StreamError as error:
        yield piece.quarantined(error.reason, error.evidence)
