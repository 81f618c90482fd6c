"""Arithmetic written as text, evaluated without `eval`: certificates come from files that anyone may have written.

The same small grammar (numbers, names, + - * / // % **, unary minus, calls of named functions) is folded into whatever
values the caller's leaves are: exact fractions, sparse polynomials or sympy expressions.
"""

from __future__ import annotations

import ast
import functools
import operator
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import sympy
from sympy.polys.rings import ring

MAX_EXPONENT = 512
MAX_BITS = 65536  # of a power, so that a short text can't ask for a number that fills the memory
_POLY_RING, *_POLY_GENERATORS = ring("a b c d k m n p q r s t u v w x y z", sympy.QQ)
_POLY_NAMES = {str(generator): generator for generator in _POLY_GENERATORS}
_SYMBOLS = {name: sympy.Symbol(name) for name in _POLY_NAMES}
_FUNCTIONS = {"sin": sympy.sin, "cos": sympy.cos, "exp": sympy.exp, "log": sympy.log, "sqrt": sympy.sqrt}
_OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}


class ExpressionError(ValueError):
    """A text that is no expression of the grammar, or one that can't be evaluated."""


@functools.lru_cache(maxsize=4096)
def _parse(text: str) -> ast.expr:
    try:
        return ast.parse(text.replace("^", "**"), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ExpressionError(f"not an expression: {text!r}") from error


def _fold(node: ast.expr, number: Callable[[int], Any], names: Mapping[str, Any], calls: Mapping[str, Callable]) -> Any:
    recurse = functools.partial(_fold, number=number, names=names, calls=calls)
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return number(node.value)
    if isinstance(node, ast.Name) and node.id in names:
        return names[node.id]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -recurse(node.operand)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        return _power(recurse(node.left), recurse(node.right))
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        return _OPERATORS[type(node.op)](recurse(node.left), recurse(node.right))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in calls and not node.keywords:
        return calls[node.func.id](*map(recurse, node.args))
    raise ExpressionError(f"not in the grammar: {ast.unparse(node)}")


def _power(base: Any, exponent: Any) -> Any:
    if isinstance(exponent, (Fraction, sympy.Integer)) or getattr(exponent, "is_ground", False):
        whole = int(exponent.coeff(1)) if hasattr(exponent, "is_ground") else int(exponent)
        if whole != exponent or abs(whole) > MAX_EXPONENT:
            raise ExpressionError(f"exponent {exponent} is not a whole number up to {MAX_EXPONENT}")
        if isinstance(base, Fraction) and base.numerator.bit_length() * abs(whole) > MAX_BITS:
            raise ExpressionError(f"the power has more than {MAX_BITS} bits")
        return base**whole
    raise ExpressionError(f"exponent {exponent} is not a number")


def _evaluate(text: str, number: Callable[[int], Any], names: Mapping[str, Any], calls: Mapping[str, Callable]) -> Any:
    try:
        return _fold(_parse(text), number, names, calls)
    except ExpressionError:
        raise
    except Exception as error:  # division by zero, overflow and type errors all mean that there is no value
        raise ExpressionError(f"{text!r} has no value: {error}") from error


def number(text: str, values: Mapping[str, Fraction] | None = None) -> Fraction:
    """Exact rational value of an expression whose names have `values`.

    Raises:
      ExpressionError: it is no expression, or has no value.
    """
    return _evaluate(text, Fraction, values or {}, {})


def polynomial(text: str) -> Any:
    """An expression in one-letter names as a sparse polynomial over the rationals; equal ones compare equal.

    Raises:
      ExpressionError: it is no polynomial.
    """
    return _evaluate(text, _POLY_RING, _POLY_NAMES, {})


def symbolic(text: str) -> sympy.Expr:
    """An expression with sin, cos, exp, log and sqrt as sympy's own.

    Raises:
      ExpressionError: it is no expression.
    """
    return _evaluate(text, sympy.Integer, _SYMBOLS, _FUNCTIONS)


def same_number(left: str, right: str) -> bool:
    """Whether two expressions have the same exact value."""
    return number(left) == number(right)


def same_polynomial(left: str, right: str) -> bool:
    """Whether two expressions are the same polynomial, which is to say equal for every value of their names."""
    return polynomial(left) == polynomial(right)


def same_function(left: sympy.Expr, right: sympy.Expr) -> bool:
    """Whether two expressions in x are equal: by expansion, else at three points to 25 digits."""
    difference = sympy.expand(left - right)
    if difference == 0:
        return True
    x = _SYMBOLS["x"]
    points = (sympy.Rational(3, 7), sympy.Rational(11, 5), sympy.Rational(17, 13))
    return all(abs(difference.subs(x, point).evalf(30)) < sympy.Float("1e-25") for point in points)


def derivative(text: str) -> sympy.Expr:
    """Derivative in x, by sympy.

    Raises:
      ExpressionError: `text` is no expression.
    """
    return sympy.diff(symbolic(text), _SYMBOLS["x"])
