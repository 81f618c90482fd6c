"""MBPP (Austin et al. 2021, arXiv:2108.07732): small functions from a sentence and three tests.

Splits are by `task_id`, whatever file a row lies in: 1 to 10 are examples for prompts, 11 to 510 the test split. The
sanitized form (`prompt` and `test_imports` for `text` and `test_setup_code`) is read where the full one isn't there.
"""

from __future__ import annotations

import dataclasses
import pathlib
from typing import Any

from data.benchmarks import rows as rows_lib

HUB = "google-research-datasets/mbpp"
GLOBS = ("mbpp/**/*", "mbpp*.jsonl*", "mbpp*.json", "sanitized-mbpp.json")
EXAMPLES, TESTS = range(1, 11), range(11, 511)
# The paper's prompt has 2, 3 and 4; who asks for more gets the others behind them.
_EXAMPLES_IN_TURN = (2, 3, 4, 1, *range(5, 11))


@dataclasses.dataclass(frozen=True)
class Problem:
    """One function to write.

    Attributes:
      id: its task_id.
      text: what it does.
      code: a solution that is right.
      tests: one assertion each.
      imports, setup: what has to run before the solution, and between it and the tests.
    """

    id: str
    text: str
    code: str
    tests: tuple[str, ...]
    imports: str
    setup: str

    def program(self, completion: str) -> str:
        """What is run: it reaches its end where the completion passes the tests."""
        # The setup of task 367 makes objects of the solution's own class.
        return "\n".join([self.imports, completion, self.setup, *self.tests])

    def question(self) -> str:
        """The paper's prompt, up to where the code begins."""
        tests = "\n".join(self.tests)
        return (
            f"You are an expert Python programmer, and here is your task: {self.text} "
            f"Your code should pass these tests:\n\n{tests}\n[BEGIN]\n"
        )


def problems(data_dir: pathlib.Path | None) -> tuple[list[Problem], list[Problem], int]:
    """(problems of the test split, examples for prompts in their turn, rows left out as duplicates or renamed).

    Args:
      data_dir: folder of the benchmarks; None reads the hub.

    Raises:
      MissingDataError: there is no such data.
      BenchmarkDataError: it is there and isn't what it should be, or holds none of the test split.
    """
    found, duplicates = rows_lib.without_duplicates(_document(row) for row in _rows(data_dir))
    by_id: dict[int, list[Problem]] = {}
    for document in found:
        by_id.setdefault(document.pop("number"), []).append(Problem(**document))
    tests = [problem for number in sorted(by_id) if number in TESTS for problem in by_id[number]]
    if not tests:
        raise rows_lib.BenchmarkDataError(
            f"{data_dir or HUB}: no row of MBPP has a task_id from {TESTS[0]} to {TESTS[-1]}; fetch the test split"
        )
    return tests, [by_id[number][0] for number in _EXAMPLES_IN_TURN if number in by_id], duplicates


def _rows(data_dir: pathlib.Path | None) -> list[rows_lib.Row]:
    if data_dir is None:
        from data.benchmarks import hub

        return [*hub.rows(HUB, "full", "prompt"), *hub.rows(HUB, "full", "test")]
    files = {path: rows_lib.read(path) for path in rows_lib.find(data_dir, *GLOBS)}
    for column in ("text", "prompt"):
        chosen = [row for rows in files.values() if {column, "test_list"} <= rows[0].fields.keys() for row in rows]
        if chosen:
            return chosen
    first = next(iter(files.values()))[0]
    raise rows_lib.BenchmarkDataError(
        f"{first.place} and the files beside it have no columns text (or prompt) and test_list, but "
        f"{', '.join(map(str, first.fields))}; put mbpp.jsonl there"
    )


def _document(row: rows_lib.Row) -> dict[str, Any]:
    text = "text" if "text" in row.fields else "prompt"
    rows_lib.require(row, ("task_id", text, "code", "test_list"), {text: str, "code": str, "test_list": list})
    number = _number(row)
    if not row["test_list"] or not all(isinstance(test, str) for test in row["test_list"]):
        raise rows_lib.BenchmarkDataError(f"{row.place}: test_list holds no assertions; fetch the file again")
    return {
        "id": str(number),
        "number": number,
        "text": row[text],
        "code": row["code"],
        "tests": tuple(row["test_list"]),
        "imports": _lines(row.fields.get("test_imports")),
        "setup": _lines(row.fields.get("test_setup_code")),
    }


def _number(row: rows_lib.Row) -> int:
    try:
        return int(row["task_id"])
    except (TypeError, ValueError) as error:
        raise rows_lib.BenchmarkDataError(
            f"{row.place}: task_id is {row['task_id']!r:.40} and no number; is it the right column?"
        ) from error


def _lines(value: Any) -> str:
    return value if isinstance(value, str) else "\n".join(map(str, value or ()))
