"""The nine text benchmarks by models of known score, on small files: perfect is 1.0, always wrong is nothing."""

import random

import pytest

from data.benchmarks.rows import MissingDataError
from launch.evaluation import text_benchmarks
from tests.data.benchmarks import small_files
from tests.evaluation import stubs
from tests.launch.evaluation.known_models import perfect, run

BENCHMARKS = {benchmark.name: benchmark for benchmark in text_benchmarks.BENCHMARKS}


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
    two = run("mmlu", stubs.StubModel(), small, fewshot=2).samples[0]["prompt"]
    assert two.index("shown 0") < two.index("shown 1") and "shown 2" not in two
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


@pytest.mark.parametrize("name", ["arc", "glue"])
def test_the_error_of_a_mean_over_tasks_is_that_of_its_parts(name, small):
    rng = random.Random(4)
    # Half of ARC right, and GLUE at random.
    half = stubs.StubModel(lambda context, text: 1.0 if text in (" fire", " a table") else rng.random())
    score = run(name, half, small)
    groups = {}
    for task, part in score.parts.items():
        groups.setdefault(task.split("_")[0] if name == "glue" else task, []).append(part["stderr"])
    variance = sum(sum(stderr**2 for stderr in members) / len(members) ** 2 for members in groups.values())
    assert score.stderr == pytest.approx(variance**0.5 / len(groups)) and score.stderr > 0


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
