"""One LaTeX source out of the many files that `\\input` and its relatives name, never leaving the package."""

from __future__ import annotations

import dataclasses
import posixpath
import re
from collections.abc import Callable

from data.formats import latex_scan

MAX_PARTS = 2000
MAX_DEPTH = 24
MAX_CHARACTERS = 16 << 20
MAX_STYLE_CHARACTERS = 512 << 10
# Text of a file named relative to the root's folder, or None where the package has no such file.
Lookup = Callable[[str], str | None]

_INCLUDE = re.compile(
    r"\\(?P<two>import|subimport|inputfrom|subinputfrom|includefrom|subincludefrom)\*?\s*\{(?P<dir>[^{}]{0,300})\}"
    r"\s*\{(?P<sub>[^{}]{1,300})\}"
    r"|\\(?P<one>input|include|subfile|subfileinclude|olimport|InputIfFileExists)(?![A-Za-z])"
    r"(?:\s*\[[^\[\]]{0,200}\])?(?:\s*\{(?P<name>[^{}]{1,300})\}|[ \t]+(?P<bare>[^\s{}\\%\[\]]{1,300}))"
)
_PACKAGE = re.compile(r"\\(?:usepackage|RequirePackage)\s*(?:\[[^\[\]]{0,400}\])?\s*\{([^{}]{1,600})\}")
_SUFFIXES = (".tex", ".ltx", "")


@dataclasses.dataclass
class Flat:
    """A source in one piece.

    Attributes:
      text: without comments, with the parts in their places.
      parts: names of the files that were put in, in the order of reading.
      missing: names that the source asks for and the package lacks.
    """

    text: str
    parts: list[str] = dataclasses.field(default_factory=list)
    missing: list[str] = dataclasses.field(default_factory=list)


def included_names(text: str) -> list[str]:
    """Names that a source without comments asks to be put in, as written."""
    return [_written(match) for match in _INCLUDE.finditer(text)]


def candidates(name: str, folder: str = "") -> list[str]:
    """Paths that a name may mean: relative to the root's folder, as LaTeX has it, then to the including file's."""
    name = name.strip().strip('"')
    bases = dict.fromkeys((posixpath.normpath(name), posixpath.normpath(posixpath.join(folder, name))))
    return [base + suffix for base in bases for suffix in _SUFFIXES if not (suffix and base.endswith(suffix))]


def flatten(text: str, lookup: Lookup, verbatim: latex_scan.Verbatim, styles: bool = True) -> Flat:
    """Puts every included file in the place of its command. A file that would include itself is left out.

    Args:
      text: the root.
      lookup: how the package's other files are read.
      verbatim: where verbatim passages are set aside.
      styles: whether the package's own .sty files come before the text, for the macros that they define.
    """
    flat = Flat("")
    budget = [MAX_CHARACTERS]
    body = latex_scan.strip_comments(text, verbatim)
    before = _styles(body, lookup, verbatim, flat) if styles else ""
    flat.text = before + _put_in(body, "", (), lookup, verbatim, flat, budget)
    return flat


def _put_in(
    text: str,
    folder: str,
    stack: tuple[str, ...],
    lookup: Lookup,
    verbatim: latex_scan.Verbatim,
    flat: Flat,
    budget: list[int],
) -> str:
    budget[0] -= len(text)
    ended = re.search(r"\\endinput(?![A-Za-z])", text)
    if ended and stack:
        text = text[: ended.start()]
    pieces, position = [], 0
    for match in _INCLUDE.finditer(text):
        pieces.append(text[position : match.start()])
        position = match.end()
        found = _resolve(match, folder, stack, lookup, flat, budget)
        if found is None:
            continue
        name, part = found
        part = latex_scan.strip_comments(part, verbatim)
        if document := latex_scan.find_document(part):  # a subfile compiles by itself as well
            part = document[1]
        flat.parts.append(name)
        separate = match.group("one") in ("include", "subfile", "subfileinclude", "olimport")
        edge = "\n\n" if separate else "\n"
        inner = _put_in(part, posixpath.dirname(name), (*stack, name), lookup, verbatim, flat, budget)
        pieces += [edge if separate else "", inner, edge]
    pieces.append(text[position:])
    return "".join(pieces)


def _written(match: re.Match[str]) -> str:
    if match.group("two"):
        return posixpath.join(match.group("dir").strip(), match.group("sub").strip())
    return (match.group("name") or match.group("bare")).strip()


def _resolve(
    match: re.Match[str], folder: str, stack: tuple[str, ...], lookup: Lookup, flat: Flat, budget: list[int]
) -> tuple[str, str] | None:
    written = _written(match)
    if "#" in written or "\\" in written:  # inside a macro's body
        return None
    for name in candidates(written, folder):
        if name in stack:
            return None
        if len(stack) >= MAX_DEPTH or len(flat.parts) >= MAX_PARTS or budget[0] <= 0:
            break
        text = lookup(name)
        if text is not None:
            return name, text
    flat.missing.append(written)
    return None


def _styles(text: str, lookup: Lookup, verbatim: latex_scan.Verbatim, flat: Flat) -> str:
    found = []
    for match in _PACKAGE.finditer(text):
        for name in match.group(1).split(","):
            path = posixpath.normpath(name.strip()) + ".sty"
            style = None if path in flat.parts or "\\" in path or "#" in path else lookup(path)
            if style is not None and len(style) <= MAX_STYLE_CHARACTERS:
                flat.parts.append(path)
                found.append(latex_scan.strip_comments(style, verbatim))
    return "".join(f"{style}\n" for style in found)
