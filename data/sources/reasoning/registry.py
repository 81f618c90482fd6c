"""The sources of the reasoning domain that are read from files."""

from __future__ import annotations

from data.formats import rows
from data.sources.reasoning import (
    case_text,
    game_records,
    legal_cases,
    paper_text,
    pgn,
    philosophy_texts,
    puzzle_text,
    puzzles,
    scientific_papers,
    sgf,
)
from data.sources.reasoning.pieces import ARCHIVES
from data.sources.source import Reader, SourceInfo

_LINES = ("*.jsonl", "*.ndjson")
_TABLES = tuple(pattern for pattern in rows.PATTERNS if pattern not in _LINES)
_NOTES = ("license*", "licence*", "readme*", "copying*", "notice*", "*.md", "*.sha256", "*.md5", "manifest*")

SOURCES: tuple[SourceInfo, ...] = (
    SourceInfo(
        name=puzzle_text.NAME,
        domain="reasoning",
        format="LogiQA and bAbI text; JSONL, JSON, Parquet, CSV of questions with answers; BIG-bench tasks",
        licence="per record, else NOASSERTION",
        where="github.com/lgw863/LogiQA-dataset, csitfun/LogiQA2.0, suzgunmirac/BIG-Bench-Hard, google/BIG-bench, bAbI",
        size_hint="100 MB",
        profile="puzzles",
        templated=True,
        readers=(
            Reader(_LINES, puzzles.read, ranges=True),
            Reader(_TABLES, puzzles.read),
            Reader(("*.txt",), puzzle_text.read),
        ),
        companions=_NOTES,
    ),
    SourceInfo(
        name=paper_text.NAME,
        domain="reasoning",
        format="JATS and TEI XML, alone or in tar and zip; S2ORC JSON and JSONL",
        licence="per paper's permissions, else NOASSERTION",
        where="PubMed Central open access subset, Semantic Scholar S2ORC, papers read by GROBID",
        size_hint="hundreds of GB",
        profile="papers",
        readers=(
            Reader(("*.nxml", "*.xml", *ARCHIVES), scientific_papers.read_xml),
            Reader(_LINES, scientific_papers.read_rows, ranges=True),
            Reader(("*.json", "*.parquet"), scientific_papers.read_rows),
        ),
        companions=(*_NOTES, "*.pdf", "*.jpg", "*.gif", "*.png", "*filelist*.csv", "*filelist*.txt"),
    ),
    SourceInfo(
        name=case_text.NAME,
        domain="reasoning",
        format="Caselaw Access Project JSON, JSONL and CASEMETS; Fastcase XML; CourtListener CSV, JSON and text",
        licence=case_text.LICENCE,
        where="static.case.law, courtlistener.com/help/api/bulk-data",
        size_hint="100 GB",
        profile="legal",
        readers=(
            Reader(_LINES, legal_cases.read_rows, ranges=True),
            Reader(("*.json",), legal_cases.read_rows, roots=legal_cases.cases),
            Reader(("*.parquet",), legal_cases.read_rows),
            Reader(("*.xml",), legal_cases.read_xml),
            Reader(("*.csv",), legal_cases.read_csv, roots=legal_cases.tables),
            Reader(ARCHIVES, legal_cases.read_archive),
            Reader(("*.txt",), legal_cases.read_text),
        ),
        companions=(*_NOTES, "*.html", "*.pdf"),
    ),
    SourceInfo(
        name=philosophy_texts.NAME,
        domain="reasoning",
        format="Project Gutenberg text, with its RDF beside it",
        licence="public domain in the US",
        where="gutenberg.org, subject philosophy; github.com/GITenberg",
        size_hint="1 GB",
        profile="prose",
        readers=(Reader(("*.txt", *ARCHIVES), philosophy_texts.read),),
        companions=(*_NOTES, "*.rdf"),
    ),
    SourceInfo(
        name=game_records.NAME,
        domain="reasoning",
        format="PGN of chess and its variants, SGF of Go",
        licence=pgn.LICENCE,
        where="database.lichess.org, collections of PGN and SGF",
        size_hint="hundreds of GB",
        profile="games",
        templated=True,
        readers=(Reader(("*.pgn",), pgn.read), Reader(("*.sgf",), sgf.read)),
        companions=_NOTES,
        verify=game_records.verify,
    ),
)
