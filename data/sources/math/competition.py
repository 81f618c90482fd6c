"""Competition problems with their answers: MATH, GSM8K, IMO-Bench and the like, one record a problem.

Collections name the same columns differently; a record is read by the columns it has, whatever their case. A proof
problem has a solution and no answer, a formal one a statement in Lean. Records that state a problem and answer it
nowhere are skipped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from data import streams
from data.document import Document, Quarantined
from data.formats import rows
from data.inputs import InputFile
from data.sources.math import boxed, licences
from data.sources.source import Item

NAME = "competition_problems"
_PROBLEM = (
    "problem",
    "question",
    "query",
    "problem statement",
    "problem_statement",
    "prompt",
    "informal_statement",
    "input",
)
_SOLUTION = (
    "solution",
    "generated_solution",
    "rationale",
    "response",
    "explanation",
    "worked_solution",
    "solutions",
    "informal_proof",
    "ground_truth_solution",
    "reference solution",
    "output",
)
_ANSWER = (
    "short answer",
    "answer",
    "final_answer",
    "final answer",
    "expected_answer",
    "expected answer",
    "correct_answer",
    "correct answer",
    "short_answer",
    "ground_truth",
    "correct",
    "answers",
    "answer_value",
)
_LEAN = ("lean statement", "lean_statement", "formal_statement", "formal statement", "lean4_code", "lean_code")
_KEPT = {
    "level": "level",
    "type": "type",
    "subject": "type",
    "category": "type",
    "subcategory": "subtype",
    "source": "origin",
    "problem id": "problem_id",
    "problem_id": "problem_id",
    "id": "problem_id",
    "unique_id": "problem_id",
    "idx": "problem_id",
    "year": "year",
    "competition": "competition",
    "difficulty": "level",
    "points": "points",
    "split": "split",
}
_OPTIONS = ("options", "choices")


def _convert(record: rows.Record) -> Iterator[Item]:
    row = record.value
    if not isinstance(row, dict):
        yield record.quarantined("wrong_columns", f"a record is a {type(row).__name__}, not an object")
        return
    fields = {str(key).strip().lower(): value for key, value in row.items() if key is not None}
    problem = _first(fields, _PROBLEM)
    if "body" in fields and problem and _text(fields["body"]):  # SVAMP tells the story apart from the question
        problem = f"{_text(fields['body'])} {problem}"
    known = {*_PROBLEM, *_SOLUTION, *_ANSWER, *_LEAN}
    if not any(name in fields for name in _PROBLEM):
        yield record.quarantined("wrong_columns", f"no {', '.join(_PROBLEM[:3])}; has {', '.join(sorted(fields)[:20])}")
        return
    if not problem or not any(name in fields for name in known - set(_PROBLEM)):
        yield record.quarantined(
            "no_problem" if not problem else "wrong_columns", f"has {', '.join(sorted(fields)[:20])}"
        )
        return
    solution, answer, lean = _first(fields, _SOLUTION), _first(fields, _ANSWER), _first(fields, _LEAN)
    if not solution and "####" in answer:  # GSM8K's answer is a worked one
        solution, answer = answer, ""
    solution, behind = boxed.split_hashes(solution)
    answer = answer or behind or boxed.boxed(solution)
    if boxed.boxed(answer):
        answer = boxed.boxed(answer)
    solution = boxed.without_calculations(solution).strip()
    options = _options(fields)
    if answer in options:
        answer = f"{answer}) {options[answer]}" if options[answer] else answer
    if not (solution or answer or lean):
        yield record.skipped("no_answer", problem[:200])
        return
    yield _document(record, fields, problem, solution, answer, lean, options)


_read_rows = rows.reader(_convert)


def read(file: InputFile, start: int = 0, end: int | None = None) -> Iterator[Item]:
    """Problems of one file, or of the lines of a JSONL file that begin in [start, end)."""
    try:
        yield from _read_rows(file, start, end)
    except streams.StreamError as error:
        yield Quarantined(file.name, error.offset, error.reason, max(file.size - error.offset, 0), error.evidence)


def _document(
    record: rows.Record,
    fields: Mapping[str, Any],
    problem: str,
    solution: str,
    answer: str,
    lean: str,
    options: Mapping[str, str],
) -> Document:
    parts = [f"Problem:\n{problem}"]
    if options:
        parts.append("\n".join(f"{letter}) {text}" for letter, text in options.items()))
    if solution and solution != answer:
        parts.append(f"Solution:\n{solution}")
    if answer:
        parts.append(f"Answer: {answer}")
    if lean:
        parts.append(f"Formal statement:\n```lean4\n{lean}\n```")
    meta: dict[str, Any] = {"question": problem, "answer": answer}
    for name, key in _KEPT.items():
        value = _text(fields.get(name))
        if value and key not in meta:
            meta[key] = value[:300]
    if lean:
        meta["formal"] = "lean4"
    key = f"{meta['problem_id']}@{record.offset}" if "problem_id" in meta else record.offset
    return Document("\n\n".join(parts), "math", f"{NAME}:{record.file.name}#{key}", _licence(fields), meta=meta)


def _licence(fields: Mapping[str, Any]) -> str:
    """As the record says, else that of the collection its columns and ids are the mark of."""
    told = _text(fields.get("license") or fields.get("licence"))
    if told:
        return told[:60]
    if _text(fields.get("problem id")).startswith(("imo-bench", "PB-", "GB-")) or "grading guidelines" in fields:
        return "CC-BY-4.0"
    if {"problem", "level", "type", "solution"} <= set(fields):  # hendrycks/math
        return "MIT"
    if set(fields) <= {"question", "answer"} and "####" in _text(fields.get("answer")):  # openai/grade-school-math
        return "MIT"
    return licences.UNKNOWN


def _first(fields: Mapping[str, Any], names: tuple[str, ...]) -> str:
    return next((text for name in names if (text := _text(fields.get(name)))), "")


def _text(value: Any) -> str:
    """A field's text; of a list its first element, for alternative solutions follow."""
    if isinstance(value, list):
        value = value[0] if value else None
    if isinstance(value, bool) or value is None or isinstance(value, (dict, bytes)):
        return ""
    text = value if isinstance(value, str) else str(value)
    return text.replace("\r\n", "\n").encode("utf-8", "replace").decode("utf-8").replace("\x00", "").strip()


def _options(fields: Mapping[str, Any]) -> dict[str, str]:
    """Answers to choose from, by letter."""
    value = next((fields[name] for name in _OPTIONS if fields.get(name)), None)
    if isinstance(value, dict):
        if isinstance(value.get("text"), list) and isinstance(value.get("label"), list):
            return {_text(label): _text(text) for label, text in zip(value["label"], value["text"], strict=False)}
        return {_text(letter): _text(text) for letter, text in value.items()}
    if not isinstance(value, list):
        return {}
    found = {}
    for number, option in enumerate(value[:26]):
        text = _text(option)
        letter, mark, rest = text.partition(")")
        if mark and len(letter.strip("( ")) == 1:
            found[letter.strip("( ").upper()] = rest.strip()
        else:
            found["ABCDEFGHIJKLMNOPQRSTUVWXYZ"[number]] = text
    return found
