"""VQA v2 is joined from its two files or read from the hub's rows; easy-VQA's triples are checked against its answers."""

import json

import pytest

from data.benchmarks import rows, vqa

QUESTIONS = [{"question_id": n, "image_id": 7, "question": f"Is it {n}?"} for n in (1, 2)]
ANNOTATIONS = [
    {
        "question_id": n,
        "image_id": 7,
        "question_type": "is it",
        "answer_type": "yes/no",
        "multiple_choice_answer": "yes",
        "answers": [{"answer": "yes", "answer_confidence": "yes", "answer_id": i} for i in range(10)],
    }
    for n in (2, 1)
]


def _official(folder, questions=QUESTIONS, annotations=ANNOTATIONS, split="val2014"):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"v2_OpenEnded_mscoco_{split}_questions.json").write_text(json.dumps({"questions": questions}))
    (folder / f"v2_mscoco_{split}_annotations.json").write_text(json.dumps({"annotations": annotations}))


def test_questions_are_joined_with_their_ten_answers(tmp_path):
    _official(tmp_path / "vqa_v2")
    _official(
        tmp_path / "vqa_v2", [{**QUESTIONS[0], "question_id": 9}], [{**ANNOTATIONS[0], "question_id": 9}], "train2014"
    )
    found = vqa.load_v2(tmp_path)
    assert [one["id"] for one in found.documents] == ["1", "2"]
    assert found.documents[0]["answers"] == ["yes"] * 10 and found.documents[0]["answer_type"] == "yes/no"


def test_rows_of_the_hub_are_the_same_documents(tmp_path):
    _official(tmp_path / "a" / "vqa")
    (tmp_path / "b" / "vqa").mkdir(parents=True)
    joined = [{**annotation, **question} for question, annotation in zip(QUESTIONS, reversed(ANNOTATIONS))]
    (tmp_path / "b" / "vqa" / "validation.jsonl").write_text("".join(json.dumps(one) + "\n" for one in joined))
    assert vqa.load_v2(tmp_path / "a") == vqa.load_v2(tmp_path / "b")


def test_a_question_without_answers_is_told(tmp_path):
    with pytest.raises(rows.MissingDataError, match="holds no VQA v2"):
        vqa.load_v2(tmp_path)
    _official(tmp_path / "vqa", annotations=ANNOTATIONS[:1])
    with pytest.raises(rows.BenchmarkDataError, match="questions.json:1: question 1 is in no annotations file"):
        vqa.load_v2(tmp_path)


def _easy(folder, split, triples):
    (folder / "easy_vqa" / split).mkdir(parents=True, exist_ok=True)
    (folder / "easy_vqa" / split / "questions.json").write_text(json.dumps(triples))


def test_easy_vqa_is_read_and_its_answers_checked(tmp_path):
    _easy(tmp_path, "test", [["what shape?", "circle", 0], ["what shape?", "circle", 1], ["what shape?", "circle", 1]])
    _easy(tmp_path, "train", [["what shape?", "square", 0]])
    (tmp_path / "easy_vqa" / "answers.txt").write_text("circle\nsquare\n")
    found = vqa.load_easy(tmp_path)
    assert (len(found.test), len(found.train), found.answers, found.duplicates) == (2, 1, ("circle", "square"), 1)
    _easy(tmp_path, "test", [["what shape?", "hexagon", 0]])
    with pytest.raises(rows.BenchmarkDataError, match="answers.txt lacks 'hexagon'"):
        vqa.load_easy(tmp_path)
    _easy(tmp_path, "test", [["what shape?", "hexagon"]])
    with pytest.raises(rows.BenchmarkDataError, match="questions.json:1 is no object"):
        vqa.load_easy(tmp_path)


def test_easy_vqa_inside_of_the_other_is_not_taken_for_it(tmp_path):
    _official(tmp_path / "vqa")
    _easy(tmp_path / "vqa", "test", [["what shape?", "circle", 0]])
    assert len(vqa.load_v2(tmp_path).documents) == 2
    assert vqa.load_easy(tmp_path).answers == ("circle",)
