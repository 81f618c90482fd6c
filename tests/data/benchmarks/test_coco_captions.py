"""COCO's captions and objects are joined by image, whatever files they come from."""

import json

import pyarrow
import pyarrow.parquet
import pytest

from data.benchmarks import coco_captions, rows


def _official(folder, split, captions, objects=None):
    folder.mkdir(parents=True, exist_ok=True)
    annotations = [{"image_id": i, "id": n, "caption": text} for n, (i, text) in enumerate(captions)]
    value = {"images": [{"id": i, "file_name": f"{i:012}.jpg"} for i in {i for i, _ in captions}]}
    (folder / f"captions_{split}2017.json").write_text(json.dumps({**value, "annotations": annotations}))
    if objects:
        names = sorted({name for _, name in objects})
        categories = [{"id": n, "name": name} for n, name in enumerate(names, 1)]
        found = [{"image_id": i, "category_id": names.index(name) + 1} for i, name in objects]
        (folder / f"instances_{split}2017.json").write_text(
            json.dumps({"annotations": found, "categories": categories})
        )


def test_official_files_give_captions_and_objects_and_train_is_not_scored(tmp_path):
    folder = tmp_path / "coco_captions" / "annotations"
    _official(folder, "val", [(7, "A dog."), (7, "One dog "), (8, "A cat")], [(7, "dog"), (7, "sofa"), (7, "dog")])
    _official(folder, "train", [(9, "A bus.")])
    found = coco_captions.load(tmp_path)
    assert found.images["7"] == coco_captions.Image("7", ["A dog.", "One dog"], ["dog", "sofa"])
    assert [image.id for image in found.scored()] == ["7", "8"]


def test_an_image_of_a_joined_file_is_scored_whatever_its_split(tmp_path):
    _official(tmp_path / "coco_mini", "train", [(9, "A bus."), (10, "A car.")])
    _official(tmp_path / "coco_mini", "val", [(7, "A dog.")])
    row = {"image": "000000000009.jpg", "captions": ["A bus."], "objects": ["bus"]}
    (tmp_path / "coco_mini" / "captions_cc_by_subset.jsonl").write_text(json.dumps(row) + "\n" + json.dumps(row) + "\n")
    found = coco_captions.load(tmp_path)
    assert {image.id for image in found.scored()} == {"7", "9"} and found.duplicates == 1
    assert found.images["9"] == coco_captions.Image("9", ["A bus."], ["bus"])


def test_parquet_of_the_hub_is_read_without_its_pictures(tmp_path):
    (tmp_path / "coco" / "data").mkdir(parents=True)
    picture = {"bytes": b"x", "path": "p"}
    row = {"file_name": "000000000007.jpg", "image": picture, "answer": ["A dog.", "One dog."], "question": "Caption?"}
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist([row]), tmp_path / "coco" / "data" / "val-0.parquet")
    assert coco_captions.load(tmp_path).images["7"].captions == ["A dog.", "One dog."]


def test_what_is_no_coco_file_is_told_by_its_place(tmp_path):
    (tmp_path / "coco").mkdir()
    with pytest.raises(rows.MissingDataError):
        coco_captions.load(tmp_path)
    (tmp_path / "coco" / "captions_val2017.json").write_text('{"images": []}')
    with pytest.raises(rows.BenchmarkDataError, match="captions_val2017.json has no list annotations"):
        coco_captions.load(tmp_path)
    (tmp_path / "coco" / "captions_val2017.json").write_text('{"annotations": [{"image_id": 1}]}')
    with pytest.raises(rows.BenchmarkDataError, match=r"annotations\[1\] has no caption"):
        coco_captions.load(tmp_path)
    (tmp_path / "coco" / "captions_val2017.json").unlink()
    (tmp_path / "coco" / "x.jsonl").write_text('{"picture": "1.jpg"}\n')
    with pytest.raises(rows.BenchmarkDataError, match="x.jsonl:1 lacks a file name or captions"):
        coco_captions.load(tmp_path)


@pytest.mark.parametrize(
    "name, number",
    [
        ("COCO_val2014_000000310196.jpg", "310196"),
        ("000000000009.jpg", "9"),
        (310196, "310196"),
        ("dog.png", "dog.png"),
    ],
)
def test_images_are_known_by_their_number(name, number):
    assert coco_captions.image_id(name) == number
