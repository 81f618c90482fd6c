"""The rows of the reasoning sources: their names, that workers can receive them, and that they claim the samples."""

import json
import pickle
import subprocess
import sys

from data.domains import DOMAINS
from data.sources.reasoning.registry import SOURCES
from data.sources.source import plan

NAMES = {
    "logic_puzzles": "puzzles",
    "scientific_papers": "papers",
    "legal_cases": "legal",
    "philosophy_texts": "prose",
    "game_records": "games",
}


def test_rows():
    assert {source.name: source.profile for source in SOURCES} == NAMES
    assert all(source.domain == "reasoning" and source.domain in DOMAINS for source in SOURCES)
    assert [source.name for source in SOURCES if source.verify] == ["game_records"]


def test_rows_can_be_sent_to_workers():
    assert pickle.loads(pickle.dumps(SOURCES)) == SOURCES


def test_every_sample_is_claimed(samples, input_files):
    for source in SOURCES:
        made = plan(source, input_files(samples(f"reasoning/{source.name}")), 1 << 20)
        assert made.units and not made.unclaimed


def test_importing_brings_no_framework():
    code = (
        "import sys, json, data.sources.reasoning.registry; "
        "print(json.dumps([name for name in ('jax', 'tensorflow') if name in sys.modules]))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(result.stdout) == []
