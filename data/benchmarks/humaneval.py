"""HumanEval (Chen et al. 2021, arXiv:2107.03374): bodies of functions, held against their tests."""

from __future__ import annotations

import dataclasses
import pathlib
from typing import Any

from data.benchmarks import hub
from data.benchmarks import rows as rows_lib

HUB = "openai/openai_humaneval"
GLOBS = ("humaneval/**/*", "openai_humaneval/**/*", "HumanEval*.jsonl*")
_COLUMNS = ("task_id", "prompt", "entry_point", "canonical_solution", "test")


@dataclasses.dataclass(frozen=True)
class Problem:
    """One function to write.

    Attributes:
      id: such as "HumanEval/0".
      prompt: imports, the signature and the docstring.
      entry_point: the function's name.
      canonical_solution: a body that is right.
      test: defines `check(candidate)`.
    """

    id: str
    prompt: str
    entry_point: str
    canonical_solution: str
    test: str

    def program(self, completion: str) -> str:
        """What is run: it reaches its end where the completion passes the tests."""
        return f"{self.prompt}{completion}\n{self.test}\ncheck({self.entry_point})"


def problems(data_dir: pathlib.Path | None) -> tuple[list[Problem], int]:
    """(problems in their order, how many rows were left out as duplicates or renamed).

    Args:
      data_dir: folder of the benchmarks; None reads the hub.

    Raises:
      MissingDataError: there is no such data.
      BenchmarkDataError: it is there and isn't what it should be.
    """
    found, duplicates = rows_lib.without_duplicates(_document(row) for row in hub.single_split(data_dir, HUB, GLOBS))
    return [Problem(**document) for document in found], duplicates


def _document(row: rows_lib.Row) -> dict[str, Any]:
    rows_lib.require(row, _COLUMNS, {column: str for column in _COLUMNS})
    if not row["entry_point"].isidentifier() or not row["test"].strip():
        raise rows_lib.BenchmarkDataError(
            f"{row.place} has no tests of a function {row['entry_point']!r:.40}; fetch the file again"
        )
    return {"id": row["task_id"]} | {column: row[column] for column in _COLUMNS[1:]}
