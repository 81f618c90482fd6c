"""Small functions: tests that tell each from its neighbours, docstrings that mean what is returned, short ones."""

import ast
import itertools
import random
import re
from fractions import Fraction

import pytest

from data.generators.code_mutants import faults
from data.verifiable import small_functions, tasks
from data.verifiable.verify import Verifier
from tests.data.verifiable.test_verify import sandbox

TASK = "small_functions"
# What each wording means, by other means than the solutions have.
MEANINGS = (
    (r"n plus (\d+)|the sum of n and (\d+)", lambda n, a: sum([n, a])),
    (r"n minus (\d+)|(\d+) less than n", lambda n, a: -(a - n)),
    (r"(\d+) times n|the product of (\d+) and n", lambda n, a: sum([n] * a)),
    (r"(\d+) times n, plus (\d+)", lambda n, a, b: sum([n] * a, b)),
    (r"(\d+) more than (\d+) times n", lambda n, a, b: sum([n] * b, a)),
    (r"the square of n, plus (\d+)|(\d+) more than the square of n", lambda n, a: a + abs(n) ** 2),
    (r"n divided by (\d+), rounded down|n over (\d+), rounded down", lambda n, a: Fraction(n, a).__floor__()),
    (r"the remainder of n divided by (\d+)|n modulo (\d+)", lambda n, a: n - a * Fraction(n, a).__floor__()),
    (r"the larger of n and (\d+)|n, but at least (\d+)", lambda n, a: sorted([n, a])[1]),
    (r"the smaller of n and (\d+)|n, but at most (\d+)", lambda n, a: sorted([n, a])[0]),
    (r"n, but at least (\d+) and at most (\d+)|n held between (\d+) and (\d+)", lambda n, a, b: sorted([a, n, b])[1]),
    (r"(\d+) copies of s|s repeated (\d+) times", lambda s, a: "".join([s] * a)),
    (r"the (?:first|leading) (\d+) characters of s", lambda s, a: "".join(c for i, c in enumerate(s) if i < a)),
    (r"the (?:last|final) (\d+) characters of s", lambda s, a: s.removeprefix(s[: max(len(s) - a, 0)])),
    (
        r"s from index (\d+) up to index (\d+)|the slice of s from (\d+) to (\d+)",
        lambda s, a, b: "".join(c for i, c in enumerate(s) if a <= i < b),
    ),
)


@pytest.fixture(scope="module")
def drawn():
    return tasks.problems(TASK, 300, 0, "train") + tasks.problems(TASK, 100, 0, "heldout")


def defined(source):
    """The function that a source defines."""
    space = {}
    exec(source, space)
    return space[small_functions.ENTRY]


def calls(problem):
    """(arguments, result) of each test."""
    found = []
    exec(problem.answer, {"check": lambda arguments, result: found.append((arguments, result))})
    return found


def passes(function, tests):
    try:
        return all(function(*arguments) == result for arguments, result in tests)
    except (NameError, TypeError, ZeroDivisionError):
        return False


def test_solutions_pass_in_the_sandbox_and_faulty_ones_and_those_of_other_problems_do_not(drawn):
    rng = random.Random(0)
    with Verifier(sandbox(), seconds=1.0) as verifier:
        for problem in rng.sample(drawn, 100):
            right, wrong = (verifier.score(problem, problem.meta[name]) for name in ("solution", "faulty"))
            assert (right.correct, right.format) == (1, 1), problem
            assert (wrong.correct, wrong.format) == (0, 1), problem
            other = rng.choice([one for one in drawn if one.meta["key"] != problem.meta["key"]])
            assert verifier.score(problem, other.meta["solution"]).correct == 0, (problem, other)


def test_an_answer_solves_its_own_problem_and_no_other(drawn):
    tests = [calls(problem) for problem in drawn]
    for place, problem in enumerate(drawn):
        # Under the other head an answer names what isn't there.
        function = defined(problem.meta["head"] + problem.meta["solution"])
        signature = problem.meta["head"].splitlines()[0]
        solved = [
            other.meta["head"].startswith(signature) and passes(function, one) for other, one in zip(drawn, tests)
        ]
        assert solved == [one == place for one in range(len(drawn))], problem


def test_every_fault_and_every_constant_nearby_is_caught(drawn):
    for problem in drawn:
        source, tests = problem.meta["head"] + problem.meta["solution"], calls(problem)
        wrong = [fault.put_into(source) for fault in faults(source)]
        for found in re.finditer(r"\d+", source[len(problem.meta["head"]) :]):
            start, end = (len(problem.meta["head"]) + place for place in found.span())
            constant = int(found[0])
            others = {constant + step for step in (-10, -2, 2, 10)} | {int(found[0][::-1]), 10 * constant}
            wrong += [f"{source[:start]}{other}{source[end:]}" for other in others - {constant} if other > 0]
        assert len(wrong) >= 5
        for one in wrong:
            assert not passes(defined(one), tests), (problem, one)


def test_docstrings_mean_what_the_tests_ask(drawn):
    seen = set()
    for problem in drawn:
        said = ast.get_docstring(ast.parse(problem.meta["head"] + problem.meta["solution"]).body[0])
        matches = [(re.fullmatch(rf"Return (?:{pattern})\.", said), meaning) for pattern, meaning in MEANINGS]
        ((match, meaning),) = [one for one in matches if one[0]]
        constants = [int(constant) for constant in match.groups() if constant]
        assert all(1 < constant <= small_functions.MAX_CONSTANT for constant in constants)
        assert all(meaning(*arguments, *constants) == result for arguments, result in calls(problem)), problem
        seen.add(re.sub(r"\d+", "#", said))
    assert len(seen) == 2 * 14  # the wordings


def test_there_are_thousands_and_the_splits_share_none():
    keys = {key for key, _ in itertools.islice(small_functions.draws(random.Random(0)), 20_000)}
    heldout = {key for key in keys if tasks.split_of(key) == "heldout"}
    assert len(keys) >= 3_000 and 0.18 < len(heldout) / len(keys) < 0.22
    train, held_out = (tasks.problems(TASK, 200, 0, split) for split in ("train", "heldout"))
    bodies = [{problem.meta["solution"].strip() for problem in problems} for problems in (train, held_out)]
    assert [len(body) for body in bodies] == [200, 200] and not bodies[0] & bodies[1]
    assert {f"return {problem.meta['key']}" for problem in train} == bodies[0]


def test_a_window_of_128_holds_them_even_where_a_token_is_a_character(drawn):
    assert max(len(problem.text) + len(problem.meta["solution"]) for problem in drawn) + len("^[]$") <= 128


def test_faulty_ones_differ_in_operators_as_well_as_in_constants(drawn):
    def shape(text):
        return re.sub(r"\d+", "#", text)

    changed = sum(shape(problem.meta["faulty"]) != shape(problem.meta["solution"]) for problem in drawn)
    assert 0.2 < changed / len(drawn) < 0.6
