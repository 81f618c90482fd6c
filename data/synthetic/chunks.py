"""The units of work: a chunk makes and proves candidates, a shard writes chosen ones into the corpus.

A chunk is the candidates of some indices of a level. It leaves `work/LEVEL/K.array_record` with the records of those
that were proved and, last, `K.json` with the fate of every candidate. What depends on other chunks is decided
afterwards and handed to the shards as `work/LEVEL/plan.json`. Nothing depends on who does a unit, or when.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import Any

from data import records
from data.array_records import read_records, write_records
from data.document import Document
from data.domains import SPLITS
from data.pipeline.store import Store
from data.synthetic.attempts import Writer, attempts
from data.synthetic.makers import makers, verify

SHARD = 20_000  # documents of a file, both splits together
NOT_VERIFIED = "not_verified"


@dataclasses.dataclass(frozen=True)
class Job:
    """One level of a build.

    Attributes:
      root: output folder.
      domain, level, seed: of the candidates.
      source: only this source, "" for all.
      metamath: path of a Metamath database, or "".
      chunk: indices of a chunk.
      digest: names everything the bytes depend on.
      model: names the model that writes completions, "" where generators write all.
      writer: that model. It stays in this process, so that units with one are not handed to others.
    """

    root: str
    domain: str
    level: str
    seed: int
    source: str
    metamath: str
    chunk: int
    digest: str
    model: str = ""
    writer: Writer | None = None

    @property
    def store(self) -> Store:
        """The output folder."""
        return Store(self.root)

    def work(self, name: str) -> str:
        """Name of a file that is gone when the build is complete."""
        return f"{self.domain}/work/{self.level}/{name}"


def _chunk_name(number: int, ending: str) -> str:
    return f"{number:06d}.{ending}"


def _generated(job: Job, number: int) -> Iterator[Document]:
    """The generators' documents of a chunk's indices."""
    chosen = makers(job.domain, job.level, job.source, job.metamath)
    for index in range(number * job.chunk, (number + 1) * job.chunk):
        maker = chosen[index % len(chosen)]
        try:
            yield maker.generate(job.level, job.seed, index // len(chosen))
        except IndexError:
            continue  # this maker has no more


def write_chunk(job: Job, number: int) -> None:
    """Makes and proves one chunk, unless its marker says that it is done."""
    marker = job.work(_chunk_name(number, "json"))
    done = job.store.read_json(marker)
    if done is not None and done["digest"] == job.digest:
        return
    fates: list[list[Any]] = []
    proved: list[bytes] = []
    documents: Iterable[Document] = _generated(job, number)
    if job.writer is not None:
        seed = int.from_bytes(hashlib.sha256(f"{job.seed}/{job.level}/{number}".encode()).digest()[:4], "big")
        documents = attempts(list(documents), job.writer, seed, job.model)
    for document in documents:
        is_proved = verify(document, job.metamath)
        fates.append([document.id, document.num_bytes, "" if is_proved else NOT_VERIFIED])
        if is_proved:
            proved.append(records.encode(document))
    with job.store.local_file(job.work(_chunk_name(number, "array_record"))) as path:
        write_records(path, proved)
    job.store.write_text(marker, json.dumps({"digest": job.digest, "fates": fates}))


def read_fates(job: Job, number: int) -> list[list[Any]]:
    """The candidates of a chunk in order, as [id, bytes, reason it was dropped for or ""]."""
    return job.store.read_json(job.work(_chunk_name(number, "json")))["fates"]


def write_plan(job: Job, chosen: list[tuple[int, int, str]]) -> int:
    """Leaves word of the records that make up the level. Returns the number of shards.

    Args:
      job: the level.
      chosen: (chunk, position among those proved there, split) of each record.
    """
    shards = max(1, -(-len(chosen) // SHARD))
    job.store.write_text(job.work("plan.json"), json.dumps({"shards": shards, "chosen": chosen}))
    return shards


def write_shard(job: Job, shard: int) -> None:
    """Writes the files of both splits with one shard's documents, and `work/LEVEL/shard-K.json` with their counts."""
    plan = job.store.read_json(job.work("plan.json"))
    splits: dict[str, list[bytes]] = {split: [] for split in SPLITS}
    chunk, held = -1, []
    for number, position, split in plan["chosen"][shard * SHARD : (shard + 1) * SHARD]:
        if number != chunk:
            chunk, held = number, list(read_records(job.store.path(job.work(_chunk_name(number, "array_record")))))
        splits[split].append(held[position])
    files = {}
    for split, found in splits.items():
        name = f"{job.domain}/{job.level}/{records.shard_name(split, shard, plan['shards'])}"
        with job.store.local_file(name) as path:
            write_records(path, found)
            with open(path, "rb") as file:
                files[name] = {"records": len(found), "sha256": hashlib.file_digest(file, "sha256").hexdigest()}
    job.store.write_json(job.work(f"shard-{shard}.json"), files)


def read_shard(job: Job, shard: int) -> dict[str, dict[str, Any]]:
    """Counts and hashes of the files that a shard has written, by name."""
    return job.store.read_json(job.work(f"shard-{shard}.json"))
