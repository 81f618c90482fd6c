"""Documents of pages in web archives, for the sources that read them: main text, language, and why the rest is left."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from data import streams
from data.document import Document, Quarantined, Skipped
from data.formats import html, http_response, language_id, warc
from data.formats.plain_text import clean
from data.inputs import InputFile
from data.sources.source import Item

HTML_TYPES = frozenset({"text/html", "application/xhtml+xml", "application/vnd.wap.xhtml+xml"})
_SNIFFED = (b"<!doctype html", b"<html")
NO_LICENCE = "NOASSERTION"


def archive_items(file: InputFile, source: str, is_news: bool) -> Iterator[Item]:
    """Items of a WARC, WET, WAT or ARC file.

    Args:
      file: the archive.
      source: name of the source.
      is_news: whether date, site and author of a page are looked for, and its headline is put before its text.
    """
    for record in warc.records(file):
        if isinstance(record, Quarantined):
            yield record
            continue
        try:
            yield _record_item(file, record, source, is_news)
        except streams.StreamError as error:
            yield Quarantined(
                file.name, record.offset, error.reason, record.num_bytes, f"{record.url[:200]} {error.evidence}"
            )


def _record_item(file: InputFile, record: warc.ArchiveRecord, source: str, is_news: bool) -> Item:
    def skipped(reason: str, evidence: str = "") -> Skipped:
        return Skipped(file.name, record.offset, reason, record.num_bytes, f"{record.url[:200]} {evidence}".strip())

    if record.kind == "conversion":
        page = html.Page(clean(_whole(record).decode("utf-8", "replace")), url=record.url)
    elif record.kind in ("response", "resource"):
        if record.kind == "response" and not record.url.lower().startswith(("http:", "https:")):
            return skipped("not_http")
        response = http_response.parse(record)
        if response.status != 200:
            return skipped("http_status", str(response.status))
        if not _is_html(response):
            return skipped("not_html", response.content_type)
        _whole(record)
        page = html.main_text(response.payload, record.url, response.charset, is_news, record.date[:10])
    else:
        return skipped(record.kind.replace("-", "_") or "no_type")
    if not page.text:
        return skipped("no_text")
    if not is_news:
        page = dataclasses.replace(page, date=record.date[:10])
    key = f"{file.name}#{record.offset}"
    extra = {"record_id": record.headers.get("warc-record-id", "").strip("<>"), "fetched": record.date}
    return page_document(page, source, key, is_news, extra)


def _is_html(response: http_response.HttpResponse) -> bool:
    if response.content_type:
        return response.content_type in HTML_TYPES
    return response.payload[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_SNIFFED)


def _whole(record: warc.ArchiveRecord) -> bytes:
    if not record.is_whole:
        raise streams.StreamError("too_long", record.offset, f"{record.num_bytes} bytes in one page")
    return record.block


def page_document(page: html.Page, source: str, key: str, with_headline: bool, extra: dict[str, str]) -> Document:
    """The document of a page with its language; facts that the page does not tell are left out of `meta`."""
    text = page.text
    # Extractors keep the headline of some pages and not of others.
    if with_headline and page.title and page.title.lower() not in text[: len(page.title) + 400].lower():
        text = f"{page.title}\n\n{text}"
    language, probability = language_id.identify(page.text)
    facts = dataclasses.asdict(dataclasses.replace(page, text="", licence=""))
    facts["declared_language"] = facts.pop("language")
    facts |= extra | {"language": language, "language_probability": probability}
    kept = {name: value for name, value in facts.items() if value != ""}
    return Document(
        text=text, domain="language", source=f"{source}:{key}", licence=page.licence or NO_LICENCE, meta=kept
    )
