"""The files of one benchmark in the data folder, whatever their format, or its rows from the hub."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Mapping
from typing import Generic, TypeVar

from data.benchmarks import rows as rows_lib
from data.benchmarks.rows import MissingDataError, Row

T = TypeVar("T")

# Files that describe a data set instead of holding it.
_DESCRIPTIONS = ("dataset_info", "dataset_dict", "state", "config", "package", "croissant")


@dataclasses.dataclass(frozen=True)
class Loaded(Generic[T]):
    """What of a benchmark can be used: `items`, each once, and how many rows were left out, by reason."""

    items: list[T]
    left_out: Mapping[str, int]


def files(data_dir: pathlib.Path, folder: str, *globs: str) -> list[pathlib.Path]:
    """The data files of a benchmark's folder, sorted.

    Args:
      data_dir: folder of all benchmarks.
      folder: the benchmark's in it.
      globs: of names inside the folder; all its files where none is given.

    Raises:
      MissingDataError: there is none.
    """
    where = data_dir / folder
    if not where.is_dir():
        raise MissingDataError(f"{where} is missing; put the benchmark's files there, or name another --data_dir")
    found = rows_lib.find(where, *(globs or ("**/*",)))
    kept = [path for path in found if not path.name.startswith(_DESCRIPTIONS)]
    if not kept:
        raise MissingDataError(f"{where} holds no data files; put the benchmark's files there")
    return kept


def rows(data_dir: pathlib.Path | None, folder: str, hub: tuple[str, str | None, str], *globs: str) -> list[Row]:
    """All rows of a benchmark.

    Args:
      data_dir: folder of all benchmarks; None reads the hub.
      folder: the benchmark's in it.
      hub: path, name and split of it there.
      globs: of names inside the folder.

    Raises:
      MissingDataError: there is no data.
      BenchmarkDataError: a file can't be read.
    """
    if data_dir is None:
        from data.benchmarks import hub as hub_lib

        return hub_lib.rows(*hub)
    return [row for path in files(data_dir, folder, *globs) for row in rows_lib.read(path)]
