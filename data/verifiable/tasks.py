"""Drawing verifiable problems, in the form of the training tasks `math_problem` and `code_generation`.

What decides the split is what is asked and not how: "Compute 12 + 34." and "What is 12 + 34?" are one problem, and so is
a function under another name. A hash of it says whether it is held out, so that no draw of one split meets the other.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import random
from collections.abc import Callable, Iterator, Sequence

from data.document import Document, content_id
from data.domains import SPLITS
from data.generators import code_problems, math_basic, math_problems
from data.generators.code_problems import TemplateError
from data.multitask import code_generation, math_problem
from data.verifiable import small_functions, small_numbers
from data.verifiable.problem import Problem

HELD_OUT_PERCENT = 20
FUNCTION_LEVEL = "syntax_basics"
MAX_FUNCTION_CHARACTERS = 200  # of the head and of the body: windows of small models are short
_TRIES = 2000  # draws in a row that were nothing new, after which there is nothing new


def problems(task: str, count: int, seed: int, split: str) -> list[Problem]:
    """Different problems; equal arguments give equal ones, and a smaller count the first of them.

    Args:
      task: "arithmetic", sums and differences of two numbers of two digits; "multiplication", their products;
        "functions", a short Python function from its signature and docstring; for very small models "remainders", of a
        division by 10, "small_sums", of two digits, "comparisons", the larger of two numbers, and "small_functions", of
        one line.
      count: how many.
      seed: of the draw.
      split: "train" or "heldout".

    Raises:
      ValueError: an unknown task or split, or there are fewer problems.
    """
    if task not in TASKS:
        raise ValueError(f"unknown task {task!r}; the tasks are {', '.join(TASKS)}")
    if split not in SPLITS:
        raise ValueError(f"unknown split {split!r}; the splits are {' and '.join(SPLITS)}")
    rng, seen, found, misses = random.Random(f"{task}/{seed}/{split}"), set(), [], 0
    for key, make in TASKS[task](rng):
        if len(found) == count:
            break
        fresh = key not in seen and split_of(key) == split
        problem = make() if fresh else None
        seen.add(key)
        misses = 0 if problem is not None else misses + 1
        if problem is not None:
            found.append(dataclasses.replace(problem, meta={**problem.meta, "key": key}))
        elif misses > _TRIES:
            raise ValueError(f"{count} problems of {task} were asked for, and {split} has about {len(found)}")
    return found


def split_of(key: str) -> str:
    """The split of what a problem asks: "12 + 34"."""
    number = int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "big")
    return "heldout" if number % 100 < HELD_OUT_PERCENT else "train"


# What is asked, and what makes the problem: None where it can't be had.
Draws = Iterator[tuple[str, Callable[[], Problem | None]]]


def _arithmetic(rng: random.Random) -> Draws:
    while True:
        first, second, sign = rng.randint(10, 99), rng.randint(10, 99), rng.choice((1, -1))
        key = f"{first} {'+' if sign > 0 else '-'} {second}"
        yield key, lambda: _of_mathematics("arithmetic", math_basic.added(rng, (first, second), (1, sign)), key)


def _multiplication(rng: random.Random) -> Draws:
    while True:
        first, second = rng.randint(10, 99), rng.randint(10, 99)
        key = f"{first} * {second}"
        yield key, lambda: _of_mathematics("multiplication", math_basic.multiplied(rng, first, second), key)


def _small(task: str, drawn: Callable[[random.Random], small_numbers.Draws]) -> Callable[[random.Random], Draws]:
    def draws(rng: random.Random) -> Draws:
        for key, make in drawn(rng):
            yield key, lambda key=key, make=make: _of_mathematics(task, make(), key)

    return draws


def _of_mathematics(task: str, made: math_basic.Problem, key: str) -> Problem:
    document = math_problems.laid_out(made, "arithmetic", key)
    return _problem(task, math_problem.TASK.make(document, random.Random(0)), made.answer)


def _functions(rng: random.Random) -> Draws:
    templates = code_problems.TEMPLATES[FUNCTION_LEVEL]
    while True:
        template = rng.choice(templates)
        drawn = template(rng)
        # Names and wording are drawn from tuples; what stands alone are the constants that make it another function.
        constants = {name: value for name, value in drawn.words.items() if not isinstance(value, tuple)}
        key = json.dumps([template.__name__, drawn.body, constants], default=str, sort_keys=True)
        yield key, lambda: _function(drawn, rng)


def _function(drawn: code_problems.Problem, rng: random.Random) -> Problem | None:
    try:
        document = code_problems.from_template(lambda _: drawn, FUNCTION_LEVEL, "verifiable", rng)
    except TemplateError:  # these constants leave a fault that no test catches
        return None
    meta, certificate = document.meta, document.meta["certificate"]
    head, bug = document.text[: meta["prompt_end"]], meta["bug"]
    body = document.text[meta["prompt_end"] : meta["implementation_end"]]
    if max(len(head), len(body)) > MAX_FUNCTION_CHARACTERS:
        return None
    faulty = bug[len(head) :] if bug.startswith(head) else bug
    return _program("functions", head, body, certificate["entry"], faulty, certificate["tests"])


def _small_functions(rng: random.Random) -> Draws:
    for key, make in small_functions.draws(rng):

        def problem(make: Callable[[], small_functions.Function] = make) -> Problem:
            made = make()
            return _program("small_functions", made.head, made.body, small_functions.ENTRY, made.faulty, made.tests)

        yield key, problem


def _program(task: str, head: str, body: str, entry: str, faulty: str, tests: Sequence[Sequence[str]]) -> Problem:
    """The problem of writing a function; `tests` are (arguments, result) in Python's notation."""
    document = Document(
        head + body, code_problems.DOMAIN, "verifiable", code_problems.LICENCE, meta={"prompt_end": len(head)}
    )
    calls = "\n".join(f"check(({arguments},), {result})" for arguments, result in tests)
    example = code_generation.TASK.make(document, random.Random(0))
    return _problem(task, example, calls, head=head, entry=entry, faulty=faulty)


def _problem(task: str, example: tuple, answer: str, **meta: str) -> Problem:
    asked, solution = example
    parts = ("", asked.control, asked.text, solution.control, "")
    name = content_id(json.dumps([task, parts, answer]))
    return Problem(f"{task}/{name}", task, parts, answer, {"solution": solution.text, **meta})


TASKS: dict[str, Callable[[random.Random], Draws]] = {
    "arithmetic": _arithmetic,
    "multiplication": _multiplication,
    "functions": _functions,
    "remainders": _small("remainders", small_numbers.remainders),
    "small_sums": _small("small_sums", small_numbers.small_sums),
    "comparisons": _small("comparisons", small_numbers.comparisons),
    "small_functions": _small_functions,
}
