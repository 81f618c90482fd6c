"""One source from its files to documents, without a config: what `launch.process_data --source=NAME` does."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Iterator
from contextlib import contextmanager

from absl import flags

from data import inputs
from data.pipeline import page
from data.pipeline.build import CorpusReport, Progress, build_corpus
from data.pipeline.explain import explain
from data.pipeline.options import DomainOptions, Options
from data.pipeline.runners import Runner, local_runner
from data.pipeline.store import Store
from data.processors.registry import list_rules
from data.sources.registry import list_sources, source
from launch import progress as progress_lib
from launch import provenance
from launch.errors import UsageError, UserError

STAGE = "process_data"
MANIFEST = "manifest.json"
PAGE = "report.html"
_DEFAULTS = Options(seed=0, domains={})


def define_flags() -> None:
    """Defines the flags; the defaults of thresholds are those of `data.pipeline.options.Options`."""
    flags.DEFINE_boolean("list_sources", False, "Print the table of sources and end.")
    flags.DEFINE_boolean("list_rules", False, "Print the table of the rules of quality and end.")
    flags.DEFINE_string("source", None, "Name of the source; --list_sources lists them.")
    flags.DEFINE_string(
        "input", "", "File, folder, glob, URL, hub:ORG/NAME or tfds:NAME:SPLIT; several joined by commas."
    )
    flags.DEFINE_string("output", None, "Folder to write to; a second start goes on where the first was.")
    flags.DEFINE_string("explain", None, "Id or source of a document: tell what became of it in --output.")
    flags.DEFINE_enum("runner", "local", ["local", "beam"], "Who does the work: processes here, or a Beam pipeline.")
    flags.DEFINE_list(
        "beam_args", [], "Pipeline options of Beam, joined by commas: --runner=FlinkRunner,--parallelism=8."
    )
    flags.DEFINE_integer("workers", os.cpu_count() or 1, "Processes of the local runner.", lower_bound=1)
    flags.DEFINE_integer("seed", 0, "Of generated sources.")
    flags.DEFINE_integer(
        "max_bytes_per_level", 0, "Bytes that a level may hold; 0: all. Generated sources make this much."
    )
    flags.DEFINE_integer("max_source_bytes", 0, "Bytes to open of a source that every machine has; 0: all.")
    flags.DEFINE_integer("heldout_permille", _DEFAULTS.heldout_permille, "Thousandths held out.", 0, 1000)
    flags.DEFINE_integer("shard_mb", _DEFAULTS.shard_bytes >> 20, "Size of output files in MiB, about.", 1)
    flags.DEFINE_float(
        "near_duplicates", _DEFAULTS.near_duplicates, "Jaccard similarity from which texts are duplicates."
    )
    flags.DEFINE_integer(
        "image_distance", _DEFAULTS.image_distance, "Bits in which hashes of duplicate pictures differ.", -1, 64
    )
    flags.DEFINE_string("benchmarks", "", "Folder of benchmarks that no document may hold n-grams of.")
    flags.DEFINE_integer("ngram", _DEFAULTS.ngram, "Words of such an n-gram.", 3)
    flags.DEFINE_integer(
        "batch_documents", _DEFAULTS.batch_documents, "Documents that the controller judges at a time.", 1
    )
    flags.DEFINE_float("min_diversity", _DEFAULTS.min_diversity, "Batches below are rejected.", 0.0, 1.0)
    flags.DEFINE_float("max_toxicity", _DEFAULTS.max_toxicity, "Batches above are rejected.", 0.0, 1.0)
    flags.DEFINE_float("max_quarantine_share", _DEFAULTS.max_quarantine_share, "Beyond it the run stops.", 0.0, 1.0)


def _options(values: flags.FlagValues) -> Options:
    info = source(values.source)
    if info.readers and not values.input:
        raise UserError(f"--source={info.name} reads files and --input is missing", f"get them: {info.where}")
    wanted = DomainOptions(
        sources=(info.name,),
        inputs={info.name: values.input} if values.input else {},
        max_bytes_per_level=values.max_bytes_per_level,
        max_source_bytes=values.max_source_bytes,
    )
    return Options(
        seed=values.seed,
        domains={info.domain: wanted},
        heldout_permille=values.heldout_permille,
        shard_bytes=values.shard_mb << 20,
        near_duplicates=values.near_duplicates,
        image_distance=values.image_distance,
        benchmarks=values.benchmarks,
        ngram=values.ngram,
        batch_documents=values.batch_documents,
        min_diversity=values.min_diversity,
        max_toxicity=values.max_toxicity,
        max_quarantine_share=values.max_quarantine_share,
        keep_empty_levels=True,
    )


@contextmanager
def _runner(values: flags.FlagValues) -> Iterator[Runner]:
    if values.runner == "beam":
        from data.pipeline.beam_runner import BeamRunner  # Beam takes seconds to import

        yield BeamRunner(values.beam_args)
        return
    if values.beam_args:
        raise UsageError("--beam_args is given without --runner=beam", "add it, or leave the arguments out")
    with local_runner(values.workers) as runner:
        yield runner


def _refuse_other(store: Store, digest: str) -> None:
    before = store.read_json(MANIFEST) or store.read_json("started.json")
    if before is not None and before["config_hash"] != digest:
        raise UserError(
            f"{store.root} was made with other options or another source", "choose another --output, or delete it"
        )


def _build(values: flags.FlagValues) -> None:
    options = _options(values)
    (domain,) = options.domains
    store, digest = Store(values.output), options.digest(domain)
    _refuse_other(store, digest)
    if values.input:
        inputs.expand(values.input)  # a mistyped path leaves nothing behind
    if not store.exists("started.json"):
        store.write_json("started.json", {"config_hash": digest, "started": provenance.now()})
    started = time.monotonic()
    with progress_lib.Progress([values.source]) as shown, shown.stage(values.source) as stage:

        def tell(at: Progress) -> None:
            seconds = max(time.monotonic() - started, 1e-9)
            figures = {"documents_per_second": at.documents / seconds, "MB_per_second": at.num_bytes / seconds / 1e6}
            stage.update(at.done, at.total, **figures, kept=at.kept / max(at.documents, 1))

        with _runner(values) as runner:
            report = build_corpus(options, values.output, runner, tell)
    if any(domain.built for domain in report.domains.values()) or not store.exists(MANIFEST):
        _finish(store, report, digest)
    else:
        print(f"{values.source}: all is complete in {values.output}")
    _print_summary(report, store)


def _finish(store: Store, report: CorpusReport, digest: str) -> None:
    store.write_text(PAGE, page.render(store, {name: domain.manifest for name, domain in report.domains.items()}))
    manifest = {
        "stage": STAGE,
        "config_hash": digest,
        "inputs": report.inputs(),
        "started": store.read_json("started.json")["started"],
        "finished": provenance.now(),
        "versions": provenance.versions(),
        "sources": sorted({name for domain in report.domains.values() for name in domain.manifest["sources"]}),
        **report.accounts(),
    }
    store.write_json(MANIFEST, manifest)


def _print_summary(report: CorpusReport, store: Store) -> None:
    for unit, row in report.accounts().items():
        dropped, quarantined = sum(row["dropped"].values()), sum(row["quarantined"].values())
        print(f"{unit:8} in {row['in']:,} = out {row['out']:,} + dropped {dropped:,} + quarantined {quarantined:,}")
    reasons = report.accounts()["records"]["dropped"] | report.accounts()["records"]["quarantined"]
    for reason, count in sorted(reasons.items(), key=lambda item: (-item[1], item[0]))[:12]:
        print(f"  {reason:28} {count:,}")
    print(f"report: {store.path(PAGE)}")


def run() -> None:
    """Does what the flags say.

    Raises:
      UserError: the flags, the input or the output make no sense; what to change is in the message.
    """
    values = flags.FLAGS
    if values.list_sources:
        print(list_sources())
        return
    if values.list_rules:
        print(list_rules())
        return
    if not values.output:
        raise UserError("--output is missing", "add --output=DIR")
    try:
        if values.explain:
            print(explain(values.output, values.explain))
            return
        _build(values)
    except (ValueError, OSError) as error:
        raise UserError(str(error), f"see {shlex.quote(values.output)} for what was done") from error


def wanted(argv: list[str]) -> bool:
    """Whether a command line is for this module rather than for a stage of a workdir."""
    names = ("source", "list_sources", "list_rules", "explain", "input", "output")
    return any(argument.lstrip("-").split("=", 1)[0] in names for argument in argv if argument.startswith("-"))
