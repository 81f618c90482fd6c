"""GLUE's nine tasks (Wang et al. 2018) as questions with labels for answers.

Layouts: the official folders of .tsv (CoLA, SST-2, MRPC, STS-B, QQP, MNLI, QNLI, RTE, WNLI; a dev.tsv each), the hub's tables
(sentence1, sentence2, ..., label), and prompts (query, choices, gold). The test splits' labels are withheld, so that dev is what is
scored.
"""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Callable, Sequence

from data.benchmarks import documents, hub, layout, rows
from data.benchmarks.documents import Document, Parse, Task
from data.benchmarks.layout import Splits
from data.benchmarks.rows import BenchmarkDataError, MissingDataError, Row

_ENTAILMENT = ("entailment", "not_entailment")
_SIMILARITY = ("0", "1", "2", "3", "4", "5")
_COLA_COLUMNS = ("source", "label", "mark", "sentence")


@dataclasses.dataclass(frozen=True)
class _Kind:
    """A task's form.

    Attributes:
      metric: its official one.
      columns: of its texts, each with the names it goes by.
      query: of the texts.
      choices: by label.
      labels: names of the labels in files, by index.
      label_columns: names of the label's column.
    """

    metric: str
    columns: Sequence[Sequence[str]]
    query: Callable[..., str]
    choices: Sequence[str]
    labels: Sequence[str]
    label_columns: Sequence[str] = ("label",)


def _with_period(text: str) -> str:
    text = text.strip()
    return text if text.endswith(".") else f"{text}."


_PAIR = (("sentence1", "#1 String"), ("sentence2", "#2 String"))
KINDS = {
    "cola": _Kind(
        "mcc",
        (("sentence",),),
        lambda text: f"{text}\nQuestion: Does this sentence make sense?\nAnswer:",
        ("no", "yes"),
        ("0", "1"),
    ),
    "sst2": _Kind(
        "acc",
        (("sentence",),),
        lambda text: f"{text}\nQuestion: Is this sentence positive or negative?\nAnswer:",
        ("negative", "positive"),
        ("negative", "positive"),
    ),
    "mrpc": _Kind(
        "acc_and_f1",
        _PAIR,
        lambda first, second: (
            f"Sentence 1: {first}\nSentence 2: {second}\nQuestion: Do both sentences mean the same thing?\nAnswer:"
        ),
        ("no", "yes"),
        ("not_equivalent", "equivalent"),
        ("label", "Quality"),
    ),
    "stsb": _Kind(
        "pearson_and_spearman",
        _PAIR,
        lambda first, second: (
            f"Sentence 1: {first}\nSentence 2: {second}\nQuestion: On a scale from 0 to 5, how similar are both sentences?"
            "\nAnswer:"
        ),
        _SIMILARITY,
        _SIMILARITY,
        ("label", "score"),
    ),
    "qqp": _Kind(
        "acc_and_f1",
        (("question1",), ("question2",)),
        lambda first, second: (
            f"Question 1: {first}\nQuestion 2: {second}\nQuestion: Do both questions ask the same thing?\nAnswer:"
        ),
        ("no", "yes"),
        ("not_duplicate", "duplicate"),
        ("label", "is_duplicate"),
    ),
    "mnli": _Kind(
        "acc",
        (("premise", "sentence1"), ("hypothesis", "sentence2")),
        lambda premise, hypothesis: f"{premise}\nQuestion: {_with_period(hypothesis)} True, False or Neither?\nAnswer:",
        ("True", "Neither", "False"),
        ("entailment", "neutral", "contradiction"),
        ("label", "gold_label"),
    ),
    "qnli": _Kind(
        "acc",
        (("question",), ("sentence",)),
        lambda question, sentence: (
            f"{question}\n{sentence}\nQuestion: Does this response answer the question?\nAnswer:"
        ),
        ("yes", "no"),
        _ENTAILMENT,
    ),
    "rte": _Kind(
        "acc",
        (("sentence1", "premise"), ("sentence2", "hypothesis")),
        lambda first, second: f"{first}\nQuestion: {second} True or False?\nAnswer:",
        ("True", "False"),
        _ENTAILMENT,
    ),
    "wnli": _Kind(
        "acc",
        (("sentence1",), ("sentence2",)),
        lambda first, second: f"{first}\nQuestion: {second} True or False?\nAnswer:",
        ("False", "True"),
        ("not_entailment", "entailment"),
    ),
}


def parser(name: str) -> Parse:
    """Row -> document of one of the nine; None for a withheld label."""
    kind = KINDS[name]

    def parse(row: Row) -> Document | None:
        if documents.is_repacked(row):
            return documents.repacked(row, end="\nAnswer:")
        texts = [documents.text_of(row, *columns).strip() for columns in kind.columns]
        value = next((row[column] for column in kind.label_columns if column in row.fields), None)
        query = kind.query(*texts)
        if name == "stsb":
            return _similarity(row, query, value)
        return documents.choice(row, query, kind.choices, documents.index_of(row, value, kind.labels))

    return parse


def _similarity(row: Row, query: str, value: object) -> Document | None:
    if value in (None, "", -1, -1.0, "-1"):
        return None
    try:
        score = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        raise BenchmarkDataError(
            f"{row.place}: similarity {value!r:.40} is no number; is it the right column?"
        ) from error
    if not 0 <= score <= 5:
        raise BenchmarkDataError(f"{row.place}: similarity {score} isn't between 0 and 5; is it the right column?")
    return documents.choice(row, query, _SIMILARITY, int(score + 0.5), similarity=score)


def _read_cola(path: pathlib.Path) -> list[Row]:
    """CoLA's files have no header where they have labels, and one where they have none."""
    if ".tsv" not in path.suffixes:
        return rows.read(path)
    try:
        table = rows.read(path, columns=_COLA_COLUMNS)
    except BenchmarkDataError:
        return rows.read(path)
    return rows.read(path) if "sentence" in table[0].fields.values() else table


def tasks(data_dir: pathlib.Path | None) -> tuple[list[Task], list[str]]:
    """The tasks that are there, MNLI's two halves as a group of two, and the names of the missing ones.

    Raises:
      MissingDataError: none is there.
    """
    found: list[Task] = []
    missing = []
    base = layout.folder(data_dir, "glue") if data_dir is not None else None
    for name in KINDS:
        try:
            found += _tasks_of(name, base)
        except MissingDataError as error:
            if base is None:
                raise
            missing.append(name)
            cause = error
    if not found:
        raise MissingDataError(f"{base} holds none of {', '.join(KINDS)}; put a folder of each there") from cause
    return found, missing


def _halves_of_mnli(base: pathlib.Path) -> dict[str, Splits]:
    """The matched and the mismatched half: folders of their own, or files that have the word in their names."""
    halves: dict[str, Splits] = {}
    for half in ("matched", "mismatched"):

        def of_half(path: pathlib.PurePath, is_other: bool = half == "mismatched") -> bool:
            is_of_half = "matched" in path.name and ("mismatched" in path.name) == is_other
            return layout.split_of(path) == "train" or is_of_half

        try:
            halves[half] = layout.splits_in(layout.folder(base, f"mnli_{half}"))
        except MissingDataError:
            splits = layout.splits_of(base, "mnli", select=of_half)
            if set(splits) - {"train"}:
                halves[half] = splits
    # Files that don't say which half they are.
    return halves or {"matched": layout.splits_of(base, "mnli")}


def _tasks_of(name: str, base: pathlib.Path | None) -> list[Task]:
    kind, parse = KINDS[name], parser(name)
    order = ("validation", "dev", "test", "")
    if name == "mnli":
        if base is None:
            halves = {
                half: hub.splits("nyu-mll/glue", f"mnli_{half}", ("validation",)) for half in ("matched", "mismatched")
            }
            halves = {
                half: {**splits, "train": hub.splits("nyu-mll/glue", "mnli", ("train",))["train"]}
                for half, splits in halves.items()
            }
        else:
            halves = _halves_of_mnli(base)
        return [
            documents.task(f"mnli_{half}", splits, parse, kind.metric, order=order, group="mnli")
            for half, splits in halves.items()
        ]
    if base is None:
        splits = hub.splits("nyu-mll/glue", name, ("validation", "train"))
    else:
        read = _read_cola if name == "cola" else rows.read
        splits = layout.splits_of(base, name, read=read)
    return [documents.task(name, splits, parse, kind.metric, order=order)]
