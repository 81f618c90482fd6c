"""ARC, easy and challenge (Clark et al. 2018): grade-school science questions.

Layouts: the hub's (question, choices {text, label}, answerKey), AI2's own (question {stem, choices}, answerKey), and
prompts (query, choices, gold).
"""

from __future__ import annotations

import pathlib
import re

from data.benchmarks import documents, hub, layout, rows
from data.benchmarks.documents import Document, Task
from data.benchmarks.rows import BenchmarkDataError, Row

PARTS = ("easy", "challenge")
_HUB = {"easy": "ARC-Easy", "challenge": "ARC-Challenge"}


def parse(row: Row) -> Document | None:
    """A row of any of the layouts; None where its answer is withheld."""
    if documents.is_repacked(row):
        return documents.repacked(row, end="\nAnswer:")
    rows.require(row, ["question"])
    question = row["question"]
    if isinstance(question, dict):
        stem, options = question.get("stem", ""), question.get("choices", [])
    else:
        rows.require(row, ["choices"], {"question": str})
        stem, options = question, row["choices"]
    if isinstance(options, dict):
        texts, labels = options.get("text", []), options.get("label", [])
    elif isinstance(options, list) and all(isinstance(option, dict) for option in options):
        texts, labels = [option.get("text", "") for option in options], [option.get("label", "") for option in options]
    else:
        raise BenchmarkDataError(f"{row.place}: choices are {options!r:.80}; texts with their labels are wanted")
    key = str(row.fields.get("answerKey") or "").strip()
    if not key:
        return None
    # Some questions are labelled A to E and some 1 to 4, and the key follows them.
    labels = [str(label) for label in labels]
    if len(labels) != len(texts) or key not in labels:
        raise BenchmarkDataError(f"{row.place}: answerKey {key!r} is none of the labels {labels}; fetch the file again")
    return documents.choice(row, f"Question: {stem.strip()}\nAnswer:", texts, labels.index(key))


def tasks(data_dir: pathlib.Path | None) -> list[Task]:
    """The parts that are there.

    Raises:
      MissingDataError: none is.
    """
    found = []
    for part in PARTS:
        if data_dir is None:
            splits = hub.splits("allenai/ai2_arc", _HUB[part], ("test", "train", "validation"))
        else:

            def of_part(path: pathlib.PurePath, part: str = part) -> bool:
                return part in re.split(r"[^a-z]+", str(path).lower())

            splits = layout.splits_in(layout.folder(data_dir, "arc", "ai2_arc"), of_part)
        if splits:
            found.append(documents.task(f"arc_{part}", splits, parse, "acc_norm"))
    if not found:
        raise rows.MissingDataError(f"{data_dir}/arc has no file with easy or challenge in its name")
    return found
