"""IMO-Bench (Luong et al. 2025): olympiad problems with short answers, and proofs, which need a grader.

Read from `imo_bench/answerbench*.csv` and its neighbours (google-deepmind/superhuman), or the hub's columns, which are
the same.
"""

from __future__ import annotations

import dataclasses
import pathlib
from typing import Any

from data.benchmarks import rows

HUB = "Hwilner/imo-answerbench", None, "train"
FOLDERS = ("imo_bench", "imo_problems", "imo")
_COLUMNS = {"Problem ID": "id", "Problem": "problem", "Short Answer": "answer"}


@dataclasses.dataclass(frozen=True)
class Olympiad:
    """What the files hold.

    Attributes:
      answers: documents {id, problem, answer, category}.
      proofs: how many problems ask for a proof in words.
      lean: how many ask for one in Lean.
      duplicates: problems met again; of one that a later file holds in another wording, the later is kept.
      mended: rows in which a lost quote had put the answer into the problem.
    """

    answers: list[dict[str, Any]]
    proofs: int
    lean: int
    duplicates: int
    mended: int


def load(data_dir: pathlib.Path | None) -> Olympiad:
    """The problems; `answers` is empty where only files of proofs are there.

    Raises:
      rows.MissingDataError: there is none of the files.
      rows.BenchmarkDataError: a row lacks a column or its answer is empty.
    """
    if data_dir is None:
        from data.benchmarks import hub

        answers, duplicates = _newest([[_document(row) for row in hub.rows(*HUB)]])
        return Olympiad(answers, 0, 0, duplicates, 0)
    files = _files(data_dir, "answerbench", "train-", "test-")
    proofs, lean = (
        sum(len(rows.read(path)) for path in _files(data_dir, stem)) for stem in ("proofbench", "lean_proof_bench")
    )
    if not files and not proofs and not lean:
        raise rows.MissingDataError(
            f"{data_dir} holds no answerbench*.csv in {', '.join(FOLDERS)}; put IMO-Bench's files there"
        )
    mended: list[str] = []

    def mend(values: list[str]) -> list[str] | None:
        right = _mended(values)
        mended.extend(right[:1] if right else ())
        return right

    answers, duplicates = _newest([[_document(row) for row in rows.read(path, mend=mend)] for path in files])
    return Olympiad(answers, proofs, lean, duplicates, len(mended))


def _mended(values: list[str]) -> list[str] | None:
    """answerbench_v2.csv lacks one closing quote, so that a row's second value is `problem\\n,answer"`."""
    problem, comma, answer = values[1].rpartition("\n,") if len(values) > 1 else ("", "", "")
    return [values[0], problem, answer[:-1], *values[2:]] if comma and answer.endswith('"') else None


def _files(data_dir: pathlib.Path, *stems: str) -> list[pathlib.Path]:
    globs = [f"{folder}/{inner}{stem}*" for folder in FOLDERS for inner in ("", "data/") for stem in stems]
    try:
        return rows.find(data_dir, *globs)
    except rows.MissingDataError:
        return []


def _document(row: rows.Row) -> dict[str, Any]:
    rows.require(row, tuple(_COLUMNS))
    document = {name: str(row[column] if row[column] is not None else "").strip() for column, name in _COLUMNS.items()}
    if not document["problem"] or not document["answer"]:
        raise rows.BenchmarkDataError(f"{row.place}: the problem or its Short Answer is empty; fetch the file again")
    return {**document, "category": str(row.fields.get("Category") or "")}


def _newest(files: list[list[dict[str, Any]]]) -> tuple[list[dict[str, Any]], int]:
    """Answers of files in the order of their names, in which answerbench_v2 corrects answerbench."""
    kept: list[dict[str, Any]] = []
    replaced = 0
    for documents in files:
        known = {document["id"] for document in documents}
        older = [document for document in kept if document["id"] not in known]
        replaced += len(kept) - len(older)
        kept = older + documents
    kept, duplicates = rows.without_duplicates(kept)
    return kept, duplicates + replaced
