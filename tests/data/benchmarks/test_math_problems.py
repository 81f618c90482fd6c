"""MATH is read as repacked, from the hub by subject, as MATH-500 and as the authors' tree of files."""

import json

import pyarrow
import pyarrow.parquet
import pytest

from data.benchmarks import math_problems, rows

ROWS = [
    {"problem": f"What is {n}?", "level": f"Level {n}", "type": "Algebra", "solution": f"It is $\\boxed{{{n}}}$."}
    for n in range(1, 4)
]


def _jsonl(folder):
    (folder / "math").mkdir()
    (folder / "math" / "test.jsonl").write_text("".join(json.dumps({**one, "idx": 0}) + "\n" for one in ROWS))


def _tree(folder):
    for split in ("test", "train"):
        (folder / "math" / split / "algebra").mkdir(parents=True)
        for number, one in enumerate(ROWS):
            (folder / "math" / split / "algebra" / f"{number}.json").write_text(json.dumps(one))


def _hub(folder):
    (folder / "hendrycks_math" / "algebra").mkdir(parents=True)
    path = folder / "hendrycks_math" / "algebra" / "test-00000-of-00001.parquet"
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(ROWS), path)


def _math_500(folder):
    (folder / "math_500").mkdir()
    renamed = [
        {"problem": one["problem"], "solution": one["solution"], "answer": str(n), "subject": "Algebra", "level": n}
        for n, one in enumerate(ROWS, 1)
    ]
    (folder / "math_500" / "test.jsonl").write_text("".join(json.dumps(one) + "\n" for one in renamed))


@pytest.mark.parametrize("write", [_jsonl, _tree, _hub, _math_500])
def test_every_layout_gives_the_same_documents(tmp_path, write):
    write(tmp_path)
    found = math_problems.load(tmp_path)
    assert [{name: one[name] for name in ROWS[0]} for one in found.test] == ROWS
    assert len(found.train) == (3 if write is _tree else 0) and found.duplicates == 0


def test_a_solution_without_a_box_is_told_by_its_place(tmp_path):
    (tmp_path / "math").mkdir()
    (tmp_path / "math" / "test.jsonl").write_text(json.dumps({**ROWS[0], "solution": "It is 1."}) + "\n")
    with pytest.raises(rows.BenchmarkDataError, match=r"test.jsonl:1: the solution has no \\boxed"):
        math_problems.load(tmp_path)
