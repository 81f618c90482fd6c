"""Rows that ask something: whatever their columns are called, a context, a question, options and the answer.

Covers LogiQA 1 and 2, ReClor, AR-LSAT, AQuA, FOLIO, RuleTaker, ProofWriter, ARC, BIG-bench and BIG-bench-hard, the
layout of evaluation harnesses (`query, choices, gold`; `context, continuation`), and others that use the same names.
"""

from __future__ import annotations

import ast
import dataclasses
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from data.sources.reasoning.pieces import clean, joined, line

_CONTEXT = (
    "context",
    "passage",
    "story",
    "theory",
    "premises",
    "premise",
    "facts",
    "article",
    "scenario",
    "stimulus",
    "text",
    "paragraph",
)
_QUESTION = ("question", "query", "input", "conclusion", "hypothesis", "prompt", "problem", "statement")
_OPTIONS = ("options", "choices", "answers", "candidates", "endings", "alternatives")
_ANSWER = (
    "answer", "correct_option", "correct", "label", "gold", "target", "targets", "answerKey", "answer_key",
    "correct_answer", "solution",
    "output", "continuation", "answer_index", "answer_idx",
)  # fmt: skip
_REASONS = ("rationale", "explanation", "reasoning", "proof_text")
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LABEL = re.compile(r"\s*\(?([A-Za-z])\s?[).:．、]\s*")
_LETTER_ANSWER = re.compile(r"\(?([A-Za-z])\)?[.)]?")
_TAIL = 60
_ENDS_OPEN = re.compile(r"(?:\b(?:A|Answer|Output|Ans|Solution)\s*:|->|=>)\s*$", re.IGNORECASE)


class NoPuzzle(ValueError):
    """A row of no known layout; says what was expected."""


class NoAnswer(ValueError):
    """A row of a test split: a question whose answer is held back."""


@dataclasses.dataclass(frozen=True)
class Puzzle:
    """What all layouts are read into.

    Attributes:
      answer: in words; of a question with options the option's text.
      index: of the right option, or -1.
      accepted: other answers that are right too.
    """

    question: str
    answer: str
    context: str = ""
    options: tuple[str, ...] = ()
    index: int = -1
    reasons: str = ""
    accepted: tuple[str, ...] = ()
    facts: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def text(self) -> str:
        """Context, question, lettered options, reasons and answer, in this order."""
        lettered = "\n".join(f"{_LETTERS[number]}. {option}" for number, option in enumerate(self.options))
        asked = joined((self.question, lettered), "\n")
        head = joined((self.context, asked), "\n\n")
        said = f"{_LETTERS[self.index]}. {self.answer}" if self.options and self.index >= 0 else self.answer
        if _ENDS_OPEN.search(head[-_TAIL:]) and not self.reasons and not self.options:
            return f"{head.rstrip()} {said}"
        return joined((head, f"Reasoning: {self.reasons}" if self.reasons else "", f"Answer: {said}"), "\n")

    def meta(self) -> dict[str, Any]:
        """Answer, its index, and what else a row says about itself."""
        found: dict[str, Any] = {"answer": self.answer}
        if self.options and self.index >= 0:
            found |= {"answer_index": self.index, "options": list(self.options)}
        if self.accepted:
            found["accepted"] = list(self.accepted)
        return found | dict(self.facts)


def puzzles(row: Any) -> Iterator[Puzzle]:
    """The questions of one row; most rows have one, rows of a theory or a passage several.

    Raises:
      NoPuzzle: an unknown layout.
      NoAnswer: its answer is held back.
      ValueError: an answer that is none of the options.
    """
    if not isinstance(row, Mapping):
        raise NoPuzzle(f"expected an object with a question and an answer, found {type(row).__name__}")
    if isinstance(row.get("row"), Mapping) and "row_idx" in row:  # as the hub's server wraps rows
        row = row["row"]
    inner = row.get("questions")
    if isinstance(inner, Mapping):
        inner = list(inner.values())
    if isinstance(inner, list) and inner and all(isinstance(one, Mapping) for one in inner):
        shared = {name: row[name] for name in _CONTEXT if name in row}
        for one in inner:
            yield _one(
                shared
                | {
                    ("question" if key == "text" and "question" not in one else key): value
                    for key, value in one.items()
                }
            )
        return
    if "major_premise" in row and "conclusion" in row:
        row = {**row, "premises": [*_listed(row["major_premise"]), *_listed(row.get("minor_premise"))]}
    yield _one(row)


def _listed(value: Any) -> list[Any]:
    if value is None or value == "":
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _first(row: Mapping[str, Any], names: Sequence[str]) -> str | None:
    return next((name for name in names if row.get(name) not in (None, "", [])), None)


def _prose(value: Any) -> str:
    """Text of a string, or of a list of sentences."""
    if isinstance(value, (list, tuple)):
        return joined((_prose(part) for part in value), "\n")
    if isinstance(value, Mapping):
        return joined((_prose(part) for part in value.values()), "\n")
    return clean(str(value)).strip() if isinstance(value, (str, int, float)) else ""


def _one(row: Mapping[str, Any]) -> Puzzle:
    question_key = _first(row, _QUESTION)
    context_key = _first(row, [name for name in _CONTEXT if name != question_key])
    if question_key is None:  # `context, continuation`: all of it is the question
        question_key, context_key = context_key, None
    if question_key is None:
        raise NoPuzzle(f"expected one of {', '.join(_QUESTION)}; the row has {', '.join(map(str, list(row)[:20]))}")
    is_claim = question_key in ("conclusion", "hypothesis", "statement")
    question = _prose(row[question_key])
    question = f"Does this follow? {question}" if is_claim else question
    context = _prose(row[context_key]) if context_key else ""
    context = "" if context in question else context
    facts = {key: line(row[key]) for key in ("id", "id_string", "task", "category") if line(row.get(key))}
    kinds = row.get("type")
    if isinstance(kinds, Mapping):
        facts["type"] = [line(kind) for kind, holds in kinds.items() if holds]
    elif line(kinds):
        facts["type"] = line(kinds)
    reason_key = _first(row, _REASONS)
    shared = {"context": context, "reasons": _prose(row[reason_key]) if reason_key else "", "facts": facts}
    if isinstance(row.get("target_scores"), Mapping) and row["target_scores"]:
        return _scored(question, row["target_scores"], shared)
    options_key = _first(row, _OPTIONS)
    options, labels = _options(row[options_key]) if options_key else ((), ())
    answer_key = next((name for name in _ANSWER if name in row and name not in (options_key, question_key)), None)
    if answer_key is None:
        if options_key or question_key in _QUESTION[:2]:
            raise NoAnswer("no answer in the row")
        raise NoPuzzle(f"expected one of {', '.join(_ANSWER)}; the row has {', '.join(map(str, list(row)[:20]))}")
    answer = row[answer_key]
    if answer in (None, "", []) or (options and not isinstance(answer, bool) and answer in (-1, "-1")):
        raise NoAnswer(f"{answer_key} is {answer!r}")
    if options:
        index = _index(answer, options, labels)
        shown = () if _are_shown(question, options) else options
        return Puzzle(question, options[index], options=shown, index=index, **shared)
    answers = [said for one in _listed(answer) if (said := _said(one))]
    if not answers:
        raise NoPuzzle(f"{answer_key} is a {type(answer).__name__}, no answer")
    return Puzzle(question, answers[0], accepted=tuple(answers[1:]), **shared)


def _said(answer: Any) -> str:
    if isinstance(answer, bool):
        return "True" if answer else "False"
    return _prose(answer)


def _scored(question: str, scores: Mapping[str, Any], shared: Mapping[str, Any]) -> Puzzle:
    """BIG-bench's targets with scores: options, of which the best is the answer."""
    options = tuple(clean(str(option)).strip() for option in scores)
    values = [float(score) for score in scores.values()]
    best = max(values)
    if best <= min(values) and len(values) > 1:
        raise NoAnswer("all targets score the same")
    right = [option for option, score in zip(options, values, strict=True) if score == best]
    if _are_shown(question, options) or len(options) > len(_LETTERS):
        return Puzzle(question, right[0], accepted=tuple(right[1:]), **shared)
    return Puzzle(
        question, right[0], options=options, index=options.index(right[0]), accepted=tuple(right[1:]), **shared
    )


def _are_shown(question: str, options: Sequence[str]) -> bool:
    """Whether the question lists its options itself."""
    lines = {line.strip(" \t-*•") for line in question.split("\n")}
    lines |= {_LABEL.sub("", line, count=1).strip() for line in lines}
    return len(options) > 1 and lines.issuperset(options)


def _options(value: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Texts and labels of options: a list, a list as text, ARC's {text, label}, or {A: ..., B: ...}."""
    if isinstance(value, str):
        value = _literal(value)
    if isinstance(value, Mapping) and isinstance(value.get("text"), (list, tuple)):
        texts, labels = list(value["text"]), list(value.get("label") or [])
    elif isinstance(value, Mapping):
        texts, labels = list(value.values()), list(value)
    elif (
        isinstance(value, (list, tuple)) and value and all(isinstance(one, Mapping) and "text" in one for one in value)
    ):
        texts, labels = [one["text"] for one in value], [one.get("label", "") for one in value]
    elif isinstance(value, (list, tuple)):
        texts, labels = list(value), []
    else:
        raise ValueError(f"options are a {type(value).__name__}")
    if not texts or len(texts) > len(_LETTERS):
        raise ValueError(f"{len(texts)} options")
    return without_labels([_said(text) for text in texts]), tuple(line(label) for label in labels)


def without_labels(options: Sequence[str]) -> tuple[str, ...]:
    """Options without the letters they begin with, where all begin with theirs: `A. ...`, `(b) ...`, `C)21`."""
    found = [_LABEL.match(option) for option in options]
    if all(match and match[1].upper() == letter for match, letter in zip(found, _LETTERS, strict=False)):
        return tuple(option[match.end() :].strip() for option, match in zip(options, found, strict=True))
    return tuple(option.strip() for option in options)


def _literal(text: str) -> Any:
    """A list that a table's cell holds as JSON or as Python writes it, or options one a line."""
    if len(text) < 1 << 20:
        for parse in (json.loads, ast.literal_eval):
            try:
                value = parse(text)
            except (ValueError, SyntaxError, RecursionError, MemoryError):
                continue
            if isinstance(value, (list, tuple, Mapping)):
                return value
    return [part for part in text.split("\n") if part.strip()]


def _index(answer: Any, options: Sequence[str], labels: Sequence[str]) -> int:
    """Which option an answer means: a position from 0, a label, a letter, or the option's own words.

    Raises:
      ValueError: none of them.
    """
    if isinstance(answer, (list, tuple)) and len(answer) == 1:
        answer = answer[0]
    if isinstance(answer, float) and answer.is_integer():
        answer = int(answer)
    words = line(answer) if not isinstance(answer, bool) else str(answer)
    if labels and words in labels:
        return labels.index(words)
    lowered = [option.lower() for option in options]
    if isinstance(answer, bool) and words.lower() not in lowered:
        answer = int(answer)
    if not isinstance(answer, int) and words.lower() in lowered:
        return lowered.index(words.lower())
    if isinstance(answer, int) or words.isascii() and words.isdigit():
        position = int(words) if not isinstance(answer, int) else int(answer)
    elif match := _LETTER_ANSWER.fullmatch(words):
        position = _LETTERS.index(match[1].upper())
    else:
        stripped = _LABEL.sub("", words, count=1).lower()
        position = lowered.index(stripped) if stripped in lowered else -1
    if not 0 <= position < len(options):
        raise ValueError(f"the answer {words[:80]!r} is none of the {len(options)} options")
    return position
