"""Builds the corpus: every domain's sources through the four verbs into ArrayRecord files a level and split.

    OUT/<domain>/<level>/{train,heldout}.array_record + manifest.json
    OUT/<domain>/rejects.jsonl       a sample of what was dropped, by step and reason
    OUT/<domain>/manifest.json       the accounts; written last, so it marks the domain complete
    OUT/quarantine/<domain>.jsonl    what could not be read: file, offset, reason

The bytes written depend on the options, the sources and the code alone: not on the number of workers, and not on how
often the build was killed and started again.
"""

from __future__ import annotations

import collections
import concurrent.futures
import contextlib
import dataclasses
import hashlib
import json
import multiprocessing
import os
import pathlib
import platform
import shutil
import sys
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from data import corpus_steps
from data.accounts import Account
from data.corpus_steps import Candidate, Rejected, ShardResult
from data.document import Document, ReadRequest, Reject
from data.domains import LEVELS, SPLITS
from data.sources.registry import source

# Fixed, so that the split of the work into shards never depends on the machine.
NUM_SHARDS = 16
STEPS = ("read", "quality_filter", "deduplicate", "standardize_format", "prepare_for_expert")
Progress = Callable[[str, int, int], None]


class EmptySplitError(ValueError):
    """A level has a split without documents; the message names both and what to change."""


@dataclasses.dataclass(frozen=True)
class DomainOptions:
    """What one domain is built from.

    Attributes:
      sources: names in the registry, all of this domain.
      max_bytes_per_level: bytes (text and media, as written) that a level may hold over both splits. Generators make
        this much; of what files yield, the documents with the lowest ids are kept. 0: no limit, for files only.
      max_source_bytes: bytes of files to open, drawn by seed, for sources larger than wanted; 0: all.
      root: folder to read instead of the source's own place, "" for that.
    """

    sources: tuple[str, ...]
    max_bytes_per_level: int = 0
    max_source_bytes: int = 0
    root: str = ""


@dataclasses.dataclass(frozen=True)
class CorpusOptions:
    """What to build: seed of the generators, thousandths of documents held out, and options a domain."""

    seed: int
    domains: Mapping[str, DomainOptions]
    heldout_permille: int = 40


@dataclasses.dataclass(frozen=True)
class DomainReport:
    """A domain's manifest, and whether this call built it or found it complete."""

    manifest: dict[str, Any]
    built: bool


@dataclasses.dataclass(frozen=True)
class CorpusReport:
    """Reports by domain, and their accounts added up."""

    domains: dict[str, DomainReport]

    def accounts(self) -> dict[str, dict[str, Any]]:
        """`{"records": {in, out, dropped, quarantined}, "bytes": {...}}` over all domains."""
        totals: dict[str, dict[str, Any]] = {}
        for unit in ("records", "bytes"):
            rows = [report.manifest[unit] for report in self.domains.values()]
            totals[unit] = {key: sum(row[key] for row in rows) for key in ("in", "out")}
            for key in ("dropped", "quarantined"):
                counts: collections.Counter[str] = collections.Counter()
                for row in rows:
                    counts.update(row[key])
                totals[unit][key] = dict(sorted(counts.items()))
        return totals


def config_hash(domain: str, options: CorpusOptions) -> str:
    """Names everything a domain's bytes depend on besides its input: its own options and the shared ones."""
    facts = [domain, options.seed, options.heldout_permille, dataclasses.asdict(options.domains[domain]), NUM_SHARDS]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def split_of(document: Document, heldout_permille: int) -> str:
    """`train` or `heldout`, from the document's content alone."""
    return "heldout" if int(document.id[:8], 16) % 1000 < heldout_permille else "train"


@contextlib.contextmanager
def _bare_main() -> Iterator[None]:
    """Hides the main script while workers start: each would import it anew, with all the launcher imports."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


@contextlib.contextmanager
def worker_pool(workers: int) -> Iterator[concurrent.futures.Executor | None]:
    """A pool of fresh processes, or None where one worker, this process, is enough.

    Workers are spawned, not forked: the parent may run TensorFlow's and JAX's threads. One that dies makes the build
    fail with BrokenProcessPool rather than wait for it.
    """
    if workers <= 1:
        yield None
        return
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(workers, mp_context=context) as pool:
        try:
            yield pool
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _requests(domain: str, options: CorpusOptions) -> list[tuple[str, ReadRequest]]:
    wanted = options.domains[domain]
    requests = []
    for name in wanted.sources:
        info = source(name)
        if info.domain != domain:
            raise ValueError(f"source {name!r} belongs to {info.domain}, not to {domain}")
        if info.generate is not None and wanted.max_bytes_per_level <= 0:
            raise ValueError(f"{domain}: max_bytes_per_level must be positive, {name!r} generates without end")
        for shard in range(NUM_SHARDS):
            requests.append(
                (
                    name,
                    ReadRequest(
                        seed=options.seed,
                        shard=shard,
                        num_shards=NUM_SHARDS,
                        level_bytes=wanted.max_bytes_per_level // len(wanted.sources),
                        source_bytes=wanted.max_source_bytes,
                        root=wanted.root,
                    ),
                )
            )
    return requests


def _run(requests: list[tuple[str, ReadRequest]], pool: concurrent.futures.Executor | None) -> Iterator[ShardResult]:
    if pool is None:
        for name, request in requests:
            yield corpus_steps.process_shard(name, request)
        return
    with _bare_main():
        futures = [pool.submit(corpus_steps.process_shard, name, request) for name, request in requests]
    for future in futures:
        yield future.result()


@dataclasses.dataclass
class _Collected:
    """All shards of a domain, before duplicates are told."""

    accounts: dict[str, Account] = dataclasses.field(default_factory=lambda: {step: Account() for step in STEPS})
    candidates: list[Candidate] = dataclasses.field(default_factory=list)
    quarantined: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    samples: list[Rejected] = dataclasses.field(default_factory=list)

    def add(self, result: ShardResult) -> None:
        read, quality = self.accounts["read"], self.accounts["quality_filter"]
        read.take(result.records_in, result.bytes_in)
        for item in result.quarantined:
            read.quarantine(item.reason, 1, item.num_bytes)
            self.quarantined.append(dataclasses.asdict(item))
        readable = (
            result.records_in - len(result.quarantined),
            result.bytes_in - sum(item.num_bytes for item in result.quarantined),
        )
        read.keep(*readable)
        quality.take(*readable)
        for reason, (records, num_bytes) in result.rejected.items():
            quality.drop(reason, records, num_bytes)
        quality.keep(len(result.candidates), sum(candidate.num_bytes for candidate in result.candidates))
        self.candidates += result.candidates
        self.samples += result.samples

    def reject(self, step: str, rejected: Rejected) -> None:
        """Books a document that a step after the filter dropped."""
        self.accounts[step].drop(rejected.reason, 1, rejected.num_bytes)
        self.samples.append(rejected)


def _finish(collected: _Collected, budget: int) -> list[Document]:
    """Drops duplicates, books what later verbs rejected, keeps levels within budget. Sorted by id."""
    later = STEPS[STEPS.index("deduplicate") :]
    read_bytes: dict[str, int] = {}
    first: dict[str, Candidate] = {}
    ready: list[Document] = []
    level_bytes: collections.Counter[str] = collections.Counter()
    full: set[str] = set()
    for candidate in sorted(collected.candidates, key=lambda c: (c.key, c.source)):
        dropped_by, rejected = None, None
        if candidate.key in first:
            rejected = _duplicate(candidate, first[candidate.key])
            dropped_by = rejected.step
        else:
            first[candidate.key] = candidate
            if isinstance(candidate.outcome, Rejected):
                rejected, dropped_by = candidate.outcome, candidate.outcome.step
            else:
                ready.append(candidate.outcome)
                read_bytes[candidate.outcome.id] = candidate.num_bytes
        for step in later:
            collected.accounts[step].take(1, candidate.num_bytes)
            if step == dropped_by:
                collected.reject(step, rejected)
                break
            if step != "prepare_for_expert":
                collected.accounts[step].keep(1, candidate.num_bytes)
    kept = []
    for document in sorted(ready, key=lambda d: d.id):
        size = read_bytes[document.id]
        if budget and (document.level in full or level_bytes[document.level] + document.num_bytes > budget):
            full.add(document.level)  # a prefix by id: which documents stay doesn't depend on how sizes happen to fit
            reject = Reject("over_budget", f"{document.level} may hold {budget} bytes")
            row = corpus_steps.as_rejected(document, "prepare_for_expert", reject)
            collected.reject("prepare_for_expert", dataclasses.replace(row, num_bytes=size))
            continue
        level_bytes[document.level] += document.num_bytes
        collected.accounts["prepare_for_expert"].keep(1, size)
        kept.append(document)
    return kept


def _duplicate(candidate: Candidate, kept: Candidate) -> Rejected:
    outcome = candidate.outcome
    reject = Reject("duplicate", f"of {kept.source}")
    if isinstance(outcome, Rejected):
        return dataclasses.replace(outcome, step="deduplicate", reason=reject.reason, evidence=reject.evidence)
    row = corpus_steps.as_rejected(outcome, "deduplicate", reject)
    return dataclasses.replace(row, num_bytes=candidate.num_bytes)


def _write_json(path: pathlib.Path, value: Any) -> None:
    partial = path.with_name(path.name + ".partial")
    partial.parent.mkdir(parents=True, exist_ok=True)
    partial.write_text(json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(partial, path)


def _write_lines(path: pathlib.Path, rows: Iterable[Any]) -> None:
    partial = path.with_name(path.name + ".partial")
    partial.parent.mkdir(parents=True, exist_ok=True)
    lines = (json.dumps(row, sort_keys=True, ensure_ascii=False) + "\n" for row in rows)
    partial.write_text("".join(lines), encoding="utf-8", errors="backslashreplace")
    os.replace(partial, path)


def _write_level(folder: pathlib.Path, domain: str, level: str, documents: list[Document], permille: int) -> dict:
    # TensorFlow, which the record format is written with, is imported by the parent alone and only when it writes.
    from data.records import write_documents

    summary: dict[str, Any] = {"domain": domain, "level": level, "splits": {}}
    for split in SPLITS:
        chosen = [document for document in documents if split_of(document, permille) == split]
        if not chosen:
            raise EmptySplitError(
                f"{domain}/{level}: no document falls into {split}; there are {len(documents)} in all, so raise "
                f"max_bytes_per_level or change heldout_permille ({permille})"
            )
        path = folder / level / f"{split}.array_record"
        write_documents(path, chosen)
        summary["splits"][split] = {
            "records": len(chosen),
            "bytes": sum(document.num_bytes for document in chosen),
            "media_bytes": sum(len(document.media) for document in chosen),
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        }
    for unit in ("records", "bytes"):
        summary[unit] = sum(row[unit] for row in summary["splits"].values())
    summary["licences"] = dict(sorted(collections.Counter(document.licence for document in documents).items()))
    _write_json(folder / level / "manifest.json", summary)
    return summary


def _totals(steps: Mapping[str, Account]) -> Account:
    total = Account()
    total.take(*steps[STEPS[0]].into)
    total.keep(*steps[STEPS[-1]].out)
    for account in steps.values():
        for reason, entry in account.dropped.items():
            total.drop(reason, *entry)
        for reason, entry in account.quarantined.items():
            total.quarantine(reason, *entry)
    return total


def _complete(folder: pathlib.Path, wanted: str) -> dict[str, Any] | None:
    marker = folder / "manifest.json"
    if not marker.exists():
        return None
    manifest = json.loads(marker.read_text(encoding="utf-8"))
    return manifest if manifest["config_hash"] == wanted else None


def build_domain(
    domain: str,
    options: CorpusOptions,
    out_dir: str | os.PathLike[str],
    progress: Progress | None = None,
    pool: concurrent.futures.Executor | None = None,
) -> DomainReport:
    """Builds one domain, unless its folder is complete with the same options.

    Args:
      domain: a key of `options.domains`.
      options: what to build.
      out_dir: folder of the whole corpus.
      progress: called with (domain, shards done, shards in all).
      pool: from `worker_pool`; None works in this process.

    Raises:
      ValueError: options that name an unknown source, or one of another domain.
      BalanceError: records or bytes were lost on the way.
      EmptySplitError: a level has a split without documents.
    """
    out = pathlib.Path(out_dir)
    folder, wanted = out / domain, config_hash(domain, options)
    if (manifest := _complete(folder, wanted)) is not None:
        return DomainReport(manifest, built=False)
    shutil.rmtree(folder, ignore_errors=True)
    collected = _Collected()
    requests = _requests(domain, options)
    for done, result in enumerate(_run(requests, pool), 1):
        collected.add(result)
        if progress is not None:
            progress(domain, done, len(requests))
    documents = _finish(collected, options.domains[domain].max_bytes_per_level)
    total = _totals(collected.accounts)
    for name, account in [*collected.accounts.items(), ("all steps", total)]:
        account.check(f"{domain}: {name}")
    levels = {}
    for level in LEVELS[domain]:
        chosen = [document for document in documents if document.level == level]
        levels[level] = _write_level(folder, domain, level, chosen, options.heldout_permille)
    _write_lines(folder / "rejects.jsonl", map(dataclasses.asdict, corpus_steps.lowest(collected.samples)))
    quarantined = sorted(collected.quarantined, key=lambda row: (row["path"], row["offset"]))
    _write_lines(out / "quarantine" / f"{domain}.jsonl", quarantined)
    manifest = {
        "domain": domain,
        "config_hash": wanted,
        "python": platform.python_version(),
        "sources": list(options.domains[domain].sources),
        **total.rows(),
        "steps": {step: account.rows() for step, account in collected.accounts.items()},
        "levels": {level: {key: row[key] for key in ("records", "bytes", "splits")} for level, row in levels.items()},
        "licences": dict(sorted(collections.Counter(document.licence for document in documents).items())),
    }
    _write_json(folder / "manifest.json", manifest)
    return DomainReport(manifest, built=True)


def build_corpus(
    options: CorpusOptions,
    out_dir: str | os.PathLike[str],
    workers: int = 1,
    progress: Progress | None = None,
) -> CorpusReport:
    """Builds every domain of `options` with `workers` processes; complete ones are kept. Raises as `build_domain`."""
    with worker_pool(workers) as pool:
        reports = {domain: build_domain(domain, options, out_dir, progress, pool) for domain in options.domains}
    return CorpusReport(reports)
