"""MMLU (Hendrycks et al. 2021): multiple choice in 57 subjects.

Layouts: .csv with a header (question, choice0 to choice3 or A to D, answer), the original .csv without one, and the hub's
(question, subject, choices, answer). A row's subject is its column, else its file's or folder's name.
"""

from __future__ import annotations

import dataclasses
import pathlib
import re
from collections.abc import Callable, Sequence

from data.benchmarks import documents, hub, layout, rows
from data.benchmarks.documents import Document, Task
from data.benchmarks.layout import Splits
from data.benchmarks.rows import BenchmarkDataError, MissingDataError, Row

SUBJECTS = 57
MATH = (
    "abstract_algebra",
    "college_mathematics",
    "elementary_mathematics",
    "high_school_mathematics",
    "high_school_statistics",
)
_COLUMNS = ("question", "choice0", "choice1", "choice2", "choice3", "answer")


def parse(row: Row) -> Document:
    """A row of any of the layouts.

    Raises:
      BenchmarkDataError: it has no answer, since every split of MMLU has them all.
    """
    question = documents.text_of(row, "question", "Question")
    options = next(
        (
            [row[name] for name in names]
            for names in (_COLUMNS[1:5], ("A", "B", "C", "D"))
            if all(name in row.fields for name in names)
        ),
        row.fields.get("choices"),
    )
    if not isinstance(options, (list, tuple)):
        raise BenchmarkDataError(f"{row.place} has no choices; it has {', '.join(map(str, row.fields))}")
    answer = next((row[name] for name in ("answer", "Answer") if name in row.fields), None)
    names = documents.letters(len(options))
    gold = documents.index_of(row, answer, names)
    if gold is None:
        raise BenchmarkDataError(f"{row.place} has no answer; fetch the file again")
    texts = [str(option) for option in options]
    query = f"{question.strip()}\n{documents.lettered(texts)}\nAnswer:"
    return documents.choice(row, query, names, gold, answers=_checked(row, texts))


def _checked(row: Row, texts: Sequence[str]) -> list[str]:
    documents.choice(row, "question", texts, 0)
    return list(texts)


def read(path: pathlib.Path) -> list[Row]:
    """Rows of a file with their subject."""
    if ".csv" in path.suffixes:
        try:
            table = rows.read(path, columns=_COLUMNS)
            # The first line of the original files is a question already.
            table = table if re.fullmatch(r"\s*[A-D]\s*", table[0]["answer"]) else rows.read(path)
        except BenchmarkDataError:
            table = rows.read(path)
    else:
        table = rows.read(path)
    named = subject_of(path)
    return [
        row if row.fields.get("subject") else dataclasses.replace(row, fields={**row.fields, "subject": named})
        for row in table
    ]


def subject_of(path: pathlib.Path) -> str:
    """The subject that a file is of, by its name or its folder's."""
    stem = path.name.split(".")[0]
    plain = re.sub(r"_?(test|dev|val|validation|train)?$", "", stem)
    # Files of the hub are called after their split, and lie in the subject's folder.
    return (
        path.parent.name
        if not plain or layout.split_of(pathlib.PurePath(stem.split("-")[0])) and "-" in stem
        else plain
    )


def _by_subject(split: Callable[[], list[Row]]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in split():
        found.setdefault(row["subject"].strip().lower().replace(" ", "_"), []).append(row)
    return found


def _splits(data_dir: pathlib.Path | None) -> Splits:
    if data_dir is None:
        return hub.splits("cais/mmlu", "all", ("test", "dev"))
    base = layout.folder(data_dir, "mmlu")
    parts = {path.parent.name for path in rows.find(base, "**/*")}

    def select(path: pathlib.PurePath) -> bool:
        # `all` repeats what the subjects' own folders hold; the auxiliary questions are from other data sets.
        is_copy = path.parent.name == "all" and len(parts) > 1 and parts.isdisjoint({"test", "dev"})
        return not is_copy and "auxiliary_train" not in str(path)

    return layout.splits_in(base, select, read)


def tasks(data_dir: pathlib.Path | None, subjects: Sequence[str] = ()) -> list[Task]:
    """One task a subject, of the test split, or of the validation split where that is the only one.

    Args:
      data_dir: folder that holds `mmlu`; None for the hub.
      subjects: the wanted ones; all where empty.

    Raises:
      MissingDataError: none of them is there.
    """
    splits = _splits(data_dir)
    scored = next((split for split in ("test", "validation", "dev", "") if split in splits), None)
    if scored is None:
        raise MissingDataError(f"{data_dir}/mmlu has no test split; put {{subject}}_test.csv there")
    questions = _by_subject(splits[scored])
    shown = _by_subject(splits["dev"]) if "dev" in splits and scored != "dev" else {}
    found = []
    for subject in sorted(questions):
        if subjects and subject not in subjects:
            continue
        own: dict[str, list[Row]] = {scored: questions[subject]}
        if subject in shown:
            own["dev"] = shown[subject]
        found.append(
            documents.task(
                f"mmlu_{subject}",
                {split: lambda table=table: table for split, table in own.items()},
                parse,
                "acc",
                order=(scored,),
                example_order=("dev",),
                description="The following are multiple choice questions (with answers) about "
                f"{subject.replace('_', ' ')}.\n\n",
            )
        )
    if not found:
        raise MissingDataError(f"{data_dir}/mmlu has none of {', '.join(subjects)}; put {{subject}}_test.csv there")
    return found
