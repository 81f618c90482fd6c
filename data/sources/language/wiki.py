"""multilingual_wiki: articles of Wikipedias and their sister projects, from MediaWiki XML dumps."""

from __future__ import annotations

import re
from collections.abc import Iterator

from data.document import Document, Quarantined, Skipped
from data.formats import language_id, mediawiki, wikitext
from data.inputs import InputFile
from data.sources.language.guarded import guarded
from data.sources.source import Item

NAME = "multilingual_wiki"
# MediaWiki refuses pages of more than 2 MB.
MAX_PAGE_CHARACTERS = 4 << 20
_ARTICLES = "0"
_REDIRECT = re.compile(r"\s*#\s?\S{3,40}\s*:?\s*\[\[[^\[\]]{1,300}\]\]\s*", re.IGNORECASE)
_MAX_REDIRECT_CHARACTERS = 500
_SINCE_4_0 = "2023-06-07"  # the day on which Wikimedia's projects went from CC BY-SA 3.0 to 4.0


@guarded
def read_dump(file: InputFile) -> Iterator[Item]:
    """The articles of a dump, in plain text under their titles. Offsets and keys count revisions."""
    site = mediawiki.Site()
    for number, revision in enumerate(mediawiki.revisions(file, site)):
        yield _item(file, number, site, revision)


def _item(file: InputFile, number: int, site: mediawiki.Site, revision: mediawiki.Revision) -> Item:
    size = len(revision.text.encode("utf-8", "replace"))

    def skipped(reason: str) -> Skipped:
        return Skipped(file.name, number, reason, size, f"{revision.title[:200]} ({revision.revision})")

    if not revision.is_last:
        return skipped("old_revision")
    if revision.namespace != _ARTICLES:
        return skipped("namespace")
    if revision.model != "wikitext":
        return skipped("content_model")
    if revision.redirect or (len(revision.text) < _MAX_REDIRECT_CHARACTERS and _REDIRECT.match(revision.text)):
        return skipped("redirect")
    if len(revision.text) > MAX_PAGE_CHARACTERS:
        return Quarantined(file.name, number, "too_long", size, revision.title[:200])
    try:
        text = wikitext.to_text(revision.text, site.hidden_namespaces)
    except Exception as error:  # a page must not end the dump, whatever the parser of its markup stumbles over
        return Quarantined(
            file.name, number, "malformed", size, f"{revision.title[:200]}: {type(error).__name__}: {error}"
        )
    if not text:
        return skipped("no_text")
    identified, probability = language_id.identify(text)
    meta = {
        "title": revision.title,
        "page_id": revision.page,
        "revision_id": revision.revision,
        "timestamp": revision.timestamp,
        "wiki": site.database,
        "language": site.language or identified,
        "identified_language": identified,
        "language_probability": probability,
    }
    return Document(
        text=f"# {revision.title}\n\n{text}" if revision.title else text,
        domain="language",
        source=f"{NAME}:{file.name}#{number}",
        licence="CC-BY-SA-3.0" if "" < revision.timestamp < _SINCE_4_0 else "CC-BY-SA-4.0",
        meta={name: value for name, value in meta.items() if value != ""},
    )
