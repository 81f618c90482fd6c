"""The harness by models of known score: perfect is 1.0, a trivial strategy is its floor, a random one is at chance."""

import os
import pathlib

import pytest

from data.benchmarks import mmlu
from data.benchmarks.rows import MissingDataError
from launch.evaluation import text_benchmarks
from launch.evaluation.benchmark import Options
from mistral_moe.evaluation import floors
from tests.data.benchmarks import small_files
from tests.evaluation import stubs

BENCHMARKS = {benchmark.name: benchmark for benchmark in text_benchmarks.BENCHMARKS}
LETTERS = "ABCD"


def run(name, model, base, **options):
    return BENCHMARKS[name].run(model, Options(data_dir=base, **options))


def perfect(name, base, **options):
    """A model that knows each prompt's right answer."""
    first = run(name, stubs.StubModel(), base, **options)
    # Several answers to one question of MultiRC stand after one prompt; its choices name the answer that they are about.
    targets = {}
    for sample in first.samples:
        targets.setdefault(sample["prompt"], []).append(sample["target"])

    def likelihood(context, text):
        (first, *_) = known = targets[context]
        if isinstance(first, str):
            return float(text.strip() in known)
        return -100 * (float(text) - first) ** 2  # a similarity, of which the rating is the mean

    return stubs.StubModel(likelihood, lambda prompt: f" {targets[prompt.text][0]}\n")


def by_length(sign):
    """Prefers long (1) or short (-1) choices by whatever rule they are compared, and of lettered ones those of such a text."""

    def likelihood(context, text):
        text = text[1:]
        lines = context.rsplit("\n", 5)[1:-1]
        if text in list(LETTERS) and len(lines) == 4:
            text = lines[LETTERS.index(text)][3:]
            return float(sign * len(text))
        # Nats per character are in the order of the length too.
        return float(len(text) ** 2 if sign > 0 else -(len(text) ** 2))

    return stubs.StubModel(likelihood)


@pytest.fixture(params=["official", "hub"])
def small(request, tmp_path):
    return small_files.write(tmp_path, request.param)


def test_they_are_nine_each_in_its_category():
    categories = {benchmark.name: benchmark.category for benchmark in text_benchmarks.BENCHMARKS}
    assert categories == {
        "mmlu_math": "math",
        **dict.fromkeys(("arc", "hellaswag", "piqa", "logiqa"), "reasoning"),
        **dict.fromkeys(("glue", "superglue", "mmlu", "bigbench"), "language"),
    }


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_perfect_model_scores_one(name, small):
    score = run(name, perfect(name, small), small)
    assert score.value == pytest.approx(1.0)
    assert score.n == len(score.samples) == sum(part["n"] for part in score.parts.values())
    assert 0 <= score.floor <= 1 and score.floor_name
    assert all(part["value"] == pytest.approx(1.0) for part in score.parts.values())
    for sample in score.samples:
        assert {"id", "task", "prompt", "output", "target", "score"} <= set(sample)


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_model_that_is_always_wrong_scores_nothing(name, small):
    right = perfect(name, small)
    wrong = stubs.StubModel(lambda context, text: -right._likelihood(context, text), lambda prompt: "wrong")
    # One wrong choice of BIG-bench's ten questions earns half.
    assert run(name, wrong, small).value <= (0.05 if name == "bigbench" else 0)


def test_mmlu_has_five_examples_of_its_own_subject_by_default(small):
    score = run("mmlu", stubs.StubModel(), small)
    assert score.fewshot == 5
    for sample in score.samples:
        subject = sample["task"].removeprefix("mmlu_").replace("_", " ")
        assert sample["prompt"].startswith(
            f"The following are multiple choice questions (with answers) about {subject}.\n\n"
        )
        assert [line for line in sample["prompt"].split("\n") if line.startswith("shown")] == [
            f"shown {i}" for i in range(5)
        ]
    assert "Answer: " not in run("mmlu", stubs.StubModel(), small, fewshot=0).samples[0]["prompt"]


def test_examples_that_cannot_be_had_are_told(small):
    score = run("arc", stubs.StubModel(), small, fewshot=1)
    assert score.fewshot == 1 and score.reason == ""
    assert all(sample["prompt"].count("Which is red?") == 1 for sample in score.samples)
    assert "fewer than 2 examples" in run("arc", stubs.StubModel(), small, fewshot=2).reason
    score = run("hellaswag", stubs.StubModel(), small, fewshot=3)
    assert score.fewshot == 0 and "fewer than 3 examples can be had for hellaswag" in score.reason


def test_missing_tasks_are_told_and_a_missing_benchmark_is_missing_data(tmp_path):
    base = small_files.write(tmp_path, "hub", "superglue")
    for name in ("cb", "copa"):
        (base / "super_glue" / name).rename(tmp_path / f"away_{name}")
    score = run("superglue", stubs.StubModel(), base)
    assert score.reason.startswith("6 of 8 tasks: boolq, multirc, record, rte, wic, wsc; not there: cb, copa")
    for name in BENCHMARKS:
        if name != "superglue":
            with pytest.raises(MissingDataError):
                run(name, stubs.StubModel(), base)


def test_subjects_that_are_missing_are_told(small):
    assert "2 of 5 subjects; not there: college_mathematics" in run("mmlu_math", stubs.StubModel(), small).reason
    assert "3 of 57 subjects" in run("mmlu", stubs.StubModel(), small).reason


def test_two_halves_of_mnli_are_one_of_nine_tasks(small):
    right = perfect("glue", small)
    halves = stubs.StubModel(
        lambda context, text: 0.0 if context.startswith(("A ran", "C ran")) else right._likelihood(context, text)
    )
    parts = run("glue", halves, small).parts
    score = run("glue", halves, small)
    mnli = (parts["mnli_matched"]["value"] + parts["mnli_mismatched"]["value"]) / 2
    assert score.value == pytest.approx((8 + mnli) / 9)


def test_official_metrics_stand_in_the_parts(small):
    parts = run("glue", stubs.StubModel(), small).parts
    assert (
        {"mcc"} < set(parts["cola"])
        and {"acc", "f1"} < set(parts["mrpc"])
        and {"pearson", "spearman"} < set(parts["stsb"])
    )
    parts = run("superglue", stubs.StubModel(), small).parts
    assert (
        {"f1a", "em"} < set(parts["multirc"])
        and {"f1", "em"} < set(parts["record"])
        and {"acc", "f1"} < set(parts["cb"])
    )


def test_wrong_answers_to_one_question_of_multirc_cost_it_once(tmp_path):
    base = small_files.write(tmp_path, "official", "superglue")
    always_yes = stubs.StubModel(lambda context, text: float(text.endswith("yes")))
    part = run("superglue", always_yes, base).parts["multirc"]
    assert part["em"] == 0.5 and part["f1a"] == pytest.approx(0.8)
    assert part["value"] == pytest.approx(0.65) == part["floor"] and part["floor_name"] == "always yes"


def test_bbh_has_the_published_instruction(small):
    samples = run("bigbench", stubs.StubModel(), small).samples
    (sample,) = [sample for sample in samples if sample["task"] == "bbh/boolean_expressions"]
    assert sample["prompt"] == "Evaluate the result of a random Boolean expression.\n\nQ: not True is\nA:"


@pytest.fixture(scope="module")
def real():
    base = pathlib.Path(os.environ.get("MISTRAL_MOE_SAMPLES", pathlib.Path(__file__).resolve().parents[4] / "shared"))
    base = base / "benchmarks"
    if not (base / "arc").is_dir():
        pytest.skip(f"no real benchmarks at {base}; set MISTRAL_MOE_SAMPLES to the folder that holds benchmarks/")
    return base


REAL = ("mmlu_math", "arc", "hellaswag", "piqa", "superglue", "mmlu", "bigbench")


@pytest.mark.parametrize("name", REAL)
def test_a_perfect_model_scores_one_on_real_data(real, name):
    score = run(name, perfect(name, real, limit=10), real, limit=10)
    assert score.value == pytest.approx(1.0) and score.stderr == 0


# Chance, longest, shortest and majority index of whole files.
FLOORS = {
    "arc_easy": (0.250, 0.266, 0.239, 0.267),
    "arc_challenge": (0.250, 0.273, 0.189, 0.265),
    "piqa": (0.500, 0.485, 0.534, 0.505),
    "boolq": (0.500, 0.622, 0.378, 0.622),
    "copa": (0.500, 0.460, 0.590, 0.550),
    "mmlu": (0.250, 0.279, 0.219, 0.269),
    "mmlu_math": (0.250, 0.259, 0.209, 0.306),
}
PART_OF = {"arc_easy": "arc", "arc_challenge": "arc", "boolq": "superglue", "copa": "superglue"}


def _documents(name, base):
    from data.benchmarks import arc, piqa, superglue

    if name.startswith("mmlu"):
        tasks = mmlu.tasks(base, mmlu.MATH if name == "mmlu_math" else ())
    elif name.startswith("arc"):
        tasks = [task for task in arc.tasks(base) if task.name == name]
    elif name == "piqa":
        tasks = piqa.tasks(base)
    else:
        tasks = [task for task in superglue.tasks(base)[0] if task.name == name]
    return [document for task in tasks for document in task.documents]


@pytest.mark.parametrize("name", FLOORS)
def test_trivial_strategies_score_their_floors_through_the_whole_harness(real, name):
    documents = _documents(name, real)
    floor = (
        floors.chance(documents),
        floors.longest(documents),
        floors.shortest(documents),
        floors.majority(documents)[0],
    )
    assert tuple(round(value, 3) for value in floor) == FLOORS[name]
    if name == "mmlu":
        return  # the five subjects of mathematics stand for the way
    for sign, expected in ((1, floor[1]), (-1, floor[2])):
        score = run(PART_OF.get(name, name), by_length(sign), real, fewshot=0)
        found = score.parts[name]["value"] if name in score.parts else score.value
        assert found == pytest.approx(expected, abs=1e-9)


def test_always_yes_scores_its_floor(real):
    part = run("superglue", stubs.constant("yes"), real).parts["boolq"]
    assert part["value"] == pytest.approx(part["floor"], abs=1e-12) and part["floor_name"] == "always yes"


@pytest.mark.parametrize("name", REAL[:5])
def test_a_random_model_is_at_chance(real, name):
    score = run(name, stubs.at_random(0), real, limit=400, fewshot=0)
    chance = 0.5 if name in ("piqa", "superglue") else 0.25
    assert abs(score.value - chance) < 3 * score.stderr
    assert score.stderr > 0
