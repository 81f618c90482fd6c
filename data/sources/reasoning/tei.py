"""TEI, as GROBID writes papers that it read from PDF: flat divisions whose headings carry their numbers.

Follows TEI P5 as far as GROBID uses it. Notes at the foot of pages and references are left out; formulas are the
PDF's own characters, which no tool can turn to LaTeX again, and stand as they are.
"""

from __future__ import annotations

import re

from lxml import etree

from data.formats.xml import local_name
from data.sources.reasoning.paper_text import Paper, heading, licence_of
from data.sources.reasoning.pieces import joined, line

_DROPPED = frozenset(("note", "listBibl", "graphic", "table", "fw", "listOrg", "listPerson"))
_KEPT_BACK = ("acknowledgement", "acknowledgment", "annex", "conclusion", "availability", "funding")


def read(root: etree._Element) -> Paper:
    """A paper from its `TEI` element."""
    header = root.find("./{*}teiHeader")
    paper = Paper()
    if header is not None:
        titles = header.findall("./{*}fileDesc/{*}titleStmt/{*}title")
        main = [title for title in titles if title.get("type", "main") == "main"] or titles
        paper.title = _inline(main[0]) if main else ""
        analytic = header.find(".//{*}sourceDesc/{*}biblStruct/{*}analytic")
        paper.authors = (
            [name for author in analytic.findall("./{*}author") if (name := _author(author))]
            if analytic is not None
            else []
        )
        licence = header.find(".//{*}availability")
        if licence is not None:
            targets = [element.get("target", "") for element in licence.iter()]
            paper.licence = licence_of(*targets, line(" ".join(licence.itertext())))
        for abstract in header.findall(".//{*}profileDesc/{*}abstract"):
            paper.abstract += _blocks(abstract)
        paper.meta = _facts(header)
    for body in root.findall("./{*}text/{*}body"):
        paper.body += _blocks(body)
    for part in root.findall("./{*}text/{*}back/{*}div"):
        if part.get("type", "") in _KEPT_BACK:
            paper.body += _blocks(part)
    return paper


def _author(author: etree._Element) -> str:
    name = author.find(".//{*}persName")
    return (
        joined((line(part.text) for part in name if local_name(part) in ("forename", "surname")), " ")
        if name is not None
        else ""
    )


def _facts(header: etree._Element) -> dict[str, object]:
    facts: dict[str, object] = {}
    source = header.find(".//{*}sourceDesc/{*}biblStruct")
    if source is not None:
        for identifier in source.iter("{*}idno"):
            kind = (identifier.get("type") or "").lower()
            if kind in ("doi", "arxiv", "pmid", "pmcid", "halid"):
                facts[kind] = line(identifier.text)
        facts["journal"] = line(source.findtext("./{*}monogr/{*}title"))
        date = source.find(".//{*}imprint/{*}date")
        facts["year"] = (date.get("when") or "")[:4] if date is not None else ""
    facts["keywords"] = [_inline(term) for term in header.findall(".//{*}keywords//{*}term")][:20]
    return facts


def _blocks(element: etree._Element) -> list[str]:
    blocks: list[str] = []
    for child in element:
        name = local_name(child)
        if name == "head":
            number = line(child.get("n")).rstrip(".")
            depth = min(number.count(".") + 1, 4) if re.fullmatch(r"[\dA-Z]+(?:\.\d+)*", number) else 1
            blocks.append(heading(joined((number, _inline(child)), " "), depth))
        elif name == "figure":
            blocks.append(_figure(child))
        elif name == "formula":
            blocks.append(_formula(child))
        elif name == "list":
            blocks.append("\n".join(f"- {words}" for item in child if (words := _inline(item))))
        elif name in ("p", "ab", "item", "quote", "s"):
            blocks += _paragraph(child)
        elif name and name not in _DROPPED:
            blocks += _blocks(child)
    return [block for block in blocks if block]


def _paragraph(element: etree._Element) -> list[str]:
    """A paragraph, cut at the formulas that stand in it."""
    blocks, run = [], [element.text or ""]
    for child in element:
        if local_name(child) == "formula":
            blocks += [_tidy("".join(run)), _formula(child)]
            run = []
        else:
            run.append(_child(child))
        run.append(child.tail or "")
    return [*blocks, _tidy("".join(run))]


def _figure(element: etree._Element) -> str:
    head, said = element.find("./{*}head"), element.find("./{*}figDesc")
    name = _inline(head) if head is not None else ""
    words = _inline(said) if said is not None else ""
    if words.startswith(name.rstrip(": .")):
        return words
    return joined((name.rstrip(":.") + "." if name else "", words), " ") if words else ""


def _formula(element: etree._Element) -> str:
    label = element.find("./{*}label")
    parts = [(child.tail or "") if child is label else _child(child) + (child.tail or "") for child in element]
    words = _tidy("".join((element.text or "", *parts)))
    return joined((words, _inline(label) if label is not None else ""), " ")


def _inline(element: etree._Element) -> str:
    return _tidy((element.text or "") + "".join(_child(child) + (child.tail or "") for child in element))


def _child(element: etree._Element) -> str:
    name = local_name(element)
    if not name or name in _DROPPED or (name == "ref" and element.get("type") == "foot"):
        return ""
    inner = (element.text or "") + "".join(_child(child) + (child.tail or "") for child in element)
    return f" {inner} " if name in ("p", "item", "s", "lb", "div", "head", "formula") else inner


def _tidy(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()
