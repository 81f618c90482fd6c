"""TruthfulQA (Lin et al. 2022, arXiv:2109.07958): questions that people answer wrongly, with true and false answers.

Three layouts, told apart by their columns: the authors' table (`Best Answer`, and lists between semicolons), and the hub's
`generation` (`best_answer`, `correct_answers`, `incorrect_answers`) and `multiple_choice` (`mc1_targets`, `mc2_targets`), the
last also as the authors' mc_task.json has it: {answer: 1 or 0}.
"""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from data.benchmarks import folders
from data.benchmarks.folders import Loaded
from data.benchmarks.rows import BenchmarkDataError, Row

FOLDER = "truthfulqa"
HUB_GENERATION = ("truthfulqa/truthful_qa", "generation", "validation")
_TABLE = ("Question", "Best Answer", "Correct Answers", "Incorrect Answers")
_GENERATION = ("question", "best_answer", "correct_answers", "incorrect_answers")
_CHOICE = ("question", "mc1_targets", "mc2_targets")


@dataclasses.dataclass(frozen=True)
class TruthQuestion:
    """One question.

    Attributes:
      question: its text.
      best: the best true answer, which stands against all false ones in mc1.
      correct: all true answers.
      incorrect: all false ones.
    """

    question: str
    best: str
    correct: tuple[str, ...]
    incorrect: tuple[str, ...]


def closed(answer: str) -> str:
    """An answer as a sentence: it ends in a full stop, as the authors' code sees to."""
    answer = " ".join(answer.split())
    return answer if not answer or answer.endswith(".") else answer + "."


def _answers(row: Row, column: str) -> tuple[str, ...]:
    value = row[column]
    if isinstance(value, str):
        value = value.split(";")
    if not isinstance(value, Sequence) or not all(isinstance(answer, str) for answer in value):
        raise BenchmarkDataError(f"{row.place}: {column} is {value!r:.80}; a list of answers is wanted")
    found = tuple(dict.fromkeys(closed(answer) for answer in value if answer.strip()))
    if not found:
        raise BenchmarkDataError(f"{row.place}: {column} is empty; a question needs true and false answers")
    return found


def _targets(row: Row, column: str) -> dict[str, int]:
    value: Any = row[column]
    if isinstance(value, Mapping) and {"choices", "labels"} <= set(value):
        if len(value["choices"]) != len(value["labels"]):
            raise BenchmarkDataError(f"{row.place}: {column} has not as many labels as choices")
        value = dict(zip(value["choices"], value["labels"]))
    if not isinstance(value, Mapping) or not value or not set(value.values()) <= {0, 1}:
        raise BenchmarkDataError(f"{row.place}: {column} is {value!r:.80}; choices with labels 0 and 1 are wanted")
    return {closed(str(answer)): int(label) for answer, label in value.items()}


def _from_choices(row: Row) -> TruthQuestion:
    first, second = _targets(row, "mc1_targets"), _targets(row, "mc2_targets")
    best = [answer for answer, label in first.items() if label]
    correct = tuple(answer for answer, label in second.items() if label)
    incorrect = tuple(answer for answer, label in second.items() if not label)
    if len(best) != 1 or not correct or not incorrect:
        raise BenchmarkDataError(f"{row.place}: mc1 needs one true answer, mc2 true and false ones")
    return TruthQuestion(" ".join(row["question"].split()), best[0], correct, incorrect)


def _question(row: Row) -> TruthQuestion:
    for columns in (_TABLE, _GENERATION):
        if all(column in row.fields for column in columns):
            question, best, correct, incorrect = columns
            first = _answers(row, best)
            true = _answers(row, correct)
            return TruthQuestion(" ".join(str(row[question]).split()), first[0], true, _answers(row, incorrect))
    if all(column in row.fields for column in _CHOICE):
        return _from_choices(row)
    raise BenchmarkDataError(
        f"{row.place} has {', '.join(map(str, row.fields))}; wanted are {', '.join(_TABLE)}, or the hub's columns"
    )


def load(data_dir: pathlib.Path | None) -> Loaded[TruthQuestion]:
    """All questions, each once; where several files hold one, the first file's.

    Raises:
      MissingDataError: there is no data.
      BenchmarkDataError: a row is no question.
    """
    found: dict[str, TruthQuestion] = {}
    rows = folders.rows(data_dir, FOLDER, HUB_GENERATION)
    for row in rows:
        question = _question(row)
        found.setdefault(question.question, question)
    return Loaded(list(found.values()), {"duplicates": len(rows) - len(found)})
