"""Trees of documentation: pages in reStructuredText or Markdown, as Sphinx, MyST and MkDocs have them.

A page becomes one document of clean Markdown; the files that it includes become part of it, and a page that another
includes whole is read only there.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence

from data.document import Document
from data.formats.rows import Item, Record
from data.inputs import InputFile
from data.sources.code import docs_tree, markdown_docs
from data.sources.code.docs_page import MAX_INCLUDES, Page
from data.sources.code.prose import clean
from data.streams import StreamError, decode

NAME = "documentation_corpus"
PATTERNS = tuple(f"*{suffix}" for suffix in docs_tree.PAGE_SUFFIXES)
# Pictures, themes, programs that pages quote, configuration: what pages name or what only a build reads.
COMPANIONS = (
    *("makefile", "license*", "licence*", "copying*", "notice*", "codeowners", ".*"),
    *(
        f"*.{suffix}"
        for suffix in (
            "png jpg jpeg gif svg ico webp pdf mp4 css scss js ts html woff woff2 ttf py pyi c h cpp hpp rs go java sh "
            "bat ps1 rb r json yml yaml toml cfg ini csv tsv xml inc inv po pot ipynb bib dot puml drawio tex sty diff"
        ).split()
    ),
)
_MARKDOWN_SUFFIXES = (".md", ".markdown", ".mdx")
_NO_PAGE = re.compile(r"(requirements|constraints|cmakelists|robots|license|licence|copying|sources|manifest)\b.*\.txt")
# A page that another includes: `.. include:: path`, or a MyST fence, and the options below it.
_INCLUDE = re.compile(
    r"^[ \t]*(?:\.\.[ \t]+include::|`{3,}\{include\}|:{3,}\{include\})[ \t]*(\S[^\n]*)\n((?:[ \t]*:\w[^\n]*\n)*)",
    re.MULTILINE,
)
_PARTIAL = re.compile(r":(?:start|end|literal|code|lines|parser-literal)\b")
_LOOKS_LIKE_RST = re.compile(r"^[^\n]+\n([=\-~^*#\"'+])\1{3,}[ \t]*$|^\.\. [\w-]+::|:\w+:`", re.MULTILINE)
_SCANNED = 1 << 20


def read(file: InputFile) -> Iterator[Item]:
    """Yields the page as one document; a page without a sentence or a line of code is skipped."""
    record = Record(None, file, 0, file.size)
    name = file.name.lower()
    if _NO_PAGE.fullmatch(posixpath.basename(name)) or "/_build/" in f"/{name}":
        yield record.skipped("not_documentation", file.name[:200])
        return
    try:
        text = clean(decode(file.read(docs_tree.MAX_PAGE_BYTES)))
    except StreamError as error:
        yield Record(None, file, error.offset, file.size).quarantined(error.reason, error.evidence)
        return
    is_markdown = name.endswith(_MARKDOWN_SUFFIXES)
    if name.endswith(".txt") and not _LOOKS_LIKE_RST.search(text[:_SCANNED]):
        yield record.skipped("not_documentation", f"{file.name[:200]} is plain text")
        return
    page = Page(file, {"rst": _render_rst, "markdown": markdown_docs.render})
    try:
        shown = clean(page.render(text, "markdown" if is_markdown else "rst", file.name)).strip()
    except Exception as error:  # docutils raises what its own code trips over, AssertionError and IndexError too
        yield record.quarantined("malformed", clean(f"{type(error).__name__}: {error}")[:500])
        return
    if not _says_something(shown):
        yield record.skipped("no_prose", f"{file.name[:200]}: titles and what a build fills in")
        return
    heading = next((line for line in shown.split("\n") if line.startswith("#")), "")
    title = docs_tree.stripped(heading.lstrip("#"))
    meta = {"kind": "text", "path": file.name, "title": title, "format": "markdown" if is_markdown else "rst"}
    if page.included:
        meta["includes"] = page.included[:50]
    if page.missing:
        meta["missing_includes"] = page.missing[:50]
    yield Document(shown, "code", f"{NAME}:{file.name}#0", docs_tree.licence_of(file), meta=meta)


def _render_rst(page: Page, text: str, source: str) -> str:
    from data.sources.code import rst  # docutils takes 0.2 s

    return rst.render(page, text, source)


def _says_something(text: str) -> bool:
    """Whether there is more than titles and rules."""
    return any(line.strip() and not line.startswith("#") and line.strip("-*_ ") for line in text.split("\n"))


def roots(files: Sequence[InputFile]) -> list[InputFile]:
    """The pages to read by themselves: those that no other page includes whole, and one of each circle."""
    names = {file.name for file in files}
    parts = {file.name: names.intersection(_included(file)) for file in files}
    included = {part for name, found in parts.items() for part in found if part != name}
    chosen: set[str] = set()
    reached: set[str] = set()
    # Who is included only in a circle is reached by no other root: the first of the circle becomes one.
    outer = [file.name for file in files if file.name not in included]
    for name in [*outer, *(file.name for file in files if file.name in parts[file.name])]:
        if name not in reached:
            chosen.add(name)
            reached |= {name, *parts[name]}
    return [file for file in files if file.name in chosen]


def _included(page: InputFile) -> list[str]:
    """Names of the files that a page includes whole, also through others; its own where that is a circle."""
    found: dict[str, None] = {}
    pending = [page]
    while pending and len(found) < MAX_INCLUDES:
        file = pending.pop()
        for target in _includes_of(file):
            if target.name not in found:
                found[target.name] = None
                pending.append(target)
    return list(found)


def _includes_of(file: InputFile) -> Iterator[InputFile]:
    try:
        with file.open() as stream:
            text = stream.read(_SCANNED).decode("utf-8", "replace")
    except (StreamError, OSError):
        return
    if "include" not in text:
        return
    page = Page(file, {})
    for match in _INCLUDE.finditer(text):
        target = None if _PARTIAL.search(match[2]) else page.find(match[1], file.name)
        if target is not None:
            yield target
