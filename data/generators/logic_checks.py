"""What certificates of logic problems hold, and the check of each kind by the solvers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from data.generators import logic_solvers as solvers

CANNOT_BE_KNOWN = "it cannot be concluded"


@dataclasses.dataclass(frozen=True)
class Puzzle:
    """A question, the reasoning, the answer, and the facts that the check named `check` needs."""

    question: str
    steps: Sequence[str]
    answer: str
    check: str
    facts: dict[str, Any]


def holds(certificate: Mapping[str, Any], answer: str) -> bool:
    """Whether the certificate's problem has this answer; a certificate of wrong shape has none."""
    try:
        return bool(_CHECKS[certificate["check"]](certificate, answer))
    except (KeyError, ValueError, TypeError, IndexError):
        return False


def _entailment(facts: Mapping[str, Any], answer: str) -> bool:
    """yes: the question holds in all worlds of the premises; no: in none; else it is open. Each step holds in all."""
    question, derived = facts["question"], facts.get("derived", [])
    found = list(solvers.worlds(facts["premises"], [question, *derived]))
    if not found or not all(solvers.truth(step, world) for step in derived for world in found):
        return False
    verdicts = {solvers.truth(question, world) for world in found}
    return answer == ("yes" if verdicts == {True} else "no" if verdicts == {False} else CANNOT_BE_KNOWN)


def _proof(facts: Mapping[str, Any], answer: str) -> bool:
    """Each line follows from the lines it names, and the last one is the goal."""
    lines = list(facts["premises"])
    for formula, used in facts["lines"]:
        if not solvers.entails([lines[number - 1] for number in used], formula):
            return False
        lines.append(formula)
    return answer == "proved" and lines[-1] == facts["goal"]


def _countermodel(facts: Mapping[str, Any], answer: str) -> bool:
    """The named world makes all premises true and the goal false."""
    world = facts["world"]
    shows = all(solvers.truth(p, world) for p in facts["premises"]) and not solvers.truth(facts["goal"], world)
    return answer == "not valid" and shows


def _syllogism(facts: Mapping[str, Any], answer: str) -> bool:
    return answer == ("yes" if solvers.syllogism(facts["premises"], facts["conclusion"]) else CANNOT_BE_KNOWN)


def _ranking(facts: Mapping[str, Any], answer: str) -> bool:
    """All orders that fit the comparisons agree on who is asked for."""
    found = {order[facts["place"] - 1] for order in solvers.orders(facts["people"], facts["clues"])}
    return found == {answer}


def _seating(facts: Mapping[str, Any], answer: str) -> bool:
    """The answer is the one order that satisfies all clues."""
    return solvers.orders(facts["people"], facts["clues"]) == [tuple(answer.split(", "))]


def _knights(facts: Mapping[str, Any], answer: str) -> bool:
    found = solvers.knights(facts["statements"])
    return len(found) == 1 and answer == knights_text(found[0])


def knights_text(world: Mapping[str, bool]) -> str:
    """`Ada is a knight, Ben is a knave`."""
    return ", ".join(f"{who} is a {'knight' if world[who] else 'knave'}" for who in sorted(world))


def _route(facts: Mapping[str, Any], answer: str) -> bool:
    """The way named has the stated length, uses roads there are, and none is shorter."""
    places, stated = answer.rsplit(", length ", 1)
    way = places.split(" - ")
    lengths = {frozenset((a, b)): length for a, b, length in facts["roads"]}
    total = sum(lengths[frozenset(pair)] for pair in zip(way, way[1:]))
    ends = (way[0], way[-1]) == (facts["start"], facts["goal"])
    return ends and total == int(stated) == solvers.shortest_walk(facts["roads"], facts["start"], facts["goal"])


def _jugs(facts: Mapping[str, Any], answer: str) -> bool:
    moves = answer.split(", ")
    state = solvers.play(facts["capacities"], moves)
    shortest = solvers.jug_depth(facts["capacities"], facts["target"])
    return state is not None and facts["target"] in state and len(moves) == shortest


_CHECKS: dict[str, Callable[[Mapping[str, Any], str], bool]] = {
    "entailment": _entailment,
    "proof": _proof,
    "countermodel": _countermodel,
    "syllogism": _syllogism,
    "ranking": _ranking,
    "seating": _seating,
    "knights": _knights,
    "route": _route,
    "jugs": _jugs,
}
