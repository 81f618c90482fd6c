"""Every source the corpus can be built from: what it is, under which licence, and how it is read.

A source is one row of `SOURCES`. Its `read` turns a `ReadRequest` into a stream of documents and of pieces that can't
be read; which documents are good enough is decided later, by the steps every domain shares. A source whose documents
carry a certificate also names the function that replays it.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator

from data.document import Document, Quarantined, ReadRequest
from data.domains import LEVELS
from data.sources import logic_problems, math_problems, package_docs, rendered_scenes, stdlib_code

Item = Document | Quarantined
Generate = Callable[[str, int, int], Document]
GENERATED_LICENCE = "CC0-1.0"


@dataclasses.dataclass(frozen=True)
class SourceInfo:
    """One source.

    Attributes:
      name: what options and documents call it.
      domain: the domain its documents belong to.
      format: what is read: python, text, generated.
      licence: SPDX identifier, or "per package" where each document carries its own.
      where: where the data comes from, in words.
      size_hint: about how much there is, in words.
      read: the documents of one shard; shards may be read in any order and process.
      verify: whether a document's certificate holds, None for sources without certificates.
      generate: the document of (level, seed, index), None for sources that are read from files.
    """

    name: str
    domain: str
    format: str
    licence: str
    where: str
    size_hint: str
    read: Callable[[ReadRequest], Iterator[Item]]
    verify: Callable[[Document], bool] | None = None
    generate: Generate | None = None


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


def _generated(module, where: str) -> SourceInfo:
    return SourceInfo(
        name=module.NAME,
        domain=module.DOMAIN,
        format="generated",
        licence=GENERATED_LICENCE,
        where=where,
        size_hint="unbounded; a budget of bytes a level is given",
        read=functools.partial(read_generated, module.DOMAIN, module.generate),
        verify=module.verify,
        generate=module.generate,
    )


SOURCES: dict[str, SourceInfo] = {
    info.name: info
    for info in (
        SourceInfo(
            name=stdlib_code.NAME,
            domain="code",
            format="python",
            licence=stdlib_code.LICENCE,
            where="the running Python's standard library",
            size_hint="about 9 MB",
            read=stdlib_code.read,
        ),
        SourceInfo(
            name=package_docs.NAME,
            domain="language",
            format="text",
            licence="per package",
            where="descriptions, pages and docstrings of the installed packages and the standard library",
            size_hint="about 15 MB of prose in 190 MB of source",
            read=package_docs.read,
        ),
        _generated(math_problems, "generated; answers checked with sympy"),
        _generated(logic_problems, "generated; answers checked by exhaustive solvers"),
        _generated(rendered_scenes, "drawn with Pillow from scene graphs; captions and answers follow from the graph"),
    )
}


def source(name: str) -> SourceInfo:
    """The source called `name`.

    Raises:
      ValueError: there is none, with the names there are.
    """
    if name not in SOURCES:
        raise ValueError(f"unknown source {name!r}; the sources are {', '.join(sorted(SOURCES))}")
    return SOURCES[name]


def verify(document: Document) -> bool:
    """Whether a generated document's certificate replays; the source is read from the document.

    Raises:
      ValueError: the document's source keeps no certificates.
    """
    info = source(document.source.split(":", 1)[0])
    if info.verify is None:
        raise ValueError(f"source {info.name!r} keeps no certificates; only generated documents can be verified")
    return info.verify(document)


def list_sources() -> str:
    """The table that `--list_sources` prints, one source a line."""
    header = ("name", "domain", "format", "licence", "size", "where")
    rows = [header]
    rows += [(s.name, s.domain, s.format, s.licence, s.size_hint, s.where) for s in SOURCES.values()]
    widths = [max(len(row[column]) for row in rows) for column in range(len(header))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows)
