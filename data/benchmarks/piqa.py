"""PIQA (Bisk et al. 2020): which of two ways reaches a goal.

Layouts: the hub's (goal, sol1, sol2, label), the official one (the same without a label, whose labels stand in `...-labels.lst`
beside it), and prompts (query, choices, gold).
"""

from __future__ import annotations

import dataclasses
import pathlib

from data.benchmarks import documents, hub, layout, rows
from data.benchmarks.documents import Document, Task
from data.benchmarks.rows import BenchmarkDataError, Row


def parse(row: Row) -> Document | None:
    """A row of any of the layouts; None where its label is withheld."""
    if documents.is_repacked(row):
        return documents.repacked(row, end="\nAnswer:")
    rows.require(row, ["goal", "sol1", "sol2"], {"goal": str, "sol1": str, "sol2": str})
    label = documents.index_of(row, row.fields.get("label"), ["0", "1"])
    return documents.choice(row, f"Question: {row['goal'].strip()}\nAnswer:", [row["sol1"], row["sol2"]], label)


def read(path: pathlib.Path) -> list[Row]:
    """Rows of a file, with the labels of the .lst beside it where there is one."""
    table = rows.read(path)
    stem = path.name.removesuffix(".gz").removesuffix(path.with_name(path.name.removesuffix(".gz")).suffix)
    label_file = path.with_name(f"{stem}-labels.lst")
    if not label_file.is_file():
        return table
    labels = label_file.read_text().split()
    if len(labels) != len(table):
        raise BenchmarkDataError(
            f"{label_file} has {len(labels)} labels and {path} {len(table)} rows; fetch both again"
        )
    return [dataclasses.replace(row, fields={**row.fields, "label": label}) for row, label in zip(table, labels)]


def tasks(data_dir: pathlib.Path | None) -> list[Task]:
    """Its one task."""
    if data_dir is None:
        splits = hub.splits("baber/piqa", None, ("validation", "train"))
    else:
        splits = layout.splits_in(layout.folder(data_dir, "piqa"), read=read)
    return [documents.task("piqa", splits, parse, "acc_norm", order=("validation", "dev", "test", "train", ""))]
