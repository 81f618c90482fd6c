"""Writes one range of ids: the documents of every level and split in it, sorted by id, as ArrayRecord files.

A range is what one worker holds in memory. Leaves `LEVEL/SPLIT-K-of-N.array_record`, `work/write/K.dropped.parquet`
with what was over budget or equal after standardisation, and `K.json` with the counts.
"""

from __future__ import annotations

import collections
import hashlib
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from data import records
from data.array_records import write_records
from data.document import Document, Reject
from data.domains import LEVELS, SPLITS
from data.pipeline import table
from data.pipeline.finish_step import PLAN, range_of
from data.pipeline.finish_step import STEP as FINISH
from data.pipeline.job import Job
from data.pipeline.ledger import Ledger
from data.pipeline.options import DomainOptions

STEP = "write"
BUDGET = "budget.json"


def split_of(document_id: str, heldout_permille: int) -> str:
    """`train` or `heldout`, from the document's content alone."""
    return "heldout" if int(document_id[8:16], 16) % 1000 < heldout_permille else "train"


def cut_levels(job: Job) -> dict[str, str | None]:
    """The first id of each level that its budget has no room for, None where all fit.

    A prefix by id, so that which documents stay doesn't depend on how sizes happen to fit.
    """
    wanted: DomainOptions = job.options.domains[job.domain]
    if not wanted.max_bytes_per_level:
        return dict.fromkeys(LEVELS[job.domain])
    columns = [
        table.read_columns(job.store, job.work_name(FINISH, number, "parquet"), ["id", "level", "bytes"])
        for number in range(len(job.works))
    ]
    ids, levels, sizes = (
        np.concatenate([part[name].to_numpy(zero_copy_only=False) for part in columns])
        for name in ("id", "level", "bytes")
    )
    cuts: dict[str, str | None] = {}
    for level in LEVELS[job.domain]:
        chosen, first = np.unique(ids[levels == level].astype(str), return_index=True)
        total = np.cumsum(sizes[levels == level][first])
        over = np.searchsorted(total, wanted.max_bytes_per_level, side="right")
        cuts[level] = str(chosen[over]) if over < len(chosen) else None
    return cuts


def _rows_of_range(job: Job, k: int, ranges: int) -> list[dict[str, Any]]:
    """Rows of the finished units whose id lies in range k, by id and then by unit."""
    found = []
    for number in range(len(job.works)):
        with job.store.open(job.work_name(FINISH, number, "parquet")) as file:
            parquet = pq.ParquetFile(file)
            column = parquet.schema_arrow.get_field_index("id")
            for group in range(parquet.num_row_groups):
                lowest = parquet.metadata.row_group(group).column(column).statistics.min
                if range_of(lowest, ranges) == k:
                    found += parquet.read_row_group(group).to_pylist()
    return sorted(found, key=lambda row: row["id"])


def write_range(job: Job, k: int) -> None:
    """Does one range, unless its marker says that it is done."""
    marker = job.work_name(STEP, k, "json")
    done = job.store.read_json(marker)
    if done is not None and done["digest"] == job.digest:
        return
    ranges = job.store.read_json(job.name("work", PLAN))["ranges"]
    cuts = job.store.read_json(job.name("work", BUDGET))["cuts"]
    ledger = Ledger()
    chosen: dict[tuple[str, str], list[Document]] = collections.defaultdict(list)
    last = None
    for row in _rows_of_range(job, k, ranges):
        document, cut = table.to_document(row), cuts[row["level"]]
        if row["id"] == last:
            reject = Reject("duplicate_after_standardize", row["id"])
        elif cut is not None and row["id"] >= cut:
            budget = job.options.domains[job.domain].max_bytes_per_level
            reject = Reject("over_budget", f"{row['level']} may hold {budget} bytes")
        else:
            ledger.keep("write", row["read_bytes"])
            chosen[row["level"], split_of(row["id"], job.options.heldout_permille)].append(document)
            last = row["id"]
            continue
        ledger.drop("write", reject, document, row["read_id"], row["read_bytes"])
    files = {
        f"{level}/{split}": _write_file(job, level, split, k, ranges, chosen.get((level, split), []))
        for level in LEVELS[job.domain]
        for split in SPLITS
    }
    table.write_rows(job.store, job.work_name(STEP, k, "dropped.parquet"), ledger.dropped, table.DROPPED_SCHEMA)
    job.store.write_json(marker, {"digest": job.digest, "files": files, **ledger.to_json()})


def _write_file(job: Job, level: str, split: str, k: int, ranges: int, documents: list[Document]) -> dict[str, Any]:
    name = job.name(level, records.shard_name(split, k, ranges))
    with job.store.local_file(name) as path:
        write_records(path, map(records.encode, documents))
        with open(path, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    counted = [document.source.split(":", 1)[0] for document in documents]
    return {
        "records": len(documents),
        "bytes": sum(document.num_bytes for document in documents),
        "media_bytes": sum(len(document.media) for document in documents),
        "sha256": digest,
        "licences": dict(sorted(collections.Counter(document.licence for document in documents).items())),
        "sources": dict(sorted(collections.Counter(counted).items())),
        # log2 of the text's bytes, rounded down.
        "lengths": dict(
            sorted(collections.Counter(str(len(d.text.encode("utf-8")).bit_length()) for d in documents).items())
        ),
        "samples": [
            {"id": document.id, "source": document.source, "text": document.text[:600]} for document in documents[:2]
        ],
    }
