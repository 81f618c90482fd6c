"""HellaSwag (Zellers et al. 2019): which of four endings follows.

Layouts: the official one (ctx_a, ctx_b or ctx, endings, label, activity_label), and the one of question, choices by letter,
answer. The official test split has no labels, the validation split is what everybody reports.
"""

from __future__ import annotations

import pathlib
import re

from data.benchmarks import documents, hub, layout, rows
from data.benchmarks.documents import Document, Task
from data.benchmarks.rows import Row

_BRACKETS = re.compile(r"\[.*?\]")


def clean(text: str) -> str:
    """Text without WikiHow's marks, as lm-eval cleans it: "[header] A [title] B [step] C" -> "A. B C"."""
    return _BRACKETS.sub("", text.strip().replace(" [title]", ". ")).replace("  ", " ").strip()


def parse(row: Row) -> Document | None:
    """A row of any of the layouts; None where its label is withheld."""
    if documents.is_repacked(row):
        return documents.repacked(row)
    if "endings" in row.fields:
        if "ctx_a" in row.fields and "ctx_b" in row.fields:
            context = f"{row['ctx_a']} {str(row['ctx_b']).capitalize()}"
        else:
            context = documents.text_of(row, "ctx")
        activity = row.fields.get("activity_label")
        rows.require(row, ["endings"], {"endings": (list, tuple)})
        endings, label = row["endings"], row.fields.get("label")
        context = f"{activity}: {context}" if activity else context
    else:
        rows.require(row, ["question", "choices", "answer"], {"question": str, "choices": (dict, list)})
        options = row["choices"]
        endings = [options[letter] for letter in sorted(options)] if isinstance(options, dict) else options
        context, label = row["question"], row["answer"]
    names = documents.letters(len(endings))
    return documents.choice(
        row, clean(context), [clean(str(text)) for text in endings], documents.index_of(row, label, names)
    )


def tasks(data_dir: pathlib.Path | None) -> list[Task]:
    """Its one task."""
    if data_dir is None:
        splits = hub.splits("Rowan/hellaswag", None, ("validation", "train"))
    else:
        splits = layout.splits_in(layout.folder(data_dir, "hellaswag"))
    return [documents.task("hellaswag", splits, parse, "acc_norm")]
