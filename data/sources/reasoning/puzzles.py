"""Logic puzzles with their answers, from tables, JSON and BIG-bench's tasks; plain text is read by `puzzle_text`.

BIG-bench's files ask not to be trained on and carry a canary for it: their documents say so in `meta["canary"]`, and
whether they are used is for the curriculum's decontamination to decide.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from typing import Any

from data.document import Document
from data.formats.rows import Record, records
from data.inputs import InputFile
from data.sources.reasoning import question_rows
from data.sources.reasoning.pieces import BROKEN, Item, clean, guarded, line, recorded
from data.sources.reasoning.puzzle_text import DOMAIN, LICENCE, NAME

_CONTAINERS = ("examples", "data", "rows", "questions", "train", "test", "validation")
_QUESTION_KEYS = frozenset(("question", "query", "input", "context", "passage", "premises", "theory", "text"))


def _items(record: Record) -> Iterator[Item]:
    value = record.value
    if not isinstance(value, Mapping) or _QUESTION_KEYS & value.keys():
        yield from _from_row(record, value, record.label, {})
        return
    name = next((key for key in _CONTAINERS if isinstance(value.get(key), list)), None)
    if name is None:
        yield from _from_row(record, value, record.label, {})
        return
    shared = {key: line(value[key]) for key in ("canary", "name") if line(value.get(key))}
    if isinstance(value.get("task_prefix"), str):
        shared["prefix"] = value["task_prefix"]
    for number, example in enumerate(value[name]):
        size = len(json.dumps(example, ensure_ascii=False).encode("utf-8", "surrogatepass"))
        part = dataclasses.replace(record, value=example, offset=number, num_bytes=size)
        yield from _from_row(part, example, f"{record.file.name}#{number}", shared)


def _from_row(record: Record, row: Any, key: str, shared: Mapping[str, str]) -> Iterator[Item]:
    key = key.replace("@", "#")
    try:
        found = list(question_rows.puzzles(row))
    except question_rows.NoPuzzle as error:
        yield record.quarantined("unknown_layout", str(error))
        return
    except question_rows.NoAnswer as error:
        yield record.skipped("no_answer", str(error))
        return
    except BROKEN as error:
        yield record.quarantined("malformed", f"{type(error).__name__}: {error}")
        return
    licence = line(row.get("license") or row.get("licence")) or LICENCE
    facts = {"canary": shared["canary"]} if "canary" in shared else {}
    facts |= {"task": shared["name"]} if "name" in shared else {}
    prefix = clean(shared.get("prefix", "")).strip()
    for number, puzzle in enumerate(found):
        text = clean("\n\n".join(filter(None, (prefix, puzzle.text()))))
        source = f"{NAME}:{key}" + (f".{number}" if len(found) > 1 else "")
        yield Document(text, DOMAIN, source, licence, meta={**puzzle.meta(), **facts})


@guarded
def read(file: InputFile, start: int = 0, end: int | None = None) -> Iterator[Item]:
    """Items of a JSONL, JSON, Parquet, CSV or TSV file."""
    yield from recorded(records(file, start, end), _items)
