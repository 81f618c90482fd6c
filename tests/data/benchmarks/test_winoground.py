"""Winoground with and without words for its images, and SugarCrepe's files of pairs."""

import json

import pyarrow
import pyarrow.parquet
import pytest

from data.benchmarks import rows, winoground

ROW = {"id": 0, "caption_0": "a dog on a man", "caption_1": "a man on a dog", "image_0": "ex_0_img_0", "tag": "Object"}


def test_examples_are_read_with_the_words_that_are_there(tmp_path):
    (tmp_path / "winoground").mkdir()
    described = {**ROW, "id": 1, "image_0_text": "dog above man", "image_1_text": "man above dog"}
    lines = [ROW, described, {**described, "image_1_text": ""}]
    (tmp_path / "winoground" / "examples.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))
    found = winoground.load(tmp_path).documents
    assert [one["texts"] for one in found] == [None, ["dog above man", "man above dog"], None]
    assert found[0]["captions"] == ["a dog on a man", "a man on a dog"] and found[2]["id"] == "1#2"


def test_parquet_of_the_hub_is_read(tmp_path):
    (tmp_path / "winoground" / "data").mkdir(parents=True)
    row = {
        **ROW,
        "image_0": {"bytes": b"x", "path": "p"},
        "image_1": {"bytes": b"x", "path": "p"},
        "collapsed_tag": "Swap",
    }
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist([row]), tmp_path / "winoground" / "data" / "test-0.parquet")
    assert winoground.load(tmp_path).documents == [
        {"id": "0", "captions": ["a dog on a man", "a man on a dog"], "texts": None, "tag": "Swap"}
    ]


def test_sugar_crepe_is_read_by_kind(tmp_path):
    (tmp_path / "sugar_crepe").mkdir()
    pair = {"filename": "1.jpg", "caption": "a red bus", "negative_caption": "a blue bus"}
    (tmp_path / "sugar_crepe" / "replace_att.json").write_text(json.dumps({"0": pair, "5": pair}))
    found = winoground.load_sugar_crepe(tmp_path).documents
    assert [one["id"] for one in found] == ["replace_att/0", "replace_att/5"]
    assert found[0] == {"id": "replace_att/0", "caption": "a red bus", "wrong": "a blue bus", "kind": "replace_att"}


def test_other_layouts_are_told_by_their_place(tmp_path):
    (tmp_path / "winoground").mkdir()
    with pytest.raises(rows.MissingDataError):
        winoground.load_sugar_crepe(tmp_path)
    (tmp_path / "winoground" / "add_obj.json").write_text('{"0": {"caption": "a"}}')
    with pytest.raises(rows.BenchmarkDataError, match="add_obj.json:0 has no negative_caption"):
        winoground.load_sugar_crepe(tmp_path)
    (tmp_path / "winoground" / "add_obj.json").write_text("[]")
    with pytest.raises(rows.BenchmarkDataError, match="add_obj.json is no object of pairs"):
        winoground.load_sugar_crepe(tmp_path)
