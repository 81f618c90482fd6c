"""The tree of documentation that a page belongs to: what its pages are called, and where its labels point.

The tree is the folder with `conf.py` or `mkdocs.yml` above a page, or the whole input where there is none. Its titles
and labels are collected once, when the first reference asks for them, over at most MAX_FILES pages.
"""

from __future__ import annotations

import dataclasses
import functools
import os
import posixpath
import re
from collections.abc import Iterator

import fsspec

from data.inputs import InputFile
from data.sources.code.prose import NO_LICENCE
from data.streams import StreamError, decode

PAGE_SUFFIXES = (".rst", ".rest", ".md", ".markdown", ".mdx", ".txt")
MAX_FILES = 20_000
MAX_PAGE_BYTES = 4 << 20
_MAX_DEPTH = 40
_MAX_TITLE = 500
_MARKERS = ("conf.py", "mkdocs.yml", "mkdocs.yaml", "antora.yml")
_LICENCE_FILES = tuple(
    f"{name}{suffix}" for name in ("LICENSE", "LICENCE", "COPYING") for suffix in ("", ".txt", ".md", ".rst")
)
# Words of a licence's text -> its SPDX identifier; the first that holds all of its words is it.
_LICENCE_TEXTS = (
    (("gnu affero general public license", "version 3"), "AGPL-3.0-only"),
    (("gnu lesser general public license", "version 3"), "LGPL-3.0-only"),
    (("gnu lesser general public license", "version 2.1"), "LGPL-2.1-only"),
    (("gnu free documentation license",), "GFDL-1.3-only"),
    (("gnu general public license", "version 3"), "GPL-3.0-only"),
    (("gnu general public license", "version 2"), "GPL-2.0-only"),
    (("mozilla public license", "2.0"), "MPL-2.0"),
    (("apache license", "version 2.0"), "Apache-2.0"),
    (("attribution-sharealike 4.0",), "CC-BY-SA-4.0"),
    (("attribution 4.0 international",), "CC-BY-4.0"),
    (("cc0 1.0 universal",), "CC0-1.0"),
    (("redistribution and use in source and binary forms", "neither the name"), "BSD-3-Clause"),
    (("redistribution and use in source and binary forms", "may not be used to endorse"), "BSD-3-Clause"),
    (("redistribution and use in source and binary forms",), "BSD-2-Clause"),
    (("permission is hereby granted, free of charge",), "MIT"),
    (("permission to use, copy, modify, and/or distribute",), "ISC"),
    (("python software foundation license",), "PSF-2.0"),
)
_SPDX_LINE = re.compile(r"SPDX-License-Identifier:[ \t]*([\w.+-]+(?: (?:AND|OR|WITH) [\w.+-]+)*)")
_RST_LABEL = re.compile(r"\.\. _(?:`([^`]+)`|([^:]+)):\s*$")
_MD_LABEL = re.compile(r"\(([^()\s][^()]*)\)=\s*$")
_MD_TITLE = re.compile(r"#{1,6}[ \t]+(.*?)[ \t#]*(?:\{#([\w:.-]+)\})?\s*$")
_CAPTION = re.compile(r"\.\. (?:table|list-table|csv-table)::\s*(\S.*)")
_RULE = re.compile(r"([!-/:-@\[-`{-~])\1+\s*$")
# Roles of both formats with their readable text, and marks of emphasis.
_MARK_UP = re.compile(r":[\w:.+-]+:`~?([^`<]+?)(?:\s*<[^`>]*>)?`|\{[\w:.+-]+\}`~?([^`<]+?)(?:\s*<[^`>]*>)?`|[`*]+")


@dataclasses.dataclass(frozen=True)
class Tree:
    """Titles by the path of a page without its suffix, and (page, title) by label, lower-case."""

    titles: dict[str, str]
    labels: dict[str, list[tuple[str, str]]]

    def label(self, name: str, page: str) -> str | None:
        """The title that a label stands before; of several, the one nearest to `page`."""
        found = self.labels.get(normal_label(name))
        return max(found, key=lambda at: len(posixpath.commonprefix([at[0], page])))[1] if found else None


def normal_label(name: str) -> str:
    """Labels are compared without case and with single blanks, as docutils does."""
    return " ".join(name.lower().split())


def stripped(title: str) -> str:
    """A title without the marks of roles and emphasis."""
    return _MARK_UP.sub(lambda found: found[1] or found[2] or "", title[:_MAX_TITLE]).strip()


def folder_of(file: InputFile) -> str:
    """Path of the tree's folder relative to the root of the input, "" for the root itself."""
    parts = posixpath.dirname(file.name).split("/") if "/" in file.name else []
    return _folder(posixpath.dirname(file.url), file.root, tuple(parts))


@functools.lru_cache(maxsize=4096)
def _folder(address: str, root: str, parts: tuple[str, ...]) -> str:
    probe = InputFile(f"{address}/page", root, 0)
    for up in range(len(parts) + 1):
        if any(probe.sibling("../" * up + marker) for marker in _MARKERS):
            return "/".join(parts[: len(parts) - up])
    return ""


@functools.lru_cache(maxsize=16)
def tree_of(root: str, folder: str) -> Tree:
    """The titles and labels below a folder of an input."""
    titles: dict[str, str] = {}
    labels: dict[str, list[tuple[str, str]]] = {}
    for file in _pages(root, folder):
        try:
            text = decode(file.read(MAX_PAGE_BYTES))
        except (StreamError, OSError):
            continue  # reading the page itself tells what is wrong with it
        page = posixpath.splitext(file.name)[0]
        for found, title in titled(text, file.name.endswith((".md", ".markdown", ".mdx"))):
            titles.setdefault(page, title)
            for label in found:
                labels.setdefault(normal_label(label), []).append((page, title))
    return Tree(titles, labels)


def _pages(root: str, folder: str) -> Iterator[InputFile]:
    filesystem, base = fsspec.core.url_to_fs(root)
    probe = InputFile(f"{root.rstrip('/')}/page", root, 0)
    count, pending = 0, [folder]
    while pending:
        path = pending.pop()
        try:
            entries = filesystem.ls(posixpath.join(base, path) if path else base, detail=True)
        except (OSError, ValueError):
            continue
        names = sorted((posixpath.basename(entry["name"].rstrip("/")), entry["type"]) for entry in entries)
        for name, kind in names:
            inside = f"{path}/{name}" if path else name
            if kind == "directory":
                is_link = "file" in filesystem.protocol and os.path.islink(posixpath.join(base, inside))
                is_page_folder = not name.startswith((".", "_build", "node_modules"))
                if is_page_folder and not is_link and inside.count("/") < _MAX_DEPTH:
                    pending.append(inside)
            elif name.lower().endswith(PAGE_SUFFIXES) and (file := probe.sibling(inside)):
                yield file
                count += 1
                if count == MAX_FILES:
                    return


def titled(text: str, is_markdown: bool) -> Iterator[tuple[list[str], str]]:
    """Yields each title of a page with the labels before it."""
    waiting: list[str] = []
    lines = text.split("\n")
    fence = ""
    for number, line in enumerate(lines):
        line = line.rstrip() if len(line) <= _MAX_TITLE else ""
        if is_markdown:
            mark = re.match(r"\s*(`{3,}|~{3,})", line)
            if mark and (not fence or line.strip().startswith(fence)):
                fence = "" if fence else mark[1]
            if fence or not line:
                continue
            label, title = _MD_LABEL.match(line), _MD_TITLE.match(line)
            if label:
                waiting.append(label[1])
            elif title:
                yield waiting + [title[2]] * bool(title[2]), stripped(title[1])
                waiting = []
            else:
                waiting = []
            continue
        if not line or _RULE.match(line) or line.startswith(".. _") and not _RST_LABEL.match(line):
            continue
        if label := _RST_LABEL.match(line):
            waiting.append((label[1] or label[2]).replace("\\", ""))
            continue
        above = lines[number - 1].rstrip() if number else ""
        below = lines[number + 1].rstrip() if number + 1 < len(lines) else ""
        is_indented = line.startswith(" ") and above != below  # a title may be, between two rules
        if _RULE.match(below) and len(below) >= min(3, len(line)) and not is_indented and not line.startswith(".."):
            yield waiting, stripped(line)
            waiting = []
        elif caption := _CAPTION.match(line):
            if waiting:
                yield waiting, stripped(caption[1])
            waiting = []
        else:
            waiting = []


def licence_of(file: InputFile) -> str:
    """SPDX identifier of the nearest licence file in the folders from a page up to the root of the input."""
    return _licence(posixpath.dirname(file.url), file.root, file.name.count("/"))


@functools.lru_cache(maxsize=4096)
def _licence(address: str, root: str, depth: int) -> str:
    probe = InputFile(f"{address}/page", root, 0)
    for up in range(depth + 1):
        for name in _LICENCE_FILES:
            if file := probe.sibling("../" * up + name):
                try:
                    return licence_in(file.read(MAX_PAGE_BYTES).decode("utf-8", "replace"))
                except (StreamError, OSError):
                    return NO_LICENCE
    return NO_LICENCE


def licence_in(text: str) -> str:
    """SPDX identifier of a licence's text, by its own words; NOASSERTION for a text that is none of the known."""
    if stated := _SPDX_LINE.search(text):
        return stated[1]
    words = " ".join(text.lower().split())
    return next((name for marks, name in _LICENCE_TEXTS if all(mark in words for mark in marks)), NO_LICENCE)
