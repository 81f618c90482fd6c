"""Pictures in words: a perfect model scores the best there is, trivial ones the floors, and each reason says how."""

import json
import os
import pathlib

import pytest

from data.benchmarks import rows
from launch.evaluation import multimodal_benchmarks
from launch.evaluation.benchmark import Options, Unavailable
from tests.evaluation import stubs

ROOT = pathlib.Path(__file__).resolve().parents[3]
RUN = {one.name: one.run for one in multimodal_benchmarks.BENCHMARKS}


def _real():
    base = pathlib.Path(os.environ.get("MISTRAL_MOE_SAMPLES", ROOT.parent / "shared")) / "benchmarks"
    if not (base / "pope").is_dir():
        pytest.skip(f"no benchmarks at {base}; set MISTRAL_MOE_SAMPLES to the folder that holds benchmarks/")
    return base


def _write(path, value, lines=False):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(one) + "\n" for one in value) if lines else json.dumps(value))


IMAGES = [
    {"image": "000000000001.jpg", "captions": ["A dog on a sofa.", "One dog sleeps"], "objects": ["dog", "sofa"]},
    {"image": "000000000002.jpg", "captions": ["A red bus drives by", "The bus is red"], "objects": ["bus"]},
    {"image": "000000000003.jpg", "captions": ["Two cats eat", "Cats at dinner."], "objects": []},
]


@pytest.fixture
def coco(tmp_path):
    _write(tmp_path / "coco_mini" / "captions_cc_by_subset.jsonl", IMAGES, lines=True)
    return tmp_path


@pytest.fixture
def vqa_v2(tmp_path):
    questions, annotations = [], []
    for n, (question, kind, people) in enumerate(
        [
            ("Is it a dog?", "is it", ["yes"] * 10),
            ("Is it red?", "is it", ["no"] * 9 + ["yes"]),
            ("What?", "what", ["bus"] * 2 + list("abcdefgh")),
        ]
    ):
        questions.append({"question_id": n, "image_id": n + 1, "question": question})
        answers = [{"answer": one} for one in people]
        kinds = {"question_type": kind, "answer_type": "yes/no" if kind == "is it" else "other"}
        annotations.append({"question_id": n, "image_id": n + 1, "answers": answers, **kinds})
    _write(tmp_path / "vqa" / "v2_OpenEnded_mscoco_val2014_questions.json", {"questions": questions})
    _write(tmp_path / "vqa" / "v2_mscoco_val2014_annotations.json", {"annotations": annotations})
    return tmp_path


def test_vqa_v2_by_its_ten_answers_with_captions_beside(vqa_v2, coco):
    answers = {"dog?": "Yes.", "red?": "no", "What?": "the bus"}
    seen = []

    def complete(prompt):
        seen.append(prompt.text)
        return next(answer for word, answer in answers.items() if word in prompt.text)

    found = RUN["vqa"](stubs.StubModel(complete=complete), Options(vqa_v2))
    assert [sample["score"] for sample in found.samples] == pytest.approx([1.0, 1.0, 0.6])
    assert found.metric == "vqa_accuracy" and found.value == pytest.approx(2.6 / 3)
    assert found.parts["yes/no"]["value"] == 1.0 and found.parts["other"]["n"] == 1
    assert seen[1] == "Picture: A red bus drives by. The bus is red. Question: Is it red? Short answer:"
    assert (
        found.reason
        == "scored on text alone: captions stand for the image for 3 of 3 questions, the image was not seen"
    )


def test_vqa_v2_floor_is_the_best_constant_by_type(vqa_v2):
    always = RUN["vqa"](stubs.constant("yes"), Options(vqa_v2))
    # By type: "yes" (11 of 20) for "is it", "bus" for "what".
    assert always.floor_name == "most common answer to the question's type"
    assert always.floor == pytest.approx((1.0 + 0.3 + 0.6) / 3) and always.value == pytest.approx(1.3 / 3)
    assert RUN["vqa"](stubs.constant("\n"), Options(vqa_v2)).counted == {"empty_outputs": 3}


def test_easy_vqa_stands_in_and_says_so(tmp_path):
    _write(
        tmp_path / "easy_vqa" / "test" / "questions.json",
        [["what?", "circle", 0], ["what?", "red", 1], ["is it?", "no", 1]],
    )
    _write(
        tmp_path / "easy_vqa" / "train" / "questions.json",
        [["what?", "circle", 0], ["is it?", "no", 0], ["is it?", "yes", 1]],
    )
    (tmp_path / "easy_vqa" / "answers.txt").write_text("red\ncircle\nyes\nno\n")
    perfect = stubs.perfect({"Question: what? Short answer:": "circle", "Question: is it? Short answer:": "no"})
    found = RUN["vqa"](perfect, Options(tmp_path))
    # Of two equal questions with different answers, words alone tell one.
    assert found.value == found.floor == pytest.approx(2 / 3) and found.metric == "accuracy"
    assert found.reason.startswith("easy-VQA stands in for VQA v2") and "the image was not seen" in found.reason
    assert RUN["vqa"](stubs.StubModel(), Options(tmp_path)).counted == {"ties": 3}
    with pytest.raises(rows.MissingDataError, match="VQA v2.*easy_vqa"):
        RUN["vqa"](perfect, Options(tmp_path / "nothing"))


def test_captions_of_people_score_most_and_floors_are_named(coco):
    by_objects = {", ".join(one["objects"]): one["captions"][0] for one in IMAGES}
    model = stubs.StubModel(complete=lambda prompt: by_objects[prompt.text[len("A photo with: ") : -len(". Caption:")]])
    found = RUN["coco_captions"](model, Options(coco))
    from pycocoevalcap.cider.cider import Cider

    wanted = {0: ["a dog on a sofa", "one dog sleeps"], 1: ["a red bus drives by", "the bus is red"]}
    expected, each = Cider().compute_score(wanted, {0: ["a dog on a sofa"], 1: ["a red bus drives by"]})
    assert found.value == pytest.approx(expected) and [one["score"] for one in found.samples] == pytest.approx(
        list(each)
    )
    assert found.value > found.floor > 0 and found.floor_name == "always 'A red bus drives by'"
    assert found.parts["ROUGE-L"]["value"] == 1.0 and found.parts["BLEU-4"]["value"] == pytest.approx(1.0)
    assert found.parts["human"]["n"] == 2
    assert found.counted == {"without_text": 1} and "not seen" in found.reason


def test_a_constant_caption_and_none_at_all(coco):
    found = RUN["coco_captions"](stubs.constant(" A red bus drives by"), Options(coco))
    assert found.value == pytest.approx(found.floor)
    empty = RUN["coco_captions"](stubs.constant(" "), Options(coco))
    assert empty.value == 0.0 and empty.counted["empty_outputs"] == 2


def test_a_limit_leaves_the_score_of_an_image_as_it_is(coco):
    model = stubs.constant("a dog and a red bus")
    whole = {one["id"]: one["score"] for one in RUN["coco_captions"](model, Options(coco)).samples}
    few = RUN["coco_captions"](model, Options(coco, limit=1)).samples
    assert len(few) == 1 and few[0]["score"] == whole[few[0]["id"]] > 0


def test_images_without_words_have_no_captions(tmp_path):
    _write(tmp_path / "coco" / "captions_val2017.json", {"annotations": [{"image_id": 1, "id": 1, "caption": "a dog"}]})
    with pytest.raises(Unavailable, match="no_images: none of 1 images"):
        RUN["coco_captions"](stubs.constant("a"), Options(tmp_path))


def _winoground(folder, words=True):
    text = {"image_0_text": "dog above man", "image_1_text": "man above dog"} if words else {}
    found = [
        {"id": n, "caption_0": f"dog {n} on man", "caption_1": f"man {n} on dog", "image_0": "0", "tag": "Swap", **text}
        for n in range(60)
    ]
    _write(folder / "winoground" / "examples.jsonl", found, lines=True)


def test_winoground_in_words(tmp_path):
    _winoground(tmp_path)
    right = stubs.StubModel(lambda context, text: float(context.split()[1] == text.split()[0]))
    found = RUN["winoground"](right, Options(tmp_path))
    assert (found.value, found.metric, found.n, found.floor) == (1.0, "group", 60, 1 / 6)
    assert found.parts["text"]["value"] == found.parts["image"]["value"] == 1.0 and "not seen" in found.reason
    blind = RUN["winoground"](stubs.longest(), Options(tmp_path))
    assert blind.value == 0.0 and blind.counted == {"ties": 60}
    chance = RUN["winoground"](stubs.at_random(), Options(tmp_path))
    assert chance.value == pytest.approx(1 / 6, abs=4 * (5 / 36 / 60) ** 0.5)
    assert chance.parts["text"]["value"] == pytest.approx(1 / 4, abs=4 * (3 / 16 / 60) ** 0.5)


def test_winoground_without_words_is_unavailable_or_replaced(tmp_path):
    with pytest.raises(rows.MissingDataError, match="sugar_crepe"):
        RUN["winoground"](stubs.longest(), Options(tmp_path))
    _winoground(tmp_path, words=False)
    with pytest.raises(Unavailable, match="no_images"):
        RUN["winoground"](stubs.longest(), Options(tmp_path))
    pairs = {
        str(n): {"filename": "1.jpg", "caption": f"a cat {n}", "negative_caption": f"a lion {n}"} for n in range(9)
    }
    _write(tmp_path / "sugar_crepe" / "replace_obj.json", pairs)
    _write(tmp_path / "sugar_crepe" / "swap_obj.json", {"0": {"caption": "a b", "negative_caption": "b a"}})
    found = RUN["winoground"](stubs.StubModel(lambda context, text: float("cat" in text)), Options(tmp_path))
    assert found.value == pytest.approx(9 / 10) and found.counted == {"ties": 1}
    assert found.floor == pytest.approx(9.5 / 10) and found.floor_name == "the shorter caption"
    assert found.parts["replace_obj"]["value"] == 1.0 and found.reason.startswith("SugarCrepe stands in")
    assert RUN["winoground"](stubs.longest(), Options(tmp_path, limit=1)).n == 2


def _pope(folder):
    for setting in ("random", "popular", "adversarial"):
        found = [
            {
                "question_id": n,
                "image": f"COCO_val2014_{n:012}.jpg",
                "text": f"Is there a {n}?",
                "label": ("yes", "no")[n % 2],
            }
            for n in range(100)
        ]
        _write(folder / "pope" / f"coco_pope_{setting}.json", found, lines=True)


def test_pope_perfect_constant_and_random(tmp_path):
    _pope(tmp_path)
    answers = {f"Question: Is there a {n}? Answer:": ("yes", "no")[n % 2] for n in range(100)}
    perfect = RUN["pope"](stubs.perfect(answers), Options(tmp_path))
    assert perfect.value == 1.0 and perfect.parts["f1"]["value"] == 1.0 and perfect.parts["yes_rate"]["value"] == 0.5
    always = RUN["pope"](stubs.constant("yes"), Options(tmp_path))
    assert always.value == always.floor == 0.5 and always.floor_name == "always yes"
    assert always.parts["recall"]["value"] == 1.0 and always.parts["popular"]["yes_rate"] == 1.0
    chance = RUN["pope"](stubs.at_random(), Options(tmp_path))
    assert chance.value == pytest.approx(0.5, abs=4 * (0.25 / 300) ** 0.5)
    assert RUN["pope"](stubs.StubModel(), Options(tmp_path, limit=10)).counted == {"ties": 30}
    assert "the image was not seen" in always.reason


def test_pope_without_its_files_is_made_of_images_whose_objects_are_known(coco):
    found = RUN["pope"](stubs.constant("yes"), Options(coco))
    assert found.reason.startswith("questions made by POPE's rules") and found.value == found.floor == 0.5
    assert found.samples[0]["prompt"].startswith("Picture: A dog on a sofa. One dog sleeps. Question: Is there a")
    with pytest.raises(rows.MissingDataError):
        RUN["pope"](stubs.constant("yes"), Options(coco / "nothing"))


def test_an_error_of_a_question_asked_often_is_that_of_few_questions(tmp_path):
    found = [{"question_id": n, "image": "x", "text": f"Q{n % 2}?", "label": ("yes", "no")[n % 2]} for n in range(200)]
    _write(tmp_path / "pope" / "coco_pope_random.json", found, lines=True)
    always = RUN["pope"](stubs.constant("yes"), Options(tmp_path))
    assert always.stderr == pytest.approx(0.5)


def test_floors_of_the_published_files():
    base = _real()
    pope = RUN["pope"](stubs.constant("yes"), Options(base))
    assert (pope.n, pope.value, pope.floor) == (9000, 0.5, 0.5)
    easy = RUN["vqa"](stubs.constant("yes"), Options(base))
    # .670 on the whole set, of which three tenths are here.
    assert easy.n == 2948 and easy.floor == pytest.approx(0.670, abs=0.01) and easy.value < easy.floor
    captions = RUN["coco_captions"](stubs.constant(""), Options(base, limit=5))
    assert captions.n == 5 and 0.3 < captions.floor < captions.parts["human"]["value"]
