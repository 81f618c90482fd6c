"""Pages of a MediaWiki XML dump (export-0.3 to 0.11), one revision at a time, however many a page has."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

from lxml import etree

from data import streams
from data.formats import xml
from data.inputs import InputFile

_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_HOST = re.compile(r"https?://([a-z][a-z0-9\-]{1,20})\.(?:m\.)?(?:wiki[a-z]+)\.org", re.IGNORECASE)
_DATABASE = re.compile(
    r"([a-z][a-z_]{1,15}?)(?:wiki|wiktionary|wikibooks|wikinews|wikiquote|wikisource|wikiversity|wikivoyage)"
)
_NO_LANGUAGES = frozenset(
    {"www", "commons", "species", "meta", "incubator", "simple", "wikidata", "mediawiki", "tmp-wp", "test"}
)
FILE_NAMESPACE, CATEGORY_NAMESPACE = "6", "14"


@dataclasses.dataclass
class Site:
    """What a dump says about its wiki: database, language code, and the names of its namespaces by their keys."""

    database: str = ""
    language: str = ""
    namespaces: dict[str, str] = dataclasses.field(default_factory=dict)

    @property
    def hidden_namespaces(self) -> frozenset[str]:
        """Lower-case names under which links to files and categories are written."""
        own = {self.namespaces.get(key, "").lower() for key in (FILE_NAMESPACE, CATEGORY_NAMESPACE)}
        return frozenset((own - {""}) | {"file", "image", "media", "category"})

    def namespace_of(self, title: str) -> str:
        """Key of the namespace that a title's prefix names, for dumps that do not give it with the page."""
        prefix = title.partition(":")[0].strip().lower() if ":" in title else ""
        return next((key for key, name in self.namespaces.items() if name and name.lower() == prefix), "0")


@dataclasses.dataclass(frozen=True)
class Revision:
    """One revision of a page.

    Attributes:
      title, namespace, page, redirect: the page's title, namespace key, id, and the title that it redirects to or "".
      revision, timestamp: the revision's id and time.
      model: of the content, `wikitext` mostly.
      text: as stored; "" where it was deleted.
      is_last: whether the page has no later one.
    """

    title: str
    namespace: str
    page: str
    redirect: str
    revision: str
    timestamp: str
    model: str
    text: str
    is_last: bool = True


def revisions(file: InputFile, site: Site) -> Iterator[Revision]:
    """Yields the revisions of a dump in order; `site` is filled in when its head has been read.

    Raises:
      StreamError: the XML is malformed, or its compression breaks; what came before has been yielded.
    """
    pending: Revision | None = None
    try:
        for element in xml.elements(file, ("siteinfo", "revision", "page")):
            name = xml.local_name(element)
            if name == "siteinfo":
                _read_site(element, site)
            elif name == "page":
                if pending is not None:
                    yield pending
                pending = None
            else:
                revision = _revision(element, site, pending)
                if pending is not None:
                    yield dataclasses.replace(pending, is_last=False)
                pending = revision
    except streams.StreamError:
        if pending is not None:
            yield pending
        raise
    if pending is not None:
        yield pending


def _revision(element: etree._Element, site: Site, before: Revision | None) -> Revision:
    """The revision of an element; the page's own fields stand before its first revision and are forgotten with it."""
    if before is not None:
        page = {name: getattr(before, name) for name in ("title", "namespace", "page", "redirect")}
    else:
        page = _page_fields(element.getparent(), site)
    fields = {xml.local_name(child): child.text or "" for child in element}
    return Revision(
        **page,
        revision=fields.get("id", "").strip(),
        timestamp=fields.get("timestamp", "").strip(),
        model=fields.get("model", "").strip() or "wikitext",
        text=fields.get("text", ""),
    )


def _read_site(element: etree._Element, site: Site) -> None:
    fields = {xml.local_name(child): child.text or "" for child in element}
    site.database = fields.get("dbname", "").strip()
    site.namespaces = {
        child.get("key", ""): (child.text or "").strip()
        for child in element.iter()
        if xml.local_name(child) == "namespace"
    }
    root = element.getroottree().getroot()
    host, database = _HOST.match(fields.get("base", "").strip()), _DATABASE.fullmatch(site.database)
    named = [host.group(1) if host else "", database.group(1).replace("_", "-") if database else ""]
    known = [name.lower() for name in named if name.lower() not in _NO_LANGUAGES]
    site.language = next(filter(None, [*known, root.get(_XML_LANG, "")]), "")


def _page_fields(element: etree._Element | None, site: Site) -> dict[str, str]:
    children = [] if element is None else list(element)
    fields = {xml.local_name(child): child.text or "" for child in children}
    redirect = next((child.get("title") or "?" for child in children if xml.local_name(child) == "redirect"), "")
    title = fields.get("title", "").strip()
    namespace = fields.get("ns", "").strip() or site.namespace_of(title)
    return {"title": title, "namespace": namespace, "page": fields.get("id", "").strip(), "redirect": redirect}
