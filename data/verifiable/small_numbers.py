"""Arithmetic that a very small model can begin with: it is right now and then before it is taught."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from data.generators.math_basic import Problem

_REMAINDERS = ("Find the remainder of {} divided by 10.", "What is the remainder of {} divided by 10?")
_SUMS = ("Compute {}.", "What is {}?", "Find the value of {}.", "Work out {}.", "Evaluate {}.", "Calculate {}.")
_LARGER = ("Which is larger, {} or {}?", "Find the larger of {} and {}.")

# (what is asked, what makes the problem)
Draws = Iterator[tuple[str, Callable[[], Problem]]]


def remainders(rng: random.Random) -> Draws:
    """The remainder of a number of two to four digits divided by 10. One answer to all is right one time in ten."""
    while True:
        number = rng.randint(10, 10 ** rng.randint(2, 4) - 1)

        def make(number: int = number) -> Problem:
            quotient, rest = divmod(number, 10)
            steps = [f"10 * {quotient} + {rest} = {number}."]
            return Problem(rng.choice(_REMAINDERS).format(number), steps, str(rest), [])

        yield f"{number} mod 10", make


def small_sums(rng: random.Random) -> Draws:
    """The sum of two numbers of one digit, of which there are a hundred."""
    while True:
        first, second = rng.randint(0, 9), rng.randint(0, 9)

        def make(first: int = first, second: int = second) -> Problem:
            asked, answer = f"{first} + {second}", str(first + second)
            return Problem(rng.choice(_SUMS).format(asked), [f"{asked} = {answer}."], answer, [])

        yield f"{first} + {second}", make


def comparisons(rng: random.Random) -> Draws:
    """The larger of two numbers of two digits."""
    while True:
        first, second = rng.sample(range(10, 100), 2)

        def make(first: int = first, second: int = second) -> Problem:
            larger, smaller = max(first, second), min(first, second)
            steps = [f"{larger} > {smaller}."]
            return Problem(rng.choice(_LARGER).format(first, second), steps, str(larger), [])

        yield f"{first} or {second}", make
