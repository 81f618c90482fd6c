"""The rows of the registry: names, picklable readers, and which reader gets which file."""

import pickle

import pytest

from data.sources.math.registry import SOURCES
from data.sources.source import plan

BY_NAME = {source.name: source for source in SOURCES}


def test_the_five_sources():
    assert [(source.name, source.profile) for source in SOURCES] == [
        ("arxiv_math", "math"),
        ("textbooks_k12_grad", "math"),
        ("proof_databases", "proofs"),
        ("competition_problems", "math_qa"),
        ("wolfram_alpha_queries", "math_qa"),
    ]
    assert all(source.domain == "math" and source.format and source.where and source.size_hint for source in SOURCES)
    copies = pickle.loads(pickle.dumps(SOURCES))
    assert [source.name for source in copies] == list(BY_NAME)
    assert all(callable(reader.read) for source in copies for reader in source.readers)


@pytest.mark.parametrize(
    "source, name, reader",
    [
        ("arxiv_math", "a/1911.02782.gz", 0),
        ("arxiv_math", "1911.02782v2", 0),
        ("arxiv_math", "math0309136.gz", 0),
        ("arxiv_math", "quant-ph9901001", 0),
        ("arxiv_math", "arXiv_src_1911_001.tar", 0),
        ("arxiv_math", "p.tar.gz", 0),
        ("arxiv_math", "p/main.tex", 1),
        ("arxiv_math", "p/fig.pdf", None),
        ("textbooks_k12_grad", "a/b.tex", 0),
        ("textbooks_k12_grad", "a/b.md", 1),
        ("textbooks_k12_grad", "a/b.ptx", 2),
        ("textbooks_k12_grad", "LICENSE", None),
        ("proof_databases", "A.lean", 0),
        ("proof_databases", "A.v", 1),
        ("proof_databases", "A.thy", 2),
        ("proof_databases", "set.mm.gz", 3),
        ("competition_problems", "train.jsonl.zst", 0),
        ("competition_problems", "algebra/1.json", 1),
        ("competition_problems", "a.parquet", 1),
        ("competition_problems", "a.csv", 1),
        ("wolfram_alpha_queries", "0 Suites/Apostol Problems.m", 0),
        ("wolfram_alpha_queries", "train-easy/numbers__gcd.txt", 1),
        ("wolfram_alpha_queries", "test_single.py", 2),
        ("wolfram_alpha_queries", "mathematics_dataset-v1.0.tar.gz", 3),
        ("wolfram_alpha_queries", "notes.txt", -1),
    ],
)
def test_which_reader_gets_a_file(source, name, reader, make_input):
    """None: a companion; -1: nobody's, so that the plan says so."""
    row = BY_NAME[source]
    file = make_input(name, b"x")
    anchor = make_input("anchor/zz.lean" if source == "proof_databases" else f"anchor/{_anchor(source)}", b"x")
    found = plan(row, [file, anchor], 1 << 20)
    readers = [unit.reader for unit in found.units if unit.file == file]
    assert readers == ([reader] if reader not in (None, -1) else [])
    assert (file in found.unclaimed) == (reader == -1)


def _anchor(source):
    return {"competition_problems": "z.jsonl", "wolfram_alpha_queries": "z.m"}.get(source, "z.tex")


def test_importing_the_registry_is_light():
    import subprocess
    import sys

    heavy = "sympy mpmath pylatexenc tensorflow jax"
    code = f"import sys, data.sources.math.registry; print([m for m in '{heavy}'.split() if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
