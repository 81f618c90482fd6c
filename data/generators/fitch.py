"""Checks natural deduction proofs of propositional logic in Fitch's form, line by line, from their text alone.

A line is `3. > (p & q)   [and introduction 1, 2]`: its number, a `>` for every assumption that is open, a formula, and
the rule with the lines it rests on; `4-6` is the subproof of these lines. Formulas are atoms, `false`, `~f` and the
bracketed `(f & g)`, `(f | g)`, `(f -> g)`, `(f <-> g)`. The rules are those of Fitch (1952), Symbolic Logic, with
reductio, so that all classical theorems have a proof and nothing else has.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Sequence

Formula = str | tuple
Reference = int | tuple[int, int]
FALSE = "false"
MAX_LINES = 1000
MAX_DEPTH = 100  # of brackets, so that no text can exhaust the stack
_LINE = re.compile(r"(\d+)\. ((?:> )*)(\S.*?)   \[([a-z ]+?)((?: \d+(?:-\d+)?(?:,(?= ))?)*)\]", re.ASCII)
_TOKEN = re.compile(r"\s*(<->|->|[()~&|]|[a-z]\w*)", re.ASCII)
_CONNECTIVES = {"&": "and", "|": "or", "->": "if", "<->": "iff"}


class FitchError(ValueError):
    """A text that is no formula or no proof; the message names the line and what is wrong with it."""


@dataclasses.dataclass(frozen=True)
class _Line:
    """A line that was accepted: its formula, and the first lines of the subproofs that it lies in, outermost first."""

    formula: Formula
    scope: tuple[int, ...]


def parse(text: str) -> Formula:
    """A formula as nested tuples: `("if", "p", ("not", "q"))` of `(p -> ~q)`.

    Raises:
      FitchError: it is no formula.
    """
    tokens, position = [], 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise FitchError(f"{text!r} is no formula")
        tokens.append(match[1])
        position = match.end()
    formula, end = _formula(tokens, 0, 0)
    if end != len(tokens):
        raise FitchError(f"{text!r} goes on after its formula")
    return formula


def _formula(tokens: Sequence[str], at: int, depth: int) -> tuple[Formula, int]:
    if at >= len(tokens) or depth > MAX_DEPTH:
        raise FitchError("a formula is cut off, or nested too deeply")
    token = tokens[at]
    if token == "~":
        inner, end = _formula(tokens, at + 1, depth + 1)
        return ("not", inner), end
    if token == "(":
        left, end = _formula(tokens, at + 1, depth + 1)
        if end >= len(tokens) or tokens[end] not in _CONNECTIVES:
            raise FitchError("a bracket without a connective")
        right, close = _formula(tokens, end + 1, depth + 1)
        if close >= len(tokens) or tokens[close] != ")":
            raise FitchError("a bracket that is not closed")
        return (_CONNECTIVES[tokens[end]], left, right), close + 1
    if not token[0].isalpha():
        raise FitchError(f"{token!r} begins no formula")
    return token, at + 1


class _Proof:
    """The lines so far, and which of them a new line may rest on."""

    def __init__(self) -> None:
        self.lines: list[_Line] = []
        self._ends: dict[tuple[int, ...], int] = {}  # scope of each closed subproof -> its last line

    def scope_of(self, depth: int, opens: bool) -> tuple[int, ...]:
        """The scope of the next line; closes what it leaves."""
        number, before = len(self.lines) + 1, self.lines[-1].scope if self.lines else ()
        kept = depth - 1 if opens else depth
        if not 0 <= kept <= len(before):
            raise FitchError(f"line {number} lies {depth} assumptions deep, after one that lies {len(before)} deep")
        for length in range(len(before), kept, -1):
            self._ends[before[:length]] = number - 1
        return (*before[:kept], number) if opens else before[:kept]

    def formula(self, reference: Reference, scope: tuple[int, ...]) -> Formula:
        """The formula of a line that a line of this scope may use."""
        if isinstance(reference, tuple) or not 1 <= reference <= len(self.lines):
            raise FitchError(f"{reference} is no earlier line")
        line = self.lines[reference - 1]
        if line.scope != scope[: len(line.scope)]:
            raise FitchError(f"line {reference} rests on an assumption that was given up")
        return line.formula

    def subproof(self, reference: Reference, scope: tuple[int, ...]) -> tuple[Formula, Formula]:
        """The assumption and the last formula of a closed subproof that a line of this scope may use."""
        if not isinstance(reference, tuple):
            raise FitchError(f"{reference} is a line where a subproof is wanted")
        first, last = reference
        inner = (*scope, first)
        # A subproof of an outer scope may be used as well.
        while inner not in self._ends and len(inner) > 1:
            inner = (*inner[:-2], first)
        if self._ends.get(inner) != last or self.lines[last - 1].scope != inner:
            raise FitchError(f"{first}-{last} is no subproof that is closed here")
        return self.lines[first - 1].formula, self.lines[last - 1].formula


def _is(formula: Formula, connective: str) -> bool:
    return isinstance(formula, tuple) and formula[0] == connective


def _and_elimination(said: Formula, whole: Formula) -> bool:
    return _is(whole, "and") and said in whole[1:]


def _or_introduction(said: Formula, part: Formula) -> bool:
    return _is(said, "or") and part in said[1:]


def _if_elimination(said: Formula, rule: Formula, given: Formula) -> bool:
    return rule == ("if", given, said)


def _iff_elimination(said: Formula, rule: Formula, given: Formula) -> bool:
    return rule in (("iff", given, said), ("iff", said, given))


# Rules that rest on lines: what is said, then the formulas of the lines named.
_DIRECT: dict[str, tuple[int, Callable[..., bool]]] = {
    "reiteration": (1, lambda said, line: said == line),
    "and introduction": (2, lambda said, left, right: said == ("and", left, right)),
    "and elimination": (1, _and_elimination),
    "or introduction": (1, _or_introduction),
    "if elimination": (2, _if_elimination),
    "iff elimination": (2, _iff_elimination),
    "not elimination": (2, lambda said, line, denial: said == FALSE and denial == ("not", line)),
    "explosion": (1, lambda said, line: line == FALSE),
}


def _follows(said: Formula, rule: str, references: Sequence[Reference], proof: _Proof, scope: tuple[int, ...]) -> bool:
    """Whether one line is what its rule allows; the lines it names are looked up on the way."""
    if rule in _DIRECT:
        count, allows = _DIRECT[rule]
        return len(references) == count and allows(said, *(proof.formula(r, scope) for r in references))
    if rule == "or elimination" and len(references) == 3:
        whole = proof.formula(references[0], scope)
        cases = [proof.subproof(reference, scope) for reference in references[1:]]
        return whole == ("or", cases[0][0], cases[1][0]) and cases[0][1] == cases[1][1] == said
    if rule == "iff introduction" and len(references) == 2:
        there, back = (proof.subproof(reference, scope) for reference in references)
        return there == back[::-1] and said == ("iff", *there)
    if rule in ("if introduction", "not introduction", "reductio") and len(references) == 1:
        assumed, reached = proof.subproof(references[0], scope)
        if rule == "if introduction":
            return said == ("if", assumed, reached)
        denied, kept = (said, assumed) if rule == "not introduction" else (assumed, said)
        return reached == FALSE and denied == ("not", kept)
    raise FitchError(f"no rule {rule!r} with {len(references)} references")


def _references(text: str) -> list[Reference]:
    found: list[Reference] = []
    for part in text.replace(",", " ").split():
        first, dash, last = part.partition("-")
        found.append((int(first), int(last)) if dash else int(first))
    return found


def check(premises: Sequence[str], goal: str, lines: Sequence[str]) -> None:
    """Checks a proof.

    Args:
      premises: formulas that the first lines state, in this order.
      goal: formula that the last line states, under no assumption.
      lines: the proof's lines as text.

    Raises:
      FitchError: it is no proof of the goal from the premises.
    """
    if not max(len(premises), 1) <= len(lines) <= MAX_LINES:
        raise FitchError(f"{len(lines)} lines are no proof from {len(premises)} premises")
    given, proof = [parse(premise) for premise in premises], _Proof()
    for number, text in enumerate(lines, 1):
        match = _LINE.fullmatch(text)
        if match is None or int(match[1]) != number:
            raise FitchError(f"{text!r} is not written as line {number}")
        said, rule, depth = parse(match[3]), match[4], len(match[2]) // 2
        if (rule == "premise") != (number <= len(given)):
            raise FitchError(f"line {number}: the premises, and nothing else, stand in the first lines")
        scope = proof.scope_of(depth, rule == "assumption")
        references = _references(match[5])
        if rule == "premise":
            right = not depth and not references and said == given[number - 1]
        elif rule == "assumption":
            right = not references
        else:
            right = _follows(said, rule, references, proof, scope)
        if not right:
            raise FitchError(f"line {number}: {match[3]} does not follow by {rule}{match[5]}")
        proof.lines.append(_Line(said, scope))
    last = proof.lines[-1]
    if last.scope or last.formula != parse(goal):
        raise FitchError("the last line is not the goal, or rests on an assumption")


def proves(premises: Sequence[str], goal: str, lines: Sequence[str]) -> bool:
    """Whether the lines prove the goal from the premises."""
    try:
        check(premises, goal, lines)
    except FitchError:
        return False
    return True
