"""Every source the corpus can be built from: what it is, under which licence, and how it is read.

A source is one row of `SOURCES`; the rows of the 25 that are read from files stand beside their formats, in
`data/sources/<domain>/registry.py`. Which documents are good enough is decided later, by the steps every domain shares. A
source whose documents carry a certificate also names the function that replays it.
"""

from __future__ import annotations

import difflib
import functools
from collections.abc import Iterator

from data.document import Document, ReadRequest
from data.domains import LEVELS
from data.generators import code_problems, language_problems, logic_problems, math_problems, rendered_scenes
from data.sources import package_docs, stdlib_code
from data.sources.code import registry as code
from data.sources.language import registry as language
from data.sources.math import registry as math
from data.sources.multimodal import registry as multimodal
from data.sources.reasoning import registry as reasoning
from data.sources.source import Generate, SourceInfo

GENERATED_LICENCE = "CC0-1.0"


def read_generated(domain: str, generate: Generate, request: ReadRequest) -> Iterator[Document]:
    """Yields the generated documents of one shard: indices shard, shard + num_shards, ... of each level.

    A shard stops where the next document would exceed its share of `request.level_bytes`, so all shards together keep
    within it.
    """
    share = request.level_bytes // request.num_shards
    for level in LEVELS[domain]:
        used, index = 0, request.shard
        while True:
            document = generate(level, request.seed, index)
            used += document.num_bytes
            if used > share:
                break
            yield document
            index += request.num_shards


def _generated(module, profile: str, where: str) -> SourceInfo:
    return SourceInfo(
        name=module.NAME,
        domain=module.DOMAIN,
        format="generated",
        licence=GENERATED_LICENCE,
        where=where,
        size_hint="unbounded",
        profile=profile,
        read=functools.partial(read_generated, module.DOMAIN, module.generate),
        verify=module.verify,
        generate=module.generate,
        answered=getattr(module, "answered", None),
    )


_LOCAL = (
    SourceInfo(
        name=stdlib_code.NAME,
        domain="code",
        format="python",
        licence=stdlib_code.LICENCE,
        where="the running Python's standard library",
        size_hint="9 MB",
        profile="stdlib_code",
        read=stdlib_code.read,
    ),
    SourceInfo(
        name=package_docs.NAME,
        domain="language",
        format="python, rst, markdown",
        licence="per package",
        where="descriptions, pages and docstrings of the installed packages and the standard library",
        size_hint="15 MB",
        profile="package_docs",
        read=package_docs.read,
    ),
    _generated(code_problems, "certified", "generated; tests pass by an independent reference and catch mutants"),
    _generated(math_problems, "certified", "generated; answers checked with sympy"),
    _generated(logic_problems, "certified", "generated; answers checked by exhaustive solvers"),
    _generated(language_problems, "certified", "generated; texts read back by independent grammars"),
    _generated(
        rendered_scenes, "scenes", "drawn with Pillow from scene graphs; captions and answers follow from the graph"
    ),
)

SOURCES: dict[str, SourceInfo] = {
    info.name: info
    for info in (
        *code.SOURCES,
        *math.SOURCES,
        *language.SOURCES,
        *reasoning.SOURCES,
        *multimodal.SOURCES,
        *_LOCAL,
    )
}


def source(name: str) -> SourceInfo:
    """The source called `name`.

    Raises:
      ValueError: there is none, with the names there are.
    """
    if name not in SOURCES:
        near = difflib.get_close_matches(name, SOURCES, n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else f"the sources are {', '.join(sorted(SOURCES))}"
        raise ValueError(f"unknown source {name!r}; {hint}")
    return SOURCES[name]


def verify(document: Document) -> bool:
    """Whether a document's certificate replays; the source is read from the document.

    Raises:
      ValueError: the document's source keeps no certificates.
    """
    info = source(document.source.split(":", 1)[0])
    if info.verify is None:
        raise ValueError(f"source {info.name!r} keeps no certificates; only generated documents can be verified")
    return info.verify(document)


def list_sources() -> str:
    """The table that `--list_sources` prints, one source a line: those read from files by domain, then the local ones."""
    header = ("name", "domain", "licence", "size", "format", "where to get it")
    rows = [header]
    rows += [(s.name, s.domain, s.licence, s.size_hint, s.format, s.where) for s in SOURCES.values()]
    widths = [max(len(row[column]) for row in rows) for column in range(len(header))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows)
