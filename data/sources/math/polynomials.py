"""Polynomials with rational coefficients, exactly, from expressions in Python's syntax; every operation is bounded.

A polynomial is a dict from monomials, sorted tuples of (variable, exponent), to Fractions that are not zero.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable, Mapping
from fractions import Fraction

Monomial = tuple[tuple[str, int], ...]
Polynomial = dict[Monomial, Fraction]
Function = Callable[[Polynomial], Polynomial]

MAX_SOURCE_CHARACTERS = 3000
MAX_TERMS = 2000
MAX_DEGREE = 120
MAX_BITS = 4000
MAX_DEPTH = 90


class NotPolynomial(ValueError):
    """An expression that is no polynomial, or a larger one than is computed."""


def constant(value: Fraction | int) -> Polynomial:
    """The polynomial that is a number."""
    return {(): Fraction(value)} if value else {}


def variable(name: str) -> Polynomial:
    """The polynomial that is a variable."""
    return {((name, 1),): Fraction(1)}


def number(polynomial: Polynomial) -> Fraction:
    """The number that a polynomial is.

    Raises:
      NotPolynomial: it has variables.
    """
    if any(monomial for monomial in polynomial):
        raise NotPolynomial("not a number")
    return polynomial.get((), Fraction(0))


def variables(polynomial: Polynomial) -> set[str]:
    """Names that occur."""
    return {name for monomial in polynomial for name, _ in monomial}


def degree(polynomial: Polynomial, name: str) -> int:
    """The highest exponent of a variable."""
    return max((exponent for monomial in polynomial for variable, exponent in monomial if variable == name), default=0)


def _checked(polynomial: Polynomial) -> Polynomial:
    if len(polynomial) > MAX_TERMS:
        raise NotPolynomial("too many terms")
    for monomial, value in polynomial.items():
        if max(value.numerator.bit_length(), value.denominator.bit_length()) > MAX_BITS:
            raise NotPolynomial("a large coefficient")
        if sum(exponent for _, exponent in monomial) > MAX_DEGREE:
            raise NotPolynomial("a high degree")
    return polynomial


def add(left: Polynomial, right: Polynomial, scale: Fraction | int = 1) -> Polynomial:
    """left + scale * right."""
    out = dict(left)
    for monomial, value in right.items():
        total = out.get(monomial, 0) + scale * value
        if total:
            out[monomial] = total
        else:
            out.pop(monomial, None)
    return _checked(out)


def multiply(left: Polynomial, right: Polynomial) -> Polynomial:
    """The product."""
    if len(left) * len(right) > 100 * MAX_TERMS:
        raise NotPolynomial("too many terms")
    out: Polynomial = {}
    for first, value in left.items():
        for second, other in right.items():
            exponents = dict(first)
            for name, exponent in second:
                exponents[name] = exponents.get(name, 0) + exponent
            monomial = tuple(sorted(exponents.items()))
            out[monomial] = out.get(monomial, Fraction(0)) + value * other
    return _checked({monomial: value for monomial, value in out.items() if value})


def power(base: Polynomial, exponent: int) -> Polynomial:
    """base to a small exponent; negative ones for numbers."""
    if exponent < 0:
        value = number(base)
        if not value:
            raise NotPolynomial("a division by zero")
        return power(constant(1 / value), -exponent)
    if exponent > MAX_DEGREE:
        raise NotPolynomial("a large exponent")
    out = constant(1)
    for _ in range(exponent):
        out = multiply(out, base)
    return out


def derivative(polynomial: Polynomial, name: str) -> Polynomial:
    """d/d name."""
    out: Polynomial = {}
    for monomial, value in polynomial.items():
        exponents = dict(monomial)
        exponent = exponents.pop(name, 0)
        if exponent > 1:
            exponents[name] = exponent - 1
        if exponent:
            out[tuple(sorted(exponents.items()))] = value * exponent
    return out


def substitute(polynomial: Polynomial, name: str, value: Polynomial) -> Polynomial:
    """The polynomial with a variable replaced."""
    out: Polynomial = {}
    powers: dict[int, Polynomial] = {}
    for monomial, coefficient in polynomial.items():
        exponents = dict(monomial)
        exponent = exponents.pop(name, 0)
        if exponent not in powers:
            powers[exponent] = power(value, exponent)
        term = {tuple(sorted(exponents.items())): coefficient}
        out = add(out, multiply(term, powers[exponent]))
    return out


def deflate(polynomial: Polynomial, name: str, root: Fraction) -> Polynomial | None:
    """The quotient by (name - root) of a polynomial in that variable alone; None where root is none."""
    if variables(polynomial) - {name} or number(substitute(polynomial, name, constant(root))):
        return None
    top = degree(polynomial, name)
    coefficients = [polynomial.get(((name, n),) if n else (), Fraction(0)) for n in range(top, -1, -1)]
    quotient, carry = [], Fraction(0)
    for coefficient in coefficients[:-1]:
        carry = carry * root + coefficient
        quotient.append(carry)
    out: Polynomial = {}
    for position, value in enumerate(quotient):
        exponent = top - 1 - position
        if value:
            out[((name, exponent),) if exponent else ()] = value
    return out


def solve(equations: list[Polynomial]) -> dict[str, Fraction] | None:
    """The values of the variables that linear equations (each equal to zero) leave no choice of.

    Returns None where the equations contradict each other, are not linear, or leave a choice.
    """
    if any(sum(exponent for _, exponent in monomial) > 1 for equation in equations for monomial in equation):
        return None
    names = sorted(set().union(*map(variables, equations))) if equations else []
    if not names or len(names) > 12:
        return None
    table = [
        [equation.get(((name, 1),), Fraction(0)) for name in names] + [-equation.get((), Fraction(0))]
        for equation in equations
    ]
    rank = 0
    for column in range(len(names)):
        pivot = next((row for row in range(rank, len(table)) if table[row][column]), None)
        if pivot is None:
            return None
        table[rank], table[pivot] = table[pivot], table[rank]
        scale = table[rank][column]
        table[rank] = [value / scale for value in table[rank]]
        for row in range(len(table)):
            factor = table[row][column]
            if row != rank and factor:
                table[row] = [value - factor * other for value, other in zip(table[row], table[rank], strict=True)]
        rank += 1
    if any(row[-1] for row in table[rank:]):
        return None
    return {name: table[place][-1] for place, name in enumerate(names)}


def parse(
    source: str, values: Mapping[str, Fraction] | None = None, functions: Mapping[str, Function] | None = None
) -> Polynomial:
    """The polynomial of an expression: numbers, names, + - * / **, calls of functions of one argument.

    Args:
      source: the expression.
      values: of names that are numbers; other names are variables.
      functions: that may be called.

    Raises:
      NotPolynomial: it is none.
    """
    source = source.strip()
    if len(source) > MAX_SOURCE_CHARACTERS or not source:
        raise NotPolynomial("no expression, or a long one")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of literals that run into words
            tree = ast.parse(source, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise NotPolynomial(str(error)) from error
    return _Evaluator(values or {}, functions or {}).value(tree.body, 0)


class _Evaluator:
    def __init__(self, values: Mapping[str, Fraction], functions: Mapping[str, Function]):
        self._values, self._functions = values, functions

    def value(self, node: ast.expr, depth: int) -> Polynomial:
        """The polynomial of a node."""
        if depth > MAX_DEPTH:
            raise NotPolynomial("nested too deep")
        if isinstance(node, ast.Constant):
            if isinstance(node.value, bool) or not isinstance(node.value, (int, float)):
                raise NotPolynomial(f"{node.value!r}")
            return _checked(constant(Fraction(repr(node.value)) if abs(node.value) < 1e300 else Fraction(node.value)))
        if isinstance(node, ast.Name):
            value = self._values.get(node.id)
            return variable(node.id) if value is None else constant(value)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
            inner = self.value(node.operand, depth + 1)
            return inner if isinstance(node.op, ast.UAdd) else add({}, inner, -1)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and len(node.args) == 1 and not node.keywords:
            function = self._functions.get(node.func.id)
            if function is None:
                raise NotPolynomial(f"unknown function {node.func.id}")
            return function(self.value(node.args[0], depth + 1))
        if isinstance(node, ast.BinOp):
            return self._operation(node, depth)
        raise NotPolynomial(type(node).__name__)

    def _operation(self, node: ast.BinOp, depth: int) -> Polynomial:
        left, right = self.value(node.left, depth + 1), self.value(node.right, depth + 1)
        if isinstance(node.op, ast.Add):
            return add(left, right)
        if isinstance(node.op, ast.Sub):
            return add(left, right, -1)
        if isinstance(node.op, ast.Mult):
            return multiply(left, right)
        if isinstance(node.op, ast.Div):
            return multiply(left, power(right, -1))
        if isinstance(node.op, ast.Pow):
            exponent = number(right)
            if exponent.denominator != 1 or abs(exponent) > MAX_DEGREE:
                raise NotPolynomial("an exponent that is no small integer")
            return power(left, int(exponent))
        raise NotPolynomial(type(node.op).__name__)
