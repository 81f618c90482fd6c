"""Metamath proofs: compressed ones unpacked, checked by substitution, and told as numbered steps.

The algorithm is that of the Metamath book, section 4.3 and appendix B: a proof is a program for a stack machine whose
every step must unify with an assertion's frame. Because each step is computed, a proof that was told is a proof that
was checked. Work is bounded by a number of symbols, so that no proof hangs a run.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

Symbols = tuple[str, ...]
MAX_SYMBOLS = 3_000_000  # written by one proof's substitutions
MAX_STEPS = 50_000
MAX_SHOWN_STEPS = 400
MAX_SHOWN_CHARACTERS = 64_000


class ProofError(ValueError):
    """A proof that does not prove its statement."""


class TooLarge(ProofError):
    """A proof that would take more work than is granted; nothing is known of it."""


@dataclasses.dataclass(frozen=True)
class Hypothesis:
    """A $f (variable and its type) or $e statement."""

    label: str
    symbols: Symbols
    floating: bool


@dataclasses.dataclass(frozen=True)
class Assertion:
    """A $a or $p with what a use of it must satisfy.

    Attributes:
      hypotheses: mandatory ones, in the database's order.
      distinct: pairs of mandatory variables that must stay apart.
    """

    label: str
    symbols: Symbols
    hypotheses: tuple[Hypothesis, ...]
    distinct: frozenset[tuple[str, str]]


@dataclasses.dataclass(frozen=True)
class Step:
    """A step that asserts something: by which label, from which earlier steps."""

    label: str
    symbols: Symbols
    uses: tuple[int, ...]


def unpack(proof: Sequence[str], mandatory: Sequence[str]) -> tuple[list[str], list[int]]:
    """Labels and numbered steps of a compressed proof.

    Returns:
      labels that numbers refer to, and the proof: a number n < len(labels) is a label, -1 marks the step before it to
      be used again, n >= len(labels) uses the (n - len(labels))th marked step.

    Raises:
      ProofError: it is no compressed proof.
    """
    try:
        close = proof.index(")")
    except ValueError as error:
        raise ProofError("a compressed proof without )") from error
    labels = [*mandatory, *proof[1:close]]
    numbers: list[int] = []
    number = 0
    for letter in "".join(proof[close + 1 :]):
        if "A" <= letter <= "T":
            numbers.append(20 * number + ord(letter) - ord("A"))
            number = 0
        elif "U" <= letter <= "Y":
            number = 5 * number + ord(letter) - ord("U") + 1
            if number > 10_000_000:
                raise ProofError("a step's number is absurd")
        elif letter == "Z" and not number:
            numbers.append(-1)
        else:
            raise ProofError(f"{letter!r} in a compressed proof")
    if number:
        raise ProofError("a compressed proof ends in the middle of a number")
    return labels, numbers


def check(
    target: Assertion,
    proof: Sequence[str],
    hypotheses: Mapping[str, Hypothesis],
    assertions: Mapping[str, Assertion],
    distinct: frozenset[tuple[str, str]],
) -> list[Step]:
    """The steps of a proof that state something (not those that only build a formula's syntax).

    Args:
      target: what is to be proved.
      proof: its words, compressed or not.
      hypotheses: active ones by label.
      assertions: earlier ones by label.
      distinct: active distinct-variable pairs, those of dummy variables included.

    Raises:
      ProofError: the proof is wrong. TooLarge: it is not known.
    """
    if proof and proof[0] == "(":
        labels, numbers = unpack(proof, [hypothesis.label for hypothesis in target.hypotheses])
    else:
        labels, numbers = list(dict.fromkeys(proof)), []
        places = {label: number for number, label in enumerate(labels)}
        numbers = [places[label] for label in proof]
    if len(numbers) > MAX_STEPS:
        raise TooLarge(f"{len(numbers)} steps")
    return _Machine(target, hypotheses, assertions, distinct).run(labels, numbers)


class _Machine:
    def __init__(self, target, hypotheses, assertions, distinct):
        self._target, self._hypotheses, self._assertions, self._distinct = target, hypotheses, assertions, distinct
        self._variables = {h.symbols[1] for h in hypotheses.values() if h.floating and len(h.symbols) == 2}
        self._budget = MAX_SYMBOLS
        self._steps: list[Step] = []
        self._places: dict[Symbols, int] = {}

    def run(self, labels: Sequence[str], numbers: Sequence[int]) -> list[Step]:
        # An entry of the stack: the expression, and the number of the step that states it (-1 for syntax).
        stack: list[tuple[Symbols, int]] = []
        marked: list[tuple[Symbols, int]] = []
        for number in numbers:
            if number == -1:
                if not stack:
                    raise ProofError("a mark before any step")
                marked.append(stack[-1])
            elif number < len(labels):
                self._apply(labels[number], stack)
            elif number - len(labels) < len(marked):
                stack.append(marked[number - len(labels)])
            else:
                raise ProofError("a step that was not marked")
        if len(stack) != 1 or stack[0][0] != self._target.symbols:
            raise ProofError(f"{len(stack)} expressions are left, or not the one to be proved")
        return self._steps

    def _apply(self, label: str, stack: list[tuple[Symbols, int]]) -> None:
        hypothesis = self._hypotheses.get(label)
        if hypothesis is not None:
            place = -1 if hypothesis.floating else self._state(label, hypothesis.symbols, ())
            stack.append((hypothesis.symbols, place))
            return
        assertion = self._assertions.get(label)
        if assertion is None:
            raise ProofError(f"unknown label {label!r}" if label != "?" else "a proof with a gap")
        count = len(assertion.hypotheses)
        if count > len(stack):
            raise ProofError(f"{label} wants {count} steps before it")
        taken = stack[len(stack) - count :]
        del stack[len(stack) - count :]
        values: dict[str, Symbols] = {}
        uses = []
        for needed, (symbols, place) in zip(assertion.hypotheses, taken, strict=True):
            if needed.floating:
                if not symbols or symbols[0] != needed.symbols[0]:
                    raise ProofError(f"{label} wants a {needed.symbols[0]}")
                values[needed.symbols[1]] = symbols[1:]
            else:
                if self._substitute(needed.symbols, values) != symbols:
                    raise ProofError(f"a step does not fit {needed.label} of {label}")
                uses.append(place)
        for first, second in assertion.distinct:
            self._apart(label, values.get(first, ()), values.get(second, ()))
        symbols = self._substitute(assertion.symbols, values)
        is_claim = symbols[:1] == self._target.symbols[:1]
        stack.append((symbols, self._state(label, symbols, tuple(uses)) if is_claim else -1))

    def _apart(self, label: str, first: Symbols, second: Symbols) -> None:
        left = self._variables.intersection(first)
        right = self._variables.intersection(second)
        for one in left:
            for other in right:
                if one == other or (min(one, other), max(one, other)) not in self._distinct:
                    raise ProofError(f"{label} needs {one} and {other} distinct")

    def _substitute(self, symbols: Symbols, values: Mapping[str, Symbols]) -> Symbols:
        out: list[str] = []
        for symbol in symbols:
            value = values.get(symbol)
            if value is None:
                out.append(symbol)
            else:
                out.extend(value)
        self._budget -= len(out)
        if self._budget < 0:
            raise TooLarge("too many symbols")
        return tuple(out)

    def _state(self, label: str, symbols: Symbols, uses: tuple[int, ...]) -> int:
        """The number of the step that states the expression; one that was stated before is not told again."""
        place = self._places.get(symbols)
        if place is None:
            place = self._places[symbols] = len(self._steps)
            self._steps.append(Step(label, symbols, uses))
        return place


def shown(steps: Sequence[Step], hypotheses: Mapping[str, Hypothesis]) -> str:
    """Steps as numbered lines, each with the label and the steps it rests on; "" where there are too many to read."""
    if len(steps) > MAX_SHOWN_STEPS:
        return ""
    lines = []
    for number, step in enumerate(steps, 1):
        rests = [str(use + 1) for use in step.uses if use >= 0]
        kind = "hypothesis " if step.label in hypotheses else ""
        reason = ", ".join([*rests, f"{kind}{step.label}"])
        lines.append(f"{number}. {' '.join(step.symbols)}   [{reason}]")
    text = "\n".join(lines)
    return text if len(text) <= MAX_SHOWN_CHARACTERS else ""
