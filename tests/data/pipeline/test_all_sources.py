"""Every source on every sample of its formats, through the whole pipeline: accounts balance, and Beam writes the same bytes."""

from __future__ import annotations

import hashlib

import pytest

from data.domains import SPLITS
from data.pipeline.build import build_corpus
from data.pipeline.options import DomainOptions, Options
from data.pipeline.runners import InProcess
from data.records import read_split
from data.sources.registry import SOURCES
from experiments.base import SOURCES_WITH_INPUT

# Samples of which nothing can become a document: captions whose videos are not there.
_NOTHING_KEPT = {"video_captions"}


def _tree(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_registry_has_the_25_sources_five_a_domain():
    named = [SOURCES[name] for name in SOURCES_WITH_INPUT]
    assert len(named) == 25 and all(info.readers for info in named)
    domains = [info.domain for info in named]
    assert {domain: domains.count(domain) for domain in domains} == dict.fromkeys(domains, 5) and len(set(domains)) == 5


@pytest.mark.slow
@pytest.mark.parametrize("name", SOURCES_WITH_INPUT)
def test_every_sample_balances_and_beam_writes_the_same_bytes(name, samples, tmp_path):
    from data.pipeline.beam_runner import BeamRunner

    domain = SOURCES[name].domain
    folder = samples(f"{domain}/{name}")
    options = Options(0, {domain: DomainOptions((name,), {name: str(folder)})}, keep_empty_levels=True)
    report = build_corpus(options, tmp_path / "local", InProcess())
    manifest = report.domains[domain].manifest
    for unit in ("records", "bytes"):
        row = manifest[unit]
        assert row["in"] == row["out"] + sum(row["dropped"].values()) + sum(row["quarantined"].values())
    documents = [
        document
        for level, row in manifest["levels"].items()
        for split in SPLITS
        if row["splits"][split]["records"]
        for document in read_split(tmp_path / "local", domain, level, split)
    ]
    assert len(documents) == manifest["records"]["out"]
    assert bool(documents) == (name not in _NOTHING_KEPT)
    assert all(document.source.startswith(f"{name}:") and document.text.strip() for document in documents)
    build_corpus(options, tmp_path / "beam", BeamRunner())
    assert _tree(tmp_path / "beam") == _tree(tmp_path / "local")
