"""Stage `data`: reads the sources, filters, deduplicates, standardises, and writes documents by domain and level.

    python -m launch.process_data --config=experiments/demo.py --workdir=runs/demo
    python -m launch.process_data --list_sources
"""

from __future__ import annotations

import sys

from data.corpus import CorpusOptions, DomainOptions, EmptySplitError, build_corpus
from data.domains import DOMAINS
from data.sources.registry import SOURCES, list_sources
from launch import cli
from launch.errors import UserError
from launch.stage import StageContext, StageOutcome


def corpus_options(config) -> CorpusOptions:
    """The corpus that a config describes.

    Raises:
      UserError: a domain without sources.
    """
    unknown = [domain for domain in config.domains if domain not in DOMAINS]
    if unknown:
        raise UserError(f"unknown domain {unknown[0]!r}", f"the domains are {', '.join(DOMAINS)}")
    domains = {
        domain: DomainOptions(
            sources=tuple(name for name, info in SOURCES.items() if info.domain == domain),
            max_bytes_per_level=int(config.data[f"{domain}_level_bytes"]),
            max_source_bytes=int(config.data.language_source_bytes) if domain == "language" else 0,
        )
        for domain in config.domains
    }
    return CorpusOptions(seed=int(config.seed), domains=domains, heldout_permille=int(config.data.heldout_permille))


def run(context: StageContext) -> StageOutcome:
    """Builds the corpus; complete domains are kept."""
    options = corpus_options(context.config)
    total = {}

    def tell(domain: str, done: int, of: int) -> None:
        total[domain] = done
        context.progress.update(sum(total.values()), of * len(options.domains))

    try:
        report = build_corpus(options, context.folder, int(context.config.data.workers), tell)
    except EmptySplitError as error:
        raise UserError(str(error)) from error
    return StageOutcome(
        outputs=context.hash_outputs("**/*.array_record", "**/*.jsonl", "*/**/manifest.json"), **report.accounts()
    )


if __name__ == "__main__":
    if "--list_sources" in sys.argv[1:]:
        print(list_sources())
    else:
        cli.main("data")
