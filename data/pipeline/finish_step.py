"""Takes the documents of one unit that are no duplicates through the later verbs and the quality controller.

Leaves `work/finish/N.parquet` with the documents in runs, each sorted by id and cut into row groups at the borders of the
ranges that output files hold, so that whoever writes a range reads only its own groups; `N.dropped.parquet`; `N.json`.
"""

from __future__ import annotations

import collections
import dataclasses
import functools
from types import ModuleType
from typing import Any

from data import difficulty
from data.dedup import decontaminate
from data.dedup.ngram_index import NgramIndex
from data.document import Document, Reject
from data.pipeline import table
from data.pipeline.job import Job
from data.pipeline.ledger import Ledger
from data.pipeline.read_step import STEP as READ
from data.pipeline.store import Store
from data.processors.registry import processor_of
from data.quality import controller
from data.sources.registry import source

STEP = "finish"
DUPLICATES = "duplicates.parquet"
BENCHMARKS = "benchmarks.npz"
PLAN = "plan.json"
_RUN_BYTES = 64 << 20


def range_of(document_id: str, ranges: int) -> int:
    """Which of the equal ranges of ids an id falls into."""
    return int(document_id[:8], 16) * ranges >> 32


def index_benchmarks(job: Job) -> None:
    """Makes the index of the benchmarks' n-grams that all units share, unless it is there."""
    marker = job.store.read_json(job.name("work", "benchmarks.json"))
    if job.options.benchmarks and (marker is None or marker["digest"] != job.digest):
        index = decontaminate.load_benchmarks(job.options.benchmarks, job.options.ngram)
        with job.store.local_file(job.name("work", BENCHMARKS)) as path:
            index.save(path)
        job.store.write_json(job.name("work", "benchmarks.json"), {"digest": job.digest})


@functools.lru_cache(maxsize=2)
def _benchmarks(store: Store, name: str, digest: str) -> NgramIndex:
    del digest  # of the job: another one has another index
    with store.open(name) as file:
        return NgramIndex.load(file)


def duplicates_of(job: Job, number: int) -> dict[int, tuple[str, str]]:
    """(reason, evidence) by row of the unit's documents that are duplicates of others."""
    columns = ["unit", "row", "reason", "evidence"]
    found = table.find_rows(job.store, job.name("work", DUPLICATES), columns, unit=number)
    return {row["row"]: (row["reason"], row["evidence"]) for row in found}


class _Run:
    """Rows held until there are enough for a run, then sorted and written."""

    def __init__(self, writer: table.Writer, ranges: int):
        self._writer, self._ranges = writer, ranges
        self._rows: list[dict[str, Any]] = []
        self._bytes = 0

    def add(self, row: dict[str, Any]) -> None:
        self._rows.append(row)
        self._bytes += row["bytes"]
        if self._bytes >= _RUN_BYTES:
            self.flush()

    def flush(self) -> None:
        self._rows.sort(key=lambda row: row["id"])
        current = None
        for row in self._rows:
            if (place := range_of(row["id"], self._ranges)) != current:
                self._writer.cut()
                current = place
            self._writer.write(row)
        self._writer.cut()
        self._rows, self._bytes = [], 0


def _later_verbs(
    job: Job, processor: ModuleType, document: Document, contaminated: collections.Counter[str]
) -> tuple[str, Document | Reject]:
    """(step, what it says): the last step, or the one that drops the document. Steps before it have let it pass."""
    if job.options.benchmarks:
        hits = _benchmarks(job.store, job.name("work", BENCHMARKS), job.digest).hits(document.text)
        if hits:
            found = sorted({hit.benchmark for hit in hits})
            contaminated.update(found)
            return "decontaminate", Reject("contaminated", f"{', '.join(found)}: {hits[0].ngram}")
    standard = processor.standardize_format(document)
    if isinstance(standard, Reject):
        return "standardize_format", standard
    prepared = processor.prepare_for_expert(standard)
    if isinstance(prepared, Reject):
        return "prepare_for_expert", prepared
    try:
        level, measures = difficulty.measure(prepared)
    except (SyntaxError, RecursionError) as error:
        return "prepare_for_expert", Reject("does_not_parse", str(error))
    meta = {**prepared.meta, "difficulty": measures} if measures else prepared.meta
    return "prepare_for_expert", dataclasses.replace(prepared, level=level, meta=meta)


_LATER = ("decontaminate", "standardize_format", "prepare_for_expert")


def finish_unit(job: Job, number: int) -> None:
    """Does one unit of work, unless its marker says that it is done."""
    marker = job.work_name(STEP, number, "json")
    done = job.store.read_json(marker)
    if done is not None and done["digest"] == job.digest:
        return
    info = source(job.works[number].source)
    processor = processor_of(info.profile)
    controlled = info.generate is None  # generated documents repeat their templates, and each is proved
    thresholds = controller.Thresholds(0.0 if info.templated else job.options.min_diversity, job.options.max_toxicity)
    duplicates, ledger = duplicates_of(job, number), Ledger()
    ranges = job.store.read_json(job.name("work", PLAN))["ranges"]
    batch: list[tuple[Document, str, int]] = []
    reports: list[dict[str, Any]] = []
    contaminated: collections.Counter[str] = collections.Counter()
    with (
        job.store.local_file(job.work_name(STEP, number, "parquet")) as kept_path,
        job.store.local_file(job.work_name(STEP, number, "dropped.parquet")) as dropped_path,
        table.Writer(kept_path, table.FINISH_SCHEMA) as kept,
        table.Writer(dropped_path, table.DROPPED_SCHEMA) as dropped,
    ):
        run = _Run(kept, ranges)

        def control() -> None:
            """Lets the batch pass or drops it whole."""
            report = controller.judge([document for document, _, _ in batch], thresholds) if controlled else None
            if report is not None:
                reports.append(report.to_json())
            for document, read_id, size in batch:
                if report is None or report.accepted:
                    ledger.keep("quality_control", size)
                    run.add(table.to_row(document, read_id, size))
                else:
                    reject = Reject(f"batch_{report.reasons[0]}", "; ".join(report.evidence))
                    ledger.drop("quality_control", reject, document, read_id, size)
            batch.clear()

        for place, row in enumerate(table.read_rows(job.store, job.work_name(READ, number, "parquet"))):
            read_id, size = row["read_id"], row["read_bytes"]
            if place in duplicates:
                ledger.drop_row("deduplicate", Reject(*duplicates[place]), row["source"], row["text"], read_id, size)
            else:
                ledger.keep("deduplicate", size)
                step, verdict = _later_verbs(job, processor, document := table.to_document(row), contaminated)
                passed = _LATER[: _LATER.index(step)] if isinstance(verdict, Reject) else _LATER
                for name in passed:
                    ledger.keep(name, size)
                if isinstance(verdict, Reject):
                    ledger.drop(step, verdict, document, read_id, size)
                else:
                    batch.append((verdict, read_id, size))
                    if len(batch) == job.options.batch_documents:
                        control()
            for lost in ledger.dropped:
                dropped.write(lost)
            ledger.dropped.clear()
        if batch:
            control()
        run.flush()
        for lost in ledger.dropped:
            dropped.write(lost)
    job.store.write_json(
        marker, {"digest": job.digest, "batches": reports, "contaminated": contaminated, **ledger.to_json()}
    )
