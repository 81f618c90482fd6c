"""Prose about software: what the project's dependencies and the standard library say of themselves.

Three places: a package's long description, the .md and .rst files it ships, and docstrings, which are read from source
files by `ast` without importing anything. What is yielded is the prose alone: code blocks, tables, option lists and
doctests are cut out paragraph by paragraph.
"""

from __future__ import annotations

import ast
import contextlib
import csv
import functools
import importlib.metadata
import inspect
import pathlib
import re
from collections.abc import Iterator

from data.document import Document, Quarantined, ReadRequest, content_id
from data.sources import stdlib_code

NAME = "package_docs"
STDLIB = "stdlib"
MAX_BYTES = 6144
# A fixed list out of requirements.lock: what else is installed on a machine must not change the corpus.
PACKAGES = (
    *("absl-py", "array-record", "attrs", "clu", "etils", "flax", "fonttools", "fsspec", "grain", "h5py", "humanize"),
    *("jax", "keras", "matplotlib", "mistral-common", "ml-collections", "mpmath", "numpy", "opt-einsum", "optax"),
    *("optree", "orbax-checkpoint", "packaging", "pillow", "pyarrow", "pydantic", "pyglove", "pygments", "pyparsing"),
    *("python-dateutil", "requests", "rich", "scipy", "sentencepiece", "seqio", "sympy", "tensorflow"),
    *("tensorflow-datasets", "tiktoken", "treescope", "urllib3", "xxhash"),
)
_TESTS = frozenset(("test", "tests", "testing", "_vendor", "vendor", "_vendored", "third_party", "site-packages"))
_WORD = re.compile(r"[A-Za-z]+(?:['’][a-z]+)?")
_FENCE = re.compile(r"^(```|~~~).*?^\1[ \t]*$", re.DOTALL | re.MULTILINE)
_HTML = re.compile(r"<!--.*?-->|</?[A-Za-z][^<>]*>", re.DOTALL)
_MARK_UP_LINE = re.compile(
    r"^\s*(\.\. |:[\w ]+:|[=\-~^*#+|_\s]{3,}$|\||\[!|!\[|>>>|\.\.\. |@\w+|https?://\S+$|#{1,6} )"
)
_NAMED_VALUE = re.compile(r"^\s*[-*]?\s*[`*]*\w[\w.*`]*[`*]*\s*(\([^)]*\))?\s*(:|--| - )")
_SECTION = re.compile(
    r"^\s*(Args|Arguments|Parameters|Params|Returns?|Yields?|Raises|Attributes|Examples?|Usage|References):"
)
_LINK = re.compile(r"\[([^\]\[]+)\]\([^)\s]*\)|`([^`<]+?)\s*<[^>]+>`_+")
_ROLE = re.compile(r":(?:py:)?\w+:`~?([^`]+)`")
# What a package's licence field says -> the SPDX identifier; first match wins, copyleft is looked for before all else.
_LICENCES: tuple[tuple[str, str], ...] = (
    (r"\bAGPL|affero", "AGPL-3.0-only"),
    (r"\bLGPL|lesser general", "LGPL-2.1-only"),
    (r"\bGPL|general public", "GPL-3.0-only"),
    (r"\bMPL|mozilla", "MPL-2.0"),
    (r"MIT-CMU|\bHPND", "MIT-CMU"),
    (r"apache", "Apache-2.0"),
    (r"2-clause|bsd-2", "BSD-2-Clause"),
    (r"\bBSD|redistribution and use", "BSD-3-Clause"),
    (r"\bMIT\b|permission is hereby granted", "MIT"),
    (r"\bISC\b", "ISC"),
    (r"python software foundation|\bPSF", "PSF-2.0"),
    (r"unlicense|public domain", "Unlicense"),
)


def licence_of(metadata: importlib.metadata.PackageMetadata) -> str:
    """SPDX identifier of a package, from its expression, else its classifiers, else its licence field."""
    expression = metadata.get("License-Expression")
    if expression:
        return expression
    classifiers = [c.split("::")[-1] for c in metadata.get_all("Classifier") or () if c.startswith("License ::")]
    for text in (" ".join(classifiers), (metadata.get("License") or "")[:2000]):
        for pattern, spdx in _LICENCES:
            if re.search(pattern, text, re.IGNORECASE):
                return spdx
    return stdlib_code.UNKNOWN_LICENCE


def _is_prose(paragraph: str) -> bool:
    """Whether a paragraph reads as sentences rather than as code, a table or a list of parameters."""
    lines = paragraph.split("\n")
    if _SECTION.match(lines[0]) or any(_MARK_UP_LINE.match(line) for line in lines):
        return False
    if sum(bool(_NAMED_VALUE.match(line)) for line in lines) * 2 > len(lines):
        return False
    indents = [len(line) - len(line.lstrip()) for line in lines]
    if min(indents) >= 4 or (len(lines) > 1 and min(indents[1:]) >= 4 and indents[0] == 0):
        return False  # a literal block, or a heading of an indented list
    words = _WORD.findall(paragraph)
    if len(words) < 6 or not re.search(r"[.!?:][\"')*`]*(\s|$)", paragraph):
        return False
    return sum(map(len, words)) >= 0.68 * len(re.sub(r"\s", "", paragraph))


def prose(text: str) -> str:
    """The sentences of a docstring or page, one line a paragraph, mark-up of links and roles taken off."""
    text = _HTML.sub("", _FENCE.sub("", text.replace("\r\n", "\n").expandtabs(4)))
    kept = []
    for paragraph in re.split(r"\n[ \t]*\n", text):
        paragraph = paragraph.strip("\n")
        if not paragraph or not _is_prose(paragraph):
            continue
        paragraph = _ROLE.sub(r"\1", _LINK.sub(lambda m: m.group(1) or m.group(2), paragraph))
        kept.append(" ".join(paragraph.replace("``", "`").replace("**", "").split()))
    return "\n\n".join(kept)


def _chunks(text: str) -> list[str]:
    """Cuts prose between paragraphs so that no piece is longer than MAX_BYTES, where paragraphs allow it."""
    chunks: list[str] = []
    for paragraph in text.split("\n\n"):
        if chunks and len((chunks[-1] + paragraph).encode("utf-8", "surrogatepass")) + 2 <= MAX_BYTES:
            chunks[-1] += "\n\n" + paragraph
        else:
            chunks.append(paragraph)
    return chunks


def _documents(text: str, source: str, licence: str) -> Iterator[Document]:
    for number, chunk in enumerate(_chunks(prose(text))):
        yield Document(chunk, "language", f"{source}#{number}" if number else source, licence)


def docstrings(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yields (qualified name, docstring) of a module, its classes and functions, "" being the module itself."""
    pending: list[tuple[str, ast.AST]] = [("", tree)]
    while pending:
        name, node = pending.pop()
        if node.body and isinstance(node.body[0], ast.Expr) and isinstance(node.body[0].value, ast.Constant):
            value = node.body[0].value.value
            if isinstance(value, str):
                yield name, inspect.cleandoc(value)
        for child in node.body:
            if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                pending.append((f"{name}.{child.name}".lstrip("."), child))


def _from_source(path: pathlib.Path, source: str, licence: str) -> Iterator[Document | Quarantined]:
    module = stdlib_code.read_python(path)
    if isinstance(module, Quarantined):
        yield module
        return
    for name, text in docstrings(module[1]):
        yield from _documents(text, f"{source}:{name}", licence)


def _from_page(path: pathlib.Path, source: str, licence: str) -> Iterator[Document | Quarantined]:
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        yield Quarantined(str(path), error.start, "undecodable", len(raw), str(error))
        return
    yield from _documents(text, source, licence)


@functools.cache
def _packages() -> tuple[importlib.metadata.Distribution, ...]:
    """Those of PACKAGES that are installed, by name."""
    found = []
    for name in PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found.append(importlib.metadata.distribution(name))
    return tuple(found)


def _files(package: importlib.metadata.Distribution) -> Iterator[tuple[str, int]]:
    """Yields (path, bytes) of the text files a package installed, as its RECORD lists them."""
    for path, *rest in csv.reader((package.read_text("RECORD") or "").splitlines()):
        if path.endswith((".md", ".rst", ".py")) and not path.startswith("..") and _TESTS.isdisjoint(path.split("/")):
            yield path, int(rest[-1] or 0) if rest else 0


@functools.cache
def _wanted_files(seed: int, budget: int) -> tuple[tuple[str, pathlib.Path, str], ...]:
    """(source, path, licence) of files to read: pages all, source files in an order drawn by `seed` up to `budget`."""
    pages, code = [], []
    for package in _packages():
        metadata = package.metadata  # parsed anew at each access
        licence = licence_of(metadata)
        for name, size in _files(package):
            row = (f"{metadata['Name']}:{name}", pathlib.Path(package.locate_file(name)), licence, size)
            (code if name.endswith(".py") else pages).append(row)
    root = stdlib_code.root_folder()
    for path in stdlib_code.python_files(root):
        code.append((f"stdlib:{path.relative_to(root).as_posix()}", path, STDLIB, path.stat().st_size))
    code.sort(key=lambda row: (content_id(f"{seed}:{row[0]}"), row[0]))
    wanted, used = [], 0
    for source, path, licence, size in pages + code:
        used += size
        if budget and used > budget:
            break
        wanted.append((source, path, licence))
    return tuple(wanted)


def read(request: ReadRequest) -> Iterator[Document | Quarantined]:
    """Yields the prose of one shard: descriptions first, then pages, then docstrings of a seeded draw of files."""
    for package in _packages()[request.shard :: request.num_shards]:
        metadata = package.metadata
        description = metadata.get_payload() or metadata.get("Description") or ""
        yield from _documents(description, f"{metadata['Name']}:description", licence_of(metadata))
    for source, path, licence in _wanted_files(request.seed, request.source_bytes)[request.shard :: request.num_shards]:
        if not path.is_file():
            continue  # listed by the package but not installed, as an optional part may be
        if path.suffix != ".py":
            yield from _from_page(path, source, licence)
        elif licence == STDLIB:
            text = path.read_text(encoding="utf-8", errors="replace")
            yield from _from_source(path, source, stdlib_code.licence_of(text))
        else:
            yield from _from_source(path, source, licence)
