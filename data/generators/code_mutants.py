"""Faults put into Python functions: the tests of a generated function are held to catching them.

Each fault is one small edit of the source (DeMillo, Lipton & Sayward 1978, "Hints on Test Data Selection"): a
comparison, an operator, a constant, a condition, a statement. None brings in an operation whose result can explode
(`*`, `**`, `<<`), and an instrumented program reports every round, call and growing name to TICK and GROWN, so that a
fault that keeps it from ending is ended at the same point in every run.
"""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Iterator
from types import CodeType

TICK, GROWN = "_tick", "_grown"
_COMPARISONS = {
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
    ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"),
}
_OPERATORS = {
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "+"),
    ast.FloorDiv: ("//", "%"),
    ast.Mod: ("%", "//"),
    ast.BitAnd: ("&", "|"),
    ast.BitOr: ("|", "&"),
    ast.BitXor: ("^", "|"),
    ast.LShift: ("<<", ">>"),
}
_CONNECTIVES = {ast.And: ("and", "or"), ast.Or: ("or", "and")}
_NAMES = {"min": "max", "max": "min", "any": "all", "all": "any"}
_GROWING = (ast.Add, ast.Mult, ast.Pow, ast.LShift)
_SEQUENCES = (ast.List, ast.Tuple, ast.JoinedStr)


@dataclasses.dataclass(frozen=True, order=True)
class Fault:
    """One edit: the characters [start, end) of a source become `text`; `kind` says what is changed, in words."""

    start: int
    end: int
    text: str
    kind: str

    def put_into(self, source: str) -> str:
        """The source with the fault in it."""
        return source[: self.start] + self.text + source[self.end :]


def faults(source: str) -> list[Fault]:
    """Every edit there is, in the order of the source.

    Args:
      source: Python source, ASCII only.

    Raises:
      SyntaxError: it doesn't parse.
    """
    finder = _Finder(source)
    return sorted(fault for node in _nodes(ast.parse(source)) for fault in finder.of(node))


def instrumented(source: str) -> CodeType:
    """The code of a program that calls TICK() in every round and call, and GROWN(value) where a name may have grown.

    Raises:
      SyntaxError: it doesn't parse.
    """
    tree = ast.parse(source)
    _instrument(tree)
    return compile(tree, "program.py", "exec")


def _instrument(node: ast.AST) -> None:
    for name in ("body", "orelse"):
        statements = getattr(node, name, None)
        if not isinstance(statements, list):
            continue
        watched = []
        for statement in statements:
            _instrument(statement)
            watched.append(statement)
            if grown := _growing_name(statement):
                watched.append(_call(statement.lineno, GROWN, grown))
        statements[:] = watched
    if isinstance(node, (ast.For, ast.While, ast.FunctionDef)):
        node.body.insert(0, _call(node.lineno, TICK))


def _growing_name(statement: ast.stmt) -> str:
    match statement:
        case (
            ast.AugAssign(target=ast.Name(id=name), op=operator)
            | ast.Assign(targets=[ast.Name(id=name)], value=ast.BinOp(op=operator))
        ) if isinstance(operator, _GROWING):
            return name
    return ""


def _call(line: int, name: str, *arguments: str) -> ast.Expr:
    place = {"lineno": line, "col_offset": 0}
    function, *values = (ast.Name(word, ast.Load(), **place) for word in (name, *arguments))
    return ast.Expr(ast.Call(function, values, [], **place), **place)


def _nodes(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those inside f-strings, whose places Python 3.11 doesn't tell."""
    yield node
    if not isinstance(node, ast.JoinedStr):
        for child in ast.iter_child_nodes(node):
            yield from _nodes(child)


class _Finder:
    """Finds the faults that can be put in at a node."""

    def __init__(self, source: str):
        self._source = source
        self._starts = [0]
        for line in source.split("\n"):
            self._starts.append(self._starts[-1] + len(line) + 1)

    def of(self, node: ast.AST) -> Iterator[Fault]:
        """The faults of one node."""
        match node:
            case ast.Compare():
                sides = [node.left, *node.comparators]
                for place, operator in enumerate(node.ops):
                    yield from self._between("comparison", sides[place], sides[place + 1], _COMPARISONS, operator)
            case ast.BinOp() if not (_is_sequence(node.left) or _is_sequence(node.right)):
                yield from self._between("operator", node.left, node.right, _OPERATORS, node.op)
            case ast.AugAssign():
                yield from self._between("operator", node.target, node.value, _OPERATORS, node.op)
            case ast.BoolOp(values=[left, right]):
                yield from self._between("connective", left, right, _CONNECTIVES, node.op)
            case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test):
                if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
                    yield self._replaced("condition", test, self._text(test.operand))
                elif isinstance(test, (ast.Name, ast.Call, ast.Attribute, ast.Subscript)):
                    yield self._replaced("condition", test, f"not {self._text(test)}")
            case ast.Call(func=ast.Name(id="range"), args=[*_, (ast.Name() | ast.Call()) as last]):
                yield self._replaced("off by one", last, f"{self._text(last)} - 1")
            case ast.Name(id=name) if name in _NAMES:
                yield self._replaced("function", node, _NAMES[name])
            case ast.Constant(value=bool(value)):
                yield self._replaced("constant", node, str(not value))
            case ast.Constant(value=int(value)):
                yield self._replaced("off by one", node, str(value + 1))
                if value > 0:
                    yield self._replaced("off by one", node, str(value - 1))
        match node:
            case (
                ast.AugAssign()
                | ast.Break()
                | ast.Continue()
                | ast.Expr(value=ast.Call())
                | ast.Assign(targets=[ast.Subscript() | ast.Attribute()])
            ):
                yield self._replaced("missing statement", node, "pass")

    def _place(self, node: ast.AST) -> tuple[int, int]:
        start = self._starts[node.lineno - 1] + node.col_offset
        return start, self._starts[node.end_lineno - 1] + node.end_col_offset

    def _text(self, node: ast.AST) -> str:
        return self._source[slice(*self._place(node))]

    def _replaced(self, kind: str, node: ast.AST, text: str) -> Fault:
        return Fault(*self._place(node), text, kind)

    def _between(self, kind: str, left: ast.AST, right: ast.AST, swaps: dict, operator: ast.AST) -> Iterator[Fault]:
        """The operator between two nodes changed, if there is a swap for it."""
        if swap := swaps.get(type(operator)):
            old, new = swap
            start = self._source.index(old, self._place(left)[1], self._place(right)[0])
            yield Fault(start, start + len(old), new, kind)


def _is_sequence(node: ast.AST) -> bool:
    return isinstance(node, _SEQUENCES) or (isinstance(node, ast.Constant) and isinstance(node.value, str))
