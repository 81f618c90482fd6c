"""Benchmarks of code on their real files: each one's own solutions are right."""

from __future__ import annotations

import os
import pathlib

import pytest

from data.benchmarks import humaneval, mbpp, swe_bench
from launch.evaluation import repository_patches
from launch.evaluation.benchmark import Options, Unavailable
from launch.evaluation.code_benchmarks import BENCHMARKS
from tests.evaluation.stubs import StubModel

pytestmark = pytest.mark.slow

RUN = {benchmark.name: benchmark.run for benchmark in BENCHMARKS}


@pytest.fixture(scope="module")
def real():
    base = pathlib.Path(os.environ.get("MISTRAL_MOE_SAMPLES", pathlib.Path(__file__).resolve().parents[4] / "shared"))
    folder = base / "benchmarks"
    if not (folder / "humaneval").is_dir():
        pytest.skip(f"no real benchmarks at {folder}; set MISTRAL_MOE_SAMPLES to the folder that holds benchmarks/")
    return folder


def test_every_own_solution_of_the_real_data_passes(real, isolation):
    answers = {problem.prompt: problem.canonical_solution for problem in humaneval.problems(real)[0]}
    by_question = {problem.question(): problem.code for problem in mbpp.problems(real)[0]}
    options = Options(data_dir=real, isolation=isolation)
    score = RUN["humaneval"](StubModel(complete=lambda prompt: answers[prompt.text]), options)
    assert (score.value, score.n, score.floor) == (1.0, 164, 0.0)
    begin = "You are an expert"
    last = StubModel(complete=lambda prompt: by_question[begin + prompt.text.rpartition(begin)[2]])
    score = RUN["mbpp"](last, options)
    assert (score.value, score.n) == (1.0, 500) and 0 < score.floor < 0.01


def test_the_real_issues_own_patches_find_their_files(real):
    instances = swe_bench.instances(real)[0]
    by_prompt = {repository_patches.prompt(instance): instance.patch for instance in instances}
    score = RUN["swe_bench"](StubModel(complete=lambda prompt: by_prompt[prompt.text]), Options(data_dir=real))
    assert (score.value, score.n, score.parts["function_recall"]["value"]) == (1.0, 274, 1.0)
    assert 0.1 < score.floor < 0.3 and not score.counted


def test_the_real_contests_have_no_tests(real):
    with pytest.raises(Unavailable, match="no_tests"):
        RUN["code_contests"](StubModel(), Options(data_dir=real))
