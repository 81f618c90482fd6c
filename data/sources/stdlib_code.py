"""The running Python's standard library as code documents: one top-level definition each, or the rest of a module.

Every machine that runs the project has this source, it is permissively licensed, and each document parses.
"""

from __future__ import annotations

import ast
import dataclasses
import io
import pathlib
import re
import sysconfig
import textwrap
import tokenize
from collections.abc import Iterator

from data.document import Document, Quarantined, ReadRequest

NAME = "stdlib_code"
LICENCE = "PSF-2.0"
UNKNOWN_LICENCE = "NOASSERTION"
MAX_BYTES = 8192
# Tests, third parties' work that ships along, generated tables and demos: not code that someone wrote to be read.
_EXCLUDED_PARTS = frozenset(
    ("site-packages", "dist-packages", "test", "tests", "idlelib", "lib2to3", "turtledemo", "pydoc_data", "_bundled")
    + ("__pycache__", "ensurepip", "distutils", "__phello__")
)
_EXCLUDED_PREFIXES = ("config-", "lib-dynload", "_sysconfigdata", "_vendor")
# The code pages under encodings/ are tables that gencodec.py wrote.
_CODE_PAGE = re.compile(r"^(cp\d+|iso8859|mac_|koi8|hp_|kz|ptcp|tis)")
_NOTICE = re.compile(r"copyright|licen[cs]e|all rights reserved", re.IGNORECASE)
_PERMISSIVE = re.compile(
    r"python software foundation|\bPSF\b|\bMIT\b|\bBSD\b|apache|public domain|permission to use, copy"
    r"|permission is hereby granted|redistribution and use|python licen[cs]e|see the file license",
    re.IGNORECASE,
)
_COPYLEFT = re.compile(r"\bA?L?GPL|general public licen[cs]e|mozilla public", re.IGNORECASE)
_HEADER_LINES = 60


def root_folder() -> pathlib.Path:
    """Folder of the running interpreter's standard library."""
    return pathlib.Path(sysconfig.get_path("stdlib"))


def python_files(root: pathlib.Path) -> list[pathlib.Path]:
    """The library's own source files below `root`, sorted by path."""
    return sorted(path for path in root.rglob("*.py") if _is_own(path.relative_to(root)))


def _is_own(path: pathlib.PurePath) -> bool:
    if any(part in _EXCLUDED_PARTS or part.startswith(_EXCLUDED_PREFIXES) for part in path.parts):
        return False
    return not (path.parts[0] == "encodings" and _CODE_PAGE.match(path.name))


def read_python(path: pathlib.Path) -> tuple[str, ast.Module] | Quarantined:
    """Text and syntax tree of a source file, or why it can't be had."""
    raw = path.read_bytes()
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(raw).readline)
        text = raw.decode(encoding)
    except (SyntaxError, UnicodeDecodeError, LookupError) as error:
        return Quarantined(str(path), _first_bad_byte(raw, error), "undecodable", len(raw), str(error))
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    try:
        return text, ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None) or 1
        offset = len("".join(text.splitlines(keepends=True)[: line - 1]).encode("utf-8", "surrogatepass"))
        return Quarantined(str(path), offset, "syntax_error", len(raw), str(error))


def _first_bad_byte(raw: bytes, error: Exception) -> int:
    """Offset of the byte that failed; the detection of encodings fails on whole lines and doesn't say."""
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as precise:
        return getattr(error, "start", precise.start)
    return getattr(error, "start", 0)


def licence_of(text: str) -> str:
    """PSF-2.0, or NOASSERTION where the head of a file carries a notice that names no permissive licence."""
    # Notices are wrapped and justified at will, inside comments as well.
    head = " ".join(" ".join(text.split("\n", _HEADER_LINES)[:_HEADER_LINES]).replace("#", " ").split())
    if not _NOTICE.search(head):
        return LICENCE
    return LICENCE if _PERMISSIVE.search(head) and not _COPYLEFT.search(head) else UNKNOWN_LICENCE


@dataclasses.dataclass(frozen=True)
class _Unit:
    """Lines [start, end) of a file, counted from 0, that hold one or more whole statements."""

    start: int
    end: int
    node: ast.stmt


def _units(body: list[ast.stmt], first_line: int, lines: list[str]) -> list[_Unit]:
    """Cuts a block into statements, each with its decorators and the comment that stands right above it."""
    units: list[_Unit] = []
    floor = first_line
    for node in body:
        start = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))]) - 1
        if units and start < units[-1].end:  # `a = 1; b = 2` share a line and stay together
            units[-1] = _Unit(units[-1].start, max(units[-1].end, node.end_lineno), units[-1].node)
        else:
            while start > floor and lines[start - 1].lstrip().startswith("#"):
                start -= 1
            units.append(_Unit(start, node.end_lineno, node))
        floor = units[-1].end
    return units


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def _pack(pieces: list[str], joiner: str, budget: int) -> list[str]:
    """Joins neighbours while they fit into `budget` bytes; a longer piece stays alone."""
    packed: list[str] = []
    for piece in pieces:
        if packed and _size(packed[-1]) + _size(joiner) + _size(piece) <= budget:
            packed[-1] += joiner + piece
        else:
            packed.append(piece)
    return packed


def _class_pieces(unit: _Unit, lines: list[str]) -> list[str]:
    """A class as a whole, or, when it is too long, groups of its members below the class line."""
    whole = "\n".join(lines[unit.start : unit.end])
    node = unit.node
    if _size(whole) <= MAX_BYTES or not isinstance(node, ast.ClassDef) or node.body[0].lineno == node.lineno:
        return [whole]
    members = _units(node.body, node.lineno, lines)
    header = "\n".join(lines[unit.start : members[0].start])
    texts = ["\n".join(lines[m.start : m.end]) for m in members]
    return [f"{header}\n{group}" for group in _pack(texts, "\n\n", MAX_BYTES - _size(header) - 1)]


def split_module(text: str, tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yields (name, code) of a module's definitions, then of the rest of its statements in chunks."""
    lines = text.split("\n")
    rest: list[str] = []
    for unit in _units(tree.body, 0, lines):
        if isinstance(unit.node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            for number, piece in enumerate(_class_pieces(unit, lines)):
                yield f"{unit.node.name}.{number}" if number else unit.node.name, textwrap.dedent(piece)
        else:
            rest.append("\n".join(lines[unit.start : unit.end]))
    for number, piece in enumerate(_pack(rest, "\n", MAX_BYTES)):
        yield f"<module>.{number}", piece


def read(request: ReadRequest) -> Iterator[Document | Quarantined]:
    """Yields the code documents of one shard of the library's files."""
    root = pathlib.Path(request.root) if request.root else root_folder()
    for path in python_files(root)[request.shard :: request.num_shards]:
        module = read_python(path)
        if isinstance(module, Quarantined):
            yield module
            continue
        text, tree = module
        licence = licence_of(text)
        name = path.relative_to(root).as_posix()
        for part, code in split_module(text, tree):
            yield Document(code, "code", f"stdlib:{name}:{part}", licence)
