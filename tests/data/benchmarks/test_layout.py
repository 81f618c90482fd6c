import pathlib

import pytest

from data.benchmarks import layout
from data.benchmarks.rows import MissingDataError


@pytest.mark.parametrize(
    "path, split",
    [
        ("ARC-Easy/ARC-Easy-Test.jsonl", "test"),
        ("ARC-Challenge/validation-00000-of-00001.parquet", "validation"),
        ("hellaswag_val.jsonl.gz", "validation"),
        ("MNLI/dev_mismatched.tsv", "dev"),
        ("dev/abstract_algebra_dev.csv", "dev"),
        ("train/test.jsonl", "test"),  # the file's own name counts first
        ("test/abstract_algebra.csv", "test"),
        ("bigbench_strategy_qa.jsonl", ""),
        ("contest_latest.jsonl", ""),  # "test" within a word is none
    ],
)
def test_split_is_told_by_whole_words_of_the_path(path, split):
    assert layout.split_of(pathlib.PurePath(path)) == split


@pytest.mark.parametrize("name", ["SST-2", "sst2", "sst_2"])
def test_folder_is_found_whatever_its_case_and_signs(tmp_path, name):
    (tmp_path / name).mkdir()
    (tmp_path / "sst").mkdir()
    assert layout.folder(tmp_path, "sst2") == tmp_path / name


def test_missing_folder_is_told(tmp_path):
    with pytest.raises(MissingDataError, match="no folder sst2"):
        layout.folder(tmp_path, "sst2")
    with pytest.raises(MissingDataError, match="no folder sst2"):
        layout.folder(tmp_path / "absent", "sst2")


def test_a_tasks_files_may_lie_in_a_folder_or_begin_with_its_name(tmp_path):
    for path in ("rte_dev.jsonl", "cola/dev.jsonl", "cola/.cache/train.jsonl", "README.md"):
        (tmp_path / path).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / path).write_text('{"a": 1}\n')
    assert [row["a"] for row in layout.splits_of(tmp_path, "rte")["dev"]()] == [1]
    assert set(layout.splits_of(tmp_path, "cola")) == {"dev"}
    with pytest.raises(MissingDataError):
        layout.splits_of(tmp_path, "wnli")
