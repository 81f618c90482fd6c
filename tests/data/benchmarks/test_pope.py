"""POPE is read as published, and its questions are made by its rules where it is missing."""

import json

import pytest

from data.benchmarks import coco_captions, pope, rows


def _row(number, label="yes", **more):
    return {
        "question_id": number,
        "image": "COCO_val2014_000000000007.jpg",
        "text": "Is there a dog?",
        "label": label,
        **more,
    }


@pytest.mark.parametrize("suffix", [".json", ".jsonl"])
def test_the_authors_files_hold_one_object_a_line(tmp_path, suffix):
    (tmp_path / "pope").mkdir()
    for setting in ("random", "popular"):
        lines = "".join(json.dumps(_row(n, label)) + "\n" for n, label in enumerate(("yes", "no"), 1))
        (tmp_path / "pope" / f"coco_pope_{setting}{suffix}").write_text(lines)
    found = pope.load(tmp_path).documents
    assert [one["id"] for one in found] == ["popular/1", "popular/2", "random/1", "random/2"]
    assert [one["is_yes"] for one in found] == [True, False] * 2


def test_rows_of_the_hub_name_their_setting(tmp_path):
    (tmp_path / "pope").mkdir()
    row = {
        "id": "0",
        "question_id": "1",
        "question": "Is there a dog?",
        "answer": "no",
        "image_source": "COCO_7",
        "category": "random",
    }
    (tmp_path / "pope" / "test.jsonl").write_text(json.dumps(row) + "\n")
    assert pope.load(tmp_path).documents == [
        {"id": "random/1", "image": "COCO_7", "question": "Is there a dog?", "is_yes": False, "setting": "random"}
    ]


def test_a_label_that_is_neither_is_told(tmp_path):
    (tmp_path / "pope").mkdir()
    (tmp_path / "pope" / "coco_pope_random.jsonl").write_text(
        json.dumps(_row(1)) + "\n" + json.dumps(_row(2, "maybe")) + "\n"
    )
    with pytest.raises(rows.BenchmarkDataError, match="coco_pope_random.jsonl:2: the label is 'maybe'"):
        pope.load(tmp_path)


def test_questions_are_made_of_what_is_there_and_what_is_not():
    objects = [["dog", "sofa"], ["dog", "sofa", "orange"], ["bus", "dog"], ["cat"], []]
    images = [coco_captions.Image(str(n), ["a"], names) for n, names in enumerate(objects)]
    found = pope.asked_of(images, seed=3)
    assert found == pope.asked_of(images, seed=3)
    for one in found:
        name = one["question"].removeprefix("Is there a ").removeprefix("Is there an ").removesuffix(" in the image?")
        assert one["is_yes"] == (name in objects[int(one["image"])])
    for setting in pope.SETTINGS:
        labels = [one["is_yes"] for one in found if one["setting"] == setting]
        assert sum(labels) * 2 == len(labels) > 0
    # The only object beside a cat's that most images have is the dog; a dog's most frequent companion is a sofa.
    wrong = {(one["setting"], one["image"]): one["question"] for one in found if not one["is_yes"]}
    assert wrong["popular", "3"] == "Is there a dog in the image?"
    bus = [
        one["question"] for one in found if (one["setting"], one["image"]) == ("adversarial", "2") and not one["is_yes"]
    ]
    assert bus[0] == "Is there a sofa in the image?" and "Is there an orange in the image?" in bus
    assert {one["image"] for one in found} == {"0", "1", "2", "3"}
