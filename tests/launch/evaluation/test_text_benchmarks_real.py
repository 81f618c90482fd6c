"""The text benchmarks' real files through the whole harness: perfect is 1.0, a trivial strategy is its floor."""

import functools
import os
import pathlib

import pytest

from data.benchmarks import arc, mmlu, piqa, superglue
from mistral_moe.evaluation import floors
from tests.evaluation import stubs
from tests.launch.evaluation.known_models import by_length, perfect, run

pytestmark = pytest.mark.slow


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
    if name.startswith("mmlu"):
        tasks = mmlu.tasks(base, mmlu.MATH if name == "mmlu_math" else ())
    elif name.startswith("arc"):
        tasks = [task for task in arc.tasks(base) if task.name == name]
    elif name == "piqa":
        tasks = piqa.tasks(base)
    else:
        tasks = [task for task in superglue.tasks(base)[0] if task.name == name]
    return [document for task in tasks for document in task.documents]


@functools.cache
def _score_by_length(name, sign, base):
    return run(name, by_length(sign), base, fewshot=0)


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
        score = _score_by_length(PART_OF.get(name, name), sign, real)
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
