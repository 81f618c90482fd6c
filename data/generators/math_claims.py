"""The claims that certificates of generated mathematics are made of, and how each is checked.

A claim is a list: its kind, then strings and numbers. `ANSWER` stands for the document's own answer, so that a claim
about it can't hold while the text says something else.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import sympy

from data.generators import expressions, fitch

ANSWER = "ANSWER"
Claim = tuple[Any, ...]
MAX_COUNT = 20_000


@dataclasses.dataclass(frozen=True)
class Problem:
    """A question, the steps to its answer, and the claims that make the answer certain."""

    question: str
    steps: Sequence[str]
    answer: str
    claims: Sequence[Claim]


def holds(claim: Sequence[Any], answer: str) -> bool:
    """Whether one claim is true. A claim of an unknown kind, of wrong shape or without a value is not."""
    try:
        kind, *arguments = [answer if part == ANSWER else part for part in claim]
        return bool(_KINDS[kind](*arguments))
    except (ValueError, KeyError, TypeError, ZeroDivisionError, OverflowError, ArithmeticError):
        return False


def _last_number(text: str) -> str:
    """The number an answer states, `x = 3` and `12 marbles` included."""
    return text.rsplit("=", 1)[-1].strip().split(" ")[0]


def _value(expression: str, stated: str) -> bool:
    return expressions.same_number(expression, _last_number(stated))


def _below(left: str, right: str) -> bool:
    return 0 <= expressions.number(left) < expressions.number(right)


def _stated(answer: str, parts: str) -> bool:
    return answer == parts


def _roots(polynomial: str, answer: str) -> bool:
    """Every number the answer names solves it, and with multiplicity there are as many as the degree asks for."""
    roots = [Fraction(part.rsplit("=", 1)[-1].strip()) for part in answer.split(" or ")]
    x = sympy.Symbol("x")
    found = sympy.roots(sympy.Poly(expressions.symbolic(polynomial), x))
    return {Fraction(int(r.p), int(r.q)) for r in found if r.is_Rational} == set(roots) and len(found) == len(roots)


def _system(equations: Sequence[str], answer: str) -> bool:
    """Each equation (left - right) vanishes at the answer's `x = 1, y = 2`, and the solution is the only one."""
    values = {name.strip(): Fraction(text.strip()) for name, text in (part.split("=") for part in answer.split(","))}
    symbols = sympy.symbols(sorted(values))
    jacobian = sympy.Matrix([[expressions.symbolic(e).diff(s) for s in symbols] for e in equations])
    return jacobian.det() != 0 and all(expressions.number(e, values) == 0 for e in equations)


def _derivative(function: str, stated: str) -> bool:
    return expressions.same_function(expressions.derivative(function), expressions.symbolic(stated))


def _antiderivative(function: str, stated: str) -> bool:
    primitive = stated.removesuffix(" + C")
    return expressions.same_function(expressions.derivative(primitive), expressions.symbolic(function))


def _definite(function: str, primitive: str, low: int, high: int, stated: str) -> bool:
    if not _antiderivative(function, primitive):
        return False
    ends = [expressions.number(primitive, {"x": Fraction(end)}) for end in (low, high)]
    return ends[1] - ends[0] == expressions.number(stated)


def _limit(top: str, bottom: str, point: int, stated: str) -> bool:
    """By l'Hopital's rule: both vanish at the point, and the slopes' quotient is the limit."""
    at = {"x": Fraction(point)}
    if expressions.number(top, at) or expressions.number(bottom, at):
        return False
    slopes = [expressions.derivative(text).subs(sympy.Symbol("x"), point) for text in (top, bottom)]
    return slopes[1] != 0 and Fraction(str(slopes[0] / slopes[1])) == Fraction(stated)


def _critical(function: str, answer: str) -> bool:
    slope = expressions.derivative(function)
    x = sympy.Symbol("x")
    stated = {Fraction(part.rsplit("=", 1)[-1].strip()) for part in answer.split(" and ")}
    return {Fraction(str(root)) for root in sympy.roots(sympy.Poly(slope, x))} == stated


def _sum_formula(term: str, formula: str, name: str) -> bool:
    """A closed form of sum(term(k), k=1..n) holds by induction, and by adding up for the first dozen n."""
    total = Fraction(0)
    for count in range(1, 13):
        total += expressions.number(term, {"k": Fraction(count)})
        if expressions.number(formula, {name: Fraction(count)}) != total:
            return False
    return True


def _divides(divisor: int, expression: str, name: str, start: int) -> bool:
    """Divisibility for every whole number from `start`, over one full period of residues and beyond."""
    values = (expressions.number(expression, {name: Fraction(n)}) for n in range(start, start + 2 * divisor + 2))
    return all(value % divisor == 0 for value in values)


def _remainder(base: int, exponent: int, modulus: int, stated: str) -> bool:
    return exponent <= 10**9 and pow(base, exponent, modulus) == int(stated)


def _congruences(pairs: Sequence[Sequence[int]], stated: str) -> bool:
    modulus = math.prod(m for _, m in pairs)
    coprime = all(math.gcd(a[1], b[1]) == 1 for a, b in itertools.combinations(pairs, 2))
    return coprime and 0 <= int(stated) < modulus and all(int(stated) % m == r % m for r, m in pairs)


def _gcd(left: int, right: int, stated: str) -> bool:
    common = int(stated)
    return left % common == 0 == right % common and math.gcd(left // common, right // common) == 1


def _totient(number: int, stated: str) -> bool:
    return number <= MAX_COUNT and sum(math.gcd(number, k) == 1 for k in range(1, number + 1)) == int(stated)


def _divisor_count(number: int, stated: str) -> bool:
    return number <= MAX_COUNT and sum(number % k == 0 for k in range(1, number + 1)) == int(stated)


def _determinant(rows: Sequence[Sequence[int]], stated: str) -> bool:
    return sympy.Matrix(rows).det() == int(stated)


def _eigenvalues(rows: Sequence[Sequence[int]], answer: str) -> bool:
    stated = sorted(int(part) for part in answer.split(" and "))
    return sorted(int(v) for v, times in sympy.Matrix(rows).eigenvals().items() for _ in range(times)) == stated


def _paths(width: int, height: int, stated: str) -> bool:
    """Counts lattice paths cell by cell."""
    row = [1] * (width + 1)
    for _ in range(height):
        row = list(itertools.accumulate(row))
    return row[-1] == int(stated)


def _subsets(elements: Sequence[int], size: int, divisor: int, stated: str) -> bool:
    """Counts by listing them all."""
    if math.comb(len(elements), size) > MAX_COUNT:
        return False
    return sum(sum(chosen) % divisor == 0 for chosen in itertools.combinations(elements, size)) == int(stated)


def _arrangements(word: str, stated: str) -> bool:
    """Counts different orderings of letters, as a product of binomials."""
    left, count = len(word), 1
    for letter in sorted(set(word)):
        count *= math.comb(left, word.count(letter))
        left -= word.count(letter)
    return count == int(stated)


def _geometric(first: str, ratio: str, stated: str) -> bool:
    """The stated sum s of first + first*ratio + ... is the fixed point s = first + ratio * s, with |ratio| < 1."""
    total, factor = Fraction(stated), Fraction(ratio)
    return abs(factor) < 1 and total == Fraction(first) + factor * total


def _recurrence(coefficients: Sequence[int], start: Sequence[int], index: int, stated: str) -> bool:
    """The index-th term (from 0) of a linear recurrence, by powers of its companion matrix."""
    companion = sympy.Matrix([list(coefficients), [1, 0]])
    return (companion**index * sympy.Matrix([start[1], start[0]]))[1] == int(stated)


_KINDS: dict[str, Callable[..., bool]] = {
    "value": _value,
    "below": _below,
    "stated": _stated,
    "equal": expressions.same_number,
    "identity": expressions.same_polynomial,
    "roots": _roots,
    "system": _system,
    "derivative": _derivative,
    "antiderivative": _antiderivative,
    "definite": _definite,
    "limit": _limit,
    "critical": _critical,
    "sum_formula": _sum_formula,
    "divides": _divides,
    "remainder": _remainder,
    "congruences": _congruences,
    "gcd": _gcd,
    "totient": _totient,
    "divisor_count": _divisor_count,
    "determinant": _determinant,
    "eigenvalues": _eigenvalues,
    "paths": _paths,
    "subsets": _subsets,
    "arrangements": _arrangements,
    "geometric": _geometric,
    "recurrence": _recurrence,
    "natural_deduction": fitch.proves,
}
