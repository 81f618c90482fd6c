"""The form that questions of all text benchmarks are brought into, and how it is made of rows.

A document is a dict. Multiple choice:

    {id, query, choices, gold}      query is all that stands before a choice, without a space at its end
    answers                         texts of the choices where those are only their letters
    credits                         what each choice earns, where it isn't 1 for `gold` and 0 for the others

and where text is to be generated:

    {id, context, continuation}     targets: all texts that are right, where there is more than one
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from data.benchmarks import rows
from data.benchmarks.layout import Splits
from data.benchmarks.rows import BenchmarkDataError, MissingDataError, Row

Document = dict[str, Any]
Parse = Callable[[Row], Document | None]

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_OWN_IDS = ("id", "ind", "example_id", "q_id")


@dataclasses.dataclass(frozen=True)
class Task:
    """What is scored by one metric.

    Attributes:
      name: of the task within its benchmark.
      documents: all that have a label.
      examples: reads what can stand in front of a question; called only where examples are asked for.
      metric: how answers are scored, a key of launch.evaluation.task_scores.METRICS.
      description: text before the first question.
      group: tasks of one group count as one task in a mean over tasks; "" for none.
      duplicates: documents that were repeated.
      notes: what a reader must know of the data.
    """

    name: str
    documents: Sequence[Document]
    examples: Callable[[], Sequence[Document]]
    metric: str
    description: str = ""
    group: str = ""
    duplicates: int = 0
    notes: tuple[str, ...] = ()


def with_ids(documents: Iterable[Document]) -> tuple[list[Document], int]:
    """Documents with an `id` each that is theirs alone, and how many are repetitions.

    Rows with ids of their own that repeat one wholly are left out. Rows without are all kept, since official files repeat
    some (27 of MMLU's 14,042 test questions) and published figures count them.
    """
    documents = list(documents)
    if all("id" in document for document in documents):
        return rows.without_duplicates(documents)
    used: dict[str, int] = {}
    named = []
    for document in documents:
        content = json.dumps(document, sort_keys=True, default=str).encode("utf-8", "surrogatepass")
        name = hashlib.sha256(content).hexdigest()[:16]
        used[name] = used.get(name, 0) + 1
        named.append({**document, "id": name if used[name] == 1 else f"{name}#{used[name]}"})
    return named, sum(count - 1 for count in used.values())


def task(
    name: str,
    splits: Splits,
    parse: Parse,
    metric: str,
    order: Sequence[str] = ("test", "validation", "dev", "train", ""),
    example_order: Sequence[str] = ("train", "dev", "validation"),
    **more: Any,
) -> Task:
    """A task of its splits.

    Args:
      name, metric, more: of the Task.
      splits: readers by split.
      parse: row -> document, or None for a row whose label is withheld.
      order: splits to score, the first that is there and has labels.
      example_order: splits to take examples from, likewise, but never the one that is scored.

    Raises:
      MissingDataError: no split is there.
      BenchmarkDataError: none has labels, or one only in part; or what `parse` raises.
    """
    withheld = []
    for split in order:
        if split not in splits:
            continue
        table = splits[split]()
        parsed = [parse(row) for row in table]
        documents, duplicates = with_ids(document for document in parsed if document is not None)
        if not documents:
            withheld.append((split, table[0].place))
            continue
        if None in parsed:
            place = table[parsed.index(None)].place
            raise BenchmarkDataError(f"{place} has no label while other rows have one; fetch the file again")
        notes = tuple(f"the {skipped} split of {name} has no labels, {split} is scored" for skipped, _ in withheld)
        if split == "train" or (split == "dev" and order[0] == "test"):
            notes += (f"{name} is scored on its {split} split, the only one there",)
        examples = [other for other in example_order if other in splits and other != split]
        reader = _examples(splits, parse, examples, documents)
        return Task(name, documents, reader, metric, duplicates=duplicates, notes=notes, **more)
    if withheld:
        places = ", ".join(place for _, place in withheld)
        raise BenchmarkDataError(
            f"{places}: the labels of {name} are withheld here; put its validation split beside it"
        )
    raise MissingDataError(
        f"{name}: none of {', '.join(filter(None, order))} is there; put the benchmark's files there"
    )


def _content(document: Document) -> str:
    shown = [document.get(field) for field in ("query", "context", "choices", "answers")]
    return json.dumps(shown, ensure_ascii=False)


def _examples(
    splits: Splits, parse: Parse, order: Sequence[str], scored: Sequence[Document]
) -> Callable[[], list[Document]]:
    def read() -> list[Document]:
        known = {_content(document) for document in scored}
        for split in order:
            parsed = (parse(row) for row in splits[split]())
            # Some official splits share questions; an example must not give an answer away.
            found = [document for document in parsed if document is not None and _content(document) not in known]
            if found:
                return found
        return []

    return read


def choice(row: Row, query: str, choices: Sequence[Any], gold: int | None, **more: Any) -> Document | None:
    """A document of multiple choice, or None where `gold` is None.

    Raises:
      BenchmarkDataError: fewer than two choices, an empty one, or a gold beyond them.
    """
    if gold is None:
        return None
    if not isinstance(choices, (list, tuple)) or len(choices) < 2:
        raise BenchmarkDataError(f"{row.place}: choices are {choices!r:.80}; two or more are wanted")
    texts = [str(text) for text in choices]
    empty = [index for index, text in enumerate(texts) if not text.strip()]
    if empty:
        raise BenchmarkDataError(f"{row.place}: choice {empty[0]} is empty; fetch the file again")
    if not 0 <= gold < len(texts):
        raise BenchmarkDataError(f"{row.place}: the right choice is {gold} of {len(texts)}; is it counted from 0?")
    if not query.strip():
        raise BenchmarkDataError(f"{row.place}: the question is empty; is it the right column?")
    # One space stands between a question and its choice, added where requests are made.
    return own_id(row) | {"query": query.rstrip(), "choices": [text.strip() for text in texts], "gold": gold} | more


def own_id(row: Row) -> Document:
    """{"id": ...} where a row has an id, else nothing."""
    for column in _OWN_IDS:
        if isinstance(row.fields.get(column), (int, str)) and str(row.fields[column]):
            return {"id": str(row.fields[column])}
    return {}


def text_of(row: Row, *columns: str) -> str:
    """The text in the first of the columns that is there.

    Raises:
      BenchmarkDataError: none is, or it holds no text.
    """
    for column in columns:
        if column in row.fields:
            rows.require(row, [column], {column: str})
            return row[column]
    rows.require(row, columns[:1])
    raise AssertionError


def index_of(row: Row, value: Any, names: Sequence[str]) -> int | None:
    """The index that a label names: a number, a name in whatever case, True or False; None where it is withheld.

    Args:
      row: for messages.
      value: -1, "" and None are labels that are withheld.
      names: of the labels by index.

    Raises:
      BenchmarkDataError: it is none of them.
    """
    if value is None or value == -1 or (isinstance(value, str) and value.strip() in ("", "-1")):
        return None
    lowered = [name.lower() for name in names]
    text = str(value).strip().lower()
    if not isinstance(value, bool) and text not in lowered and re.fullmatch(r"\d+(\.0+)?", text):
        index = int(float(text))
        if index < len(names):
            return index
    if text in lowered:
        return lowered.index(text)
    if isinstance(value, bool) and len(names) == 2:
        return int(value)
    raise BenchmarkDataError(f"{row.place}: label {value!r:.40} is none of {', '.join(names)}; is it the right column?")


def is_repacked(row: Row) -> bool:
    """Whether it is one of the files that hold prompts: query, choices, gold."""
    return {"query", "choices", "gold"} <= set(row.fields)


def repacked(row: Row, end: str = "", start: str = "") -> Document | None:
    """Multiple choice of a row that holds a prompt.

    Args:
      row: columns query, choices and gold.
      end: what the prompt is to end in, added where it doesn't.
      start: what it begins with and is to lose.
    """
    rows.require(row, ["query", "choices", "gold"], {"query": str, "choices": (list, tuple)})
    query = row["query"].removeprefix(start).rstrip()
    if end and not query.endswith(end.strip()):
        query += end
    gold = row["gold"]
    if isinstance(gold, list) and len(gold) == 1:
        gold = gold[0]
    return choice(row, query, row["choices"], index_of(row, gold, [str(place) for place in range(len(row["choices"]))]))


def letters(count: int) -> list[str]:
    """A, B, C, ..."""
    return list(LETTERS[:count])


def lettered(options: Sequence[Any]) -> str:
    """Options below one another, each after its letter: "A. ...\\nB. ..."."""
    return "\n".join(f"{letter}. {option}" for letter, option in zip(LETTERS, options))
