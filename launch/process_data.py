"""Stage `data`: reads the sources, filters, deduplicates, standardises, and writes documents by domain and level.

python -m launch.process_data --config=experiments/demo.py --workdir=runs/demo     # the data stage of a run
python -m launch.process_data --list_sources
python -m launch.process_data --source=books_corpus --input='books/*.txt' --output=out [--runner=beam]
python -m launch.process_data --output=out --explain=DOCUMENT_ID
"""

from __future__ import annotations

import math
import sys

from data.domains import DOMAINS
from data.pipeline import page
from data.pipeline.build import EmptySplitError, Progress, build_corpus
from data.pipeline.options import DomainOptions, Options
from data.pipeline.runners import local_runner
from data.pipeline.store import Store
from data.sources.registry import SOURCES
from launch import cli, source_run
from launch.errors import UserError
from launch.stage import StageContext, StageOutcome


def corpus_options(config) -> Options:
    """The corpus that a config describes.

    Raises:
      UserError: a domain without sources, or a source that isn't there.
    """
    unknown = [domain for domain in config.domains if domain not in DOMAINS]
    if unknown:
        raise UserError(f"unknown domain {unknown[0]!r}", f"the domains are {', '.join(DOMAINS)}")
    data = config.data
    inputs = {name: path for name, path in data.inputs.items() if path}
    weights = {name: float(weight) for name, weight in data.local_sources.items() if weight}
    if wrong := [name for name, weight in weights.items() if not 0 < weight < math.inf]:
        raise UserError(
            f"data.local_sources.{wrong[0]}={weights[wrong[0]]} is no weight", "give 0 or a positive number"
        )
    if strangers := sorted({*inputs, *weights} - set(SOURCES)):
        raise UserError(f"unknown source {strangers[0]!r} in the section data", "--list_sources lists them")
    if needy := [name for name in weights if SOURCES[name].readers]:
        raise UserError(f"source {needy[0]} in data.local_sources needs an input", f"set data.inputs.{needy[0]}")
    domains = {}
    for domain in config.domains:
        own = [name for name, info in SOURCES.items() if info.domain == domain]
        without = [name for name in own if name in weights]
        domains[domain] = DomainOptions(
            sources=(*without, *(name for name in own if name in inputs)),
            inputs={name: inputs[name] for name in own if name in inputs},
            max_bytes_per_level=int(data[f"{domain}_level_bytes"]),
            generated_bytes_per_level=int(data.generated_level_bytes),
            max_source_bytes=int(data.language_source_bytes) if domain == "language" else 0,
            weights={name: weights[name] for name in without},
        )
        if not domains[domain].sources:
            raise UserError(
                f"domain {domain} has no source",
                f"weigh one in data.local_sources, or set data.inputs.NAME of {', '.join(own)}",
            )
    return Options(
        seed=int(config.seed),
        domains=domains,
        heldout_permille=int(data.heldout_permille),
        near_duplicates=float(data.near_duplicates),
        image_distance=int(data.image_distance),
        benchmarks=data.benchmarks,
        ngram=int(data.ngram),
        batch_documents=int(data.batch_documents),
        min_diversity=float(data.min_diversity),
        max_toxicity=float(data.max_toxicity),
        max_quarantine_share=float(data.max_quarantine_share),
    )


def run(context: StageContext) -> StageOutcome:
    """Builds the corpus; complete domains are kept."""
    options = corpus_options(context.config)
    share: dict[str, float] = {}

    def tell(at: Progress) -> None:
        share[at.domain] = at.done / at.total
        context.progress.update(round(100 * sum(share.values())), 100 * len(options.domains))

    try:
        with local_runner(int(context.config.data.workers)) as runner:
            report = build_corpus(options, context.folder, runner, tell)
    except (EmptySplitError, OSError, ValueError) as error:
        raise UserError(str(error)) from error
    store = Store(str(context.folder))
    store.write_text(source_run.PAGE, page.render(store, {name: row.manifest for name, row in report.domains.items()}))
    outputs = context.hash_outputs(
        "*/*/*.array_record", "*/*.jsonl", "*/*/manifest.json", "*/manifest.json", source_run.PAGE
    )
    return StageOutcome(outputs=outputs, extra={"input_files": report.inputs()}, **report.accounts())


if __name__ == "__main__":
    if source_run.wanted(sys.argv[1:]):
        source_run.define_flags()
        cli.command(source_run.run)
    else:
        cli.main("data")
