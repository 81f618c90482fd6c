"""Cases in JSON: the Caselaw Access Project's, in all its layouts, and CourtListener's opinions and clusters.

- static.case.law: `casebody` with `opinions`; bulk exports: the same under `casebody.data`, or there the body in XML
  or HTML.
- CourtListener (API v3 and v4, bulk data): an opinion whose text stands in one of several fields, best first as its
  documentation says, perhaps with its cluster inside; or a cluster with its opinions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from data import streams
from data.formats import html
from data.formats import xml as safe_xml
from data.sources.reasoning import case_plain, case_xml
from data.sources.reasoning.case_text import Case, Opinion, iso_date
from data.sources.reasoning.pieces import clean, joined, line

# Of an opinion's texts the best one first.
TEXT_FIELDS = (
    "html_with_citations",
    "html_columbia",
    "html_lawbox",
    "xml_harvard",
    "html_anon_2020",
    "html",
    "plain_text",
)
_CLUSTER_HEADS = ("headnotes", "syllabus", "summary", "headmatter")
_FLAT_TEXTS = ("text", "case_text", "opinion_text", "full_text", "body")
_FLAT_FACTS = frozenset(
    "name name_abbreviation case_name court court_id citation citations decision_date date_filed url "
    "jurisdiction".split()
)


class NoCase(ValueError):
    """A record that is no case of any of the layouts; says what was expected."""


def read(row: Any) -> Case:
    """A case from one record; one without an opinion where the record holds no text.

    Raises:
      NoCase: an unknown layout.
      ValueError, TypeError, AttributeError: a known one with values that can't be right.
    """
    if not isinstance(row, Mapping):
        raise NoCase(f"expected an object, found {type(row).__name__}")
    if "casebody" in row:
        return _from_cap(row)
    if row.keys() & set(TEXT_FIELDS):
        return _from_opinion(row)
    if isinstance(row.get("sub_opinions", row.get("opinions")), Sequence) and row.keys() & {
        "case_name",
        "caseName",
        "date_filed",
    }:
        return _from_cluster(row)
    flat = next((name for name in _FLAT_TEXTS if isinstance(row.get(name), str)), None)
    if flat and row.keys() & _FLAT_FACTS:
        return _from_flat(row, flat)
    if "frontend_url" in row or ("name_abbreviation" in row and "decision_date" in row):
        return _with_cap_facts(row)
    found = ", ".join(map(str, list(row)[:20]))
    raise NoCase(
        f"expected casebody, {', '.join(TEXT_FIELDS)}, sub_opinions or text with a court; the record has {found}"
    )


def _named(value: Any, *keys: str) -> str:
    """A name that is a string, or an object's."""
    if isinstance(value, Mapping):
        return next((line(value[key]) for key in keys if line(value.get(key))), "")
    return line(value)


def _citations(value: Any) -> list[str]:
    if isinstance(value, str):
        return [line(value)] if line(value) else []
    found = []
    for cite in value if isinstance(value, Sequence) else []:
        if isinstance(cite, Mapping):
            parts = (cite.get("volume"), cite.get("reporter"), cite.get("page"))
            found.append(line(cite.get("cite")) or joined(map(line, parts), " "))
        else:
            found.append(line(cite))
    return [cite for cite in found if cite]


def _with_cap_facts(row: Mapping[str, Any]) -> Case:
    case = Case(
        name=line(row.get("name")) or line(row.get("name_abbreviation")),
        court=_named(row.get("court"), "name", "name_abbreviation"),
        docket=line(row.get("docket_number")),
        date=iso_date(row.get("decision_date")),
        citations=_citations(row.get("citations")),
    )
    case.meta = {
        "id": line(row.get("id")),
        "abbreviation": line(row.get("name_abbreviation")),
        "jurisdiction": _named(row.get("jurisdiction"), "name_long", "name"),
        "url": line(row.get("frontend_url")) or line(row.get("url")),
    }
    return case


def _from_cap(row: Mapping[str, Any]) -> Case:
    case = _with_cap_facts(row)
    body = row["casebody"]
    if isinstance(body, Mapping) and "data" in body:
        body = body["data"]
    if isinstance(body, str):
        _add_markup(body, case)
    elif isinstance(body, Mapping):
        case.head = _paragraphs(body.get("head_matter"))
        case.opinions = [
            Opinion(_paragraphs(opinion.get("text")), line(opinion.get("type")), line(opinion.get("author")))
            for opinion in body.get("opinions") or []
        ]
    elif body is not None:
        raise TypeError(f"casebody is a {type(body).__name__}")
    return case


def _paragraphs(value: Any) -> str:
    """CAP puts one line break between paragraphs."""
    if not isinstance(value, str):
        return ""
    return joined(line.strip() for line in clean(value).split("\n"))


def _add_markup(body: str, case: Case) -> None:
    """A body in the project's XML, or in HTML."""
    if "<casebody" in body[:2000]:
        case_xml.add_body(safe_xml.parse(_declared_utf8(body)), case)
    else:
        case.opinions = [Opinion(clean(html.to_text(body)))]


def _declared_utf8(text: str) -> bytes:
    """XML text as bytes whose declaration, if any, is true."""
    return re.sub(r"^\s*<\?xml[^>]*\?>", "", text.lstrip("\ufeff"), count=1).encode("utf-8", "replace")


def best_text(row: Mapping[str, Any]) -> str:
    """An opinion's text from the best of its fields; "" where all are empty."""
    for name in TEXT_FIELDS:
        value = row.get(name)
        if not isinstance(value, str) or not value.strip():
            continue
        if name == "plain_text":
            text = case_plain.reflow(value)
        elif name == "xml_harvard":
            text = _harvard(value)
        else:
            text = clean(html.to_text(value))
        if text.strip():
            return text.strip()
    return ""


def _harvard(value: str) -> str:
    """CAP's XML of one opinion, of which CourtListener keeps the inside without a root."""
    case = Case()
    try:
        case_xml.add_body(
            safe_xml.parse(b"<casebody><opinion>" + _declared_utf8(value) + b"</opinion></casebody>"), case
        )
        return joined(opinion.text for opinion in case.opinions)
    except streams.StreamError:
        return clean(html.to_text(value))


def _from_opinion(row: Mapping[str, Any]) -> Case:
    cluster = row.get("cluster") if isinstance(row.get("cluster"), Mapping) else {}
    case = _with_cluster_facts({**row, **cluster})
    case.head = _head(cluster)
    case.opinions = [_opinion(row)]
    case.meta["id"] = line(row.get("id")) or case.meta["id"]
    case.meta["url"] = line(row.get("absolute_url")) or line(row.get("download_url")) or case.meta["url"]
    return case


def _opinion(row: Mapping[str, Any]) -> Opinion:
    return Opinion(best_text(row), line(row.get("type")), line(row.get("author_str")))


def _with_cluster_facts(row: Mapping[str, Any]) -> Case:
    names = ("case_name_full", "case_name", "caseNameFull", "caseName", "case_name_short")
    docket = row.get("docket") if isinstance(row.get("docket"), Mapping) else {}
    case = Case(
        name=next((line(row[name]) for name in names if line(row.get(name))), ""),
        court=_named(row.get("court") or docket.get("court"), "full_name", "short_name", "id"),
        docket=line(row.get("docket_number") or row.get("docketNumber") or docket.get("docket_number")),
        date=iso_date(row.get("date_filed") or row.get("dateFiled")),
        citations=_citations(row.get("citations") or row.get("citation")),
    )
    case.court = "" if case.court.startswith("http") else case.court
    case.meta = {
        "id": line(row.get("id")),
        "abbreviation": line(row.get("case_name")),
        "judges": line(row.get("judges") or row.get("judge")),
        "url": line(row.get("absolute_url")),
        "precedential": line(row.get("precedential_status")),
    }
    return case


def _head(cluster: Mapping[str, Any]) -> str:
    found = [cluster[name] for name in _CLUSTER_HEADS if isinstance(cluster.get(name), str) and cluster[name].strip()]
    return joined(clean(html.to_text(words)).strip() for words in found)


def _from_cluster(row: Mapping[str, Any]) -> Case:
    case = _with_cluster_facts(row)
    case.head = _head(row)
    inner = [opinion for opinion in row.get("sub_opinions", row.get("opinions")) if isinstance(opinion, Mapping)]
    case.opinions = [_opinion(opinion) for opinion in inner]
    return case


def _from_flat(row: Mapping[str, Any], field: str) -> Case:
    case = _with_cap_facts(row)
    filed = _with_cluster_facts(row)
    case.name, case.date = case.name or filed.name, case.date or filed.date
    case.court = case.court or line(row.get("court_id")) or line(row.get("court_name"))
    case.citations = case.citations or _citations(row.get("citation"))
    text = row[field]
    is_markup = text.lstrip().startswith("<") and re.search(r"</\w+>", text[-2000:])
    case.opinions = [Opinion(clean(html.to_text(text)) if is_markup else case_plain.reflow(text))]
    return case
