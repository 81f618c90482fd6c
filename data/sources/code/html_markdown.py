"""The HTML of posts as Markdown: code in fences, lists, tables, quotes; maths stays the LaTeX that it was typed as.

Over lxml rather than a library, because a dump of Stack Overflow has a hundred gigabytes of it (markdownify: 0.7 MB/s),
and because nothing may be escaped: a backslash before each underscore would spoil the maths.
"""

from __future__ import annotations

import re

from lxml import etree, html

from data.sources.code.prose import clean, fenced, inline_code

_HEADINGS = {f"h{level}": "#" * level for level in range(1, 7)}
_LISTS = frozenset(("ul", "ol", "menu", "dir"))
_CONTAINERS = frozenset(
    ("p", "div", "section", "article", "details", "summary", "center", "figure", "figcaption", "dl", "dt", "dd", "form")
    + ("header", "footer", "main", "aside", "fieldset", "body", "html", "li", "tbody", "thead", "tr", "td", "th")
)
_BLOCKS = _CONTAINERS | _LISTS | {*_HEADINGS, "pre", "blockquote", "hr", "table"}
_MARKS = {"em": "*", "i": "*", "strong": "**", "b": "**", "del": "~~", "s": "~~", "strike": "~~"}
_CODE = frozenset(("code", "tt", "samp", "kbd", "var"))
_HIDDEN = frozenset(("script", "style", "head", "template", "iframe", "object", "svg"))
_LANGUAGE = re.compile(r"\b(?:lang|language|highlight-source)-([\w+#.-]{1,30})")
_NO_LANGUAGE = frozenset(("none", "default", "text", "plaintext"))
_NO_ALT = frozenset(("", "enter image description here", "alt text", "image", "screenshot", "img"))
_LINK = re.compile(r"(?:https?|ftp)://\S+")
_PARSER = html.HTMLParser(encoding="utf-8", remove_pis=True, remove_comments=True)


def markdown(text: str) -> str:
    """Markdown of a fragment of HTML.

    Raises:
      ValueError: the parser finds nothing in it that is HTML.
    """
    text = clean(text)
    if not text.strip():
        return ""
    try:
        root = html.document_fromstring(text.encode("utf-8"), parser=_PARSER)
    except etree.ParserError as error:
        if "empty" in str(error):  # nothing but comments
            return ""
        raise ValueError(f"HTML: {error}") from error
    return "\n\n".join(_blocks(root)).strip()


def _blocks(element: etree._Element) -> list[str]:
    """The blocks of an element's content; text between them is a paragraph."""
    found: list[str] = []
    run = [element.text or ""]
    for child in element:
        tag = child.tag if isinstance(child.tag, str) else ""
        if tag in _BLOCKS:
            _end_paragraph(run, found)
            found += _block(child, tag)
        elif tag and tag not in _HIDDEN:
            run.append(_inline(child, tag))
        run.append(child.tail or "")
    _end_paragraph(run, found)
    return found


def _end_paragraph(run: list[str], found: list[str]) -> None:
    text = _unindented("".join(run))
    if text:
        found.append(text)
    run.clear()


def _unindented(text: str) -> str:
    return "\n".join([line.strip() for line in text.strip().split("\n")])


def _block(element: etree._Element, tag: str) -> list[str]:
    if tag in _HEADINGS:
        title = " ".join(_inline_content(element).split())
        return [f"{_HEADINGS[tag]} {title}"] if title else []
    if tag == "pre":
        code = "".join(element.itertext())
        return [fenced(code, _language(element))] if code.strip() else []
    if tag == "hr":
        return ["---"]
    if tag in _LISTS:
        return [_list(element, tag)]
    if tag == "table":
        return _table(element)
    blocks = _blocks(element)
    if tag == "blockquote" and blocks:
        return ["\n".join([f"> {line}".rstrip() for line in "\n\n".join(blocks).split("\n")])]
    return blocks


def _language(pre: etree._Element) -> str:
    """`python` of `<pre class="lang-python">` or of a `<code class="language-python">` in it."""
    for element in (pre, *pre.findall("code")[:1]):
        if found := _LANGUAGE.search(element.get("class") or ""):
            return "" if found[1] in _NO_LANGUAGE else {"py": "python", "js": "javascript"}.get(found[1], found[1])
    return ""


def _list(element: etree._Element, tag: str) -> str:
    start = element.get("start") or ""
    number = int(start) if start.isdecimal() and len(start) < 9 else 1
    items: list[str] = []
    is_loose = False
    for child in element:
        if not isinstance(child.tag, str):
            continue
        # A list that stands in a list without an item around it belongs to the item before.
        blocks = _block(child, child.tag) if child.tag in _BLOCKS else [_inline(child, child.tag)]
        prefix = f"{number}. " if tag == "ol" else "- "
        has_paragraphs = child.find("p") is not None
        is_loose |= has_paragraphs and len(blocks) > 1
        lines = ("\n\n" if has_paragraphs else "\n").join(blocks).split("\n")
        indent = " " * len(prefix)
        first = indent if child.tag in _LISTS and items else prefix
        number += first == prefix
        items.append("\n".join([(first if n == 0 else indent) + line if line else "" for n, line in enumerate(lines)]))
    return ("\n\n" if is_loose else "\n").join([item.rstrip() for item in items if item.strip(" -\n.0123456789")])


def _table(element: etree._Element) -> list[str]:
    rows = []
    for row in element.iter("tr"):
        cells = [" ".join(_inline_content(cell).split()) for cell in row if cell.tag in ("td", "th")]
        cells = [cell.replace("|", "\\|") for cell in cells]
        if any(cells):
            rows.append(cells)
    if not rows:
        return []
    width = max(map(len, rows))
    lines = ["| " + " | ".join(cells + [""] * (width - len(cells))) + " |" for cells in rows]
    return ["\n".join([lines[0], "|" + " --- |" * width, *lines[1:]])]


def _inline_content(element: etree._Element) -> str:
    parts = [element.text or ""]
    for child in element:
        if isinstance(child.tag, str) and child.tag not in _HIDDEN:
            parts.append(_inline(child, child.tag))
        parts.append(child.tail or "")
    return "".join(parts)


def _inline(element: etree._Element, tag: str) -> str:
    if tag in _CODE:
        return inline_code("".join(element.itertext()))
    if tag == "br":
        return "\n"
    if tag == "img":
        alt = " ".join((element.get("alt") or "").split())
        return "" if alt.lower() in _NO_ALT else f"[image: {alt}]"
    if tag in _BLOCKS:
        return f" {' '.join(_blocks(element))} "
    content = _inline_content(element)
    inner = content.strip()
    if not inner:
        return " " if content else ""
    before, after = content[: len(content) - len(content.lstrip())], content[len(content.rstrip()) :]
    if tag in _MARKS:
        inner = f"{_MARKS[tag]}{inner}{_MARKS[tag]}"
    elif tag in ("sup", "sub"):
        inner = ("^" if tag == "sup" else "_") + (inner if len(inner) == 1 or inner.isalnum() else f"({inner})")
    elif tag == "a":
        address = (element.get("href") or "").strip()
        if _LINK.fullmatch(address) and address != inner and not _LINK.match(inner):
            inner = f"[{inner}]({address})"
    return before + inner + after
