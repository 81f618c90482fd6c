"""Formulas written in sympy's Python, taken from syntax trees without running anything, and checks of answers to them.

`tree` reads an expression into the form that `verify_answers` computes with. Differential equations need sympy itself:
only what was rebuilt from known functions reaches it, after its numbers were found tame, and sizes and orders are
bounded.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from data.sources.math import mathematica, verify_answers
from data.sources.math.mathematica import ParseError, Tree
from data.sources.math.verify_answers import Verdict, unknown

MAX_ODE_NODES = 150
MAX_ORDER = 4
_FUNCTIONS = {
    "sin": "Sin", "cos": "Cos", "tan": "Tan", "cot": "Cot", "sec": "Sec", "csc": "Csc", "sinh": "Sinh", "cosh": "Cosh",
    "tanh": "Tanh", "coth": "Coth", "sech": "Sech", "csch": "Csch", "asin": "ArcSin", "acos": "ArcCos",
    "atan": "ArcTan",
    "acot": "ArcCot", "asec": "ArcSec", "acsc": "ArcCsc", "asinh": "ArcSinh", "acosh": "ArcCosh", "atanh": "ArcTanh",
    "acoth": "ArcCoth", "exp": "Exp", "log": "Log", "ln": "Log", "sqrt": "Sqrt", "erf": "Erf", "erfc": "Erfc",
    "erfi": "Erfi", "Ei": "ExpIntegralEi", "li": "LogIntegral", "Si": "SinIntegral", "Ci": "CosIntegral",
    "Shi": "SinhIntegral", "Chi": "CoshIntegral", "LambertW": "ProductLog", "polylog": "PolyLog", "gamma": "Gamma",
    "uppergamma": "Gamma", "fresnels": "FresnelS", "fresnelc": "FresnelC", "factorial": "Factorial", "zeta": "Zeta",
    "elliptic_f": "EllipticF", "elliptic_e": "EllipticE", "elliptic_k": "EllipticK", "expint": "ExpIntegralE",
}  # fmt: skip
# sympy's name of a head; with a number of arguments where that decides.
_NAMES_OF = {(head, 0): name for name, head in reversed(_FUNCTIONS.items())} | {("Gamma", 2): "uppergamma"}
_NAMES = {"pi": "Pi", "E": "E", "I": "I", "EulerGamma": "EulerGamma", "Catalan": "Catalan"}
_SINGLETONS = {"Half": Fraction(1, 2), "One": Fraction(1), "Zero": Fraction(0), "NegativeOne": Fraction(-1)}


class Unreadable(ValueError):
    """Python that is no formula known here."""


def tree(node: ast.expr, depth: int = 0) -> Tree:
    """The formula that a Python expression denotes.

    Raises:
      Unreadable: it is none.
    """
    if depth > mathematica.MAX_DEPTH:
        raise Unreadable("nested too deep")
    if isinstance(node, ast.Constant):
        if isinstance(node.value, int) and not isinstance(node.value, bool) and abs(node.value) < 10**60:
            return Fraction(node.value)
        if isinstance(node.value, float) and abs(node.value) < 1e30:
            return Fraction(repr(node.value))
        raise Unreadable(f"{node.value!r}"[:80])
    if isinstance(node, ast.Name):
        if node.id in ("oo", "zoo", "nan", "True", "False"):
            raise Unreadable(node.id)
        return _NAMES.get(node.id, node.id)
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "S":
        if node.attr not in _SINGLETONS:
            raise Unreadable(f"S.{node.attr}")
        return _SINGLETONS[node.attr]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
        inner = tree(node.operand, depth + 1)
        return inner if isinstance(node.op, ast.UAdd) else ("Times", Fraction(-1), inner)
    if isinstance(node, ast.BinOp):
        return _operation(node, depth)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        return _call(node.func.id, [tree(argument, depth + 1) for argument in node.args])
    raise Unreadable(type(node).__name__)


def _operation(node: ast.BinOp, depth: int) -> Tree:
    left, right = tree(node.left, depth + 1), tree(node.right, depth + 1)
    if isinstance(node.op, ast.Add):
        return ("Plus", left, right)
    if isinstance(node.op, ast.Sub):
        return ("Plus", left, ("Times", Fraction(-1), right))
    if isinstance(node.op, ast.Mult):
        return ("Times", left, right)
    if isinstance(node.op, ast.Div):
        return ("Times", left, ("Power", right, Fraction(-1)))
    if isinstance(node.op, ast.Pow):
        return ("Power", left, right)
    raise Unreadable(type(node.op).__name__)


def _call(name: str, arguments: list[Tree]) -> Tree:
    if name in ("S", "Integer", "sympify", "expand", "simplify") and len(arguments) == 1:
        return arguments[0]
    if name == "Rational" and 1 <= len(arguments) <= 2 and all(isinstance(value, Fraction) for value in arguments):
        if len(arguments) == 2 and not arguments[1]:
            raise Unreadable("a division by zero")
        return arguments[0] / arguments[1] if len(arguments) == 2 else arguments[0]
    if name == "cbrt" and len(arguments) == 1:
        return ("Power", arguments[0], Fraction(1, 3))
    if name == "root" and len(arguments) == 2:
        return ("Power", arguments[0], ("Power", arguments[1], Fraction(-1)))
    if name in ("Add", "Mul", "Pow") and arguments:
        return ({"Add": "Plus", "Mul": "Times", "Pow": "Power"}[name], *arguments)
    if name == "log" and len(arguments) == 2:
        return ("Log", arguments[1], arguments[0])
    if name not in _FUNCTIONS:
        raise Unreadable(name)
    return (_FUNCTIONS[name], *arguments)


def check_integral(arguments: Sequence[ast.expr], answer: ast.expr) -> Verdict:
    """Whether an answer is an antiderivative: `integrate(f, x) == answer`."""
    try:
        if len(arguments) != 2 or not isinstance(arguments[1], ast.Name):
            return unknown("not_an_antiderivative")
        return verify_answers.antiderivative_tree(tree(arguments[0]), arguments[1].id, tree(answer))
    except Unreadable:
        return unknown("not_parsed")


def check_derivative(arguments: Sequence[ast.expr], answer: ast.expr) -> Verdict:
    """Whether an answer is the derivative: `diff(f, x) == answer`."""
    try:
        if len(arguments) != 2 or not isinstance(arguments[1], ast.Name):
            return unknown("not_a_first_derivative")
        return verify_answers.antiderivative_tree(tree(answer), arguments[1].id, tree(arguments[0]))
    except Unreadable:
        return unknown("not_parsed")


def check_equal(question: ast.expr, answer: ast.expr) -> Verdict:
    """Whether an answer has the question's values: `simplify(f) == answer`."""
    try:
        return verify_answers.equal_trees(tree(question), tree(answer))
    except Unreadable:
        return unknown("not_parsed")


def check_solutions(equation: ast.expr, solutions: Sequence[ast.expr]) -> Verdict:
    """Whether every explicit solution `Eq(f(x), ...)` satisfies a differential equation."""
    verdicts = []
    for solution in solutions:
        try:
            verdicts.append(_check_solution(equation, solution))
        except (Unreadable, ParseError):
            return unknown("not_parsed")
    if any(verdict.verified == "no" for verdict in verdicts):
        return next(verdict for verdict in verdicts if verdict.verified == "no")
    if verdicts and all(verdict.verified == "yes" for verdict in verdicts):
        return verdicts[0]
    return unknown("substitution")


def _check_solution(equation: ast.expr, solution: ast.expr) -> Verdict:
    if not (_is_call(solution, "Eq") and len(solution.args) == 2 and _is_application(solution.args[0])):
        raise Unreadable("no explicit solution")
    application, value = solution.args
    found = tree(value)
    if mathematica.size(found) > MAX_ODE_NODES or not mathematica.is_tame(found):
        return unknown("too_large")
    ode = _Substitution(application.func.id, application.args[0].id, to_sympy(found))
    if _is_call(equation, "Eq") and len(equation.args) == 2:
        left, right = (ode.value(side) for side in equation.args)
    else:
        left, right = ode.value(equation), ode.number(0)
    verdict = verify_answers.equal_trees(_from_sympy(left), _from_sympy(right))
    return Verdict(verdict.verified, "substitution")


def _is_call(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name


def _is_application(node: ast.expr) -> bool:
    """Whether a node is `f(x)`: a name applied to a name."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and len(node.args) == 1):
        return False
    return isinstance(node.args[0], ast.Name) and node.func.id not in _FUNCTIONS


class _Substitution:
    """A differential equation with a function of one variable replaced by a formula, derivatives taken."""

    def __init__(self, function: str, variable: str, value: Any):
        import sympy

        self._function, self._variable, self._value, self._sympy = function, variable, value, sympy

    def number(self, value: int) -> Any:
        """A number."""
        return self._sympy.Integer(value)

    def value(self, node: ast.expr, depth: int = 0) -> Any:
        """The node's formula."""
        if depth > 60:
            raise Unreadable("nested too deep")
        if _is_application(node) and node.func.id == self._function:
            return self._at(node)
        derived = self._derivative(node)
        if derived is not None:
            return derived
        if isinstance(node, ast.BinOp):
            left, right = self.value(node.left, depth + 1), self.value(node.right, depth + 1)
            if isinstance(node.op, ast.Add):
                return left + right
            if isinstance(node.op, ast.Sub):
                return left - right
            if isinstance(node.op, ast.Mult):
                return left * right
            if isinstance(node.op, ast.Div) and right != 0:
                return left / right
            if isinstance(node.op, ast.Pow) and not (right.is_number and abs(right) > 20):
                return left**right
            raise Unreadable("an operation")
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return -self.value(node.operand, depth + 1)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _FUNCTIONS:
            arguments = [self.value(argument, depth + 1) for argument in node.args]
            return getattr(self._sympy, node.func.id)(*arguments)
        plain = tree(node)
        if not mathematica.is_tame(plain) or mathematica.size(plain) > MAX_ODE_NODES:
            raise Unreadable("not tame")
        return to_sympy(plain)

    def _at(self, node: ast.Call) -> Any:
        if node.args[0].id != self._variable:
            raise Unreadable("the function at another variable")
        return self._value

    def _derivative(self, node: ast.expr) -> Any:
        """`f(x).diff(x, 2)`, `diff(f(x), x, x)`, `Derivative(f(x), (x, 2))`; None for anything else."""
        if not isinstance(node, ast.Call) or node.keywords:
            return None
        if isinstance(node.func, ast.Attribute) and node.func.attr == "diff":
            inner, by = node.func.value, node.args
        elif isinstance(node.func, ast.Name) and node.func.id in ("diff", "Derivative", "D") and node.args:
            inner, by = node.args[0], node.args[1:]
        else:
            return None
        order, skip = 0, False
        for at, argument in enumerate(by):
            if skip:
                skip = False
                continue
            if isinstance(argument, ast.Tuple) and len(argument.elts) == 2:
                name, count = argument.elts
            else:
                name, count = argument, by[at + 1] if at + 1 < len(by) else None
                skip = isinstance(count, ast.Constant)
                count = count if skip else ast.Constant(1)
            if not (isinstance(name, ast.Name) and name.id == self._variable and isinstance(count, ast.Constant)):
                raise Unreadable("a derivative by another variable")
            if not isinstance(count.value, int) or not 0 < count.value <= MAX_ORDER:
                raise Unreadable("a high derivative")
            order += count.value
        if order > MAX_ORDER:
            raise Unreadable("a high derivative")
        value = self.value(inner)
        return value.diff(self._sympy.Symbol(self._variable), order or 1)


def to_sympy(formula: Tree) -> Any:
    """A tame tree as a sympy expression.

    Raises:
      Unreadable: it has a function that is not known here.
    """
    import sympy

    if isinstance(formula, Fraction):
        return sympy.Rational(formula.numerator, formula.denominator)
    if isinstance(formula, str):
        known = {"Pi": sympy.pi, "E": sympy.E, "I": sympy.I, "EulerGamma": sympy.EulerGamma, "Catalan": sympy.Catalan}
        return known.get(formula, None) or sympy.Symbol(formula)
    arguments = [to_sympy(argument) for argument in formula[1:]]
    if formula[0] in ("Plus", "Times", "Power"):
        return {"Plus": sympy.Add, "Times": sympy.Mul, "Power": sympy.Pow}[formula[0]](*arguments)
    name = _NAMES_OF.get((formula[0], len(arguments)), _NAMES_OF.get((formula[0], 0)))
    if name is None:
        raise Unreadable(formula[0])
    return getattr(sympy, name)(*arguments)


def _from_sympy(expression: Any, depth: int = 0) -> Tree:
    import sympy

    if depth > mathematica.MAX_DEPTH:
        raise Unreadable("nested too deep")
    if expression.is_Rational:
        return Fraction(int(expression.p), int(expression.q))
    if expression.is_Symbol:
        return expression.name
    for constant, name in ((sympy.pi, "Pi"), (sympy.E, "E"), (sympy.I, "I"), (sympy.EulerGamma, "EulerGamma")):
        if expression == constant:
            return name
    heads = {sympy.Add: "Plus", sympy.Mul: "Times", sympy.Pow: "Power"}
    head = heads.get(expression.func) or _FUNCTIONS.get(expression.func.__name__)
    if head is None or not expression.args:
        raise Unreadable(str(expression.func))
    return (head, *(_from_sympy(argument, depth + 1) for argument in expression.args))
