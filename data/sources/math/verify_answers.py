"""Whether an answer is right: yes, no or unknown, by exact arithmetic or at points, within fixed bounds of work.

Nothing is timed: what is too large is refused before it is begun, so that every machine reaches the same verdict. An
antiderivative is differentiated at several points and compared with the integrand there; where doubles disagree, forty
digits decide. "no" is said only where the two differ at every point that could be computed, since a formula may hold on
one branch alone.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from data.sources.math import mathematica
from data.sources.math.derivatives import At, NotComputable, Numbers, doubles, many_digits
from data.sources.math.mathematica import Tree

MAX_SOURCE_CHARACTERS = 6000
MAX_NODES = 3000
MIN_POINTS = 2
_DOUBLE_TOLERANCE, _EXACT_TOLERANCE = 1e-7, 1e-15
# Points: each row gives the variables their values in the order of their names; unlike sizes, no simple relations.
_POINTS = (
    (Fraction(37, 64), Fraction(83, 101), Fraction(29, 97), Fraction(131, 89), Fraction(67, 113), Fraction(149, 103)),
    (Fraction(191, 83), Fraction(59, 71), Fraction(139, 61), Fraction(43, 107), Fraction(173, 79), Fraction(47, 109)),
    (Fraction(41, 127), Fraction(157, 73), Fraction(61, 131), Fraction(89, 137), Fraction(53, 151), Fraction(179, 139)),
    (
        Fraction(101, 163),
        Fraction(31, 167),
        Fraction(197, 149),
        Fraction(71, 173),
        Fraction(107, 157),
        Fraction(73, 179),
    ),
)


@dataclasses.dataclass(frozen=True)
class Verdict:
    """A verdict ("yes", "no", "unknown") and how it was reached."""

    verified: str
    method: str


def unknown(method: str = "") -> Verdict:
    """No verdict."""
    return Verdict("unknown", method)


def of(holds: bool, method: str) -> Verdict:
    """The verdict of an exact test."""
    return Verdict("yes" if holds else "no", method)


def antiderivative(integrand: str, variable: str, answer: str) -> Verdict:
    """Whether the derivative of an answer is the integrand, both in the Wolfram Language."""
    if len(integrand) + len(answer) > MAX_SOURCE_CHARACTERS:
        return unknown("too_large")
    try:
        return antiderivative_tree(mathematica.parse(integrand), variable, mathematica.parse(answer))
    except mathematica.ParseError:
        return unknown("not_parsed")


def antiderivative_tree(integrand: Tree, variable: str, answer: Tree) -> Verdict:
    """Whether the derivative of one formula is another."""
    return _at_points(
        (integrand, answer),
        variable,
        lambda at: (at.pair(answer)[1], at.pair(integrand)[0]),
        "derivative_at_points",
    )


def equal_trees(left: Tree, right: Tree) -> Verdict:
    """Whether two formulas have the same values."""
    variables = sorted(mathematica.names(left) | mathematica.names(right))
    variable = variables[0] if variables else "x"
    return _at_points((left, right), variable, lambda at: (at.pair(left)[0], at.pair(right)[0]), "values_at_points")


def _at_points(trees: Sequence[Tree], variable: str, compare: Callable[[At], tuple[Any, Any]], method: str) -> Verdict:
    if sum(map(mathematica.size, trees)) > MAX_NODES:
        return unknown("too_large")
    variables = sorted(set().union(*map(mathematica.names, trees)) | {variable})
    if len(variables) > 24:
        return unknown("too_large")
    same = different = 0
    for number, row in enumerate(_POINTS):
        values = {
            name: row[(at + number) % len(row)] + Fraction(at // len(row), 19) for at, name in enumerate(variables)
        }
        outcome = _same(compare, values, variable)
        same += outcome is True
        different += outcome is False
        if same > MIN_POINTS or (number > 1 and not same and not different):
            break  # enough of them agree, or nothing can be computed
    if same >= MIN_POINTS and not different:
        return Verdict("yes", method)
    if different > MIN_POINTS and not same:
        return Verdict("no", method)
    return unknown(method)


def _same(compare: Callable[[At], tuple[Any, Any]], values: dict[str, Fraction], variable: str) -> bool | None:
    """Whether the two sides agree at a point; None where they can't be computed there."""
    for numbers, tolerance in ((_doubles(), _DOUBLE_TOLERANCE), (_digits(), _EXACT_TOLERANCE)):
        try:
            left, right = compare(At(numbers, values, variable))
        except NotComputable:
            if numbers is _digits():
                return None
            continue
        difference, scale = abs(left - right), max(abs(left), abs(right))
        if difference != difference or scale != scale:
            return None
        if difference <= tolerance * max(scale, 1e-3):
            return True
    return False


@functools.cache
def _doubles() -> Numbers:
    return doubles()


@functools.cache
def _digits() -> Numbers:
    return many_digits()
