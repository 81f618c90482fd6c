"""Functions of one line that a very small model can learn to write: what the docstring names, with its constants.

A family is an expression with one or two constants, in two wordings. What is asked is the expression. No two with the
same parameter mean the same, and the tests tell them apart: an answer solves one problem and no other.
"""

from __future__ import annotations

import dataclasses
import random
import string
from collections.abc import Callable, Iterator, Sequence

from data.generators.code_mutants import faults, instrumented
from data.generators.code_trials import RIGHT, Trial, frozen

ENTRY = "f"
MAX_CONSTANT = 99
_ROUNDS = 1  # one call; there are no loops


@dataclasses.dataclass(frozen=True)
class Function:
    """A function to be written.

    Attributes:
      head: signature and docstring, with the line's end.
      body: the right one.
      faulty: one that fails a test.
      tests: (arguments, result) in Python's notation.
    """

    head: str
    body: str
    faulty: str
    tests: tuple[tuple[str, str], ...]


# (what is asked, what makes the function)
Draws = Iterator[tuple[str, Callable[[], Function]]]
Values = Callable[[random.Random, Sequence[int]], list]


def draws(rng: random.Random) -> Draws:
    """Functions without end: every family as likely as another, and constants of one digit as likely as of two."""
    while True:
        family = rng.choice(_FAMILIES)
        constants = [_constant(rng) for _ in range(family.constants)]
        if family.in_order and constants[0] >= constants[1]:
            continue
        expression = family.expression.format(*constants)
        yield expression, lambda family=family, constants=constants: _made(rng, family, constants)


def _constant(rng: random.Random) -> int:
    return rng.randint(2, 9) if rng.random() < 0.5 else rng.randint(10, MAX_CONSTANT)


def _numbers(rng: random.Random, constants: Sequence[int]) -> list[int]:
    """Numbers on both sides of what a constant may be the edge of, and far from all constants."""
    near = {constant + step for constant in constants for step in (-1, 0, 1)}
    return sorted({0, -rng.randint(1, 99), rng.randint(100, 999), *near})


def _texts(rng: random.Random, constants: Sequence[int]) -> list[str]:
    """Texts a little shorter and longer than the constants say, and much longer; letters side by side differ."""
    lengths = sorted({0, 2 * max(constants) + 3, *(constant + step for constant in constants for step in (-1, 0, 1))})
    starts = [rng.randrange(26) for _ in lengths]
    return [
        "".join(string.ascii_lowercase[(start + place) % 26] for place in range(length))
        for start, length in zip(starts, lengths)
    ]


def _short_texts(rng: random.Random, constants: Sequence[int]) -> list[str]:
    """Texts of up to three letters, whose copies aren't long."""
    return ["".join(rng.sample(string.ascii_lowercase, length)) for length in range(4)]


@dataclasses.dataclass(frozen=True)
class _Family:
    """Functions that differ by their constants.

    Attributes:
      expression: what is returned, `{0}` and `{1}` for the constants.
      wordings: what the docstring says.
      values: draws the arguments of the tests.
      in_order: whether the first constant must be below the second.
    """

    expression: str
    wordings: tuple[str, ...]
    values: Values = _numbers
    in_order: bool = False

    @property
    def constants(self) -> int:
        """How many there are."""
        return 2 if "{1}" in self.expression else 1

    @property
    def parameter(self) -> str:
        """A number is called n and a text s."""
        return "n" if self.values is _numbers else "s"


_FAMILIES = (
    _Family("n + {0}", ("Return n plus {0}.", "Return the sum of n and {0}.")),
    _Family("n - {0}", ("Return n minus {0}.", "Return {0} less than n.")),
    _Family("{0} * n", ("Return {0} times n.", "Return the product of {0} and n.")),
    _Family("{0} * n + {1}", ("Return {0} times n, plus {1}.", "Return {1} more than {0} times n.")),
    _Family("n * n + {0}", ("Return the square of n, plus {0}.", "Return {0} more than the square of n.")),
    _Family("n // {0}", ("Return n divided by {0}, rounded down.", "Return n over {0}, rounded down.")),
    _Family("n % {0}", ("Return the remainder of n divided by {0}.", "Return n modulo {0}.")),
    _Family("max(n, {0})", ("Return the larger of n and {0}.", "Return n, but at least {0}.")),
    _Family("min(n, {0})", ("Return the smaller of n and {0}.", "Return n, but at most {0}.")),
    _Family(
        "max({0}, min(n, {1}))",
        ("Return n, but at least {0} and at most {1}.", "Return n held between {0} and {1}."),
        in_order=True,
    ),
    _Family("s * {0}", ("Return {0} copies of s.", "Return s repeated {0} times."), _short_texts),
    _Family("s[:{0}]", ("Return the first {0} characters of s.", "Return the leading {0} characters of s."), _texts),
    _Family("s[-{0}:]", ("Return the last {0} characters of s.", "Return the final {0} characters of s."), _texts),
    _Family(
        "s[{0}:{1}]",
        ("Return s from index {0} up to index {1}.", "Return the slice of s from {0} to {1}."),
        _texts,
        in_order=True,
    ),
)


def _made(rng: random.Random, family: _Family, constants: Sequence[int]) -> Function:
    docstring = rng.choice(family.wordings).format(*constants)
    head = f'def {ENTRY}({family.parameter}):\n    """{docstring}"""\n'
    body = f"    return {family.expression.format(*constants)}"
    right = Trial(instrumented(head + body), ENTRY)
    arguments = [(value,) for value in family.values(rng, constants)]
    cases = [(frozen(one), right.result(frozen(one), _ROUNDS)) for one in arguments]
    wrong: dict[str, list[str]] = {}
    for fault in faults(head + body):
        source = fault.put_into(head + body)
        if _fails(source, cases):
            wrong.setdefault(fault.kind, []).append(source)
    faulty = rng.choice(wrong[rng.choice(sorted(wrong))])  # another operator as often as another constant
    tests = tuple((repr(value), repr(result)) for (value,), (_, result) in zip(arguments, cases))
    return Function(head, body, faulty[len(head) :], tests)


def _fails(source: str, cases: Sequence[tuple[bytes, object]]) -> bool:
    trial = Trial(instrumented(source), ENTRY)
    return any(trial.outcome(arguments, result, _ROUNDS) != RIGHT for arguments, result in cases)
