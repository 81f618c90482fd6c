"""One domain's build as workers know it: options, where to write, and the units of work. Small enough to send along."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Sequence

from data import inputs
from data.document import ReadRequest
from data.pipeline.options import Options
from data.pipeline.store import Store
from data.sources import source as source_lib
from data.sources.registry import source

# Of sources without an input. Fixed, so that the split of the work never depends on the machine.
NUM_SHARDS = 16


@dataclasses.dataclass(frozen=True)
class Work:
    """One unit of work: some pieces of a source's input, or a shard of a source without one.

    Small files go together: a unit leaves half a dozen files behind, and batches that the controller judges lie within it.
    """

    source: str
    pieces: tuple[source_lib.Unit, ...] = ()
    request: ReadRequest | None = None


@dataclasses.dataclass(frozen=True)
class Job:
    """A domain's build.

    Attributes:
      domain: which.
      options: of the whole build.
      out: the build's folder, path or URL.
      works: units in a fixed order.
      unclaimed: files of the inputs that no reader knows, by source.
      files: all files of the inputs.
    """

    domain: str
    options: Options
    out: str
    works: tuple[Work, ...]
    unclaimed: tuple[tuple[str, inputs.InputFile], ...] = ()
    files: tuple[inputs.InputFile, ...] = ()

    @functools.cached_property
    def store(self) -> Store:
        """The build's folder."""
        return Store(self.out)

    @property
    def digest(self) -> str:
        """Names options and work: a file made under another digest is not this job's."""
        return self.options.digest(self.domain)

    def name(self, *parts: str) -> str:
        """Name in the store of something of this domain."""
        return "/".join((self.domain, *parts))

    def work_name(self, step: str, number: int, kind: str) -> str:
        """Name of a file that one unit leaves behind: `code/work/read/00003.parquet`."""
        return self.name("work", step, f"{number:05d}.{kind}")


def _together(units: Sequence[source_lib.Unit], num_bytes: int) -> Iterator[tuple[source_lib.Unit, ...]]:
    """Groups neighbours while their stored bytes stay within a range's."""
    group: list[source_lib.Unit] = []
    size = 0
    for unit in units:
        own = (unit.file.size if unit.end is None else unit.end) - unit.start
        if group and size + own > num_bytes:
            yield tuple(group)
            group, size = [], 0
        group.append(unit)
        size += own
    if group:
        yield tuple(group)


def make_job(domain: str, options: Options, out: str) -> Job:
    """Plans a domain's work.

    Raises:
      ValueError: options that name an unknown source or one of another domain, or that lack what a source needs.
      InputError, PlanError: an input names nothing that its source reads.
    """
    wanted = options.domains[domain]
    works: list[Work] = []
    unclaimed: list[tuple[str, inputs.InputFile]] = []
    files: list[inputs.InputFile] = []
    for name in wanted.sources:
        info = source(name)
        if info.domain != domain:
            raise ValueError(f"source {name!r} belongs to {info.domain}, not to {domain}")
        if info.readers:
            if not wanted.inputs.get(name):
                raise ValueError(f"source {name!r} reads files: name its input ({info.where})")
            found = inputs.expand(wanted.inputs[name])
            plan = source_lib.plan(info, found, options.range_bytes)
            works += [Work(name, pieces) for pieces in _together(plan.units, options.range_bytes)]
            unclaimed += [(name, file) for file in plan.unclaimed]
            files += found
            continue
        if wanted.inputs.get(name):
            raise ValueError(f"source {name!r} takes no input: it is {info.where}")
        if info.generate is not None and wanted.generated_bytes(name) <= 0:
            raise ValueError(
                f"{domain}: {name!r} generates without end; set max_bytes_per_level, and let its share of it be a byte at least"
            )
        for shard in range(NUM_SHARDS):
            request = ReadRequest(
                seed=options.seed,
                shard=shard,
                num_shards=NUM_SHARDS,
                level_bytes=wanted.generated_bytes(name),
                source_bytes=wanted.max_source_bytes,
                root=wanted.root,
            )
            works.append(Work(name, request=request))
    return Job(domain, options, out, tuple(works), tuple(unclaimed), tuple(files))
