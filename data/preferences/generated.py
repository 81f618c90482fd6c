"""Pairs without a person: right answers to verifiable problems beside wrong or ill-formed ones."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from data.preferences.pair import Pair
from data.verifiable import tasks
from data.verifiable.problem import Problem

# How a number's answer goes wrong, by what share.
_FAULTS = {"number": 0.6, "no answer": 0.2, "runs on": 0.2}


def generate(names: Sequence[str], count: int, seed: int, split: str) -> list[Pair]:
    """Pairs of different problems; equal arguments give equal ones.

    A function's wrong answer fails its tests. A number's is a wrong number, a solution that states no answer, or one
    that goes on with another problem.

    Args:
      names: of `data.verifiable.tasks`, each with the same number of pairs.
      count: pairs in all.
      seed: of the draw.
      split: "train" or "heldout".

    Raises:
      ValueError: an unknown task or split, no task, or fewer problems than are asked for.
    """
    if not names:
        raise ValueError("no task to generate pairs of")
    pairs = []
    for place, name in enumerate(names):
        share = count // len(names) + (place < count % len(names))
        found = tasks.problems(name, share, seed, split)
        rng = random.Random(f"pairs/{name}/{seed}/{split}")
        pairs += [Pair(problem.parts, problem.meta["solution"], _wrong(rng, problem, found), 0.0) for problem in found]
    random.Random(f"pairs/{seed}/{split}").shuffle(pairs)
    return pairs


def _wrong(rng: random.Random, problem: Problem, others: Sequence[Problem]) -> str:
    if "faulty" in problem.meta:
        return problem.meta["faulty"]
    solution = problem.meta["solution"]
    fault = rng.choices(list(_FAULTS), list(_FAULTS.values()))[0]
    if fault == "no answer":
        return solution.rpartition("\n")[0]
    if fault == "runs on":
        return f"{solution}\n{rng.choice(others).text}"
    number = int(problem.answer)
    wrong = number + rng.choice((-1, 1)) * rng.choice((1, 2, rng.randint(3, 9), 10, 10 * rng.randint(2, 9)))
    # The step that leads to it goes wrong with it, as a model's would.
    return re.sub(rf"(= |Answer: ){re.escape(problem.answer)}(?!\d)", rf"\g<1>{wrong}", solution)
