"""news_archives: articles from pages as crawled, from news crawls in WARC files, and from RSS and Atom feeds."""

from __future__ import annotations

import io
import time
import urllib.parse
from collections.abc import Iterator
from typing import Any

from data import streams
from data.document import Quarantined, Skipped
from data.formats import html, xml
from data.formats.plain_text import clean, one_line
from data.inputs import InputFile
from data.sources.language.guarded import guarded
from data.sources.language.web_pages import archive_items, page_document
from data.sources.source import Item

NAME = "news_archives"
MAX_PAGE_BYTES = 64 << 20
MAX_FEED_BYTES = 16 << 20
_ENDS = (b"</rss>", b"</feed>", b"rdf>")


@guarded
def read_archive(file: InputFile) -> Iterator[Item]:
    """The articles of a news crawl, each with headline, day, site and language."""
    yield from archive_items(file, NAME, is_news=True)


@guarded
def read_page(file: InputFile) -> Iterator[Item]:
    """The article of one page."""
    data = file.read(MAX_PAGE_BYTES)
    if not data.strip():
        return
    page = html.main_text(data)
    if not page.text:
        yield Skipped(file.name, 0, "no_text", len(data), page.title[:200])
        return
    yield page_document(page, NAME, f"{file.name}#0", True, {"site": page.site or _host(page.url)})


@guarded
def read_feed(file: InputFile) -> Iterator[Item]:
    """The entries of a feed that hold a text: their content, else their summary. Offsets count entries.

    Feeds that are no well-formed XML are read as far as feedparser makes sense of them; of one that breaks off, the
    last entry is quarantined.
    """
    import feedparser

    data = file.read(MAX_FEED_BYTES)
    if not data.strip():
        return
    xml.refuse_entities(data[: 64 << 10])
    try:
        feed = feedparser.parse(io.BytesIO(data), sanitize_html=True, resolve_relative_uris=False)
    except Exception as error:  # a feed from a stranger must not end the source
        raise streams.StreamError("malformed", 0, f"{type(error).__name__}: {error}") from error
    if not feed.entries:
        if feed.bozo:
            yield Quarantined(file.name, 0, "malformed", len(data), f"no feed; {feed.get('bozo_exception', '')}"[:300])
        else:
            yield Skipped(file.name, 0, "no_entries", len(data), feed.get("version", ""))
        return
    is_cut = feed.bozo and not data.rstrip(b" \t\r\n\x00").lower().endswith(_ENDS)
    for number, entry in enumerate(feed.entries):
        kind, text = _content(entry)
        size = len(text.encode("utf-8", "replace"))
        if is_cut and number == len(feed.entries) - 1:
            yield Quarantined(file.name, number, "truncated", size, str(feed.get("bozo_exception", ""))[:300])
        else:
            yield _entry_item(file, feed.feed, entry, number, html.to_text(text) if "html" in kind else text)


def _content(entry: Any) -> tuple[str, str]:
    """Type and value of an entry's longest content, or of its summary."""
    found = [part for part in entry.get("content", []) if part.get("value")]
    if not found and (summary := entry.get("summary")):
        found = [{"type": (entry.get("summary_detail") or {}).get("type") or "text/html", "value": summary}]
    best = max(found, key=lambda part: len(part["value"]), default={"value": ""})
    return str(best.get("type") or "text/html").lower(), str(best["value"])


def _entry_item(file: InputFile, feed: Any, entry: Any, number: int, content: str) -> Item:
    text = clean(content)
    title = one_line(html.to_text(str(entry.get("title") or "")))
    if not text:
        return Skipped(file.name, number, "no_text", len(title.encode()), title[:200])
    link = str(entry.get("link") or "")
    licences = [
        str(entry.get("license") or ""),
        str(feed.get("license") or ""),
        str(entry.get("rights") or feed.get("rights") or ""),
    ]
    page = html.Page(
        text=text,
        title=title,
        language=str(entry.get("language") or feed.get("language") or "").lower()[:35],
        date=_day(entry.get("published_parsed") or entry.get("updated_parsed")),
        site=one_line(html.to_text(str(feed.get("title") or ""))) or _host(link),
        author=one_line(str(entry.get("author") or "")),
        licence=next(filter(None, map(html.creative_commons, licences)), ""),
        url=link,
    )
    return page_document(page, NAME, f"{file.name}#{number}", True, {"entry": str(entry.get("id") or "")[:500]})


def _day(parsed: time.struct_time | None) -> str:
    return f"{parsed.tm_year:04}-{parsed.tm_mon:02}-{parsed.tm_mday:02}" if parsed else ""


def _host(url: str) -> str:
    try:
        return urllib.parse.urlsplit(url).hostname or ""
    except ValueError:
        return ""
