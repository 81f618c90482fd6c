"""The whole story of one document: where it was read, what each step said, and where it lies now."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

from data.domains import DOMAINS
from data.pipeline import finish_step, read_step, table, write_step
from data.pipeline.ledger import STEPS
from data.pipeline.store import Store

_SHOWN = 600


class UnknownDocumentError(ValueError):
    """No document of that id was read by the build."""


def _files(store: Store, domain: str, step: str, ending: str) -> list[str]:
    names = store.names(f"{domain}/work/{step}")
    return [
        name for name in names if name.endswith(ending) and name.endswith(".dropped.parquet") == (ending != ".parquet")
    ]


def _find(
    store: Store, domain: str, step: str, ending: str, wanted: str, columns: list[str]
) -> Iterator[tuple[str, dict]]:
    """(file, row) of every row whose id, as read or as written, or source is `wanted`."""
    keys = [key for key in ("id", "read_id", "source") if key in columns]
    for name in _files(store, domain, step, ending):
        for row in table.find_rows(store, name, columns, **dict.fromkeys(keys, wanted)):
            yield name, row


def explain(out: str | os.PathLike[str], document_id: str) -> str:
    """Tells what became of a document.

    Args:
      out: folder of the build.
      document_id: its id as it was read or as it was written, or its source (`name:file#record`).

    Raises:
      UnknownDocumentError: nothing of that id was read.
    """
    store = Store(os.fspath(out))
    domains = [domain for domain in DOMAINS if store.names(f"{domain}/work/read")]
    stories = [story for domain in domains for story in _stories(store, domain, document_id)]
    if not stories:
        raise UnknownDocumentError(
            f"no document {document_id!r} in {out}; ids stand in rejects.jsonl, in report.html and in the records themselves"
        )
    return "\n\n".join(stories)


def _stories(store: Store, domain: str, wanted: str) -> Iterator[str]:
    columns = ["read_id", "source", "step", "reason", "evidence", "excerpt", "read_bytes"]
    for _, row in _find(store, domain, read_step.STEP, ".dropped.parquet", wanted, columns):
        yield _tell(row, row["excerpt"], row["step"], f"dropped, {row['reason']}: {row['evidence']}")
    finished = _find(store, domain, finish_step.STEP, ".parquet", wanted, ["id", "read_id", "source"])
    written_ids = {row["read_id"] for _, row in finished}
    for wanted_id in sorted(written_ids | {wanted}):
        columns = ["id", "read_id", "source", "text", "licence", "meta", "read_bytes"]
        for name, row in _find(store, domain, read_step.STEP, ".parquet", wanted_id, columns):
            yield _later(store, domain, name, row)


def _later(store: Store, domain: str, name: str, row: dict[str, Any]) -> str:
    """The story of a document that passed the filter."""
    columns = ["read_id", "source", "step", "reason", "evidence", "excerpt", "read_bytes"]
    unit = int(name.rsplit("/", 1)[-1].split(".")[0])
    for step in (finish_step.STEP, write_step.STEP):
        for _, lost in _find(store, domain, step, ".dropped.parquet", row["read_id"], columns):
            if lost["source"] == row["source"]:
                return _tell(row, row["text"], lost["step"], f"dropped, {lost['reason']}: {lost['evidence']}")
    finish = f"{domain}/work/{finish_step.STEP}/{unit:05d}.parquet"
    if not store.exists(finish):
        return _tell(row, row["text"], "deduplicate", "the build has not come further")
    columns = ["id", "read_id", "source", "level", "text", "meta", "bytes"]
    for place, found in _find(store, domain, finish_step.STEP, ".parquet", row["read_id"], columns):
        if place == finish and found["source"] == row["source"]:
            if not store.exists(f"{domain}/manifest.json"):
                return _tell(row, row["text"], "write", "the build has not come further")
            permille = store.read_json(f"{domain}/work/{write_step.BUDGET}")["heldout_permille"]
            split = write_step.split_of(found["id"], permille)
            end = f"kept in {domain}/{found['level']}, split {split}, as {found['id']}, {found['bytes']} bytes"
            return _tell({**row, "meta": found["meta"]}, found["text"], "write", end)
    return _tell(row, row["text"], "write", "lost: this is a defect, for the accounts say otherwise")


def _tell(row: dict[str, Any], text: str, last: str, end: str) -> str:
    lines = [
        f"document {row['read_id'] or '(a record, no document)'}",
        f"  read from {row['source']}, {row['read_bytes']} bytes",
    ]
    if row.get("licence"):
        lines.append(f"  licence {row['licence']}")
    if row.get("meta"):
        meta = json.dumps(json.loads(row["meta"]), ensure_ascii=False, sort_keys=True)
        lines.append(f"  facts {meta[:_SHOWN]}")
    for step in STEPS[: STEPS.index(last)]:
        lines.append(f"  {step}: passed")
    lines.append(f"  {last}: {end}")
    lines.append("  text: " + text[:_SHOWN].replace("\n", "\n        "))
    return "\n".join(lines)
