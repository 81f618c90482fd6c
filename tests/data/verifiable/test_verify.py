"""Judging what models write."""

import pytest

from data.execution.pool import Pool
from data.execution.result import Refused
from data.verifiable import tasks
from data.verifiable.problem import Problem
from data.verifiable.verify import MAX_CHARACTERS, Verifier

SUM = Problem("x", "arithmetic", ("", "[INST]", "Problem: Compute 20 - 47.", "[/INST]", ""), "-27")


def sandbox():
    """An isolation that this machine has."""
    try:
        Pool("bubblewrap").close()
    except Refused:
        return "process"
    return "bubblewrap"


@pytest.fixture(scope="module")
def verifier():
    with Verifier(sandbox(), seconds=1.0) as one:
        yield one


@pytest.fixture(scope="module")
def functions():
    return tasks.problems("functions", 12, 0, "train")


@pytest.mark.parametrize("task", ["arithmetic", "multiplication"])
def test_every_solution_is_right_and_no_other_number_is(verifier, task):
    for problem in tasks.problems(task, 50, 0, "heldout"):
        solution = problem.meta["solution"]
        verdict = verifier.score(problem, solution)
        assert (verdict.correct, verdict.format) == (1.0, 1.0)
        wrong = solution.rsplit(" ", 1)[0] + f" {int(problem.answer) + 1}"
        assert (verifier.score(problem, wrong).correct, verifier.score(problem, wrong).format) == (0.0, 1.0)


@pytest.mark.parametrize(
    "completion, correct, form",
    [
        ("Answer: -27", 1, 1),
        ("so\nAnswer:-27.\n", 1, 1),
        ("Answer: -27.0", 1, 1),
        ("Answer: 27", 0, 1),
        ("Answer: -27 tiles", 0, 0.5),
        ("Answer: -27\nAnswer: 3", 0, 0.5),
        ("Answer: 3\nAnswer: -27", 1, 0.5),
        ("Answer: -27\nProblem: Compute", 1, 0.5),
        ("-27", 0, 0),
        ("The Answer: -27", 0, 0),
        ("Answer: ", 0, 0),
        ("", 0, 0),
        ("Answer: " + "9" * 400, 0, 0.5),
        ("Answer: \x00\ud800", 0, 0.5),
        ("Answer: -27" + " " * MAX_CHARACTERS, 0, 0),
    ],
)
def test_numbers(verifier, completion, correct, form):
    verdict = verifier.score(SUM, completion)
    assert (verdict.correct, verdict.format) == (correct, form), verdict


def test_formulas_are_compared_by_what_they_mean(verifier):
    half = Problem("x", "formula", (), "x^2 + 2*x + 1")
    assert verifier.score(half, "Answer: (x+1)^2").correct == 1
    assert verifier.score(half, "Answer: (x+2)^2").correct == 0


def test_right_functions_pass_and_faulty_ones_do_not(verifier, functions):
    for problem in functions:
        right, wrong = (verifier.score(problem, problem.meta[name]) for name in ("solution", "faulty"))
        assert (right.correct, right.format) == (1, 1), problem
        assert (wrong.correct, wrong.format) == (0, 1), problem


def test_whole_functions_and_assertions_of_the_model_are_taken(verifier, functions):
    problem = functions[0]
    whole = problem.meta["head"] + problem.meta["solution"]
    assert verifier.score(problem, f"    pass\n\n\n{whole}").correct == 1
    assert verifier.score(problem, f"{problem.meta['solution']}\n\nassert False").correct == 1


@pytest.mark.parametrize(
    "body, form",
    [
        ("    return Same()\n\nclass Same:\n    __eq__ = lambda *x: True\n    __hash__ = lambda x: 0", 1),
        ("    return [Same()]\n\nclass Same(int):\n    __eq__ = lambda *x: True", 1),
        ("    raise SystemExit(0)", 1),
        ("    while True: pass", 1),
        ("    return (" + "(" * 500, 0),
        ("    return None\n\ncheck = print", 1),
        ("return 1", 0),
        ("", 0),
        ("    return '\\q \x00'", 0),
        ("    return '\ud800'", 0),
        ("    return " + "-" * 10_000 + "1", 0),
    ],
)
def test_tricks_pass_nothing_and_raise_nothing(verifier, functions, body, form):
    verdict = verifier.score(functions[0], body)
    assert (verdict.correct, verdict.format) == (0, form), verdict


def test_a_sandbox_that_is_missing_is_named():
    problem = tasks.problems("functions", 1, 0, "train")[0]
    with Verifier("no such") as verifier, pytest.raises(ValueError, match="no such"):
        verifier.score(problem, problem.meta["solution"])
