"""GSM8K (Cobbe et al. 2021): word problems whose worked answers end in `#### N`.

Read from `gsm8k/{test,train}.jsonl` (openai/grade-school-math), or the hub's parquet of the same columns.
"""

from __future__ import annotations

import dataclasses
import pathlib
import re
from typing import Any

from data.benchmarks import rows

HUB = "openai/gsm8k", "main"
_VALUE = re.compile(r"####\s*\S")


@dataclasses.dataclass(frozen=True)
class WordProblems:
    """Documents {id, question, answer} of the test, those to show as examples, and how many duplicates were met."""

    test: list[dict[str, Any]]
    train: list[dict[str, Any]]
    duplicates: int


def load(data_dir: pathlib.Path | None) -> WordProblems:
    """The problems; `train` is empty where its file isn't there.

    Raises:
      rows.MissingDataError: there is no test file.
      rows.BenchmarkDataError: a row lacks a column or its answer ends in no `#### N`.
    """
    test, duplicates = rows.without_duplicates(_documents(data_dir, "test"))
    try:
        train, _ = rows.without_duplicates(_documents(data_dir, "train"))
    except rows.MissingDataError:
        train = []
    return WordProblems(test, train, duplicates)


def _documents(data_dir: pathlib.Path | None, split: str) -> list[dict[str, Any]]:
    if data_dir is None:
        from data.benchmarks import hub

        found = hub.rows(*HUB, split)
    else:
        # The dot keeps out test_socratic.jsonl, another wording of the same problems.
        globs = [f"gsm8k/{folder}{split}{end}" for folder in ("", "main/", "data/") for end in (".*", "-*")]
        found = [row for path in rows.find(data_dir, *globs) for row in rows.read(path)]
    documents = []
    for row in found:
        rows.require(row, ("question", "answer"), {"question": str, "answer": str})
        if not _VALUE.search(row["answer"]):
            raise rows.BenchmarkDataError(f"{row.place}: the answer ends in no '#### N'; is it GSM8K's own column?")
        documents.append({"question": row["question"].strip(), "answer": row["answer"].strip()})
    return documents
