"""Templates of puzzles: seatings with one solution, knights and knaves, shortest ways and water jugs."""

from __future__ import annotations

import itertools
import random
from typing import Any

from data.generators import logic_solvers as solvers
from data.generators.logic_checks import Puzzle, knights_text

_PEOPLE = ("Ada", "Ben", "Chloe", "Dmitri", "Elena", "Farid", "Grace", "Hiro", "Ines", "Jonas", "Kofi", "Lena")
_TOWNS = ("Alton", "Brim", "Corby", "Dale", "Esk", "Ferry", "Gorse", "Holm", "Irby", "Jura", "Kell", "Lund")
_SCENES = (
    ("sit on a bench in seats 1 to {n}, counted from the left", "seat"),
    ("stand in a queue in places 1 to {n}, counted from the front", "place"),
    ("live in a row of houses numbered 1 to {n}", "house"),
    ("finished a race in ranks 1 to {n}", "rank"),
)
_SAY = {
    "at": "{0} has {noun} {1}.",
    "not_at": "{0} does not have {noun} {1}.",
    "before": "{0} has a lower {noun} than {1}.",
    "next_to": "{0} and {1} have neighbouring {noun}s.",
    "not_next_to": "{0} and {1} do not have neighbouring {noun}s.",
    "right_after": "{0} has the {noun} right after {1}.",
    "between": "The {noun} of {0} is between those of {1} and {2}.",
}


def _clue(rng: random.Random, order: list[str]) -> list[Any]:
    """A random clue that is true of the order."""
    while True:
        kind = rng.choice(solvers.CLUES)
        if kind in ("at", "not_at"):
            clue = [kind, rng.choice(order), rng.randint(1, len(order))]
        else:
            clue = [kind, *rng.sample(order, 3 if kind == "between" else 2)]
        # A clue that names a place outright gives too much away to be the usual one.
        if solvers.clue_holds(clue, order) and (kind != "at" or rng.random() < 0.2):
            return clue


def _seating(rng: random.Random) -> Puzzle:
    order = rng.sample(_PEOPLE, rng.choice((4, 4, 5)))
    scene, noun = rng.choice(_SCENES)
    people = sorted(order)
    left = [tuple(p) for p in itertools.permutations(people)]
    clues: list[list[Any]] = []
    while len(left) > 1:
        clue = _clue(rng, order)
        fewer = [candidate for candidate in left if solvers.clue_holds(clue, candidate)]
        if len(fewer) < len(left):
            clues.append(clue)
            left = fewer
    clues = _needed(people, clues)
    shown = [_SAY[kind].format(*arguments, noun=noun) for kind, *arguments in clues]
    steps, remaining = [], [tuple(p) for p in itertools.permutations(people)]
    steps.append(f"Without clues there are {len(remaining)} orders.")
    for clue, text in zip(clues, shown):
        remaining = [candidate for candidate in remaining if solvers.clue_holds(clue, candidate)]
        left_over = f"{len(remaining)} orders are" if len(remaining) > 1 else "one order is"
        steps.append(f"{text} Now {left_over} left.")
        if 1 < len(remaining) <= 3:
            steps.append("They are " + " and ".join(", ".join(candidate) for candidate in remaining) + ".")
    question = f"{', '.join(people)} {scene.format(n=len(people))}. {' '.join(shown)} "
    question += f"List them by {noun}."
    return Puzzle(question, steps, ", ".join(order), "seating", {"people": people, "clues": clues})


def _needed(people: list[str], clues: list[list[Any]]) -> list[list[Any]]:
    """Leaves out clues that the others make superfluous."""
    for clue in list(clues):
        others = [c for c in clues if c is not clue]
        if len(solvers.orders(people, others)) == 1:
            clues = others
    return clues


def _claim(rng: random.Random, speaker: str, others: list[str]) -> solvers.Formula:
    other = rng.choice(others)
    simple: solvers.Formula = other if rng.random() < 0.5 else ["not", other]
    rest = [person for person in others if person != other]
    kind = rng.choice(("simple", "and", "or", "iff", "self") if rest else ("simple", "iff", "self"))
    if kind == "simple":
        return simple
    if kind == "self":
        return rng.choice((["and", ["not", speaker], simple], ["or", ["not", speaker], simple]))
    if kind == "iff":
        return ["iff", speaker, other]
    second = rng.choice(rest)
    return [kind, simple, second if rng.random() < 0.5 else ["not", second]]


def _speak(formula: solvers.Formula, speaker: str) -> str:
    if isinstance(formula, str):
        return "I am a knight" if formula == speaker else f"{formula} is a knight"
    if formula[0] == "not":
        return "I am a knave" if formula[1] == speaker else f"{formula[1]} is a knave"
    if formula[0] == "iff":
        return f"{formula[2]} and I are of the same kind"
    return f"{_speak(formula[1], speaker)} {formula[0]} {_speak(formula[2], speaker)}"


def _knights(rng: random.Random) -> Puzzle:
    people = sorted(rng.sample(_PEOPLE, rng.choice((2, 3, 3))))
    while True:
        statements = {who: _claim(rng, who, [p for p in people if p != who]) for who in people}
        found = solvers.knights(statements)
        if len(found) == 1:
            break
    said = [f'{who} says: "{_speak(claim, who)}."' for who, claim in statements.items()]
    steps = []
    for values in itertools.product((True, False), repeat=len(people)):
        world = dict(zip(people, values))
        wrong = [who for who in people if solvers.truth(statements[who], world) != world[who]]
        if wrong and len(steps) < 5:
            told = "would lie" if world[wrong[0]] else "would tell the truth"
            kind = "knight" if world[wrong[0]] else "knave"
            steps.append(f"Suppose {knights_text(world)}: then the {kind} {wrong[0]} {told}, which is impossible.")
    steps.append(f"Suppose {knights_text(found[0])}: every statement fits.")
    question = f"Knights always tell the truth and knaves always lie. {' '.join(said)} Who is what?"
    return Puzzle(question, steps, knights_text(found[0]), "knights", {"statements": statements})


def _route(rng: random.Random) -> Puzzle:
    towns = rng.sample(_TOWNS, rng.randint(5, 6))
    while True:
        pairs = list(itertools.combinations(sorted(towns), 2))
        rng.shuffle(pairs)
        roads = [[a, b, rng.randint(2, 20)] for a, b in pairs[: rng.randint(len(towns) + 1, len(towns) + 3)]]
        start, goal = rng.sample(towns, 2)
        ways = solvers.shortest_ways(roads, start, goal)
        if len(ways) >= 2 and len(ways[0][1]) > 2 and ways[0][0] < ways[1][0]:
            break
    listed = ", ".join(f"{a} - {b} ({length} km)" for a, b, length in roads)
    steps = [f"{' - '.join(places)} has length {length}." for length, places in reversed(ways[:4])]
    length, places = ways[0]
    if len(ways) > 4:
        steps.insert(0, f"There are {len(ways)} ways that visit no town twice; the shortest few are these.")
    steps.append(f"The least of these is {length}.")
    question = f"The roads are {listed}. What is the shortest way from {start} to {goal}?"
    facts = {"roads": roads, "start": start, "goal": goal}
    return Puzzle(question, steps, f"{' - '.join(places)}, length {length}", "route", facts)


def _jugs(rng: random.Random) -> Puzzle:
    while True:
        capacities = sorted(rng.sample(range(3, 16), 2))
        target = rng.randint(1, capacities[1] - 1)
        plan = solvers.jug_plan(capacities, target)
        if plan and 3 <= len(plan) <= 10:
            break
    steps = ["Both jugs are empty at first."]
    for done, move in enumerate(plan, 1):
        state = solvers.play(capacities, plan[:done])
        steps.append(f"{move[0].upper()}{move[1:]}: A holds {state[0]} and B holds {state[1]} litres.")
    question = (
        f"Jug A holds {capacities[0]} litres and jug B holds {capacities[1]} litres. You may fill a jug, empty it, or "
        f"pour one into the other until that is full or the first is empty. How do you measure {target} litres in the "
        f"fewest moves?"
    )
    return Puzzle(question, steps, ", ".join(plan), "jugs", {"capacities": capacities, "target": target})


CONSTRAINTS = (_seating,)
SEARCH = (_knights, _knights, _route, _route, _jugs)
