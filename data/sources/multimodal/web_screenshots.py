"""Web pages as code with a picture of how they look: HTML files beside screenshots, and the layout of WebSight.

The text is the page's HTML, in which the bytes of inlined pictures and fonts are cut: they can't be learnt from text.
WebSight: Laurençon et al. 2024 (arXiv 2403.09029); pairs of one stem: Design2Code, Si et al. 2024 (arXiv 2403.03163).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Any

from data import streams
from data.document import Document, Quarantined, Skipped
from data.formats import images, rows
from data.inputs import InputFile
from data.sources.multimodal import fields
from data.sources.multimodal.breaks import set_aside
from data.sources.source import Item

NAME = "web_screenshots"
PAGES = ("*.html", "*.htm", "*.xhtml")
TABLES = ("*.parquet",)
COMPANIONS = (
    *(f"*{suffix}" for suffix in images.SUFFIXES), "*.css", "*.js", "*.svg", "*.ico", "*.woff", "*.woff2", "*.ttf",
    "*.map",
)  # fmt: skip
_WEBSIGHT_LICENCE = "CC-BY-4.0"
_SHOTS = ("screenshot", "screen", "page", "shot", "screenshot-desktop", "desktop")
_PICTURES, _CODES = ("image", "screenshot", "png", "img"), ("html", "code", "text")
_MAX_PAGE_BYTES = 8 << 20
_MAX_PICTURE_BYTES = 64 << 20
# An address that holds its content: the content of more than 100 characters is cut.
_DATA_ADDRESS = re.compile(
    r"(data:[\w.+\-]{1,40}/[\w.+\-]{1,80}(?:;[\w.=\-]{1,80}){0,4},)[^\s\"'<>()]{100,}", re.IGNORECASE
)
_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s{0,9}=\s{0,9}[\"']?\s{0,9}([\w.:\-]{1,40})", re.IGNORECASE)
_ENCODINGS = re.compile(
    r"iso-8859-\d{1,2}|latin1|us-ascii|windows-125\d|cp125\d|koi8-[ru]|shift_jis|euc-(?:jp|kr)|gb2312|gbk|gb18030|big5"
)
_LICENCE_LINK = re.compile(r"<(?:a|link)\b[^<>]{0,400}\brel=[\"']?license\b[^<>]{0,400}>", re.IGNORECASE)
_HREF = re.compile(r"href=[\"']([^\"'<>]{1,300})", re.IGNORECASE)
_LICENSED = re.compile(r"licensed under (?:the )?(mit|apache-2\.0|cc[ \-]by[\w \-.]{0,12})\b", re.IGNORECASE)
_TITLE = re.compile(r"<title\b[^>]{0,200}>([^<]{1,500})", re.IGNORECASE)


def trimmed(html: str) -> str:
    """HTML with long contents of `data:` addresses replaced by an ellipsis; what they are stays readable."""
    return _DATA_ADDRESS.sub(r"\1…", html)


@set_aside
def read_page(file: InputFile) -> Iterator[Item]:
    """The document of one HTML file and its screenshot: of the same stem, or `screenshot.png` beside the page."""
    shot = _screenshot(file)
    if shot is None:
        yield Skipped(file.name, 0, "no_screenshot", file.size, "no picture of its stem, and no screenshot beside it")
        return
    try:
        html = _decode(file.read(_MAX_PAGE_BYTES))
        picture = shot.read(_MAX_PICTURE_BYTES)
    except streams.StreamError as error:
        yield Quarantined(file.name, error.offset, error.reason, file.size, error.evidence)
        return
    yield _page(file, "", 0, file.size, html, picture, _licence(html), {"screenshot": shot.name})


def _screenshot(page: InputFile) -> InputFile | None:
    base = posixpath.basename(page.name)
    base = base[: base.lower().rfind(".")] if not base.lower().endswith(".gz") else base.rsplit(".", 2)[0]
    stems = [base, f"{base}_screenshot", f"{base}-screenshot", f"{base}.screenshot"]
    # A picture named for no page belongs to the folder's index, or to the page of a folder without one.
    if base.lower() == "index" or all(page.sibling(name) is None for name in ("index.html", "index.htm", "Index.html")):
        stems += _SHOTS
    candidates = (page.sibling(stem + suffix) for stem in stems for suffix in (".png", ".jpg", ".jpeg", ".webp"))
    return next((found for found in candidates if found is not None), None)


def _decode(data: bytes) -> str:
    """Text by its byte order mark, else UTF-8 if it is that, else by the encoding that the page names.

    Raises:
      StreamError: neither fits.
    """
    try:
        return streams.decode(data)
    except streams.StreamError as error:
        named = _CHARSET.search(data[:4096])
        encoding = named.group(1).decode("ascii", "replace").lower() if named else ""
        if error.reason == "binary" or not _ENCODINGS.fullmatch(encoding):
            raise
        # What calls itself Latin-1 or ASCII on the web is Windows-1252 (https://encoding.spec.whatwg.org).
        return streams.decode(data, "cp1252" if encoding in ("iso-8859-1", "latin1", "us-ascii") else encoding)


def _licence(html: str) -> str:
    link = _LICENCE_LINK.search(html)
    address = _HREF.search(link.group()) if link else None
    said = _LICENSED.search(html)
    return fields.spdx(address and address.group(1), said and said.group(1))


@set_aside
def read_table(file: InputFile) -> Iterator[Item]:
    """Documents of Parquet rows with a picture and the HTML that it shows."""
    yield from _read_rows(file)


def _row(record: rows.Record) -> Iterator[Item]:
    row = record.value
    picture, html = fields.first(row, _PICTURES), fields.first(row, _CODES)
    if isinstance(picture, dict):
        picture = fields.first(picture, ("bytes",))
    if not {str(name).lower() for name in row}.intersection(_PICTURES + _CODES):
        yield record.quarantined("wrong_columns", f"neither image nor text among {', '.join(map(str, row))}"[:500])
    elif not isinstance(picture, bytes):
        yield record.skipped("no_screenshot", "no bytes of a picture")
    else:
        is_websight = "llm_generated_idea" in row
        licence = _WEBSIGHT_LICENCE if is_websight else fields.spdx(fields.first(row, ("license", "licence")))
        idea = fields.one_line(row.get("llm_generated_idea"))
        meta = {"idea": idea[:2000]} if idea else {}
        html = html if isinstance(html, str) else ""
        yield _page(record.file, str(record.offset), record.offset, record.num_bytes, html, picture, licence, meta)


_read_rows = rows.reader(_row)


def _page(
    file: InputFile, key: str, offset: int, size: int, html: str, picture: bytes, licence: str, meta: dict[str, Any]
) -> Item:
    text = fields.clean_text(trimmed(html.replace("\r\n", "\n").replace("\r", "\n")))
    if not text:
        return Skipped(file.name, offset, "no_html", size, "a picture without a page")
    try:
        facts = images.inspect(picture)
    except images.ImageError as error:
        return Quarantined(file.name, offset, error.reason, size, f"{meta.get('screenshot', '')} {error}"[:500].strip())
    title = _TITLE.search(text)
    meta = meta | ({"title": fields.one_line(title.group(1))} if title else {})
    meta |= {"code": "html", "width": facts.width, "height": facts.height}
    source = f"{NAME}:{file.name}#{key or 'page'}"
    return Document(text, "multimodal", source, licence, media=picture, media_type=facts.media_type, meta=meta)
