"""Mathematics: a perfect model scores 1, a constant one the floor, and every outcome beside is counted."""

import json
import os
import pathlib

import pytest

from launch.evaluation import math_benchmarks
from launch.evaluation.benchmark import Options, Unavailable
from mistral_moe.evaluation.language_model import Generated
from tests.evaluation import stubs

ROOT = pathlib.Path(__file__).resolve().parents[3]
RUN = {one.name: one.run for one in math_benchmarks.BENCHMARKS}
WORDS = [{"question": f"Add {n} and 1.", "answer": f"{n} + 1 = {n + 1}\n#### {n + 1}"} for n in (1, 1, 2, 3, 10)]
WORDS[1]["question"] = "Add 2 and 0."
PROBLEMS = [
    {"problem": f"P{n}?", "level": f"Level {n % 2}", "type": "Algebra", "solution": f"So $\\boxed{{{answer}}}$."}
    for n, answer in enumerate(("\\frac{1}{2}", "0.5", "x+1", "\\sqrt{2}", "(1,2)"))
]


@pytest.fixture
def folder(tmp_path):
    for name, files in {"gsm8k": {"test": WORDS, "train": WORDS[2:]}, "math": {"test": PROBLEMS}}.items():
        (tmp_path / name).mkdir()
        for split, found in files.items():
            (tmp_path / name / f"{split}.jsonl").write_text("".join(json.dumps(one) + "\n" for one in found))
    (tmp_path / "imo_bench").mkdir()
    (tmp_path / "imo_bench" / "answerbench.csv").write_text(
        'Problem ID,Problem,Short Answer,Category\na1,O1?,"2, 3",Algebra\na2,O2?,odd $n$,Number theory\n'
    )
    return tmp_path


def _real():
    base = pathlib.Path(os.environ.get("MISTRAL_MOE_SAMPLES", ROOT.parent / "shared")) / "benchmarks"
    if not (base / "gsm8k").is_dir():
        pytest.skip(f"no benchmarks at {base}; set MISTRAL_MOE_SAMPLES to the folder that holds benchmarks/")
    return base


def _knowing(answers):
    """Gives the answer of whose question the prompt ends in."""

    def complete(prompt):
        last = max(answers, key=lambda question: prompt.text.rfind(question))
        return answers[last]

    return stubs.StubModel(complete=complete)


def test_gsm8k_perfect_is_one_by_every_reading(folder):
    model = _knowing({one["question"]: f" {one['answer']}" for one in WORDS})
    found = RUN["gsm8k"](model, Options(folder))
    assert (found.value, found.stderr, found.n, found.metric) == (1.0, 0.0, 5, "exact_match")
    assert {name: part["value"] for name, part in found.parts.items()} == {"strict": 1.0, "flexible": 1.0}
    assert found.counted == {}


def test_gsm8k_constant_is_its_floor_and_no_mark_is_no_strict_match(folder):
    found = RUN["gsm8k"](stubs.constant("It is 2."), Options(folder))
    assert found.value == found.floor == pytest.approx(2 / 5) and found.floor_name == "always 2"
    assert found.parts["strict"]["value"] == 0.0 and found.parts["flexible"]["value"] == pytest.approx(2 / 5)


def test_gsm8k_shows_examples_of_train_in_lm_evals_form(folder):
    found = RUN["gsm8k"](stubs.constant("2"), Options(folder, fewshot=2))
    prompt = found.samples[0]["prompt"]
    assert found.fewshot == 2 and prompt.count("Question: ") == 3 and prompt.endswith("Question: Add 1 and 1.\nAnswer:")
    assert "#### " in prompt
    shown = {sample["prompt"].rpartition("Question: ")[0] for sample in found.samples}
    assert len(shown) == 1
    default = RUN["gsm8k"](stubs.constant("2"), Options(folder))
    assert default.fewshot == 3 and default.reason == "5 examples were asked for and there are 3"


def test_math_perfect_is_one_however_it_is_written(folder):
    model = _knowing(
        {
            "P0?": "\\boxed{0.5}",
            "P1?": "\\boxed{\\frac12}",
            "P2?": "The final answer is $1 + x$.",
            "P3?": "\\boxed{\\frac{2}{\\sqrt 2}}",
            "P4?": "Not \\boxed{(2,1)} but \\boxed{(1, 2)}",
        }
    )
    found = RUN["math"](model, Options(folder))
    assert found.value == 1.0 and found.fewshot == 0 and "boxed" in found.samples[0]["prompt"]
    assert found.parts["Level 0"]["n"] == 3 and found.parts["Algebra"]["n"] == 5


def test_math_constant_is_its_floor(folder):
    found = RUN["math"](stubs.constant("\\boxed{1/2}"), Options(folder))
    assert found.value == found.floor == pytest.approx(2 / 5) and found.floor_name == "always 1/2"


def test_imo_answers_in_words_are_counted_and_compared_as_text(folder):
    model = _knowing({"O1?": "\\boxed{3, 2}", "O2?": "\\boxed{\\text{odd } n}"})
    found = RUN["imo_problems"](model, Options(folder))
    assert found.value == 1.0 and found.counted == {"unverifiable": 1}
    assert found.reason == "answers of 2 problems; 1 answers in words are compared as text"
    assert RUN["imo_problems"](stubs.constant("\\boxed{n}"), Options(folder)).value == 0.0


def test_imo_proofs_alone_have_no_grader(tmp_path):
    (tmp_path / "imo_bench").mkdir()
    (tmp_path / "imo_bench" / "proofbench.csv").write_text("Problem ID,Problem,Solution\np1,Prove.,\n")
    with pytest.raises(Unavailable, match="no_grader: 1 proofs"):
        RUN["imo_problems"](stubs.constant(""), Options(tmp_path))


@pytest.mark.parametrize("name", RUN)
def test_empty_refused_and_truncated_answers_are_counted_and_wrong(folder, name):
    class Model(stubs.StubModel):
        def generate(self, prompts):
            for index in reversed(range(len(prompts))):
                yield (
                    index,
                    Generated("" if index else "\\boxed{9^{9^{9^9}}} is no", 1, "length", truncated=3 * (index == 0)),
                )

    found = RUN[name](Model(), Options(folder))
    assert found.value == 0.0
    assert found.counted["empty_outputs"] == found.n - 1 and found.counted["truncated_prompts"] == 1
    assert [bool(sample["output"]) for sample in found.samples] == [True] + [False] * (found.n - 1)


def test_a_limit_draws_from_the_whole_and_leaves_the_floor(folder):
    whole = RUN["math"](stubs.constant("\\boxed{1/2}"), Options(folder))
    few = RUN["math"](stubs.constant("\\boxed{1/2}"), Options(folder, limit=2))
    assert few.n == 2 and few.floor == whole.floor
    assert {sample["id"] for sample in few.samples} <= {sample["id"] for sample in whole.samples}
    drawn = {
        sample["id"]
        for seed in range(12)
        for sample in RUN["math"](stubs.constant(""), Options(folder, limit=2, seed=seed)).samples
    }
    assert len(drawn) == 5


def test_floors_of_the_published_files():
    base = _real()
    words = RUN["gsm8k"](stubs.constant("5"), Options(base))
    assert (words.n, words.floor_name) == (1319, "always 5") and words.floor == pytest.approx(0.030, abs=5e-4)
    assert words.value == words.floor
    problems = RUN["math"](stubs.constant(""), Options(base, limit=1))
    assert problems.floor == pytest.approx(0.029, abs=5e-4)
    olympiad = RUN["imo_problems"](stubs.constant("\\boxed{}"), Options(base))
    assert olympiad.n == 400 and olympiad.floor == pytest.approx(0.03) and olympiad.counted["unverifiable"] == 34
    assert "60 proofs and 60 Lean statements need a grader and are not scored" in olympiad.reason


def test_the_references_of_the_published_files_are_all_right():
    base = _real()
    from data.benchmarks import imo

    answers = {one["problem"]: f"\\boxed{{{one['answer']}}}" for one in imo.load(base).answers}
    model = stubs.StubModel(
        complete=lambda prompt: answers[prompt.text.removeprefix("Problem:\n").split("\n\nPut the final")[0]]
    )
    assert RUN["imo_problems"](model, Options(base)).value == 1.0
