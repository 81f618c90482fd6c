"""JATS, the XML in which PubMed Central and publishers keep papers, and its predecessor NLM 2 and 3.

Follows NISO Z39.96 (JATS 1.3), Archiving and Publishing tag sets. Citations that are no more than raised numbers and
the list of references are left out; formulas are taken from TeX, else MathML, else their text.
"""

from __future__ import annotations

import html
import re

from lxml import etree

from data.formats.xml import local_name
from data.sources.reasoning import mathml
from data.sources.reasoning.paper_text import Paper, formula, heading, licence_of, script
from data.sources.reasoning.pieces import joined, line

_HREF = "{http://www.w3.org/1999/xlink}href"
_DROPPED = frozenset(
    "ref-list graphic media object-id supplementary-material inline-supplementary-material inline-graphic fn-group "
    "processing-meta "
    "sec-meta kwd-group related-article related-object permissions alt-text long-desc attrib fn label sub-article "
    "response notes bio "
    "private-char alternatives-label x index-term".split()
)
_BLOCKS = frozenset(
    "p sec list def-list disp-quote fig fig-group table-wrap table-wrap-group disp-formula disp-formula-group boxed- "
    "text statement "
    "preformat code verse-group speech title ack app app-group glossary array chem-struct-wrap "
    "table question answer".split()
)
_SKIPPED_ABSTRACTS = ("graphical", "toc", "teaser", "web-summary", "key-points", "precis")
_ONLY_CITATION = re.compile(r"[\d\s,;–—\-]*")
_TEX_DOCUMENT = re.compile(r"\\begin\{document\}(.*?)\\end\{document\}", re.DOTALL)


def read(article: etree._Element) -> Paper:
    """A paper from its `article` element."""
    front = _first(article, "front")
    front = front if front is not None else _first(article, "front-stub")
    meta = _first(front, "article-meta")
    meta = meta if meta is not None else front
    paper = Paper()
    if meta is not None:
        group = _first(meta, "title-group")
        title = _first(group if group is not None else meta, "article-title")
        paper.title = _inline(title) if title is not None else ""
        paper.authors = [_author(name) for name in meta.findall("./{*}contrib-group/{*}contrib") if _is_author(name)]
        paper.licence = _licence(meta)
        abstracts = [a for a in _children(meta, "abstract") if a.get("abstract-type", "") not in _SKIPPED_ABSTRACTS]
        paper.abstract = [
            block
            for abstract in abstracts[:1]
            for block in _blocks(abstract, 2)
            if not re.fullmatch(r"#+ abstract:?", block, re.IGNORECASE)
        ]
        paper.meta = _facts(front, meta)
    if article.get("article-type"):
        paper.meta["type"] = line(article.get("article-type"))
    language = article.get("{http://www.w3.org/XML/1998/namespace}lang")
    if language:
        paper.meta["language"] = line(language).lower()
    _add_body(article, paper)
    return paper


def _add_body(article: etree._Element, paper: Paper) -> None:
    for part in ("body", "back", "floats-group", "floats-wrap"):
        for element in _children(article, part):
            paper.body += _blocks(element, 1)
    for reply in (*_children(article, "sub-article"), *_children(article, "response")):
        if reply.get("article-type") not in ("translation", "abstract"):
            inner = read(reply)
            paper.body += [heading(line(inner.title), 1), *inner.abstract, *inner.body]


def _first(element: etree._Element | None, name: str) -> etree._Element | None:
    return None if element is None else element.find(f"./{{*}}{name}")


def _children(element: etree._Element, name: str) -> list[etree._Element]:
    return element.findall(f"./{{*}}{name}")


def _is_author(contrib: etree._Element) -> bool:
    return contrib.get("contrib-type", "author") == "author"


def _author(contrib: etree._Element) -> str:
    name = contrib.find(".//{*}name")
    if name is not None:
        return joined((line(name.findtext("./{*}given-names")), line(name.findtext("./{*}surname"))), " ")
    other = contrib.find(".//{*}string-name")
    other = other if other is not None else contrib.find(".//{*}collab")
    return line("".join(other.itertext())) if other is not None else ""


def _licence(meta: etree._Element) -> str:
    permissions = _first(meta, "permissions")
    place = permissions if permissions is not None else meta
    licences = place.findall(".//{*}license")
    links = [licence.get(_HREF, "") for licence in licences]
    links += [line(reference.text) for reference in place.findall(".//{*}license_ref")]
    inner = [link.get(_HREF, "") for licence in licences for link in licence.iter("{*}ext-link", "{*}uri")]
    words = [line(" ".join(element.itertext())) for element in licences]
    types = [licence.get("license-type", "") for licence in licences]
    if not licences:
        words += [line(" ".join(element.itertext())) for element in place.findall(".//{*}copyright-statement")]
    return licence_of(*links, *inner, *words, *types)


def _facts(front: etree._Element, meta: etree._Element) -> dict[str, object]:
    facts: dict[str, object] = {}
    for identifier in _children(meta, "article-id"):
        kind = identifier.get("pub-id-type", "")
        if kind in ("doi", "pmid", "pmc", "pmcid", "arxiv"):
            facts["pmc" if kind == "pmcid" else kind] = line(identifier.text)
    facts["journal"] = line(front.findtext(".//{*}journal-title"))
    years = [line(year.text) for year in meta.findall("./{*}pub-date/{*}year")]
    facts["year"] = min(filter(str.isdigit, years), default="")
    facts["keywords"] = [_inline(word) for word in meta.findall("./{*}kwd-group/{*}kwd")][:20]
    return facts


def _blocks(element: etree._Element, depth: int) -> list[str]:
    """The blocks inside an element; text that stands between them is a block of its own."""
    blocks: list[str] = []
    run = [element.text or ""]

    def flush() -> None:
        blocks.append(_tidy("".join(run)))
        run.clear()

    for child in element:
        name = local_name(child)
        if name in _BLOCKS:
            flush()
            blocks += _block(child, name, depth)
        elif name in _CONTAINERS:
            flush()
            blocks += _blocks(child, depth)
        else:
            run.append(_inline_child(child))
        run.append(child.tail or "")
    flush()
    return [block for block in blocks if block]


_CONTAINERS = frozenset("floats-group abstract body back sec-group named-book-part-body statement-content".split())


def _block(element: etree._Element, name: str, depth: int) -> list[str]:
    if name in ("sec", "ack", "app", "glossary", "app-group"):
        label, title = _first(element, "label"), _first(element, "title")
        words = joined(
            (line("".join(label.itertext())) if label is not None else "", _inline(title) if title is not None else ""),
            " ",
        )
        words = words or {"ack": "Acknowledgments", "glossary": "Glossary"}.get(name, "")
        inner = [
            block
            for child in element
            if local_name(child) not in ("title", "label")
            for block in _block_or_text(child, depth + 1)
        ]
        return [heading(words, depth), *inner]
    if name in ("fig", "table-wrap", "chem-struct-wrap"):
        return [_caption(element)]
    if name in ("disp-formula", "array"):
        return [_formula(element, True)]
    if name == "table":
        return []
    if name in ("list", "def-list"):
        return [_list(element, name)]
    if name == "title":
        return [heading(_inline(element), depth)]
    if name in ("preformat", "code"):
        return ["\n".join(("```", "".join(element.itertext()).strip("\n"), "```"))]
    if name == "verse-group":
        return ["\n".join(filter(None, map(_inline, _children(element, "verse-line"))))]
    if name in ("disp-quote", "boxed-text"):
        return _blocks(element, depth)
    if name == "statement":
        label, title = _first(element, "label"), _first(element, "title")
        words = joined((_inline(part) for part in (label, title) if part is not None), " ")
        inner = [
            block
            for child in element
            if local_name(child) not in ("label", "title")
            for block in _block_or_text(child, depth)
        ]
        return [f"{words}. {inner[0]}", *inner[1:]] if words and inner else inner
    return _blocks(element, depth)


def _block_or_text(element: etree._Element, depth: int) -> list[str]:
    name = local_name(element)
    if name in _BLOCKS:
        return _block(element, name, depth)
    return [] if name in _DROPPED else [_tidy(_inline_child(element))]


def _caption(element: etree._Element) -> str:
    label, caption = _first(element, "label"), _first(element, "caption")
    words = joined((line(block.lstrip("# ")) for block in _blocks(caption, 1)), " ") if caption is not None else ""
    name = line("".join(label.itertext())) if label is not None else ""
    return joined((name.rstrip(".:") + ("." if name and words else ""), words), " ") if words else ""


def _list(element: etree._Element, name: str) -> str:
    if name == "def-list":
        pairs = [(_first(item, "term"), _first(item, "def")) for item in element.findall("./{*}def-item")]
        return "\n".join(
            f"- {_inline(term) if term is not None else ''}: {' '.join(_blocks(said, 1)) if said is not None else ''}"
            for term, said in pairs
        )
    is_numbered = element.get("list-type", "") in ("order", "number")
    lines = []
    for number, item in enumerate(_children(element, "list-item"), 1):
        label = _first(item, "label")
        mark = line("".join(label.itertext())) if label is not None else ""
        mark = f"- {mark}" if mark and not re.fullmatch(r"[^\w(]+", mark) else f"{number}." if is_numbered else "-"
        words = "\n".join(block for child in item if local_name(child) != "label" for block in _block_or_text(child, 3))
        if words:
            lines.append(f"{mark} " + words.replace("\n", "\n  "))
    return "\n".join(lines)


def _tidy(text: str) -> str:
    text = re.sub(r"\s+", " ", text).strip()
    # What is left where citations were taken out.
    return re.sub(r"[(\[]\s*[,;–\-\s]*[)\]]", "", text).replace(" .", ".").replace(" ,", ",")


def _inline(element: etree._Element) -> str:
    """An element's text on one line."""
    return _tidy(_inner(element))


def _inner(element: etree._Element) -> str:
    return (element.text or "") + "".join(_inline_child(child) + (child.tail or "") for child in element)


def _inline_child(element: etree._Element) -> str:
    if element.tag is etree.Entity:
        return html.unescape(element.text or "")  # of a DTD that is not read: &nbsp; &alpha;
    name = local_name(element)
    if name in _DROPPED or not name:
        return ""
    if name in ("sup", "sub"):
        citations = [
            child for child in element if local_name(child) == "xref" and child.get("ref-type") in ("bibr", "fn", "aff")
        ]
        text = _inner(element)
        if citations and len(citations) == len(element) and _ONLY_CITATION.fullmatch(text.strip()):
            return ""
        return script(text, name == "sup")
    if name == "xref" and element.get("ref-type") == "fn":
        return ""
    if name in ("inline-formula", "disp-formula", "math", "tex-math", "chem-struct"):
        return _formula(element, name == "disp-formula")
    if name == "alternatives":
        return _formula(element, False) or "".join(map(_inline_child, element[:1]))
    if name == "break":
        return " "
    if name in _BLOCKS:
        return " " + " ".join(_block(element, name, 3)) + " "
    return _inner(element)


def _formula(element: etree._Element, is_display: bool) -> str:
    label = _first(element, "label")
    mark = f" {line(''.join(label.itertext()))}" if label is not None and is_display else ""
    tex = element if local_name(element) == "tex-math" else element.find(".//{*}tex-math")
    if tex is not None and (tex.text or "").strip():
        inside = _TEX_DOCUMENT.search(tex.text)
        latex = re.sub(r"\s+", " ", inside[1] if inside else tex.text).strip()
        latex = re.sub(r"^\\[\[(](.*)\\[\])]$", r"\1", latex)
        return formula(latex, is_display) + mark
    maths = [element] if local_name(element) == "math" else element.findall(".//{*}math")
    latex = " ".join(filter(None, map(mathml.to_latex, maths)))
    if latex:
        return formula(latex, is_display) + mark
    return _tidy(
        "".join(_inline_child(child) + (child.tail or "") for child in element if local_name(child) != "label")
    ) or _tidy(element.text or "")
