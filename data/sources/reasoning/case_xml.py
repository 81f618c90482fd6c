"""Cases in XML: the Caselaw Access Project's CASEMETS and case bodies, and the Fastcase feed that completed it.

CASEMETS wraps a case's facts and body in METS (Library of Congress) with the project's schema `Case:v1` and
`Case_Body:v1`; where the body's schema is `Case_Body_Duplicative`, the text is another case's and left out. Fastcase
keeps facts as elements and the opinion as escaped HTML.
"""

from __future__ import annotations

import re

from lxml import etree

from data.formats import html
from data.formats.xml import local_name
from data.sources.reasoning.case_text import Case, Opinion, iso_date
from data.sources.reasoning.pieces import clean, joined, line

_NO_TEXT = frozenset(("page-number", "bracketnum", "page-label"))
_PARAGRAPHS = frozenset(
    "p blockquote author headnotes summary syllabus parties attorneys judges court citation decisiondate docketnumber "
    "otherdate history disposition seealso footnote opinion headnote correction legalnotes fns".split()
)
_FACTS_IN_HEAD = frozenset(("court", "citation", "decisiondate", "docketnumber", "parties"))


def from_mets(root: etree._Element) -> Case | None:
    """A case of a CASEMETS file; None for the METS of a volume, which holds none."""
    facts = root.find(".//{*}case")
    if facts is None:
        return None
    case = Case(
        name=line(facts.findtext("./{*}name")),
        court=line(facts.findtext("./{*}court")),
        docket=line(facts.findtext("./{*}docketnumber")),
        date=iso_date(facts.findtext("./{*}decisiondate")),
        citations=[line(cite.text) for cite in facts.findall("./{*}citation") if line(cite.text)],
    )
    court, name = facts.find("./{*}court"), facts.find("./{*}name")
    case.meta = {
        "id": facts.get("caseid", ""),
        "abbreviation": name.get("abbreviation", "") if name is not None else "",
        "jurisdiction": court.get("jurisdiction", "") if court is not None else "",
    }
    body = root.find(".//{*}casebody")
    if body is not None:
        add_body(body, case)
    return case


def add_body(body: etree._Element, case: Case) -> None:
    """Adds the text of a `casebody` element to a case, and its facts where the case has none."""
    opinions: list[Opinion] = []
    head: list[str] = []
    for child in body:
        name = local_name(child)
        if name == "opinion":
            opinions.append(_opinion(child))
        elif name == "casebody":
            add_body(child, case)
        elif name not in _FACTS_IN_HEAD:
            head += _blocks(child)
    case.name = case.name or _first(body, "parties")
    case.court = case.court or _first(body, "court")
    case.docket = case.docket or _first(body, "docketnumber")
    case.citations = case.citations or [words for cite in body.findall("./{*}citation") if (words := _flat(cite))]
    case.opinions, case.head = [*case.opinions, *opinions], joined((case.head, joined(head)))


def _first(body: etree._Element, name: str) -> str:
    found = body.find(f"./{{*}}{name}")
    return "" if found is None else _flat(found)


def _opinion(element: etree._Element) -> Opinion:
    author = element.find("./{*}author")
    blocks = []
    for child in element:
        blocks += _footnote(child) if local_name(child) == "footnote" else _blocks(child)
    return Opinion(joined(blocks), element.get("type", ""), _flat(author) if author is not None else "")


def _footnote(element: etree._Element) -> list[str]:
    blocks = [block for child in element for block in _blocks(child)] or _blocks(element)
    label = line(element.get("label"))
    if label and blocks and not blocks[0].startswith(label):
        blocks[0] = f"{label} {blocks[0]}"
    return blocks


def _blocks(element: etree._Element) -> list[str]:
    """Paragraphs of an element: its children that are paragraphs, or itself as one."""
    if any(local_name(child) in _PARAGRAPHS for child in element):
        found = [line(element.text)]
        for child in element:
            found += _footnote(child) if local_name(child) == "footnote" else _blocks(child)
            found.append(line(child.tail))
        return [block for block in found if block]
    words = _flat(element)
    return [words] if words else []


def _flat(element: etree._Element) -> str:
    return line(_inner(element))


def _inner(element: etree._Element) -> str:
    parts = [element.text or ""]
    for child in element:
        name = local_name(child)
        if name == "footnotemark":
            parts.append(f"[{line(child.text)}]" if line(child.text) else "")
        elif name and name not in _NO_TEXT:
            parts.append(_inner(child))
        parts.append(child.tail or "")
    return "".join(parts)


def from_fastcase(root: etree._Element) -> Case:
    """A case of a Fastcase file, from its `Case` element."""
    reporters = root.findall("./{*}Citations/{*}Citation")
    citations = [
        joined((line(cite.findtext(f"./{{*}}{part}")) for part in ("Volume", "Reporter", "Page", "Suffix")), " ")
        for cite in reporters
    ]
    dockets = [line(docket.text) for docket in root.findall("./{*}DocketNumbers/{*}DocketNumber")]
    court = root.find("./{*}Jurisdiction")
    case = Case(
        name=_party_line(_markup(root, "PartyHeader")) or line(root.findtext("./{*}ShortName")),
        court=line(court.findtext("./{*}CourtName")).rstrip(".") if court is not None else "",
        docket=", ".join(filter(None, dockets)),
        date=iso_date(root.findtext("./{*}DecisionDate")),
        citations=[cite for cite in citations if cite],
    )
    pages = [
        re.escape(line(cite.findtext("./{*}Volume")) + " " + line(cite.findtext("./{*}Reporter"))) for cite in reporters
    ]
    text = _without_pages(_paragraphs(_markup(root, "CaseHtml")), pages).replace("COPYRIGHT MATERIAL OMITTED", "")
    case.head = _paragraphs(_markup(root, "LawyerHeader"))
    # The lawyers often stand at the head of the opinion's own text as well.
    case.head = "" if _squeezed(case.head) in _squeezed(text) else case.head
    author = line(root.findtext("./{*}Author"))
    case.opinions = [Opinion(text)]
    case.meta = {
        "abbreviation": line(root.findtext("./{*}ShortName")),
        "jurisdiction": line(court.findtext("./{*}CourtAbbreviation")) if court is not None else "",
        "author": author.rstrip("."),
    }
    return case


def _markup(root: etree._Element, name: str) -> str:
    """An element's escaped HTML; links to footnotes stand in it as elements, of which the text is taken."""
    element = root.find(f"./{{*}}{name}")
    return "" if element is None else "".join(element.itertext())


def _paragraphs(markup: str) -> str:
    """Text of HTML, with marks of footnotes in brackets and without indents and rules of dashes."""
    marked = re.sub(r"(?i)<sup>\s{0,9}(\d{1,3})\s{0,9}</sup>", r"[\1]", markup)
    return clean(re.sub(r"^(?:[ \t]+|-{4,}$)", "", clean(html.to_text(marked)), flags=re.MULTILINE))


def _party_line(markup: str) -> str:
    """The parties' names without footnote marks and tags, with the space before `v.` that some files lack."""
    bare = re.sub(r"(?is)<sup>.{0,40}?</sup>|</?[a-z][^<>]{0,200}>", "", markup)
    return re.sub(r"(?<=[,.)])v\.\s*", " v. ", line(bare))


def _squeezed(text: str) -> str:
    return re.sub(r"\W+", "", text)


def _without_pages(text: str, reporters: list[str]) -> str:
    """Text without page marks, `[627 Pa. 353]`, which stand in sentences as paragraphs of their own."""
    if not reporters:
        return text
    one = rf"(?:{'|'.join(reporters)}) \d+"
    mark = rf"\[\s{{0,3}}{one}(?:\s{{0,3}},\s{{0,3}}{one})*\s{{0,3}}\]"
    text = re.sub(rf"(?<=[\w,;’'—–-])[ \n]{{0,20}}{mark}[ \n]{{0,20}}(?=[\w“\"‘(])", " ", text)
    return re.sub(rf"[ \t]{{0,20}}{mark}[ \t]{{0,20}}", "", text)
