"""Which of a benchmark's files hold which split, told by their names."""

from __future__ import annotations

import pathlib
import re
from collections.abc import Callable, Mapping, Sequence

from data.benchmarks import rows
from data.benchmarks.rows import MissingDataError, Row

Splits = Mapping[str, Callable[[], list[Row]]]
Select = Callable[[pathlib.PurePath], bool]
Read = Callable[[pathlib.Path], list[Row]]

# Words in a file's path by which its split is known.
_SPLIT_WORDS = {
    "test": "test",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "eval": "validation",
    "dev": "dev",
    "train": "train",
    "training": "train",
}


def split_of(path: pathlib.PurePath) -> str:
    """The split that a path names: test, validation, dev or train; "" where none. The file's name counts before folders."""
    for part in reversed(path.parts):
        words = re.split(r"[^a-z]+", part.lower())
        for word in words:
            if word in _SPLIT_WORDS:
                return _SPLIT_WORDS[word]
    return ""


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def folder(data_dir: pathlib.Path, *names: str) -> pathlib.Path:
    """The first folder of one of the names, whatever its case and signs: "SST-2" is "sst2".

    Raises:
      MissingDataError: there is none.
    """

    there = sorted(data_dir.iterdir()) if data_dir.is_dir() else []
    for name in names:
        for path in there:
            if path.is_dir() and _plain(path.name) == _plain(name):
                return path
    raise MissingDataError(f"{data_dir} has no folder {' or '.join(names)}; put the benchmark's files there")


def files_by_split(base: pathlib.Path, select: Select = lambda path: True) -> dict[str, list]:
    """Files below a folder by their split, those of no split under "".

    Args:
      base: the folder.
      select: of paths relative to it.
    """
    found: dict[str, list[pathlib.Path]] = {}
    for path in rows.find(base, "**/*"):
        relative = path.relative_to(base)
        if not any(part.startswith(".") for part in relative.parts) and select(relative):
            found.setdefault(split_of(relative), []).append(path)
    return found


def splits_in(
    base: pathlib.Path,
    select: Select = lambda path: True,
    read: Read = rows.read,
) -> Splits:
    """Readers of the splits below a folder."""

    def reader(paths: Sequence[pathlib.Path]) -> Callable[[], list[Row]]:
        return lambda: [row for path in paths for row in read(path)]

    return {split: reader(paths) for split, paths in files_by_split(base, select).items()}


def splits_of(
    base: pathlib.Path,
    *names: str,
    select: Select = lambda path: True,
    read: Read = rows.read,
) -> Splits:
    """Readers of the splits of one of a suite's tasks: in a folder of its name, else in files that begin with it.

    Raises:
      MissingDataError: there is neither.
    """
    try:
        return splits_in(folder(base, *names), select, read)
    except MissingDataError:
        found = splits_in(
            base,
            lambda path: (
                len(path.parts) == 1
                and select(path)
                and any(_plain(path.name).startswith(_plain(name)) for name in names)
            ),
            read,
        )
        if not found:
            raise
        return found
