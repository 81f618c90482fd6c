"""Theorems of propositional logic with proofs by natural deduction, assumptions opened and given up in Fitch's form.

Goal and assumptions are taken apart by the rules; truth tables, kept as the bits of one number, say which way can lead
to the goal at all. What the search wrote in vain is cut out of the proof at the end. `data.generators.fitch` checks the
text.
"""

from __future__ import annotations

import dataclasses
import functools
import random
from collections.abc import Sequence

from data.generators.fitch import FALSE, Formula, Reference
from data.generators.logic_proofs import write
from data.generators.math_claims import ANSWER, Problem

ATOMS = ("p", "q", "r", "s")
ANSWERED = "proved"
CLAIM = "natural_deduction"
MIN_LINES, MAX_LINES = 5, 26
_MAX_DEPTH = 5
_GOALS = 24  # drawn for the same premises before others are
_ALL = (1 << (1 << len(ATOMS))) - 1
_ASK = ("Derive {} from {}.", "Prove by natural deduction that {} follows from {}.", "Show that {} follows from {}.")
_ASK_THEOREM = ("Prove {} without premises.", "Show by natural deduction that {} is a theorem.")


class _Stuck(Exception):
    """The search wrote too much, or knows no further step."""


@dataclasses.dataclass(frozen=True)
class Line:
    """A line of a proof: how many assumptions are open, what is said, by which rule, from which lines and subproofs."""

    depth: int
    formula: Formula
    rule: str
    references: tuple[Reference, ...] = ()


@functools.lru_cache(maxsize=1 << 16)
def table(formula: Formula) -> int:
    """The worlds in which a formula holds, as bits: world w makes atom i true where bit i of w is set."""
    if formula == FALSE:
        return 0
    if isinstance(formula, str):
        place = ATOMS.index(formula)
        return sum(1 << world for world in range(1 << len(ATOMS)) if world >> place & 1)
    parts = [table(part) for part in formula[1:]]
    if formula[0] == "not":
        return _ALL & ~parts[0]
    left, right = parts
    iff = _ALL & ~(left ^ right)
    return {"and": left & right, "or": left | right, "if": _ALL & ~left | right, "iff": iff}[formula[0]]


def _worlds(formulas: Sequence[Formula]) -> int:
    worlds = _ALL
    for formula in formulas:
        worlds &= table(formula)
    return worlds


def follows(formulas: Sequence[Formula], goal: Formula) -> bool:
    """Whether the goal holds in every world of the formulas."""
    return not _worlds(formulas) & ~table(goal)


class _Search:
    """Writes a proof. `known` maps the formulas that may be used to the lines that say them."""

    def __init__(self, premises: Sequence[Formula], goal: Formula):
        self.lines: list[Line] = []
        self._depth = 0
        self._wanted: list[Formula] = []
        known: dict[Formula, int] = {}
        for premise in premises:
            known[premise] = self._write(premise, "premise")
        self.last = self._prove(goal, known)

    def _write(self, formula: Formula, rule: str, *references: Reference) -> int:
        if len(self.lines) >= 4 * MAX_LINES:
            raise _Stuck
        self.lines.append(Line(self._depth, formula, rule, references))
        return len(self.lines)

    def _learn(self, known: dict[Formula, int], formula: Formula, rule: str, *references: Reference) -> None:
        if formula not in known:
            known[formula] = self._write(formula, rule, *references)

    def _suppose(self, known: dict[Formula, int], assumed: Formula, goal: Formula) -> tuple[int, int]:
        """A subproof from an assumption to a goal."""
        if self._depth >= _MAX_DEPTH:
            raise _Stuck
        self._depth += 1
        first = self._write(assumed, "assumption")
        last = self._prove(goal, {**known, assumed: first})
        if last < len(self.lines):  # a subproof ends with what it is cited for
            last = self._write(goal, "reiteration", last)
        self._depth -= 1
        return first, last

    def _prove(self, goal: Formula, known: dict[Formula, int]) -> int:
        """The number of a line that says the goal."""
        while goal not in known and FALSE not in known and self._saturate(known):
            pass
        if goal in known:
            return known[goal]
        if FALSE in known:
            return self._write(goal, "explosion", known[FALSE])
        kind = goal[0] if isinstance(goal, tuple) else ""
        if kind == "and":
            left, right = (self._prove(part, known) for part in goal[1:])
            return self._write(goal, "and introduction", left, right)
        if kind == "if":
            return self._write(goal, "if introduction", self._suppose(known, goal[1], goal[2]))
        if kind == "iff":
            there, back = self._suppose(known, goal[1], goal[2]), self._suppose(known, goal[2], goal[1])
            return self._write(goal, "iff introduction", there, back)
        if kind == "not":
            return self._write(goal, "not introduction", self._suppose(known, goal[1], FALSE))
        return self._reach(goal, known)

    def _reach(self, goal: Formula, known: dict[Formula, int]) -> int:
        """The same for an atom, a disjunction or `false`, which no introduction alone leads to."""
        if isinstance(goal, tuple):
            for part in sorted(goal[1:], key=lambda part: part not in known):
                if follows(known, part):
                    return self._write(goal, "or introduction", self._prove(part, known))
        for formula in [f for f in known if isinstance(f, tuple)]:
            if formula[0] == "not" and isinstance(formula[1], tuple) and self._turn(formula[1], known):
                return self._prove(goal, known)
            if formula[0] == "or" and not known.keys() & formula[1:]:
                cases = [self._suppose(known, part, goal) for part in formula[1:]]
                return self._write(goal, "or elimination", known[formula], *cases)
        for formula in [f for f in known if isinstance(f, tuple) and f[0] in ("if", "iff")]:
            given, then = formula[1:]
            if then in known or ("not", given) in known or given in self._wanted or not follows(known, given):
                continue
            self._wanted.append(given)
            line = self._prove(given, known)
            self._wanted.pop()
            known.setdefault(given, line)
            return self._prove(goal, known)
        if goal == FALSE or ("not", goal) in known:
            raise _Stuck
        return self._write(goal, "reductio", self._suppose(known, ("not", goal), FALSE))

    def _saturate(self, known: dict[Formula, int]) -> bool:
        """Writes what single rules make of the known formulas. Returns whether anything is new."""
        before = len(known)
        for formula in [f for f in known if isinstance(f, tuple)]:
            line, kind = known[formula], formula[0]
            if kind == "and":
                for part in formula[1:]:
                    self._learn(known, part, "and elimination", line)
            elif kind == "not":
                if formula[1] in known:
                    self._learn(known, FALSE, "not elimination", known[formula[1]], line)
            elif kind == "or":
                self._other_case(formula, known)
            else:
                directions = (formula[1:],) if kind == "if" else (formula[1:], formula[:0:-1])
                for given, then in directions:
                    if given in known:
                        self._learn(known, then, f"{kind} elimination", line, known[given])
                    elif ("not", then) in known and ("not", given) not in known:
                        self._tollens(formula, given, then, known)
        return len(known) > before

    def _tollens(self, formula: Formula, given: Formula, then: Formula, known: dict[Formula, int]) -> None:
        """From `given -> then` and `~then`, that `given` is impossible."""
        self._depth += 1
        first = self._write(given, "assumption")
        second = self._write(then, f"{formula[0]} elimination", known[formula], first)
        last = self._write(FALSE, "not elimination", second, known["not", then])
        self._depth -= 1
        self._learn(known, ("not", given), "not introduction", (first, last))

    def _other_case(self, formula: Formula, known: dict[Formula, int]) -> None:
        """From `a | b` and `~a`, that `b` holds: in the case of `a` anything does."""
        for denied, other in (formula[1:], formula[:0:-1]):
            if ("not", denied) not in known or other in known:
                continue
            self._depth += 1
            first = self._write(denied, "assumption")
            clash = self._write(FALSE, "not elimination", first, known["not", denied])
            cases = [(first, self._write(other, "explosion", clash))]
            only = self._write(other, "assumption")
            cases.append((only, only))
            self._depth -= 1
            ordered = cases if denied == formula[1] else cases[::-1]
            self._learn(known, other, "or elimination", known[formula], *ordered)

    def _turn(self, denied: Formula, known: dict[Formula, int]) -> bool:
        """Makes of the denial of a compound formula what it says of the parts. Returns whether anything is new."""
        kind, line, before = denied[0], known["not", denied], len(known)
        if kind == "not":
            self._refute(("not", denied[1]), denied[1], denied, line, known)
        elif kind == "or":
            for part in denied[1:]:
                self._refute(part, ("not", part), denied, line, known)
        elif kind == "if":
            self._refute(denied[2], ("not", denied[2]), denied, line, known)
            self._refute(("not", denied[1]), denied[1], denied, line, known)
        else:
            for given, other in (denied[1:], denied[:0:-1]):
                if given in known:
                    self._refute(other, ("not", other), denied, line, known)
                elif kind == "iff" and ("not", given) in known:
                    self._refute(("not", other), other, denied, line, known)
        return len(known) > before

    def _refute(self, assumed: Formula, said: Formula, denied: Formula, line: int, known: dict[Formula, int]) -> None:
        """Learns `said` because its opposite leads to what was denied."""
        if said in known:
            return
        self._depth += 1
        first = self._write(assumed, "assumption")
        inner = {**known, assumed: first}
        reached = inner[denied] if denied in inner else self._prove(denied, inner)
        last = self._write(FALSE, "not elimination", reached, line)
        self._depth -= 1
        rule = "not introduction" if said == ("not", assumed) else "reductio"
        self._learn(known, said, rule, (first, last))


def _pruned(lines: Sequence[Line], last: int) -> list[Line]:
    """The lines that the last one rests on, numbered anew; premises stay."""
    needed, pending = {n for n, line in enumerate(lines, 1) if line.rule == "premise"}, [last]
    while pending:
        number = pending.pop()
        if number not in needed or lines[number - 1].rule == "premise":
            needed.add(number)
            for reference in lines[number - 1].references:
                pending.extend(reference if isinstance(reference, tuple) else (reference,))
    place = {number: new for new, number in enumerate(sorted(needed), 1)}

    def moved(reference: Reference) -> Reference:
        return tuple(map(place.get, reference)) if isinstance(reference, tuple) else place[reference]

    return [
        dataclasses.replace(lines[number - 1], references=tuple(map(moved, lines[number - 1].references)))
        for number in sorted(needed)
    ]


def prove(premises: Sequence[Formula], goal: Formula) -> list[Line] | None:
    """A proof of a goal that follows from the premises, None where the search gives up."""
    try:
        found = _Search(premises, goal)
    except _Stuck:
        return None
    lines = _pruned(found.lines, found.last)
    if lines[-1].formula != goal:  # a premise, which is said before the others
        lines.append(Line(0, goal, "reiteration", (found.last,)))
    return lines


def show(lines: Sequence[Line]) -> list[str]:
    """The lines as text, in the form that `data.generators.fitch` reads."""
    shown = []
    for number, line in enumerate(lines, 1):
        names = [f"{r[0]}-{r[1]}" if isinstance(r, tuple) else str(r) for r in line.references]
        reason = " ".join(filter(None, (line.rule, ", ".join(names))))
        shown.append(f"{number}. {'> ' * line.depth}{write(line.formula)}   [{reason}]")
    return shown


def _draw(rng: random.Random, atoms: Sequence[str], connectives: int) -> Formula:
    if not connectives:
        atom = rng.choice(atoms)
        return atom if rng.random() < 0.75 else ("not", atom)
    first = rng.randrange(connectives)
    parts = _draw(rng, atoms, first), _draw(rng, atoms, connectives - 1 - first)
    while parts[0] == parts[1]:
        parts = parts[0], _draw(rng, atoms, connectives - 1 - first)
    formula = (rng.choice(("if", "if", "if", "and", "or", "or", "iff")), *parts)
    return formula if rng.random() < 0.85 else ("not", formula)


def _theorem(rng: random.Random) -> tuple[list[Formula], Formula]:
    """Premises, none of them idle, and what follows from them; it is no premise and no truth of its own."""
    atoms = ATOMS[: rng.choice((2, 3, 3, 4))]
    count = rng.choice((1, 2, 2, 3))
    while True:
        premises = [_draw(rng, atoms, rng.randint(1, 2)) for _ in range(count)]
        worlds = _worlds(premises)
        for _ in range(_GOALS if worlds else 0):
            goal = _draw(rng, atoms, rng.randint(1, 2))
            if worlds & ~table(goal) or goal in premises:
                continue
            if not any(follows(premises[:n] + premises[n + 1 :], goal) for n in range(count)):
                # A premise less and a condition more is the same theorem, with one more assumption to give up.
                for _ in range(rng.choice((0, 0, 1, count))):
                    goal = ("if", premises.pop(), goal)
                return premises, goal


def problem(rng: random.Random) -> Problem:
    """A theorem that takes at least one assumption, and its proof a line a step."""
    while True:
        premises, goal = _theorem(rng)
        lines = prove(premises, goal)
        if lines and MIN_LINES <= len(lines) <= MAX_LINES and any(line.depth for line in lines):
            break
    given, said, steps = [write(premise) for premise in premises], write(goal), show(lines)
    question = rng.choice(_ASK).format(said, " and ".join(given)) if given else rng.choice(_ASK_THEOREM).format(said)
    claims = [(CLAIM, given, said, steps), ("stated", ANSWER, ANSWERED)]
    return Problem(question, steps, ANSWERED, claims)
