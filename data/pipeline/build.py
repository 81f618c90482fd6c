"""Builds the corpus of one or several domains; what was done before a kill is kept.

    OUT/<domain>/<level>/<split>-K-of-N.array_record + manifest.json, dataset_info.json, features.json (TFDS)
    OUT/<domain>/rejects.jsonl       a sample of what was dropped, by step and reason
    OUT/<domain>/curves.json         what every other threshold would keep
    OUT/<domain>/manifest.json       the accounts; written last, so it marks the domain complete
    OUT/<domain>/work/               Parquet between the steps: what `explain` reads
    OUT/quarantine/<domain>.jsonl    what could not be read: file, offset, reason

The bytes written depend on the options, the inputs and the code alone.
"""

from __future__ import annotations

import collections
import dataclasses
import os
import platform
from collections.abc import Callable, Mapping
from typing import Any

from data import records
from data.accounts import Account
from data.domains import LEVELS, SPLITS
from data.pipeline import dedup_step, finish_step, read_step, table, tfds_metadata, write_step
from data.pipeline.job import Job, make_job
from data.pipeline.ledger import STEPS, Samples, add_rows
from data.pipeline.options import Options
from data.pipeline.runners import Runner
from data.processors.registry import all_profiles
from data.quality.curves import CurveAccumulator
from data.sources.registry import source

# Below so many records a share of what could not be read says nothing.
_MIN_RECORDS_FOR_SHARE = 20


class EmptySplitError(ValueError):
    """A level has a split without documents; the message names both and what to change."""


class QuarantineError(ValueError):
    """More of the input could not be read than the options allow; the message says how much and where to look."""


class InputChangedError(ValueError):
    """An input is not what it was when this build began; the message names the file."""


@dataclasses.dataclass(frozen=True)
class Progress:
    """How far a domain's build is: units of all phases done and in all, and figures of what was read."""

    domain: str
    done: int
    total: int
    documents: int = 0
    num_bytes: int = 0
    kept: int = 0


Tell = Callable[[Progress], None]


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
        total = Account()
        for report in self.domains.values():
            add_rows(total, {unit: report.manifest[unit] for unit in ("records", "bytes")})
        return total.rows()

    def inputs(self) -> dict[str, str]:
        """SHA-256 of every file that was read, by path."""
        return {path: digest for report in self.domains.values() for path, digest in report.manifest["inputs"].items()}


def input_hashes(job: Job) -> dict[str, str]:
    """SHA-256 of every input file, by path; the same as at the first start of this build.

    Raises:
      InputChangedError: a file changed while an earlier start of this build had read part of the input.
    """
    hashes = {file.url: file.sha256() for file in job.files}
    name = job.name("work", "inputs.json")
    before = job.store.read_json(name)
    if before is not None and before["digest"] == job.digest:
        changed = sorted(
            {url for url in hashes.keys() | before["files"].keys() if hashes.get(url) != before["files"].get(url)}
        )
        if changed:
            raise InputChangedError(
                f"{changed[0]} is not what it was when this build began; delete {job.store.path(job.domain)} to start anew"
            )
    else:
        job.store.write_json(name, {"digest": job.digest, "files": hashes})
    return hashes


class _Phases:
    """Runs the phases of one job and tells of their progress."""

    def __init__(self, job: Job, runner: Runner, tell: Tell | None):
        self._job, self._runner, self._tell = job, runner, tell
        self._done, self._total = 0, 2 * len(job.works) + 2
        self._figures = [0, 0, 0]

    def say(self, step: int = 1) -> None:
        self._done += step
        if self._tell is not None:
            documents, num_bytes, kept = self._figures
            self._tell(Progress(self._job.domain, self._done, self._total, documents, num_bytes, kept))

    def map(self, work, step: str, count: int) -> None:
        for number in self._runner.map(work, self._job, range(count)):
            if step == read_step.STEP:
                accounts = self._job.store.read_json(self._job.work_name(step, number, "json"))["accounts"]
                self._figures[0] += accounts["read"]["records"]["in"]
                self._figures[1] += accounts["read"]["bytes"]["in"]
                self._figures[2] += accounts["quality_filter"]["records"]["out"]
            self.say(0 if step == write_step.STEP else 1)


def _markers(job: Job, step: str, count: int) -> list[dict[str, Any]]:
    return [job.store.read_json(job.work_name(step, number, "json")) for number in range(count)]


def _check_quarantine(job: Job, read: list[dict[str, Any]]) -> None:
    account = Account()
    for marker in read:
        add_rows(account, marker["accounts"]["read"])
    lost = sum(entry[0] for entry in account.quarantined.values())
    if account.into[0] >= _MIN_RECORDS_FOR_SHARE and lost > job.options.max_quarantine_share * account.into[0]:
        _write_quarantine(job, read)
        worst = max(account.quarantined, key=lambda reason: account.quarantined[reason][0])
        raise QuarantineError(
            f"{job.domain}: {lost} of {account.into[0]} records could not be read (most: {worst}), more than the share of"
            f" {job.options.max_quarantine_share:g} that is allowed; see {job.store.path(_quarantine_name(job))}, mend the"
            " input or raise max_quarantine_share"
        )


def _quarantine_name(job: Job) -> str:
    return f"quarantine/{job.domain}.jsonl"


def _write_quarantine(job: Job, read: list[dict[str, Any]]) -> None:
    rows = [row for marker in read for row in marker["quarantined"]]
    job.store.write_lines(
        _quarantine_name(job), sorted(rows, key=lambda row: (row["path"], row["offset"], row["reason"]))
    )


def _steps(job: Job, markers: list[dict[str, Any]]) -> dict[str, Account]:
    steps = {step: Account() for step in STEPS}
    for _, file in job.unclaimed:
        steps["read"].take(1, file.size)
        steps["read"].drop("unclaimed_file", 1, file.size)
    for marker in markers:
        for step, rows in marker["accounts"].items():
            add_rows(steps[step], rows)
    for name, account in steps.items():
        account.check(f"{job.domain}: {name}")
    return steps


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


def _level_manifest(job: Job, level: str, written: list[dict[str, Any]]) -> dict[str, Any]:
    """Counts of one level, from the markers of the ranges."""
    splits: dict[str, Any] = {}
    licences: collections.Counter[str] = collections.Counter()
    for split in SPLITS:
        files = [marker["files"][f"{level}/{split}"] for marker in written]
        splits[split] = {unit: sum(row[unit] for row in files) for unit in ("records", "bytes", "media_bytes")}
        names = [records.shard_name(split, k, len(files)) for k in range(len(files))]
        splits[split]["files"] = {name: row["sha256"] for name, row in zip(names, files)}
        splits[split]["shard_records"] = [row["records"] for row in files]
        for row in files:
            licences.update(row["licences"])
    return {
        "domain": job.domain,
        "level": level,
        "splits": splits,
        "licences": dict(sorted(licences.items())),
        **{unit: sum(row[unit] for row in splits.values()) for unit in ("records", "bytes")},
    }


def _finish_levels(job: Job, written: list[dict[str, Any]]) -> dict[str, Any]:
    levels = {level: _level_manifest(job, level, written) for level in LEVELS[job.domain]}
    for level, manifest in levels.items():
        for split, row in manifest["splits"].items():
            if row["records"]:
                continue
            if not job.options.keep_empty_levels:
                raise EmptySplitError(
                    f"{job.domain}/{level}: no document falls into {split}; there are {manifest['records']} in all, so raise "
                    f"max_bytes_per_level or change heldout_permille ({job.options.heldout_permille})"
                )
            for name in row.pop("files"):
                job.store.remove(job.name(level, name))
            row["files"] = {}
        if manifest["records"]:
            tfds_metadata.write(job.store, job.name(level), manifest)
            job.store.write_json(job.name(level, "manifest.json"), manifest)
        else:
            job.store.remove(job.name(level))
    return {level: {key: row[key] for key in ("records", "bytes", "splits")} for level, row in levels.items()}


def _write_rejects(job: Job, ranges: int) -> None:
    samples = Samples()
    for name, file in job.unclaimed:
        row = dict.fromkeys(("read_id", "excerpt"), "")
        samples.add(
            {**row, "source": f"{name}:{file.name}", "step": "read", "reason": "unclaimed_file", "evidence": ""}
        )
    for step, count in (
        (read_step.STEP, len(job.works)),
        (finish_step.STEP, len(job.works)),
        (write_step.STEP, ranges),
    ):
        for number in range(count):
            for row in table.read_rows(job.store, job.work_name(step, number, "dropped.parquet")):
                samples.add(row)
    job.store.write_lines(job.name("rejects.jsonl"), samples.rows())


def _curves(job: Job, read: list[dict[str, Any]]) -> dict[str, Any]:
    """Curves by profile: those of its units added up."""
    found: dict[str, CurveAccumulator] = {}
    for marker in read:
        profile = all_profiles()[source(marker["source"]).profile]
        part = CurveAccumulator.from_json(profile, marker["curves"])
        if profile.name in found:
            found[profile.name].merge(part)
        else:
            found[profile.name] = part
    return {name: curves.to_json() for name, curves in sorted(found.items())}


def build_domain(
    domain: str, options: Options, out: str | os.PathLike[str], runner: Runner, tell: Tell | None = None
) -> DomainReport:
    """Builds one domain, unless its folder is complete with the same options and inputs.

    Args:
      domain: a key of `options.domains`.
      options: what to build.
      out: folder of the whole corpus, path or URL.
      runner: who does the work.
      tell: called as units are done.

    Raises:
      ValueError: options that name an unknown source, or one of another domain.
      InputError, PlanError: an input names nothing that its source reads.
      InputChangedError: an input changed since this build began.
      QuarantineError: too much could not be read.
      BalanceError: records or bytes were lost on the way.
      EmptySplitError: a level has a split without documents.
    """
    job = make_job(domain, options, os.fspath(out))
    store = job.store
    hashes = input_hashes(job)
    complete = store.read_json(job.name("manifest.json"))
    if complete is not None and complete["config_hash"] == job.digest and complete["inputs"] == hashes:
        return DomainReport(complete, built=False)
    if complete is not None:
        store.remove(domain)
        hashes = input_hashes(job)
    phases = _Phases(job, runner, tell)
    phases.map(read_step.read_unit, read_step.STEP, len(job.works))
    read = _markers(job, read_step.STEP, len(job.works))
    _check_quarantine(job, read)
    dedup_step.mark_duplicates(job, runner)
    ranges = max(-(-sum(marker["kept_bytes"] for marker in read) // options.shard_bytes), 1)
    store.write_json(job.name("work", finish_step.PLAN), {"ranges": ranges})
    finish_step.index_benchmarks(job)
    phases.say()
    phases.map(finish_step.finish_unit, finish_step.STEP, len(job.works))
    finished = _markers(job, finish_step.STEP, len(job.works))
    budget = {"cuts": write_step.cut_levels(job), "heldout_permille": options.heldout_permille}
    store.write_json(job.name("work", write_step.BUDGET), budget)
    phases.map(write_step.write_range, write_step.STEP, ranges)
    written = _markers(job, write_step.STEP, ranges)
    steps = _steps(job, [*read, *finished, *written])
    total = _totals(steps)
    total.check(f"{domain}: all steps")
    levels = _finish_levels(job, written)
    _write_rejects(job, ranges)
    _write_quarantine(job, read)
    store.write_json(job.name("curves.json"), _curves(job, read))
    licences: collections.Counter[str] = collections.Counter()
    for marker in written:
        for file in marker["files"].values():
            licences.update(file["licences"])
    manifest = {
        "domain": domain,
        "config_hash": job.digest,
        "python": platform.python_version(),
        "sources": list(options.domains[domain].sources),
        "inputs": hashes,
        **total.rows(),
        "steps": {step: account.rows() for step, account in steps.items()},
        "levels": levels,
        "licences": dict(sorted(licences.items())),
        "quality": _quality(finished),
        "contaminated": _contaminated(finished),
    }
    store.write_json(job.name("manifest.json"), manifest)
    phases.say()
    return DomainReport(manifest, built=True)


def _quality(finished: list[dict[str, Any]]) -> dict[str, Any]:
    """Mean scores over the batches that the controller judged, and how many it rejected."""
    batches = [batch for marker in finished for batch in marker["batches"]]
    names = sorted({name for batch in batches for name, value in batch["scores"].items() if value is not None})
    means = {}
    for name in names:
        values = [batch["scores"][name] for batch in batches if batch["scores"].get(name) is not None]
        means[name] = round(sum(values) / len(values), 6)
    return {"batches": len(batches), "rejected": sum(not batch["accepted"] for batch in batches), "mean": means}


def _contaminated(finished: list[dict[str, Any]]) -> dict[str, int]:
    """Documents that were dropped for holding text of each benchmark."""
    found: collections.Counter[str] = collections.Counter()
    for marker in finished:
        found.update(marker["contaminated"])
    return dict(sorted(found.items()))


def build_corpus(
    options: Options, out: str | os.PathLike[str], runner: Runner, tell: Tell | None = None
) -> CorpusReport:
    """Builds every domain of `options`; complete ones are kept. Raises as `build_domain`."""
    return CorpusReport({domain: build_domain(domain, options, out, runner, tell) for domain in options.domains})
