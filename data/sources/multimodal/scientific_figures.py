"""Figures of papers with their captions: tables of paths and captions, SciCap, COCO's layout, and papers in Markdown.

Pictures lie in the same input; a caption whose picture is only there as a drawing (PDF, SVG) takes the picture of the
same name, if there is one. SciCap: Hsu et al. 2021 (arXiv 2110.11624). Markdown is read as CommonMark, as JOSS has it.
"""

from __future__ import annotations

import dataclasses
import json
import re
import urllib.parse
from collections.abc import Iterator
from typing import Any

from data import streams
from data.document import Document, Quarantined, Skipped
from data.formats import images, rows
from data.inputs import InputFile
from data.sources.multimodal import fields, media_files
from data.sources.multimodal.breaks import set_aside
from data.sources.source import Item

NAME = "scientific_figures"
TABLES = ("*.jsonl", "*.ndjson", "*.json", "*.csv", "*.tsv", "*.parquet")
PAPERS = ("*.md", "*.markdown")
COMPANIONS = (
    *(f"*{suffix}" for suffix in images.SUFFIXES), "*.pdf", "*.eps", "*.svg", "*.tif", "*.tiff", "*.bib", "*.txt",
    "*.tex",
)  # fmt: skip
_FOLDERS = ("images", "figures", "figs", "../images", "../figures", "../figs")
_PICTURES = (
    "image",
    "figure",
    "image_path",
    "figure_path",
    "file_name",
    "filename",
    "path",
    "img",
    "figure-id",
    "figure_id",
)
_CAPTIONS = ("caption", "captions", "0-originally-extracted", "caption_no_index", "text", "description")
_META = ("paper", "paper-id", "paper_id", "doi", "title", "url", "figure-type", "figure_type")
_LABEL = re.compile(r"\\label\{[^{}]{0,200}\}")
_MAX_PICTURE_BYTES = 64 << 20
_MAX_PAPER_BYTES = 4 << 20


@dataclasses.dataclass(frozen=True)
class Figure:
    """One caption and the picture that it is said of, as a path or as bytes."""

    caption: Any
    path: str
    data: bytes
    key: str
    offset: int
    num_bytes: int
    licence: str
    meta: dict[str, Any]


@set_aside
def read_table(file: InputFile) -> Iterator[Item]:
    """Documents of a table of captions, one for each caption."""
    yield from _read_rows(file)


@set_aside
def read_paper(file: InputFile) -> Iterator[Item]:
    """Documents of a paper in Markdown, one for each picture in it: `![caption](path){...}`."""
    from markdown_it import MarkdownIt

    try:
        text = streams.decode(file.read(_MAX_PAPER_BYTES))
    except streams.StreamError as error:
        yield Quarantined(file.name, error.offset, error.reason, file.size, error.evidence)
        return
    try:
        blocks = MarkdownIt("commonmark").parse(text)
    except (RecursionError, ValueError, IndexError) as error:
        yield Quarantined(file.name, 0, "malformed", file.size, f"Markdown: {type(error).__name__}: {error}"[:500])
        return
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line.encode("utf-8", "surrogatepass")))
    number = 0
    for block in blocks:
        for token in block.children or ():
            if token.type != "image":
                continue
            number += 1
            path = urllib.parse.unquote(str(token.attrs.get("src", "")))
            offset = starts[min(block.map[0], len(starts) - 1)] if block.map else 0
            size = len(token.content.encode("utf-8", "surrogatepass")) + len(path) + 5
            meta = {"title": fields.one_line(token.attrs["title"])} if token.attrs.get("title") else {}
            figure = Figure(token.content, path, b"", str(number), offset, size, fields.UNKNOWN_LICENCE, meta)
            yield _document(file, figure)


def _figures(record: rows.Record) -> Iterator[Item]:
    row = record.value
    if not isinstance(row, dict):
        yield record.quarantined("malformed", f"a {type(row).__name__} where an object is meant")
    elif isinstance(row.get("annotations"), list) and isinstance(row.get("images"), list):
        yield from _coco(record, row)
    else:
        yield from _plain(record, row)


_read_rows = rows.reader(_figures)


def _plain(record: rows.Record, row: dict[str, Any]) -> Iterator[Item]:
    picture, captions = fields.first(row, _PICTURES), fields.first(row, _CAPTIONS)
    if picture is None and captions is None:
        names = ", ".join(map(str, list(row)[:20]))
        yield record.quarantined("wrong_columns", f"neither picture nor caption among {names}"[:500])
        return
    data = picture if isinstance(picture, bytes) else b""
    if isinstance(picture, dict):
        data, picture = picture.get("bytes") or b"", picture.get("path")
    path = picture if isinstance(picture, str) else ""
    licence = fields.spdx(fields.first(row, ("license_url", "licence_url")), fields.first(row, ("license", "licence")))
    captions = captions if isinstance(captions, list) else [captions]
    for number, caption in enumerate(captions):
        key = str(record.offset) if len(captions) == 1 else f"{record.offset}/{number}"
        size = record.num_bytes if len(captions) == 1 else _size(caption)
        figure = Figure(caption, path, data, key, record.offset, size, licence, fields.bare_meta(row, _META))
        yield _document(record.file, figure)


def _size(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass"))


def _coco(record: rows.Record, row: dict[str, Any]) -> Iterator[Item]:
    """COCO's layout (Lin et al. 2014), which the SciCap challenge has as well: images and captions joined by id."""
    pictures = {entry["id"]: entry for entry in row["images"] if isinstance(entry, dict) and "id" in entry}
    licences = {entry.get("id"): entry for entry in row.get("licenses") or () if isinstance(entry, dict)}
    for number, entry in enumerate(row["annotations"]):
        if not isinstance(entry, dict):
            yield Quarantined(record.file.name, number, "malformed", _size(entry), f"a {type(entry).__name__}")
            continue
        about = pictures.get(entry.get("image_id"), {})
        terms = licences.get(about.get("license"), {})
        licence = fields.spdx(terms.get("url"), terms.get("name"))
        meta = fields.bare_meta(about, (*_META, "coco_url", "flickr_url"))
        caption, path = fields.first(entry, _CAPTIONS), str(about.get("file_name", ""))
        key = str(entry.get("id", number))
        yield _document(record.file, Figure(caption, path, b"", key, number, _size(entry), licence, meta))


def _document(file: InputFile, figure: Figure) -> Item:
    caption = fields.one_line(_LABEL.sub("", figure.caption) if isinstance(figure.caption, str) else "")
    if not caption:
        return Skipped(file.name, figure.offset, "no_caption", figure.num_bytes, figure.path[:300])
    data, name = figure.data, figure.path
    try:
        if not data:
            medium = media_files.find(file, figure.path, images.SUFFIXES, _FOLDERS)
            if medium is None:
                evidence = f"{fields.clean_text(figure.path)[:200]}: {caption[:200]}"
                return Skipped(file.name, figure.offset, "no_image", figure.num_bytes, evidence)
            data, name = medium.read(_MAX_PICTURE_BYTES), medium.name
        facts = images.inspect(data)
    except (images.ImageError, streams.StreamError) as error:
        evidence = f"{fields.clean_text(name)[:200]}: {error}"[:500]
        return Quarantined(file.name, figure.offset, error.reason, figure.num_bytes, evidence)
    meta = figure.meta | {"image": fields.clean_text(name), "width": facts.width, "height": facts.height}
    source = f"{NAME}:{file.name}#{fields.clean_text(figure.key)}"
    return Document(caption, "multimodal", source, figure.licence, media=data, media_type=facts.media_type, meta=meta)
