"""What a source is: one row of the registry, with the readers of the file formats that it comes in.

A source that is read from files names its `readers`; which files of an input are read, and by which reader, is decided by
`plan`. A source that every machine has, or that is generated, names a `read` of shards instead.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from data.document import Document, Quarantined, ReadRequest, Skipped
from data.inputs import InputFile

Item = Document | Quarantined | Skipped
Generate = Callable[[str, int, int], Document]
Answered = Callable[[Document, str], Document | None]


@dataclasses.dataclass(frozen=True)
class Reader:
    """How one format of a source is read.

    Attributes:
      patterns: lower-case globs of file names without the suffix of compression: `*.jsonl`, `posts.xml`.
      read: the items of one file, in the file's order, holding no more than one record in memory. What can't be read is
        yielded as Quarantined, what is no document as Skipped; an exception ends the file and quarantines its rest.
      roots: of the files that match, those to read by themselves; the others are parts that `read` finds through
        `InputFile.sibling`, as LaTeX chapters are. None: each file by itself.
      ranges: whether a file may be read in ranges of bytes, `read(file, start, end)`: formats of one record a line.
    """

    patterns: tuple[str, ...]
    read: Callable[..., Iterator[Item]]
    roots: Callable[[Sequence[InputFile]], list[InputFile]] | None = None
    ranges: bool = False


@dataclasses.dataclass(frozen=True)
class SourceInfo:
    """One source.

    Attributes:
      name: what options and documents call it.
      domain: the domain its documents belong to.
      format: what is read, in words.
      licence: SPDX identifier, or "per ..." where each document carries its own.
      where: where the data comes from, in words.
      size_hint: about how much there is, in words.
      profile: which rules of quality its documents are held to; see `data.processors`.
      readers: of sources that are read from an input; a file is read by the first that matches.
      templated: whether its documents share their wording by nature (formal proofs, exercises, games), so that a batch of
        them is not judged by how little they repeat each other.
      companions: globs of files that readers find by themselves (pictures beside their captions) or that say nothing
        (a licence, an index), so that they are not missed when nobody reads them.
      read: of sources without an input: the documents of one shard; shards may be read in any order and process.
      verify: whether a document's certificate holds, None for sources without certificates.
      generate: the document of (level, seed, index), None for sources that are not generated.
      answered: a generated document with another completion of its prompt, and the certificate that lets `verify` judge
        that one; it returns None where the checker would not read it. None for sources whose texts leave no choice.
    """

    name: str
    domain: str
    format: str
    licence: str
    where: str
    size_hint: str
    profile: str = ""
    templated: bool = False
    readers: tuple[Reader, ...] = ()
    companions: tuple[str, ...] = ()
    read: Callable[[ReadRequest], Iterator[Document | Quarantined]] | None = None
    verify: Callable[[Document], bool] | None = None
    generate: Generate | None = None
    answered: Answered | None = None


@dataclasses.dataclass(frozen=True)
class Unit:
    """A piece of an input that one worker reads: a file, or the lines of it that begin in [start, end)."""

    file: InputFile
    reader: int
    start: int = 0
    end: int | None = None


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is read of an input, and the files that no reader of the source knows."""

    units: tuple[Unit, ...]
    unclaimed: tuple[InputFile, ...]


class PlanError(ValueError):
    """An input with nothing in it that the source reads; the message names the formats that it does."""


def plan(source: SourceInfo, files: Sequence[InputFile], range_bytes: int) -> Plan:
    """Cuts an input into units, in the order of the files' names.

    Args:
      source: one with readers.
      files: all files of the input.
      range_bytes: size of the ranges that files of one record a line are cut into, where they are not compressed.

    Raises:
      PlanError: no file matches.
    """
    claimed: dict[int, list[InputFile]] = {number: [] for number in range(len(source.readers))}
    unclaimed = []
    for file in files:
        number = next((n for n, reader in enumerate(source.readers) if file.matches(reader.patterns)), None)
        if number is not None:
            claimed[number].append(file)
        elif not file.matches(source.companions):
            unclaimed.append(file)
    units = []
    for number, matching in claimed.items():
        reader = source.readers[number]
        for file in reader.roots(matching) if reader.roots else matching:
            if not reader.ranges or file.size <= range_bytes or file.is_compressed():
                units.append(Unit(file, number))
                continue
            bounds = [*range(0, file.size, range_bytes), file.size]
            units += [Unit(file, number, start, end) for start, end in zip(bounds, bounds[1:])]
    if not units:
        known = ", ".join(sorted({pattern for reader in source.readers for pattern in reader.patterns}))
        raise PlanError(
            f"source {source.name}: none of the {len(files)} files of the input is one that it reads ({known})"
        )
    units.sort(key=lambda unit: (unit.file.name, unit.file.url, unit.start))
    return Plan(tuple(units), tuple(unclaimed))


def columns(row: Any, *names: str) -> tuple[Any, ...] | str:
    """The values of columns of a record, or what is wrong with it, in words."""
    if not isinstance(row, dict):
        return f"a record is a {type(row).__name__}, not an object with {', '.join(names)}"
    missing = [name for name in names if name not in row]
    if missing:
        return f"no {', '.join(missing)}; the record has {', '.join(map(str, sorted(row)[:20]))}"
    return tuple(row[name] for name in names)
