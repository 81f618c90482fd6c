"""Small exhaustive solvers that decide what generated logic problems claim. All take plain JSON values.

Formulas are nested lists: `"p"`, `["not", f]`, `["and", f, g]`, `["or", f, g]`, `["if", f, g]`, `["iff", f, g]`.
"""

from __future__ import annotations

import collections
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

Formula = str | list
MAX_ATOMS = 12


def truth(formula: Formula, world: Mapping[str, bool]) -> bool:
    """Truth value of a formula where `world` says which atoms hold.

    Raises:
      KeyError: an atom that the world doesn't name.
      ValueError: an unknown connective.
    """
    if isinstance(formula, str):
        return world[formula]
    connective, *parts = formula
    values = [truth(part, world) for part in parts]
    if connective == "not" and len(values) == 1:
        return not values[0]
    if len(values) == 2:
        left, right = values
        results = {"and": left and right, "or": left or right, "if": right or not left, "iff": left == right}
        if connective in results:
            return results[connective]
    raise ValueError(f"unknown connective {connective!r} of {len(values)} formulas")


def atoms(formula: Formula) -> set[str]:
    """Names of the atoms in a formula."""
    return {formula} if isinstance(formula, str) else set().union(*map(atoms, formula[1:]))


def worlds(formulas: Sequence[Formula], more: Sequence[Formula] = ()) -> Iterator[dict[str, bool]]:
    """Yields every assignment to the atoms of `formulas` and `more` that makes all `formulas` true.

    Raises:
      ValueError: more than MAX_ATOMS atoms.
    """
    names = sorted(set().union(*map(atoms, [*formulas, *more])))
    if len(names) > MAX_ATOMS:
        raise ValueError(f"{len(names)} atoms are too many for a truth table")
    for values in itertools.product((False, True), repeat=len(names)):
        world = dict(zip(names, values))
        if all(truth(formula, world) for formula in formulas):
            yield world


def entails(premises: Sequence[Formula], conclusion: Formula) -> bool:
    """Whether the conclusion is true in every world of the premises, of which there is at least one."""
    found = [truth(conclusion, world) for world in worlds(premises, [conclusion])]
    return bool(found) and all(found)


def syllogism(premises: Sequence[Sequence[str]], conclusion: Sequence[str]) -> bool:
    """Whether `[quantifier, subject, predicate]` follows, by listing all sets of kinds of things.

    Quantifiers: all, no, some, some_not. A model is the set of kinds that exist, a kind being the terms it falls under;
    terms of premises are not taken to be non-empty.
    """
    terms = sorted({term for statement in [*premises, conclusion] for term in statement[1:]})
    kinds = [frozenset(c) for size in range(len(terms) + 1) for c in itertools.combinations(terms, size)]
    if len(kinds) > 8:
        raise ValueError(f"{len(terms)} terms are too many to list the models")
    for present in itertools.product((False, True), repeat=len(kinds)):
        model = [kind for kind, there in zip(kinds, present) if there]
        if all(_categorical(p, model) for p in premises) and not _categorical(conclusion, model):
            return False
    return True


def _categorical(statement: Sequence[str], model: Sequence[frozenset[str]]) -> bool:
    quantifier, subject, predicate = statement
    inside = [predicate in kind for kind in model if subject in kind]
    return {"all": all(inside), "no": not any(inside), "some": any(inside), "some_not": not all(inside)}[quantifier]


def _between(place: Mapping[str, int], who: str, left: str, right: str) -> bool:
    return min(place[left], place[right]) < place[who] < max(place[left], place[right])


_CLUES: dict[str, Callable[..., bool]] = {
    "at": lambda place, who, seat: place[who] == seat,
    "not_at": lambda place, who, seat: place[who] != seat,
    "before": lambda place, first, second: place[first] < place[second],
    "next_to": lambda place, first, second: abs(place[first] - place[second]) == 1,
    "not_next_to": lambda place, first, second: abs(place[first] - place[second]) != 1,
    "right_after": lambda place, first, second: place[first] - place[second] == 1,
    "between": _between,
}
CLUES = tuple(_CLUES)


def clue_holds(clue: Sequence[Any], order: Sequence[str]) -> bool:
    """Whether one clue of a seating puzzle holds in an order; places are counted from 1."""
    kind, *arguments = clue
    return _CLUES[kind]({who: seat for seat, who in enumerate(order, 1)}, *arguments)


def orders(people: Sequence[str], clues: Sequence[Sequence[Any]]) -> list[tuple[str, ...]]:
    """All orders of the people that satisfy every clue."""
    if len(people) > 7:
        raise ValueError(f"{len(people)} people are too many to list the orders")
    return [order for order in itertools.permutations(sorted(people)) if all(clue_holds(c, order) for c in clues)]


def knights(statements: Mapping[str, Formula]) -> list[dict[str, bool]]:
    """All ways to be knight (True) or knave such that exactly the knights' statements are true."""
    return list(worlds([["iff", who, claim] for who, claim in sorted(statements.items())]))


def shortest_walk(roads: Sequence[Sequence[Any]], start: str, goal: str) -> int | None:
    """Length of the shortest way over two-way roads `[a, b, length]` by Bellman-Ford, None where there is none."""
    best = {start: 0}
    for _ in range(2 * len(roads)):
        for a, b, length in roads:
            for here, there in ((a, b), (b, a)):
                if here in best and best[here] + length < best.get(there, best[here] + length + 1):
                    best[there] = best[here] + length
    return best.get(goal)


def shortest_ways(roads: Sequence[Sequence[Any]], start: str, goal: str) -> list[tuple[int, list[str]]]:
    """Every way that visits no place twice, as (length, places), shortest first."""
    near: dict[str, list[tuple[str, int]]] = collections.defaultdict(list)
    for a, b, length in roads:
        near[a].append((b, length))
        near[b].append((a, length))
    found, pending = [], [(0, [start])]
    while pending:
        length, places = pending.pop()
        if places[-1] == goal:
            found.append((length, places))
            continue
        pending.extend((length + more, [*places, there]) for there, more in near[places[-1]] if there not in places)
    return sorted(found)


def pour(capacities: Sequence[int], state: tuple[int, ...]) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yields (move, next state) of the jug puzzle: fill, empty, or pour until one is full or the other empty."""
    names = "ABC"[: len(capacities)]
    for i, capacity in enumerate(capacities):
        yield f"fill {names[i]}", state[:i] + (capacity,) + state[i + 1 :]
        yield f"empty {names[i]}", state[:i] + (0,) + state[i + 1 :]
        for j, other in enumerate(capacities):
            if i != j:
                moved = min(state[i], other - state[j])
                after = list(state)
                after[i], after[j] = state[i] - moved, state[j] + moved
                yield f"pour {names[i]} into {names[j]}", tuple(after)


def jug_plan(capacities: Sequence[int], target: int) -> list[str] | None:
    """A shortest list of moves from empty jugs until one holds `target`, by breadth-first search."""
    start = (0,) * len(capacities)
    came: dict[tuple[int, ...], tuple[tuple[int, ...], str]] = {}
    queue = collections.deque([start])
    while queue:
        state = queue.popleft()
        if target in state:
            moves = []
            while state != start:
                state, move = came[state]
                moves.append(move)
            return moves[::-1]
        for move, after in pour(capacities, state):
            if after not in came and after != start:
                came[after] = (state, move)
                queue.append(after)
    return None


def jug_depth(capacities: Sequence[int], target: int) -> int | None:
    """Least number of moves until one jug holds `target`, by growing the whole set of reachable states."""
    reached = {(0,) * len(capacities)}
    for depth in range(200):
        if any(target in state for state in reached):
            return depth
        grown = reached | {after for state in reached for _, after in pour(capacities, state)}
        if len(grown) == len(reached):
            return None
        reached = grown
    return None


def play(capacities: Sequence[int], moves: Sequence[str]) -> tuple[int, ...] | None:
    """State after the moves, None where one of them is no move of the puzzle."""
    state: tuple[int, ...] = (0,) * len(capacities)
    for move in moves:
        options = dict(pour(capacities, state))
        if move not in options:
            return None
        state = options[move]
    return state
