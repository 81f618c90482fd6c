"""Questions and answers in Python test files of computer algebra systems, found in the syntax tree alone.

Taken is `assert integrate(f, x) == g` and its like, `assert checkodesol(eq, sol) == (True, 0)`, and tables of examples
with `eq` and `sol`. Names that straight-line code has set before are put in; what depends on anything else is left
alone. Nothing is executed.
"""

from __future__ import annotations

import ast
import copy
import dataclasses
from collections.abc import Iterator, Mapping

from data.sources.math import sympy_values
from data.sources.math.verify_answers import Verdict, unknown

MAX_NODES = 250
_OPERATIONS = {
    "integrate": "Compute the integral",
    "diff": "Compute the derivative",
    "limit": "Compute the limit",
    "solve": "Solve",
    "solveset": "Solve",
    "dsolve": "Solve the differential equation",
    "simplify": "Simplify",
    "factor": "Factor",
    "expand": "Expand",
    "apart": "Decompose into partial fractions",
    "together": "Combine",
    "cancel": "Cancel common factors of",
    "trigsimp": "Simplify",
    "radsimp": "Simplify",
    "powsimp": "Simplify",
    "logcombine": "Simplify",
    "ratsimp": "Simplify",
    "collect": "Collect the terms of",
    "series": "Expand in a series",
    "summation": "Compute the sum",
    "product": "Compute the product",
    "gcd": "Compute the greatest common divisor",
    "lcm": "Compute the least common multiple",
    "factorint": "Factor the integer",
    "roots": "Find the roots",
    "residue": "Compute the residue",
    "laplace_transform": "Compute the Laplace transform",
    "inverse_laplace_transform": "Compute the inverse Laplace transform",
    "fourier_transform": "Compute the Fourier transform",
    "expand_trig": "Expand",
    "expand_log": "Expand",
    "expand_func": "Expand",
    "nsimplify": "Simplify",
    "resultant": "Compute the resultant",
    "discriminant": "Compute the discriminant",
    "rsolve": "Solve the recurrence",
    "linsolve": "Solve the linear system",
    "nonlinsolve": "Solve the system",
    "sqrtdenest": "Denest the radicals of",
    "combsimp": "Simplify",
    "gammasimp": "Simplify",
    "besselsimp": "Simplify",
    "factorial": "Compute",
    "binomial": "Compute",
    "totient": "Compute",
    "isprime": "Decide whether it is prime",
    "divisors": "List the divisors",
    "minimal_polynomial": "Find the minimal polynomial",
    "diophantine": "Solve the Diophantine equation",
    "reduce_inequalities": "Solve",
}
_SAME_VALUE = set(
    (
        "simplify factor expand apart together cancel trigsimp radsimp powsimp logcombine ratsimp collect "
        "expand_trig expand_log expand_func sqrtdenest"
    ).split()
)
_CONSTANTS = set(
    (
        "pi E I oo zoo nan S EulerGamma Catalan GoldenRatio QQ ZZ RR CC true false EX GF Reals Integers Complexes sympy"
    ).split()
)
_SYMBOL_MAKERS = {"Symbol", "symbols", "Function", "Dummy", "Wild", "var", "Symbols", "ring", "field"}


@dataclasses.dataclass(frozen=True)
class Pair:
    """A question with its answer.

    Attributes:
      line: of the file, from 1.
      task: the question in words.
      question, answer: Python source.
      verdict: whether it could be checked.
    """

    line: int
    task: str
    question: str
    answer: str
    verdict: Verdict


@dataclasses.dataclass
class Names:
    """What straight-line code has set names to, and the names that are symbols.

    Attributes:
      values: of names that are no symbols.
      symbols: names of symbols and undefined functions.
      assumed: those of them with assumptions (positive, integer, ...), which values at points know nothing of.
    """

    values: dict[str, ast.expr] = dataclasses.field(default_factory=dict)
    symbols: set[str] = dataclasses.field(default_factory=set)
    assumed: set[str] = dataclasses.field(default_factory=set)

    def copy(self) -> Names:
        """The same, to go on with."""
        return Names(dict(self.values), set(self.symbols), set(self.assumed))

    def note(self, statement: ast.stmt) -> None:
        """Keeps what a statement sets a name to, and forgets names that code which isn't followed may have set."""
        if isinstance(statement, ast.ImportFrom) and statement.module == "sympy.abc":
            self.symbols |= {alias.asname or alias.name for alias in statement.names}
            return
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            self._forget({statement.name})
            return
        names = (node for node in ast.walk(statement) if isinstance(node, ast.Name))
        stored = {node.id for node in names if isinstance(node.ctx, ast.Store)}
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            if _makes_symbols(statement.value):
                for name in stored:
                    self.values.pop(name, None)
                self.symbols |= stored
                self.assumed -= stored
                if any(isinstance(node, ast.keyword) for node in ast.walk(statement.value)):
                    self.assumed |= stored
                return
            if isinstance(statement.targets[0], ast.Name):
                value = _put_in(statement.value, self)
                self._forget(stored)
                if value is not None:
                    self.values[statement.targets[0].id] = value
                return
        self._forget(stored)

    def _forget(self, names: set[str]) -> None:
        self.symbols -= names
        for name in names:
            self.values.pop(name, None)


def pairs(statement: ast.stmt, known: Names) -> list[Pair]:
    """The pairs in one top-level statement of a file.

    Args:
      statement: a function, a class, an assertion, ...
      known: what names were set to before it.
    """
    found: list[Pair] = []
    bodies = [statement.body] if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)) else [[statement]]
    if isinstance(statement, ast.ClassDef):
        bodies = [inner.body for inner in statement.body if isinstance(inner, ast.FunctionDef)]
    for body in bodies:
        names = known.copy()
        for inner in body:
            found += _pairs_of(inner, names)
            names.note(inner)
    return found


def _makes_symbols(node: ast.expr) -> bool:
    if isinstance(node, (ast.Tuple, ast.List)):
        return bool(node.elts) and all(map(_makes_symbols, node.elts))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "map" and node.args:
        return isinstance(node.args[0], ast.Name) and node.args[0].id in _SYMBOL_MAKERS
    if not isinstance(node, ast.Call):
        return False
    name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
    return name in _SYMBOL_MAKERS


class _PutIn(ast.NodeTransformer):
    def __init__(self, values: Mapping[str, ast.expr]):
        self._values, self.count = values, 0

    def visit_Name(self, node: ast.Name) -> ast.expr:
        value = self._values.get(node.id)
        if value is None or not isinstance(node.ctx, ast.Load) or self.count > MAX_NODES:
            return node
        self.count += sum(1 for _ in ast.walk(value))
        return copy.deepcopy(value)


def _put_in(node: ast.expr, names: Names) -> ast.expr | None:
    """The expression with known names replaced; None where that makes it too large."""
    if sum(1 for _ in ast.walk(node)) > MAX_NODES:
        return None
    change = _PutIn(names.values)
    changed = change.visit(copy.deepcopy(node))
    return None if change.count > MAX_NODES or sum(1 for _ in ast.walk(changed)) > MAX_NODES else changed


def _is_settled(node: ast.expr, names: Names) -> bool:
    """Whether every name in an expression is a symbol, a constant, or a function that is called."""
    called = {id(inner.func) for inner in ast.walk(node) if isinstance(inner, ast.Call)}
    for inner in ast.walk(node):
        if isinstance(inner, (ast.Lambda, ast.comprehension, ast.NamedExpr, ast.Starred, ast.Await)):
            return False
        if isinstance(inner, ast.Name) and id(inner) not in called and inner.id not in names.symbols | _CONSTANTS:
            return False
    return True


def _pairs_of(statement: ast.stmt, names: Names) -> Iterator[Pair]:
    if isinstance(statement, ast.Assert):
        pair = _asserted(statement, names)
        if pair is not None:
            yield pair
        return
    if isinstance(statement, (ast.Return, ast.Assign, ast.Expr)) and statement.value is not None:
        for node in ast.walk(statement.value):
            if isinstance(node, ast.Dict):
                pair = _example(node, names)
                if pair is not None:
                    yield pair


def _asserted(statement: ast.Assert, names: Names) -> Pair | None:
    test = statement.test
    if not (isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], (ast.Eq, ast.Is))):
        return None
    left, right = _put_in(test.left, names), _put_in(test.comparators[0], names)
    if left is None or right is None or not (_is_settled(left, names) and _is_settled(right, names)):
        return None
    call = _operation(left)
    if call is None and (call := _operation(right)) is not None:
        right = left
    if call is None:
        return None
    name, arguments, keywords = call
    if name == "checkodesol":
        holds = isinstance(right, ast.Tuple) and right.elts and getattr(right.elts[0], "value", None) is True
        if not holds or len(arguments) < 2:
            return None
        solutions = arguments[1].elts if isinstance(arguments[1], ast.List) else [arguments[1]]
        return _ode(statement.lineno, arguments[0], solutions)
    if name == "dsolve" and arguments and not keywords:
        solutions = right.elts if isinstance(right, ast.List) else [right]
        return _ode(statement.lineno, arguments[0], solutions)
    shown = ast.Call(ast.Name(name, ast.Load()), list(arguments), list(keywords))
    verdict = unknown("no_check")
    if name == "integrate" and not keywords:
        verdict = sympy_values.check_integral(arguments, right)
    elif name == "diff" and not keywords:
        verdict = sympy_values.check_derivative(arguments, right)
    elif name in _SAME_VALUE and len(arguments) == 1 and not keywords:
        verdict = sympy_values.check_equal(arguments[0], right)
    if verdict.verified == "no" and any(
        isinstance(node, ast.Name) and node.id in names.assumed for side in (left, right) for node in ast.walk(side)
    ):
        verdict = unknown("assumptions")
    return Pair(statement.lineno, _OPERATIONS[name], ast.unparse(shown), ast.unparse(right), verdict)


def _operation(node: ast.expr) -> tuple[str, list[ast.expr], list[ast.keyword]] | None:
    """Name and arguments of an operation that is known, called as a function or as a method."""
    if not isinstance(node, ast.Call):
        return None
    if isinstance(node.func, ast.Name) and (node.func.id in _OPERATIONS or node.func.id == "checkodesol"):
        return node.func.id, node.args, node.keywords
    if isinstance(node.func, ast.Attribute) and node.func.attr in _OPERATIONS:
        return node.func.attr, [node.func.value, *node.args], node.keywords
    return None


def _example(node: ast.Dict, names: Names) -> Pair | None:
    """An entry of a table of examples: a dict with `eq` and `sol`."""
    entries = {
        key.value: value for key, value in zip(node.keys, node.values, strict=True) if isinstance(key, ast.Constant)
    }
    if "eq" not in entries or "sol" not in entries:
        return None
    equation, answer = _put_in(entries["eq"], names), _put_in(entries["sol"], names)
    if equation is None or answer is None or isinstance(equation, ast.List):
        return None
    if not (_is_settled(equation, names) and _is_settled(answer, names)):
        return None
    solutions = answer.elts if isinstance(answer, ast.List) else [answer]
    return _ode(node.lineno, equation, solutions) if solutions else None


def _ode(line: int, equation: ast.expr, solutions: list[ast.expr]) -> Pair:
    answer = ast.unparse(solutions[0]) if len(solutions) == 1 else ast.unparse(ast.List(list(solutions), ast.Load()))
    verdict = sympy_values.check_solutions(equation, solutions)
    return Pair(line, "Solve the differential equation", ast.unparse(equation), answer, verdict)
