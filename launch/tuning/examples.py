"""Problems with a completion as training examples, in the form of the run's own training tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from data import task_marks
from data.memory_documents import MemoryDocuments
from data.multitask.task import Example, Part
from data.packing import PackedRows
from data.tokenizer import Tokenizer
from data.verifiable.problem import Problem

# Whose problems a task has, and which of the run's training tasks has its form.
DOMAINS = {
    "arithmetic": "math",
    "multiplication": "math",
    "remainders": "math",
    "small_sums": "math",
    "comparisons": "math",
    "functions": "code",
    "small_functions": "code",
}
_TRAINING_TASKS = {"math": "math_problem", "code": "code_generation"}
# What of a problem's meta its check needs; its worked solution is none of it.
_NEEDED = ("head", "entry")


def line_of(problem: Problem, completion: str) -> dict[str, Any]:
    """What a model is taught, as JSON: a problem and a completion."""
    return {
        "prompt": problem.text,
        "completion": completion,
        "task": problem.task,
        "answer": problem.answer,
        "problem": {
            "id": problem.id,
            "parts": list(problem.parts),
            "meta": {name: problem.meta[name] for name in _NEEDED if name in problem.meta},
        },
    }


def problem_of(line: Mapping[str, Any]) -> Problem:
    """The problem of a line."""
    problem = line["problem"]
    return Problem(problem["id"], line["task"], tuple(problem["parts"]), line["answer"], problem["meta"])


def example_of(problem: Problem, completion: str) -> Example:
    """A problem as a training example: the completion alone, and the end after it, is learned."""
    parts = [Part(problem.parts[0], learned=False)] if problem.parts[0] else []
    for place in range(1, len(problem.parts), 2):
        parts.append(Part(problem.parts[place + 1], learned=False, control=problem.parts[place]))
    last = parts.pop()
    if last.text:
        return *parts, last, Part(completion)
    return *parts, Part(completion, control=last.control)


def packed(
    tokenizer: Tokenizer, lines: Sequence[Mapping[str, Any]], seq_len: int, seed: int
) -> tuple[dict[str, PackedRows], dict[str, float]]:
    """Rows of examples, each whole in one row, and their number, by `DOMAIN.taught`."""
    found: dict[str, list[Example]] = {}
    for line in lines:
        found.setdefault(DOMAINS[line["task"]], []).append(example_of(problem_of(line), line["completion"]))
    rows = {}
    for domain, examples in sorted(found.items()):
        encoded = task_marks.encode(tokenizer, examples)
        marks = task_marks.collect([_TRAINING_TASKS[domain]] * len(examples), [unlearned for _, unlearned in encoded])
        source = MemoryDocuments([ids for ids, _ in encoded], marks)
        rows[f"{domain}.taught"] = PackedRows(source, seq_len, seed=seed)
    return rows, {name: float(len(row)) for name, row in rows.items()}
