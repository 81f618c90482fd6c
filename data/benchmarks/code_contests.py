"""CodeContests (Li et al. 2022, arXiv:2203.07814): contests' problems with their tests, where the file has them."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Mapping
from typing import Any

from data.benchmarks import hub
from data.benchmarks import rows as rows_lib

HUB = "deepmind/code_contests"
GLOBS = ("code_contests/**/*", "deepmind_code_contests/**/*", "code_contests*.jsonl*")
_TESTS = ("public_tests", "private_tests", "generated_tests")
_STANDARD_INPUT = ("", "stdin")
DEFAULT_SECONDS = 10.0


@dataclasses.dataclass(frozen=True)
class Problem:
    """One problem.

    Attributes:
      id: its name.
      description: what the contest says.
      tests: (input, expected output) of all tests, public ones first; none where the file has none, or where the
        program would have to read a file.
      seconds: of CPU time that a program may take for one test.
    """

    id: str
    description: str
    tests: tuple[tuple[str, str], ...]
    seconds: float


def problems(data_dir: pathlib.Path | None) -> tuple[list[Problem], int]:
    """(problems in their order, how many rows were left out as duplicates or renamed).

    Raises:
      MissingDataError: there is no such data.
      BenchmarkDataError: it is there and isn't what it should be.
    """
    found, duplicates = rows_lib.without_duplicates(_document(row) for row in hub.single_split(data_dir, HUB, GLOBS))
    return [Problem(**document) for document in found], duplicates


def _document(row: rows_lib.Row) -> dict[str, Any]:
    if "prompt" in row.fields and "description" not in row.fields:  # statements alone, to write tests for
        rows_lib.require(row, ("task_id", "prompt"), {"prompt": str})
        return {"id": str(row["task_id"]), "description": row["prompt"], "tests": (), "seconds": DEFAULT_SECONDS}
    rows_lib.require(row, ("name", "description"), {"name": str, "description": str})
    tests = tuple(test for column in _TESTS for test in _tests(row, column))
    if row.fields.get("input_file") and row["input_file"] not in _STANDARD_INPUT:
        tests = ()
    return {"id": row["name"], "description": row["description"], "tests": tests, "seconds": _seconds(row)}


def _tests(row: rows_lib.Row, column: str) -> list[tuple[str, str]]:
    """Tests of one column: {"input": [...], "output": [...]}, or [{"input": ..., "output": ...}, ...]."""
    value = row.fields.get(column) or ()
    try:
        if isinstance(value, Mapping):
            pairs = list(zip(value["input"] or (), value["output"] or (), strict=True))
        else:
            pairs = [(test["input"], test["output"]) for test in value]
    except (KeyError, TypeError, ValueError) as error:
        raise rows_lib.BenchmarkDataError(
            f"{row.place}: {column} has no input for each output; fetch the file again"
        ) from error
    if not all(isinstance(text, str) for pair in pairs for text in pair):
        raise rows_lib.BenchmarkDataError(f"{row.place}: a test of {column} is no text; fetch the file again")
    return pairs


def _seconds(row: rows_lib.Row) -> float:
    limit = row.fields.get("time_limit")
    if limit is None:
        return DEFAULT_SECONDS
    try:
        if isinstance(limit, Mapping):
            seconds = float(limit.get("seconds") or 0) + float(limit.get("nanos") or 0) / 1e9
        else:
            seconds = float(limit)
    except (TypeError, ValueError) as error:
        raise rows_lib.BenchmarkDataError(
            f"{row.place}: time_limit is {limit!r:.60}; seconds, or seconds and nanos are wanted"
        ) from error
    return seconds if 0 < seconds < float("inf") else DEFAULT_SECONDS
