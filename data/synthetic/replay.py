"""Replays the certificates of a generated corpus from its files alone."""

from __future__ import annotations

import collections
import dataclasses
import os
import pathlib
from typing import Any

from data import records
from data.array_records import CorruptRecordError
from data.document import Document
from data.domains import LEVELS, SPLITS
from data.pipeline.runners import Runner
from data.pipeline.store import Store
from data.synthetic import makers
from data.synthetic.build import MANIFEST

MAX_FAILURES = 20  # told of each file


@dataclasses.dataclass(frozen=True)
class Replay:
    """What is replayed, and where each unit leaves what it found.

    Attributes:
      paths: the files.
      metamath: path of a Metamath database, or "".
      results: a folder, none of the corpus's.
    """

    paths: tuple[str, ...]
    metamath: str
    results: str


@dataclasses.dataclass(frozen=True)
class Found:
    """What a replay found.

    Attributes:
      counts: documents by domain, level and source.
      failures: what does not replay, a line each, naming file, record and document.
      failed: how many there are, those beyond MAX_FAILURES of a file included.
    """

    counts: dict[str, int]
    failures: list[str]
    failed: int


def corpus_files(root: str | os.PathLike[str]) -> list[pathlib.Path]:
    """The files of all domains, levels and splits of a corpus.

    Raises:
      CorruptRecordError: there are none, or files are missing from a split.
    """
    found = []
    for domain, levels in LEVELS.items():
        for level in levels:
            for split in SPLITS:
                if any((pathlib.Path(root) / domain / level).glob(f"{split}-*.array_record")):
                    found += records.split_paths(root, domain, level, split)
    if not found:
        raise CorruptRecordError(f"{root}: holds no documents; give the --output of launch.generate_synthetic")
    return found


def replay_file(work: Replay, number: int) -> None:
    """Replays one file."""
    path = pathlib.Path(work.paths[number])
    level, domain = path.parent.name, path.parent.parent.name
    counts: collections.Counter[str] = collections.Counter()
    failures, failed = [], 0
    try:
        for index, document in enumerate(records.read_documents(path)):
            counts[f"{domain}/{level}/{document.source.split(':', 1)[0]}"] += 1
            wrong = _wrong(document, domain, level, work.metamath)
            if wrong:
                failed += 1
                if len(failures) < MAX_FAILURES:
                    failures.append(f"{path}: record {index}: document {document.id}: {wrong}")
    except CorruptRecordError as error:
        failed += 1
        failures.append(str(error))
    Store(work.results).write_json(f"{number}.json", {"counts": counts, "failures": failures, "failed": failed})


def _wrong(document: Document, domain: str, level: str, metamath: str) -> str:
    """What is wrong with a document, "" where nothing is."""
    if (document.domain, document.level) != (domain, level):
        return f"it is of {document.domain}/{document.level}, not of {domain}/{level}"
    try:
        return "" if makers.verify(document, metamath) else "its certificate does not replay"
    except ValueError as error:
        return str(error)


def replay(root: str, metamath: str, results: str, runner: Runner) -> Found:
    """Replays every certificate of a corpus, and holds the number of documents against its manifests.

    Args:
      root: folder of the corpus.
      metamath: path of the Metamath database that steps are replayed from, or "".
      results: an empty folder for what the units find.
      runner: who does the work.

    Raises:
      CorruptRecordError: as `corpus_files`.
    """
    work = Replay(tuple(map(str, corpus_files(root))), metamath, results)
    numbers = range(len(work.paths))
    for _ in runner.map(replay_file, work, numbers):
        pass
    counts: collections.Counter[str] = collections.Counter()
    failures, failed, read = [], 0, {}
    for number in numbers:
        row = Store(results).read_json(f"{number}.json")
        counts.update(row["counts"])
        failures += row["failures"]
        failed += row["failed"]
        name = pathlib.Path(work.paths[number]).relative_to(root).as_posix()
        read[name] = sum(row["counts"].values())
    missed = _missed(root, read)
    return Found(dict(sorted(counts.items())), failures + missed, failed + len(missed))


def _missed(root: str, read: dict[str, int]) -> list[str]:
    """Where a manifest of the corpus tells of more or fewer documents than were read."""
    found = []
    for domain in LEVELS:
        manifest: dict[str, Any] = Store(root).read_json(f"{domain}/{MANIFEST}") or {}
        # A corpus of launch.process_data can be replayed too; its manifests have no list of files.
        for name, row in manifest.get("files", {}).items():
            if read.get(name) != row["records"]:
                told = f"the manifest tells of {row['records']} documents, not {read.get(name, 0)}"
                found.append(f"{pathlib.Path(root) / name}: {told}")
    return found
