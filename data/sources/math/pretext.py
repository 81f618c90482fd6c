"""PreTeXt books (https://pretextbook.org/doc/guide): one document for each chapter of a file, Markdown around LaTeX
formulas.

Files that a book puts together with `xi:include` are read by themselves. Macros of a file's own `docinfo` are expanded;
those of a `docinfo` elsewhere stay in the formulas, where MathJax-minded readers know them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from data import streams
from data.document import Document, Quarantined, Skipped
from data.formats import latex, latex_commands, latex_macros, latex_scan
from data.formats import xml as xml_format
from data.formats.xml import local_name
from data.inputs import InputFile
from data.sources.math import licences

NAME = "textbooks_k12_grad"
MAX_FILE_BYTES = 32 << 20
MIN_CHARACTERS = 200
_DIVISIONS = {
    "book": 1, "article": 1, "part": 1, "chapter": 1, "preface": 2, "appendix": 1, "section": 2, "subsection": 3,
    "subsubsection": 4, "worksheet": 3, "exercises": 3, "reading-questions": 3, "paragraphs": 5, "solutions": 3,
    "handout": 3,
}  # fmt: skip
_KNOWN_ROOTS = {"pretext", "mathbook", *_DIVISIONS}
_BLOCKS = {
    name: name.capitalize()
    for name in (
        "theorem lemma corollary proposition claim fact identity algorithm definition axiom conjecture principle "
        "hypothesis example question problem exercise activity exploration investigation project remark convention "
        "note observation warning insight assumption task construction technology historical biographical"
    ).split()
} | {"exercisegroup": "Exercises", "aside": "Aside", "assemblage": "Summary", "computation": "Computation"}
_PARTS = {"proof": "Proof", "solution": "Solution", "hint": "Hint", "answer": "Answer"}
_DROPPED = {
    "image", "latex-image", "asymptote", "sageplot", "video", "audio", "interactive", "sage", "idx", "index",
    "notation",
    "docinfo", "frontmatter", "backmatter", "bibinfo", "references", "colophon", "notation-list", "index-list", "h",
    "shortdescription", "description", "prefigure", "webwork", "static", "biblio", "include", "cline", "col",
    "titlepage",
}  # fmt: skip
_MARKS = {
    "nbsp": " ", "ndash": "–", "mdash": "—", "ellipsis": "...", "latex": "LaTeX", "tex": "TeX", "pretext": "PreTeXt",
    "times": "×", "degree": "°", "prime": "′", "copyright": "©", "percent": "%", "dollar": "\\$", "ampersand": "&",
    "hash": "#", "underscore": "_", "lbrace": "{", "rbrace": "}", "backslash": "\\", "asterisk": "*", "tilde": "~",
    "eg": "e.g.", "ie": "i.e.", "etc": "etc.", "vs": "vs.", "circa": "c.", "solidus": "/", "minus": "−",
    "plusminus": "±",
    "less": "<", "greater": ">", "midpoint": "·", "ad": "AD", "bc": "BC", "am": "a.m.", "pm": "p.m.", "nb": "N.B.",
    "fillin": "____", "today": "",
}  # fmt: skip
_INLINE = {
    "em": ("*", "*"), "term": ("**", "**"), "alert": ("**", "**"), "c": ("`", "`"), "q": ('"', '"'), "sq": ("'", "'"),
    "fn": (" (", ")"), "pubtitle": ("*", "*"), "articletitle": ('"', '"'), "foreign": ("*", "*"), "tag": ("<", ">"),
    "init": ("", ""), "insert": ("", ""), "stale": ("", ""), "delete": ("", ""), "url": ("", ""), "email": ("", ""),
    "kbd": ("`", "`"), "quantity": ("", ""), "taxon": ("*", "*"), "abbr": ("", ""), "acro": ("", ""), "attr": ("`",
    "`"),
}  # fmt: skip
_PARAGRAPH_LIKE = {"p", "line", "attribution", "prompt", "conclusion", "introduction", "blockquote", "caption"}

Item = Document | Quarantined | Skipped


def read(file: InputFile) -> Iterator[Item]:
    """The chapters of one XML file; the whole file where it has none."""
    try:
        data = file.read(MAX_FILE_BYTES)
        if not data.strip():
            yield Skipped(file.name, 0, "empty", len(data))
            return
        root = xml_format.parse(data)
    except streams.StreamError as error:
        yield Quarantined(file.name, error.offset, error.reason, file.size, error.evidence)
        return
    if local_name(root) not in _KNOWN_ROOTS:
        yield Skipped(file.name, 0, "not_pretext", len(data), local_name(root))
        return
    chapters = [element for element in root.iter("{*}chapter", "{*}article") if isinstance(element.tag, str)]
    reader = _Reader(_macros(root))
    licence = licences.stated(data[:200_000].decode("utf-8", "replace"))
    book = _title(reader, root) or next((_title(reader, element) for element in root.iter("{*}book")), "")
    for number, element in enumerate(chapters or [root]):
        text = latex.tidy(reader.block(element))
        size = len(etree.tostring(element)) if len(chapters) > 1 else len(data)
        if len(text) < MIN_CHARACTERS:
            yield Skipped(file.name, number, "no_prose", size, text)
            continue
        title = _title(reader, element) or book
        meta = {"title": title, "format": "pretext"}
        if book and book != title:
            meta["book"] = book
        yield Document(text, "math", f"{NAME}:{file.name}#{number}", licence, meta=meta)


def _title(reader: _Reader, element: etree._Element) -> str:
    title = next((child for child in element if local_name(child) == "title"), None)
    return "" if title is None else latex.tidy(reader.inline(title)).replace("\n", " ")


def _macros(root: etree._Element) -> latex_macros.Macros:
    macros = latex_macros.Macros()
    for element in root.iter("{*}macros"):
        source = latex_scan.strip_comments("".join(element.itertext()), latex_scan.Verbatim())
        latex_macros.collect(source, latex_commands.KEPT, macros)
    return macros


class _Reader:
    """Text of elements. Depth is bounded by libxml2, which refuses documents nested deeper than 256."""

    def __init__(self, macros: latex_macros.Macros):
        self._macros = macros

    def block(self, element: etree._Element) -> str:
        """Text of a division or block, with blank lines around its parts."""
        name = local_name(element)
        if name in _DROPPED:
            return ""
        if name in _DIVISIONS:
            return self._division(element, name)
        if name in _BLOCKS or name in _PARTS:
            return self._titled(element, _BLOCKS.get(name) or _PARTS[name], "proof" if name == "proof" else "")
        if name in ("ol", "ul", "dl"):
            return self._list(element, name)
        if name in ("me", "men", "md", "mdn"):
            return f"\n{self._display(element, name)}\n"
        if name in ("pre", "program", "console", "cd"):
            return f"\n\n```\n{''.join(element.itertext()).strip(chr(10)).rstrip()}\n```\n\n"
        if name == "tabular":
            rows = [
                " | ".join(
                    latex.tidy(self.inline(cell)).replace("\n", " ") for cell in row if local_name(cell) == "cell"
                )
                for row in element
                if local_name(row) == "row"
            ]
            return "\n\n" + "\n".join(rows) + "\n\n"
        if name in _PARAGRAPH_LIKE and not any(local_name(child) == "p" for child in element):
            return f"\n\n{self.inline(element)}\n\n"
        return "".join(self.block(child) for child in element if local_name(child) != "title")

    def _division(self, element: etree._Element, name: str) -> str:
        title = _title(self, element)
        body = "".join(self.block(child) for child in element if local_name(child) not in ("title", "subtitle"))
        if not title:
            return body
        if _DIVISIONS[name] == 5:
            return f"\n\n**{title.rstrip('.')}.** {body.lstrip()}"
        return f"\n\n{'#' * _DIVISIONS[name]} {title}\n\n{body}"

    def _titled(self, element: etree._Element, kind: str, proof: str) -> str:
        title = _title(self, element)
        body = latex.tidy("".join(self.block(child) for child in element if local_name(child) != "title"))
        if not body and element.text and element.text.strip():
            body = latex.tidy(self.inline(element))
        if proof:
            return f"\n\n*{title or kind}.* {body} ∎\n\n"
        return f"\n\n**{kind}**{f' ({title})' if title else ''}. {body}\n\n"

    def _list(self, element: etree._Element, name: str) -> str:
        lines = []
        for number, item in enumerate((child for child in element if local_name(child) == "li"), 1):
            text = latex.tidy(
                self.inline(item) if not any(local_name(c) == "p" for c in item) else self._children(item)
            )
            marker = f"{number}." if name == "ol" else "-"
            title = _title(self, item)
            lines.append(f"{marker} {f'**{title}**: ' if title else ''}{text}")
        return "\n\n" + "\n".join(lines) + "\n\n"

    def _children(self, element: etree._Element) -> str:
        return "".join(self.block(child) for child in element if local_name(child) != "title")

    def inline(self, element: etree._Element) -> str:
        """Running text of an element, its formulas between dollars."""
        out = [_flow(element.text)]
        for child in element:
            out += [self._inline_child(child), _flow(child.tail)]
        return "".join(out)

    def _inline_child(self, element: etree._Element) -> str:
        name = local_name(element)
        if name == "m":
            return f"${self._latex(element).strip()}$"
        if name in _MARKS:
            return _MARKS[name]
        if name in _DROPPED:
            return ""
        if name == "xref":
            text = self.inline(element).strip()
            return (
                text or f"[{element.get('ref') or element.get('first') or element.get('provisional') or 'reference'}]"
            )
        if name in _INLINE:
            before, after = _INLINE[name]
            text = self.inline(element) or element.get("href", "")
            return f"{before}{text}{after}"
        if name in ("me", "men", "md", "mdn", "ol", "ul", "dl", "cd", "pre", "tabular"):
            return self.block(element)
        return self.inline(element)

    def _latex(self, element: etree._Element) -> str:
        source = "".join(element.itertext())
        found = latex_macros.Expander(self._macros, latex_commands.KEPT).expand(latex_scan.tokens(source))
        return latex_scan.join(found)

    def _display(self, element: etree._Element, name: str) -> str:
        rows = [child for child in element if local_name(child) == "mrow"]
        if not rows:
            return f"\\[\n{self._latex(element).strip()}\n\\]"
        lines = " \\\\\n".join(self._latex(row).strip() for row in rows)
        if any("\\amp" in self._latex(row) or "&" in self._latex(row) for row in rows):
            return f"\\begin{{align*}}\n{lines}\n\\end{{align*}}"
        return f"\\begin{{gather*}}\n{lines}\n\\end{{gather*}}"


def _flow(text: str | None) -> str:
    return re.sub(r"\s+", " ", text) if text else ""
