"""Mathematics textbooks: LaTeX chapters, Markdown chapters, PreTeXt books.

A chapter is a document: files that only drive a book or define macros are skipped, and what `\\include`s name is read
by itself. The macros that chapters share are looked for where books keep them: in files of the usual names beside the
chapter and above it, and in the preamble of the file that the chapter names as its root.
"""

from __future__ import annotations

import functools
import posixpath
import re
from collections.abc import Iterator

from data import streams
from data.document import Document, Quarantined, Skipped
from data.formats import latex, latex_scan, latex_tree
from data.inputs import InputFile
from data.sources.math import licences, openlogic

NAME = "textbooks_k12_grad"
MAX_FILE_BYTES = 8 << 20
MIN_CHARACTERS = 200
# A driver or a file of macros prints next to nothing of what it holds.
_DRIVER_SHARE, _DRIVER_CHARACTERS = 0.15, 2000
_MAX_LEVELS = 6
_MACRO_FILES = (
    "macros.tex", "macro.tex", "mymacros.tex", "preamble.tex", "commands.tex", "newcommands.tex", "definitions.tex",
    "defs.tex", "notation.tex", "notations.tex", "header.tex", "common.tex", "shortcuts.tex", "symbols.tex",
    "macros.sty", "preamble.sty", "commands.sty", "defs.sty", "notation.sty", "preamble/common.tex", "tex/macros.tex",
    "include/macros.tex",
)  # fmt: skip
_ROOT = re.compile(
    r"\\documentclass\s*\[([^\[\]]{1,200})\]\s*\{subfiles\}|^%+\s*!\s*[Tt][Ee][Xx]\s+root\s*=\s*(\S{1,200})"
    r"|^%+\s*TeX-master:\s*\"([^\"\n]{1,200})\"",
    re.MULTILINE,
)
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_HEADING = re.compile(r"^#{1,6}\s+(?:[\d.]+\s+)?(.+?)\s*#*\s*$|^(.+)\n[=-]{3,}\s*$", re.MULTILINE)

Item = Document | Quarantined | Skipped


def _text(file: InputFile, fallback: str | None = None) -> str:
    return latex_scan.decode(file.read(MAX_FILE_BYTES), fallback)


def _sibling_text(file: InputFile, name: str) -> str | None:
    found = file.sibling(name)
    if found is None or found.size > MAX_FILE_BYTES:
        return None
    try:
        return _text(found, "latin-1")
    except (streams.StreamError, OSError):
        return None


@functools.lru_cache(maxsize=256)
def _shared_macros(url: str, root: str, folder: str) -> str:
    """Source of the macro files beside the chapters of a folder and above it, the outermost first.

    Args:
      url, root: of the folder and the input.
      folder: the folder's name inside the input.
    """
    file = InputFile(f"{url}/chapter.tex", root, 0)
    levels = min(len([part for part in folder.split("/") if part]), _MAX_LEVELS)
    found = []
    for level in range(levels, -1, -1):
        for name in _MACRO_FILES:
            text = _sibling_text(file, posixpath.join("../" * level, name))
            if text is not None:
                found.append(text)
    return "\n".join(found)


def _definitions(file: InputFile, source: str) -> str:
    shared = _shared_macros(posixpath.dirname(file.url), file.root, posixpath.dirname(file.name))
    for match in _ROOT.finditer(source[:5000] + "\n" + source[-2000:]):
        written = next(filter(None, match.groups()))
        for name in latex_tree.candidates(written):
            root = _sibling_text(file, name)
            if root is not None and name != posixpath.basename(file.name):
                preamble = latex_scan.find_document(latex_scan.strip_comments(root, latex_scan.Verbatim()))
                shared += "\n" + (preamble[0] if preamble else "")
                break
    return shared


def _is_macro_file(file: InputFile) -> bool:
    return any(file.name == name or file.name.endswith(f"/{name}") for name in _MACRO_FILES)


def read_latex(file: InputFile) -> Iterator[Item]:
    """The chapter that a .tex file holds."""
    try:
        source = _text(file)
    except streams.StreamError as error:
        yield Quarantined(file.name, error.offset, error.reason, file.size, error.evidence)
        return
    if not source.strip():
        yield Skipped(file.name, 0, "empty", file.size)
        return
    definitions = "" if _is_macro_file(file) else _definitions(file, source)
    licence = licences.stated(source)
    if openlogic.applies(source):
        source, definitions = openlogic.plain(source), definitions + openlogic.MACROS
    found = latex.read(source, definitions=definitions)
    share = len(found.text) / max(len(source), 1)
    if len(found.text) < MIN_CHARACTERS or (share < _DRIVER_SHARE and len(found.text) < _DRIVER_CHARACTERS):
        yield Skipped(file.name, 0, "no_prose", file.size, found.text[:200])
        return
    yield _document(file, found.text, found.title, licence, "latex", list(found.authors))


def read_markdown(file: InputFile) -> Iterator[Item]:
    """The chapter that a Markdown file holds, without its front matter and comments."""
    try:
        source = streams.decode(file.read(MAX_FILE_BYTES)).replace("\r\n", "\n")
    except streams.StreamError as error:
        yield Quarantined(file.name, error.offset, error.reason, file.size, error.evidence)
        return
    title, authors = "", []
    if front := _FRONT_MATTER.match(source):
        source = source[front.end() :]
        fields = dict(line.split(":", 1) for line in front.group(1).splitlines() if re.match(r"[A-Za-z_-]+:", line))
        title = fields.get("title", "").strip().strip("\"'")
        author = fields.get("author", "").strip().strip("\"'[]")
        authors = [name.strip() for name in author.split(",") if name.strip()]
    text = re.sub(r"\n{3,}", "\n\n", _without_comments(source)).strip()
    if title and not text.startswith("# "):
        text = f"# {title}\n\n{text}"
    if len(text) < MIN_CHARACTERS:
        yield Skipped(file.name, 0, "no_prose", file.size, text)
        return
    yield _document(file, text, title, licences.stated(source), "markdown", authors)


def _without_comments(source: str) -> str:
    """Markdown without HTML comments; one that isn't closed is text, as in HTML."""
    parts, position = [], 0
    while (start := source.find("<!--", position)) >= 0 and (end := source.find("-->", start + 4)) >= 0:
        parts.append(source[position:start])
        position = end + 3
    return "".join(parts) + source[position:]


def _document(file: InputFile, text: str, title: str, licence: str, form: str, authors: list[str]) -> Document:
    if not title and (heading := _HEADING.search(text)):
        title = (heading.group(1) or heading.group(2) or "").strip()
    meta = {"title": title, "format": form}
    if authors:
        meta["authors"] = authors
    return Document(text, "math", f"{NAME}:{file.name}#0", licence, meta=meta)
