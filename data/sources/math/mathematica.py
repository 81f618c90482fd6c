"""Wolfram Language expressions: lists found in a file, and formulas as trees that can be measured before they are used.

sympy.parsing.mathematica evaluates while it parses, so that `10^10^10` would hang it: what goes there is parsed here
first, and its numbers are bounded. A tree is a Fraction, a name, or a tuple of a head and arguments, such as
`("Power", "x", Fraction(2))`.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterator
from fractions import Fraction

Tree = Fraction | str | tuple
MAX_TOKENS = 6000
MAX_DEPTH = 80
_MAX_DIGITS = 60
_TOKEN = re.compile(
    r"\s+|(?P<number>\d+(?:\.\d*)?|\.\d+)|(?P<name>[A-Za-z$][A-Za-z0-9$]*)|(?P<mark>==|->|[-+*/^()\[\]{},!])|(?P<other>.)",
    re.DOTALL,
)
_STRUCTURE = re.compile(r"\(\*|\"(?:[^\"\\]|\\[\s\S])*+\"|[\[\](){},]|\n")
_COMMENT = re.compile(r"\(\*|\*\)")
_CLOSERS = {"{": "}", "[": "]", "(": ")"}
# Functions that sympy computes outright when it sees numbers.
_EAGER = set(
    (
        "Factorial Gamma Zeta PolyGamma Binomial HarmonicNumber Fibonacci BernoulliB LogGamma Prime PrimePi "
        "StirlingS1 StirlingS2 Pochhammer Beta EulerE"
    ).split()
)
_CONSTANTS = {"E": math.e, "Pi": math.pi, "EulerGamma": 0.5772156649, "GoldenRatio": 1.618, "Catalan": 0.9159655942}


class ParseError(ValueError):
    """Text that is no expression this module knows, or a larger one than it takes."""


@dataclasses.dataclass(frozen=True)
class Found:
    """A piece of a file: a list with the source of its elements, other code (no elements), or something broken."""

    start: int
    end: int
    elements: tuple[str, ...] = ()
    problem: str = ""


def lists(text: str) -> Iterator[Found]:
    """Lists of a file, those inside lists of lists one by one, in their order.

    Comments and strings are passed over. A list that isn't closed before the next one begins is told as broken.
    """
    stack: list[str] = []
    start, outside, cuts, skipped = 0, 0, [], []
    nested = 0  # levels of lists of lists that are open
    position = 0
    last = ""
    while match := _STRUCTURE.search(text, position):
        token = match.group()
        between = text[position : match.start()].strip()
        last = between[-1:] or last
        position = match.end()
        if token == "(*":
            closing = _comment_end(text, match.start())
            if closing is None:
                yield Found(start if stack else match.start(), len(text), (), "unclosed")
                return
            skipped.append((match.start(), closing))
            position = closing
            continue
        if token == "\n" or token[0] == '"':
            last = last if token == "\n" else '"'
            continue
        if token == "{" and len(stack) > 0 and _begins_line(text, match.start()) and last not in "{,([+-*/^=":
            yield Found(start, match.start(), (), "unclosed")
            stack, cuts, skipped, nested, outside = [], [], [], 0, match.start()
        if token == "{" and not stack:
            if between or text[outside : match.start()].strip(" \n\t;,"):
                code = _without(text, outside, match.start(), skipped).strip(" \n\t;,")
                if code and not nested:
                    yield Found(outside, match.start())
            start, cuts, skipped = match.start(), [match.end()], []
            stack.append(token)
        elif token == "{" and len(stack) == 1 and not text[cuts[-1] : match.start()].strip() and len(cuts) == 1:
            # The first element is a list: this is a list of lists, and its elements are what is looked for.
            nested += 1
            start, cuts = match.start(), [match.end()]
        elif token in _CLOSERS:
            if stack:
                stack.append(token)
        elif token == ",":
            if len(stack) == 1:
                cuts.append(match.start())
        elif stack and token == _CLOSERS[stack[-1]]:
            stack.pop()
            if not stack:
                elements = [_without(text, cut, end, skipped) for cut, end in _pieces(cuts, match.start())]
                yield Found(start, match.end(), tuple(element.strip() for element in elements))
                outside, skipped = match.end(), []
        elif stack:
            yield Found(start, match.end(), (), "unbalanced")
            stack, outside, skipped = [], match.end(), []
        elif token == "}" and nested:
            nested -= 1
            outside = match.end()
        last = token
    if stack:
        yield Found(start, len(text), (), "unclosed")
    elif _without(text, outside, len(text), skipped).strip(" \n\t;,"):
        yield Found(outside, len(text))


def _begins_line(text: str, position: int) -> bool:
    return position == 0 or text[position - 1] == "\n"


def _pieces(cuts: list[int], end: int) -> list[tuple[int, int]]:
    starts = [cuts[0], *(cut + 1 for cut in cuts[1:])]
    return list(zip(starts, [*cuts[1:], end], strict=True))


def _without(text: str, start: int, end: int, skipped: list[tuple[int, int]]) -> str:
    """A stretch of the text without its comments."""
    parts, position = [], start
    for first, last in skipped:
        if start <= first and last <= end:
            parts.append(text[position:first])
            position = last
    return "".join(parts) + text[position:end]


def _comment_end(text: str, start: int) -> int | None:
    depth, position = 0, start
    while match := _COMMENT.search(text, position):
        position = match.end()
        depth += 1 if match.group() == "(*" else -1
        if not depth:
            return position
    return None


def parse(source: str) -> Tree:
    """The tree of a formula.

    Raises:
      ParseError: it is none, uses what is not known here, or is too large.
    """
    tokens = []
    for match in _TOKEN.finditer(source):
        if match.group("other"):
            raise ParseError(f"{match.group()!r} in a formula")
        if match.lastgroup:
            tokens.append((match.lastgroup, match.group()))
        if len(tokens) > MAX_TOKENS:
            raise ParseError(f"more than {MAX_TOKENS} tokens")
    parser = _Parser(tokens)
    tree = parser.expression(0, 0)
    if parser.peek() is not None:
        raise ParseError(f"{parser.peek()!r} is left over")
    return tree


class _Parser:
    _INFIX = {"==": 5, "->": 5, "+": 10, "-": 10, "*": 20, "/": 20, "^": 40}

    def __init__(self, tokens: list[tuple[str, str]]):
        self._tokens, self._at = tokens, 0

    def peek(self) -> str | None:
        """The next token."""
        return self._tokens[self._at][1] if self._at < len(self._tokens) else None

    def _next(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise ParseError("the formula ends early")
        self._at += 1
        return self._tokens[self._at - 1]

    def _expect(self, mark: str) -> None:
        if self._next()[1] != mark:
            raise ParseError(f"{mark} is missing")

    def expression(self, binding: int, depth: int) -> Tree:
        """A formula whose operators bind tighter than `binding`."""
        if depth > MAX_DEPTH:
            raise ParseError("nested too deep")
        left = self._operand(depth)
        while (token := self.peek()) is not None:
            if token == "!":
                self._next()
                left = ("Factorial", left)
                continue
            strength = self._INFIX.get(token)
            if strength is None:
                kind = self._tokens[self._at][0]
                if kind in ("number", "name") or token in ("(", "{"):  # side by side: a product
                    if 20 <= binding:
                        return left
                    left = ("Times", left, self.expression(20, depth + 1))
                    continue
                return left
            if strength <= binding and not (token == "^" and strength == binding):
                return left
            self._next()
            right = self.expression(strength if token != "^" else strength - 1, depth + 1)
            left = _combine(token, left, right)
        return left

    def _operand(self, depth: int) -> Tree:
        kind, token = self._next()
        if kind == "number":
            if len(token) > _MAX_DIGITS:
                raise ParseError("a number of too many digits")
            return Fraction(token if token[0] != "." else f"0{token}")
        if token in "+-" and kind == "mark":
            value = self.expression(15, depth + 1)
            return value if token == "+" else ("Times", Fraction(-1), value)
        if token == "(":
            value = self.expression(0, depth + 1)
            self._expect(")")
            return value
        if token == "{":
            return ("List", *self._arguments("}", depth))
        if kind == "name":
            if self.peek() == "[":
                self._next()
                return (token, *self._arguments("]", depth))
            return token
        raise ParseError(f"{token!r} begins no formula")

    def _arguments(self, closer: str, depth: int) -> list[Tree]:
        found: list[Tree] = []
        if self.peek() == closer:
            self._next()
            return found
        while True:
            found.append(self.expression(0, depth + 1))
            token = self._next()[1]
            if token == closer:
                return found
            if token != ",":
                raise ParseError(f"{token!r} between arguments")


def _combine(token: str, left: Tree, right: Tree) -> Tree:
    if token == "+":
        return ("Plus", left, right)
    if token == "-":
        return ("Plus", left, ("Times", Fraction(-1), right))
    if token == "*":
        return ("Times", left, right)
    if token == "/":
        return ("Times", left, ("Power", right, Fraction(-1)))
    if token == "^":
        return ("Power", left, right)
    return ("Equal" if token == "==" else "Rule", left, right)


def names(tree: Tree) -> set[str]:
    """Variables of a tree: names that are neither heads nor constants."""
    found, stack = set(), [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, tuple):
            stack.extend(node[1:])
        elif (
            isinstance(node, str) and node not in _CONSTANTS and node not in ("I", "Infinity", "True", "False", "Null")
        ):
            found.add(node)
    return found


def size(tree: Tree) -> int:
    """Number of nodes."""
    count, stack = 0, [tree]
    while stack:
        node = stack.pop()
        count += 1
        if isinstance(node, tuple):
            stack.extend(node[1:])
    return count


def is_tame(tree: Tree) -> bool:
    """Whether a computer algebra system that evaluates the numbers in a tree stays within small ones."""
    try:
        _magnitude(tree)
    except (ParseError, OverflowError, ZeroDivisionError):
        return False
    return True


def _magnitude(tree: Tree) -> float | None:
    """Absolute size of a number, None for what holds variables.

    Raises:
      ParseError: some number is larger than is good.
    """
    if isinstance(tree, Fraction):
        return abs(float(tree))
    if isinstance(tree, str):
        return _CONSTANTS.get(tree)
    values = [_magnitude(argument) for argument in tree[1:]]
    numbers = [value for value in values if value is not None]
    if tree[0] in _EAGER and any(value > 60 for value in numbers):
        raise ParseError(f"{tree[0]} of a large number")
    if tree[0] == "Power" and len(values) == 2:
        base, exponent = values
        if exponent is not None and exponent > 2000:
            raise ParseError("a large exponent")
        if (
            base is not None
            and exponent is not None
            and exponent * max(abs(math.log(base)) if base else 0.0, 0.1) > 500
        ):
            raise ParseError("a large power")
        if base is not None and exponent is not None:
            return max(base, 1 / base if base else 1.0) ** exponent
    if len(numbers) < len(values):
        return None
    if tree[0] == "Times":
        return math.prod(numbers)
    if tree[0] == "Plus":
        return math.fsum(numbers)
    return max(numbers, default=None) if tree[0] in ("Sqrt", "Abs") else None
