"""LaTeX documents as text to read: prose with Markdown headings, mathematics left in LaTeX.

Macros are expanded, comments, the preamble, pictures and the bibliography are dropped, theorems and proofs are marked,
labels become the numbers that references to them print. The reader walks over tokens with a stack of its own, so that
no nesting, however deep, exhausts Python's.
"""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from collections.abc import Sequence

from data.formats import latex_commands as commands
from data.formats import latex_macros, latex_scan, latex_tree
from data.formats.latex_body import Body

_SPACES = re.compile(r"[ \t\u00a0]+")
_AROUND_NEWLINE = re.compile(r" *\n *")
_MANY_NEWLINES = re.compile(r"\n{3,}")
MAX_AUTHORS = 200
_APART = "\ue007"
_AUTHOR_NOTES = {"\\thanks", "\\footnote", "\\textsuperscript", "\\inst", "\\email", "\\orcid", "\\texttt", "\\url"}
_NO_NAME = re.compile(
    r"(?i)@|http|\b(?:universit|institut|department|dept|college|laborator|school|research|facult|corporation|inc\b|academy)"
)


@dataclasses.dataclass(frozen=True)
class Read:
    """A LaTeX document as read.

    Attributes:
      text: the whole document, headed by its title.
      title, authors: as the source gives them; empty where it doesn't.
      parts: other files of the package that went in.
      missing: files that the source asks for and the package lacks.
      is_root: whether the source is a document by itself (`\\begin{document}`), not a fragment of one.
    """

    text: str
    title: str
    authors: tuple[str, ...]
    parts: tuple[str, ...]
    missing: tuple[str, ...]
    is_root: bool


def _nothing(name: str) -> str | None:
    return None


def read(source: str, lookup: latex_tree.Lookup = _nothing, definitions: str = "") -> Read:
    """Reads a document.

    Args:
      source: of the root file.
      lookup: how the package's other files are read; see `latex_tree.flatten`. Without one, no file is put in.
      definitions: LaTeX whose macros the document uses and does not show: a shared macro file, a style.
    """
    verbatim = latex_scan.Verbatim()
    flat = latex_tree.flatten(source, lookup, verbatim)
    document = latex_scan.find_document(flat.text)
    preamble, body = document or ("", flat.text)
    macros = latex_macros.Macros()
    if definitions:
        latex_macros.collect(latex_scan.strip_comments(definitions, latex_scan.Verbatim()), commands.KEPT, macros)
    expander = latex_macros.Expander(macros, commands.KEPT)
    front = expander.expand(latex_scan.tokens(preamble)) if preamble else []
    found = expander.expand(latex_scan.tokens(body))
    reader = Body(macros.theorems)
    for command in ("\\title", "\\author"):
        for tokens in _arguments(front, command):
            reader.note_front_matter(command, tokens)
    text = reader.run(found)
    title = tidy(verbatim.restore(reader.resolve(reader.title))).replace("\n", " ")
    text = reader.resolve(text)
    abstract = next(iter(_arguments(front, "\\abstract")), None)
    if abstract:
        text = f"## Abstract\n\n{reader.inline(abstract)}\n\n{text}"
    text = verbatim.restore(tidy(text))
    if title and not text.startswith("# "):
        text = f"# {title}\n\n{text}"
    return Read(
        unicodedata.normalize("NFC", text).strip(),
        title,
        _authors(reader, verbatim),
        tuple(flat.parts),
        tuple(flat.missing),
        document is not None,
    )


def tidy(text: str) -> str:
    """Spaces and blank lines as a person would set them; lists keep their indentation."""
    text = _SPACES.sub(" ", text)
    text = _MANY_NEWLINES.sub("\n\n", _AROUND_NEWLINE.sub("\n", text))
    return re.sub("\ue006+", lambda match: "  " * len(match.group()), text).strip()


def _arguments(found: Sequence[str], command: str) -> list[list[str]]:
    """The mandatory arguments of every use of a command in a preamble."""
    taken = []
    for position, token in enumerate(found):
        if token != command:
            continue
        start = latex_scan.skip_spaces(found, position + 1)
        if start < len(found) and found[start] == "[":
            start = latex_scan.skip_spaces(found, latex_scan.group(found, start, "[", "]") or len(found))
        end = latex_scan.group(found, start) if start < len(found) and found[start] == "{" else None
        if end is not None:
            taken.append(list(found[start + 1 : end - 1]))
    return taken


def _authors(reader: Body, verbatim: latex_scan.Verbatim) -> tuple[str, ...]:
    names: dict[str, None] = {}
    for tokens in reader.authors:
        text = verbatim.restore(reader.resolve(reader.inline(_without_notes(tokens))))
        # Where authors are set apart, the name stands on the first line, affiliation and address below it.
        groups = [group.strip() for group in text.split(_APART)]
        lines = [group.split("\n")[0] for group in groups] if len(groups) > 1 else groups[0].split("\n")
        for part in (part for line in lines for part in re.split(r"[,;]\s+(?:and\s+)?|\s+and\s+", line)):
            name = re.sub(r"\$[^$]*\$|[*^†‡{}]|\\[A-Za-z]+|\d+(?:,\d+)*", "", part)
            name = _SPACES.sub(" ", unicodedata.normalize("NFC", name)).strip(" ,;.")
            if 2 < len(name) <= 60 and not _NO_NAME.search(name) and any(letter.isalpha() for letter in name):
                names.setdefault(name)
    return tuple(names)[:MAX_AUTHORS]


def _without_notes(tokens: Sequence[str]) -> list[str]:
    out: list[str] = []
    position = 0
    while position < len(tokens):
        token = tokens[position]
        position += 1
        if token in _AUTHOR_NOTES:
            start = latex_scan.skip_spaces(tokens, position)
            if start < len(tokens) and tokens[start] == "{":
                position = latex_scan.group(tokens, start) or position
        elif token in ("\\and", "\\And", "\\AND", "\\quad", "\\qquad"):
            out.append(_APART if token.lower() == "\\and" else "\\\\")
        else:
            out.append(token)
    return out
