"""Builds the generated corpus of one domain: as many different, proved examples of every level as are asked for."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import time
from collections.abc import Callable, Sequence
from typing import Any

from data.accounts import Account
from data.domains import LEVELS
from data.pipeline.ledger import add_rows
from data.pipeline.runners import Runner
from data.pipeline.store import Store
from data.pipeline.write_step import split_of
from data.synthetic import chunks
from data.synthetic.attempts import Writer
from data.synthetic.chunks import Job

MANIFEST = "manifest.json"
STARTED = "started.json"
DUPLICATE = "duplicate"
MIN_CHUNK, MAX_CHUNK = (
    8,
    256,
)  # candidates; a level is cut in about CHUNKS of them, so that many workers have their part
CHUNKS = 32
PATIENCE = 1000  # candidates in a row that give nothing new, after which a level is taken to be exhausted
MIN_SHARE = 0.05  # of candidates that are new, by which the number of further ones is reckoned


class ExhaustedError(ValueError):
    """A level that has fewer different examples than were asked for."""


class OtherOptionsError(ValueError):
    """A folder that was made, or begun, with other options."""


@dataclasses.dataclass(frozen=True)
class Options:
    """Everything the bytes of a build depend on besides the code.

    Attributes:
      domain: what to make.
      count: examples to write, spread evenly over the levels.
      seed: of the generators.
      level: only this one, "" for all of the domain.
      source: only this source, "" for all that generate the domain.
      metamath_sha256: of the database whose proofs give steps, "" for none.
      model: names the model that writes completions and how it is sampled, "" where generators write all.
      heldout_permille: thousandths that are held out.
    """

    domain: str
    count: int
    seed: int = 0
    level: str = ""
    source: str = ""
    metamath_sha256: str = ""
    model: str = ""
    heldout_permille: int = 40

    def digest(self) -> str:
        """Names these options."""
        return hashlib.sha256(json.dumps(dataclasses.asdict(self), sort_keys=True).encode()).hexdigest()

    def counts(self) -> dict[str, int]:
        """Examples of each level; what can't be spread evenly goes to the easier ones."""
        levels = (self.level,) if self.level else LEVELS[self.domain]
        each, more = divmod(self.count, len(levels))
        return {level: each + (place < more) for place, level in enumerate(levels)}


@dataclasses.dataclass(frozen=True)
class Progress:
    """How far a build is: the level, how many examples of it are chosen and wanted, and candidates made for them."""

    level: str
    chosen: int
    wanted: int
    made: int


@dataclasses.dataclass(frozen=True)
class Report:
    """What a build has done.

    Attributes:
      manifest: of the domain, as written.
      seconds: by level that this run worked on, how long it took; empty where all was complete.
    """

    manifest: dict[str, Any]
    seconds: dict[str, float]


def build(
    options: Options,
    output: str,
    metamath: str,
    runner: Runner,
    now: Callable[[], str],
    tell: Callable[[Progress], None],
    writer: Writer | None = None,
) -> Report:
    """Builds a domain, or goes on with a build that was stopped; a complete one is left as it is.

    Args:
      options: what to make.
      output: folder that holds a folder for each domain.
      metamath: path of the Metamath database, or "".
      runner: who does the units of work; bytes do not depend on it.
      now: the time as manifests hold it.
      tell: is told how far the build is.
      writer: the model that `options.model` names; `runner` must be the one of this process.

    Raises:
      OtherOptionsError, ExhaustedError, MakerError: see there.
      BalanceError: a candidate went in and did not come out; a defect.
    """
    store, domain, digest = Store(output), options.domain, options.digest()
    for name in (MANIFEST, STARTED):
        before = store.read_json(f"{domain}/{name}")
        if before is not None and before.get("digest") != digest:
            raise OtherOptionsError(f"{store.path(domain)} was made with other options")
        if before is not None and name == MANIFEST:
            store.remove(f"{domain}/work")
            return Report(before, {})
    if not store.exists(f"{domain}/{STARTED}"):
        store.write_json(f"{domain}/{STARTED}", {"digest": digest, "started": now()})
    account, seen, files, seconds = Account(), set(), {}, {}
    levels: dict[str, Any] = {}
    for level, wanted in options.counts().items():
        began = time.monotonic()
        chunk = min(max(wanted // CHUNKS, MIN_CHUNK), MAX_CHUNK)
        job = Job(output, domain, level, options.seed, options.source, metamath, chunk, digest, options.model, writer)
        own = _Level(job, wanted, options.heldout_permille, seen)
        own.fill(runner, tell)
        written = own.write(runner)
        seconds[level] = time.monotonic() - began
        files |= written
        levels[level] = {"documents": wanted, "candidates": own.account.into[0]}
        add_rows(account, own.account.rows())
    account.check(f"{domain}: generating")
    manifest = {
        "digest": digest,
        "options": dataclasses.asdict(options),
        "started": store.read_json(f"{domain}/{STARTED}")["started"],
        "finished": now(),
        "levels": levels,
        "files": files,
        **account.rows(),
    }
    store.write_json(f"{domain}/{MANIFEST}", manifest)
    store.remove(f"{domain}/work")
    return Report(manifest, seconds)


class _Level:
    """Chooses the examples of one level among its candidates, in the order of their indices."""

    def __init__(self, job: Job, wanted: int, heldout_permille: int, seen: set[bytes]):
        self._job, self._wanted, self._permille, self._seen = job, wanted, heldout_permille, seen
        self.account = Account()
        self._barren = 0  # candidates in a row that gave nothing new
        self._chosen: list[tuple[int, int, str]] = []

    def fill(self, runner: Runner, tell: Callable[[Progress], None]) -> None:
        """Makes chunks until there are as many examples as wanted."""
        first, any_found = 0, True
        while (missing := self._wanted - len(self._chosen)) > 0:
            if self._barren > PATIENCE or not any_found:
                raise ExhaustedError(
                    f"{self._job.domain}/{self._job.level} has no more than {len(self._chosen)} different examples "
                    f"among {self.account.into[0]} candidates, and {self._wanted} are asked for"
                )
            share = max(len(self._chosen) / self.account.into[0], MIN_SHARE) if first else 1.0
            numbers = range(first, first + math.ceil(missing / share / self._job.chunk))
            for done, _ in enumerate(runner.map(chunks.write_chunk, self._job, numbers), 1):
                likely = self._wanted - missing + missing * done // len(numbers)
                tell(Progress(self._job.level, likely, self._wanted, (first + done) * self._job.chunk))
            any_found = self._choose(numbers)
            first = numbers.stop

    def _choose(self, numbers: Sequence[int]) -> bool:
        """Takes what is new of some chunks. Returns whether they held any candidate."""
        any_found = False
        for number in numbers:
            proved = 0
            for name, num_bytes, reason in chunks.read_fates(self._job, number):
                any_found = True
                if len(self._chosen) == self._wanted:
                    return True  # what lies behind the last one needed was made in vain and is not counted
                key = bytes.fromhex(name)
                self.account.take(1, num_bytes)
                if reason or key in self._seen:
                    self.account.drop(reason or DUPLICATE, 1, num_bytes)
                    self._barren += 1
                else:
                    self._barren = 0
                    self.account.keep(1, num_bytes)
                    self._seen.add(key)
                    self._chosen.append((number, proved, split_of(name, self._permille)))
                proved += not reason
        return any_found

    def write(self, runner: Runner) -> dict[str, dict[str, Any]]:
        """Writes the level's files. Returns their counts and hashes by name."""
        shards = range(chunks.write_plan(self._job, self._chosen))
        for _ in runner.map(chunks.write_shard, self._job, shards):
            pass
        return {name: row for shard in shards for name, row in chunks.read_shard(self._job, shard).items()}
