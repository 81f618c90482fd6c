"""Preference pairs out of files, with an account of every row: in = out + dropped + quarantined.

A row that is no pair is left out, counted under its reason, and the first of them are named by file and row. What can't
be read at all (no UTF-8, no JSON) is quarantined. A file that is missing or ends in the middle is an error.
"""

from __future__ import annotations

import collections
import dataclasses
import gzip
import json
import pathlib
import zlib
from collections.abc import Iterable, Iterator
from typing import Any

from data.preferences.fields import pair_of
from data.preferences.pair import Pair, Unusable

SUFFIXES = (".jsonl", ".jsonl.gz", ".parquet")
MAX_NAMED = 20
_UNREADABLE = ("not_utf8", "not_json")


class PreferenceDataError(ValueError):
    """Files that can't be used; the message names the file and the fix."""


@dataclasses.dataclass
class Account:
    """What became of the rows.

    Attributes:
      rows: that were read.
      kept: that are pairs.
      dropped, quarantined: reason -> rows.
      named: the first rows that were left out, `file:row: reason: evidence` each.
    """

    rows: int = 0
    kept: int = 0
    dropped: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    quarantined: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    named: list[str] = dataclasses.field(default_factory=list)

    def leave_out(self, place: str, error: Unusable) -> None:
        """Counts and names a row."""
        (self.quarantined if error.reason in _UNREADABLE else self.dropped)[error.reason] += 1
        if len(self.named) < MAX_NAMED:
            self.named.append(f"{place}: {error}")

    def balance(self) -> dict[str, Any]:
        """The manifest's `records`."""
        return {
            "in": self.rows,
            "out": self.kept,
            "dropped": dict(sorted(self.dropped.items())),
            "quarantined": dict(sorted(self.quarantined.items())),
        }


@dataclasses.dataclass(frozen=True)
class Placed:
    """A pair and its place, `file:row`."""

    pair: Pair
    place: str


def read(paths: str) -> tuple[list[Placed], Account]:
    """All pairs of files, each once.

    Args:
      paths: a .jsonl, .jsonl.gz or .parquet, or a folder that holds such, or several divided by commas.

    Raises:
      PreferenceDataError: a path that isn't there or holds no such file, a broken file, or not one pair in all of them.
    """
    pairs, account = collect((f"{path}:{row}", value) for path in files(paths) for row, value in _rows(path))
    if not pairs:
        told = f"; the first: {account.named[0]}" if account.named else ""
        raise PreferenceDataError(f"{paths}: none of {account.rows} rows is a preference pair{told}")
    return pairs, account


def files(paths: str) -> list[pathlib.Path]:
    """The files of a list of paths, each once.

    Raises:
      PreferenceDataError: a path that isn't there or holds no such file.
    """
    found: dict[pathlib.Path, None] = {}
    for name in filter(None, (part.strip() for part in paths.split(","))):
        path = pathlib.Path(name)
        inside = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
        fit = [file for file in inside if file.name.endswith(SUFFIXES)]
        if not path.exists():
            raise PreferenceDataError(f"{path} is not there; give a file or folder of preference pairs")
        if not fit:
            raise PreferenceDataError(f"{path} holds none of {', '.join(SUFFIXES)}; give a file or folder of such")
        found |= dict.fromkeys(fit)
    if not found:
        raise PreferenceDataError("no path of preference pairs is given; name a file or a folder")
    return list(found)


def collect(rows: Iterable[tuple[str, Any]]) -> tuple[list[Placed], Account]:
    """Pairs of (place, row or Unusable), each once."""
    account, pairs, seen = Account(), [], set()
    for place, value in rows:
        account.rows += 1
        try:
            if isinstance(value, Unusable):
                raise value
            pair = pair_of(value)
            key = (pair.prompt, pair.chosen, pair.rejected)
            if key in seen:
                raise Unusable("duplicate")
        except Unusable as error:
            account.leave_out(place, error)
            continue
        seen.add(key)
        pairs.append(Placed(pair, place))
        account.kept += 1
    return pairs, account


def _rows(path: pathlib.Path) -> Iterator[tuple[int, Any]]:
    """(row, counted from 1; its fields, or why it can't be read)."""
    try:
        if path.suffix == ".parquet":
            yield from _parquet(path)
        else:
            with gzip.open(path, "rb") if path.suffix == ".gz" else open(path, "rb") as file:
                for number, line in enumerate(file, 1):
                    if line.strip():
                        yield number, _parsed(line)
    except (OSError, EOFError, zlib.error) as error:
        raise PreferenceDataError(f"{path} can't be read: {error}; fetch it again") from error


def _parsed(line: bytes) -> Any:
    try:
        value = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        return Unusable("not_utf8", f"byte {error.start}")
    except (ValueError, RecursionError) as error:
        return Unusable("not_json", str(error))
    return value if isinstance(value, dict) else Unusable("wrong_type", "the row is no object")


def _parquet(path: pathlib.Path) -> Iterator[tuple[int, Any]]:
    import pyarrow
    import pyarrow.parquet

    try:
        number = 0
        for batch in pyarrow.parquet.ParquetFile(path).iter_batches(batch_size=1024):
            for fields in batch.to_pylist():
                number += 1
                yield number, fields
    except pyarrow.ArrowException as error:
        raise PreferenceDataError(f"{path} can't be read: {error}; fetch it again") from error
