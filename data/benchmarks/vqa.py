"""Questions about pictures: VQA v2 (Goyal et al. 2017), and easy-VQA, synthetic shapes with one right answer each.

VQA v2 lies under `vqa/` or `vqa_v2/`: the authors' `v2_OpenEnded_*_questions.json` and `v2_*_annotations.json`, or rows
of the hub, which hold both. easy-VQA lies under `easy_vqa/`: {test,train}/questions.json of [question, answer, image],
and answers.txt.
"""

from __future__ import annotations

import dataclasses
import pathlib
from typing import Any

from data.benchmarks import rows

HUB = "lmms-lab/VQAv2", None, "validation"
FOLDERS = ("vqa", "vqa_v2", "vqav2")
EASY_FOLDERS = ("easy_vqa", "easy-VQA", "vqa/easy_vqa")
_EASY_COLUMNS = ("question", "answer", "image")


@dataclasses.dataclass(frozen=True)
class Questions:
    """Documents {id, image, question, question_type, answer_type, answers: [ten texts]} and duplicates met."""

    documents: list[dict[str, Any]]
    duplicates: int


@dataclasses.dataclass(frozen=True)
class EasyQuestions:
    """easy-VQA.

    Attributes:
      test: documents {id, image, question, answer}.
      train: the same; empty where the file isn't there.
      answers: all that can be right, in the order of answers.txt.
      duplicates: of the test.
    """

    test: list[dict[str, Any]]
    train: list[dict[str, Any]]
    answers: tuple[str, ...]
    duplicates: int


def load_v2(data_dir: pathlib.Path | None) -> Questions:
    """The questions of the validation split; of another split where that is all there is.

    Raises:
      rows.MissingDataError: there is none.
      rows.BenchmarkDataError: a column is missing or a question has no annotation.
    """
    if data_dir is None:
        from data.benchmarks import hub

        return Questions(*rows.without_duplicates(_document(row) for row in hub.rows(*HUB)))
    asked = [path for path in _files(data_dir, "*uestions.json*") if not _is_easy(path, data_dir)]
    if asked:
        answered = _annotations(data_dir)
        found = [_joined(row, answered) for path in _validation(asked) for row in rows.read(path, key="questions")]
    else:
        paths = _files(data_dir, "*.jsonl*", "*.parquet")
        if not paths:
            raise rows.MissingDataError(
                f"{data_dir} holds no VQA v2 in {', '.join(FOLDERS)}; put its questions and annotations there"
            )
        found = [row for path in _validation(paths) for row in rows.read(path)]
    return Questions(*rows.without_duplicates(_document(row) for row in found))


def _files(data_dir: pathlib.Path, *names: str) -> list[pathlib.Path]:
    try:
        return rows.find(data_dir, *(f"{folder}/**/{name}" for folder in FOLDERS for name in names))
    except rows.MissingDataError:
        return []


def _is_easy(path: pathlib.Path, data_dir: pathlib.Path) -> bool:
    return any(folder in path.relative_to(data_dir).as_posix() for folder in EASY_FOLDERS)


def _validation(paths: list[pathlib.Path]) -> list[pathlib.Path]:
    return [path for path in paths if "val" in path.name] or paths


def _annotations(data_dir: pathlib.Path) -> dict[str, rows.Row]:
    answered = {}
    for path in _files(data_dir, "*nnotations.json*"):
        for row in rows.read(path, key="annotations"):
            rows.require(row, ("question_id", "answers"))
            answered[str(row["question_id"])] = row
    return answered


def _joined(question: rows.Row, answered: dict[str, rows.Row]) -> rows.Row:
    rows.require(question, ("question_id", "question", "image_id"))
    annotation = answered.get(str(question["question_id"]))
    if annotation is None:
        raise rows.BenchmarkDataError(
            f"{question.place}: question {question['question_id']} is in no annotations file; put its split's there"
        )
    return rows.Row({**annotation.fields, **question.fields}, question.place)


def _document(row: rows.Row) -> dict[str, Any]:
    rows.require(row, ("question_id", "question", "answers"), {"question": str, "answers": list})
    answers = [answer.get("answer") if isinstance(answer, dict) else answer for answer in row["answers"]]
    if len(answers) < 2 or not all(isinstance(answer, str) for answer in answers):
        raise rows.BenchmarkDataError(f"{row.place}: the answers are {row['answers']!r:.80}; ten texts are wanted")
    return {
        "id": str(row["question_id"]),
        "image": str(row.fields.get("image_id", "")),
        "question": row["question"].strip(),
        "question_type": str(row.fields.get("question_type") or ""),
        "answer_type": str(row.fields.get("answer_type") or ""),
        "answers": answers,
    }


def load_easy(data_dir: pathlib.Path) -> EasyQuestions:
    """easy-VQA; it is on no hub.

    Raises:
      rows.MissingDataError: it isn't there.
      rows.BenchmarkDataError: an answer is not in answers.txt, or a row is no triple.
    """
    test, duplicates = _easy(data_dir, "test")
    try:
        train, _ = _easy(data_dir, "train")
    except rows.MissingDataError:
        train = []
    listed = [path for folder in EASY_FOLDERS for path in sorted(data_dir.glob(f"{folder}/**/answers.txt"))]
    if listed:
        answers = tuple(
            dict.fromkeys(line.strip() for line in listed[0].read_text("utf-8").splitlines() if line.strip())
        )
    else:
        answers = tuple(sorted({document["answer"] for document in test + train}))
    for document in test:
        if document["answer"] not in answers:
            raise rows.BenchmarkDataError(
                f"{listed[0]} lacks {document['answer']!r}, which question {document['id']} has; fetch both again"
            )
    return EasyQuestions(test, train, answers, duplicates)


def _easy(data_dir: pathlib.Path, split: str) -> tuple[list[dict[str, Any]], int]:
    documents = []
    for path in rows.find(data_dir, *(f"{folder}/**/{split}/questions.json*" for folder in EASY_FOLDERS)):
        for row in rows.read(path, columns=_EASY_COLUMNS):
            rows.require(row, _EASY_COLUMNS, {"question": str, "answer": str})
            documents.append({column: row[column] for column in _EASY_COLUMNS})
    return rows.without_duplicates(documents)
