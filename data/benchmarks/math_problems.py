"""MATH (Hendrycks et al. 2021): competition problems whose solutions hold the answer in `\\\\boxed{...}`.

Read from `math/{test,train}.jsonl`, the hub's parquet (EleutherAI/hendrycks_math by subject, MATH-500), or the authors'
own tree of one .json a problem, `math/test/<subject>/<number>.json`.
"""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Iterator
from typing import Any

from data.benchmarks import rows

HUB = "EleutherAI/hendrycks_math"
SUBJECTS = (
    "algebra",
    "counting_and_probability",
    "geometry",
    "intermediate_algebra",
    "number_theory",
    "prealgebra",
    "precalculus",
)
FOLDERS = ("math", "hendrycks_math", "MATH", "math_500")


@dataclasses.dataclass(frozen=True)
class Problems:
    """Documents {id, problem, level, type, solution} of the test, those to show as examples, and duplicates met."""

    test: list[dict[str, Any]]
    train: list[dict[str, Any]]
    duplicates: int


def load(data_dir: pathlib.Path | None) -> Problems:
    """The problems; `train` is empty where its files aren't there.

    Raises:
      rows.MissingDataError: there is no test file.
      rows.BenchmarkDataError: a row lacks a column, or its solution has no box and there is no `answer`.
    """
    test, duplicates = rows.without_duplicates(_document(row) for row in _rows(data_dir, "test"))
    try:
        train, _ = rows.without_duplicates(_document(row) for row in _rows(data_dir, "train"))
    except rows.MissingDataError:
        train = []
    return Problems(test, train, duplicates)


def _rows(data_dir: pathlib.Path | None, split: str) -> Iterator[rows.Row]:
    if data_dir is None:
        from data.benchmarks import hub

        for subject in SUBJECTS:
            yield from hub.rows(HUB, subject, split)
        return
    globs = [
        f"{folder}/{inner}{split}{end}"
        for folder in FOLDERS
        for inner in ("", "data/", "*/")
        for end in (".*", "-*", "/*.jsonl", "/*.jsonl.gz", "/*/*.json", "/*.parquet")
    ]
    for path in rows.find(data_dir, *globs):
        if path.suffix == ".json" and isinstance(problem := rows.value(path), dict):
            yield rows.Row(problem, f"{path}:1")
        else:
            yield from rows.read(path)


def _document(row: rows.Row) -> dict[str, Any]:
    rows.require(row, ("problem", "solution"), {"problem": str, "solution": str})
    answer = row.fields.get("answer")
    # A box without braces, \boxed 5 or \fbox{5}, is one too.
    if not answer and "\\boxed" not in row["solution"] and "\\fbox" not in row["solution"]:
        raise rows.BenchmarkDataError(f"{row.place}: the solution has no \\boxed answer; is it MATH's own column?")
    level = str(row.fields.get("level", "")).strip()
    return {
        "problem": row["problem"].strip(),
        "solution": row["solution"].strip(),
        "level": f"Level {level}" if level.isdigit() else level,
        "type": str(row.fields.get("type") or row.fields.get("subject") or ""),
        **({"answer": str(answer)} if answer else {}),
    }
