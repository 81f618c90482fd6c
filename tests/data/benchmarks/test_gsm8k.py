"""GSM8K is read in every layout that it is published in, and what is no GSM8K is told by file and row."""

import gzip
import json

import pyarrow
import pyarrow.parquet
import pytest

from data.benchmarks import gsm8k, rows

ROWS = [{"question": f"What is {n} + 1?", "answer": f"It is {n + 1}.\n#### {n + 1}"} for n in range(4)]


def _lines(found):
    return "".join(json.dumps(one) + "\n" for one in found)


def _jsonl(folder, name, found):
    (folder / f"{name}.jsonl").write_text(_lines(found))


def _gzipped(folder, name, found):
    (folder / f"{name}.jsonl.gz").write_bytes(gzip.compress(_lines(found).encode()))


def _parquet(folder, name, found):
    (folder / "main").mkdir(exist_ok=True)
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(found), folder / "main" / f"{name}-00000-of-00001.parquet")


@pytest.mark.parametrize("write", [_jsonl, _gzipped, _parquet])
def test_every_layout_gives_the_same_documents(tmp_path, write):
    folder = tmp_path / "gsm8k"
    folder.mkdir()
    write(folder, "test", ROWS)
    write(folder, "train", ROWS[:2])
    found = gsm8k.load(tmp_path)
    assert [{"question": one["question"], "answer": one["answer"]} for one in found.test] == ROWS
    assert len({one["id"] for one in found.test}) == 4 and len(found.train) == 2 and found.duplicates == 0


def test_the_socratic_wording_is_another_set_and_duplicates_are_counted(tmp_path):
    (tmp_path / "gsm8k").mkdir()
    _jsonl(tmp_path / "gsm8k", "test", ROWS + ROWS[:1])
    _jsonl(tmp_path / "gsm8k", "test_socratic", [{**one, "answer": f"Why? {one['answer']}"} for one in ROWS])
    found = gsm8k.load(tmp_path)
    assert len(found.test) == 4 and found.duplicates == 1 and found.train == []


def test_bad_rows_are_told_by_their_place(tmp_path):
    (tmp_path / "gsm8k").mkdir()
    with pytest.raises(rows.MissingDataError, match="gsm8k/test"):
        gsm8k.load(tmp_path)
    _jsonl(tmp_path / "gsm8k", "test", [ROWS[0], {"question": "q", "answer": "42"}])
    with pytest.raises(rows.BenchmarkDataError, match=r"test.jsonl:2: the answer ends in no '#### N'"):
        gsm8k.load(tmp_path)
    _jsonl(tmp_path / "gsm8k", "test", [{"problem": "q", "answer": "#### 1"}])
    with pytest.raises(rows.BenchmarkDataError, match="test.jsonl:1 has no question"):
        gsm8k.load(tmp_path)
