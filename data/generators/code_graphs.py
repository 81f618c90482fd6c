"""Templates of level algorithms: graphs."""

from __future__ import annotations

import itertools
import random

from data.generators.code_template import Problem, Template


def _edges(draw: random.Random, names: str, most: int, weights: int) -> list[tuple]:
    """Up to `most` different edges between names; weighted from 1 on unless `weights` is 0."""
    pairs = draw.sample(list(itertools.combinations(names, 2)), draw.randint(1, most))
    pairs = [pair if draw.random() < 0.7 else pair[::-1] for pair in pairs]
    return [(*pair, draw.randint(1, weights)) if weights else pair for pair in pairs]


def _shortest(edges: list[tuple[str, str, int]], both: bool) -> dict[tuple[str, str], int]:
    """Least sums of weights between all nodes, by relaxing all edges as often as there are nodes (Bellman-Ford)."""
    ways = edges + [(b, a, weight) for a, b, weight in edges] * both
    names = {name for a, b, _ in edges for name in (a, b)}
    found = {(name, name): 0 for name in names}
    for _, start in itertools.product(names, names):
        for a, b, weight in ways:
            if (start, a) in found:
                found[start, b] = min(found.get((start, b), 10**9), found[start, a] + weight)
    return found


def _dijkstra(rng: random.Random) -> Problem:
    both, missing = rng.random() < 0.5, rng.choice((-1, -2, 9999))
    back = "\n        graph_.setdefault(right_, []).append((left_, cost_))" if both else ""
    kind = "can be used both ways" if both else "lead one way"
    return Problem(
        entry="[cheapest|shortest|least]_[route|way|path]",
        parameters=(("edges_", "list[tuple[str, str, int]]"), ("start_", "str"), ("goal_", "str")),
        returns="int",
        summary="[Return|Compute] the least cost of a [route|way] from start_ to goal_; edges_ are (from, to, cost) "
        f"and {kind}. {missing} if [there is no way|goal_ can't be reached].",
        body=f"""
    graph_ = {{}}
    for left_, right_, cost_ in edges_:
        graph_.setdefault(left_, []).append((right_, cost_)){back}
    open_, seen_ = {{start_: 0}}, set()
    while open_:
        node_ = min(open_, key=open_.get)
        sum_ = open_.pop(node_)
        if node_ == goal_:
            return sum_
        seen_.add(node_)
        for next_, cost_ in graph_.get(node_, []):
            if next_ not in seen_:
                if next_ not in open_ or sum_ + cost_ < open_[next_]:
                    open_[next_] = sum_ + cost_
    return MISSING_
    ===
    costs_ = {{start_: 0}}
    changed_ = True
    while changed_:
        changed_ = False
        for left_, right_, cost_ in edges_:
            for node_, next_ in ((left_, right_),{" (right_, left_)" if both else ""}):
                if node_ in costs_:
                    sum_ = costs_[node_] + cost_
                    if next_ not in costs_ or sum_ < costs_[next_]:
                        costs_[next_] = sum_
                        changed_ = True
    return costs_.get(goal_, MISSING_)
    """,
        reference=lambda edges, start, goal: _shortest([*edges, (start, start, 0)], both).get((start, goal), missing),
        arguments=lambda draw: (_edges(draw, "abcde", 6, 9), "a", draw.choice("cde")),
        words={
            "MISSING": missing,
            "edges": ("edges", "roads", "links", "flights"),
            "start": ("start", "source", "origin"),
        }
        | {"goal": ("goal", "target", "destination"), "cost": ("cost", "price", "minutes"), "sum": ("spent", "so_far")}
        | {
            "open": ("pending", "frontier", "waiting"),
            "next": ("following", "neighbour"),
            "changed": ("changed", "again"),
        }
        | {"costs": ("costs", "cheapest", "least")},
    )


def _topological(rng: random.Random) -> Problem:
    last, thing = rng.random() < 0.5, rng.choice(("task", "course", "package", "stage"))
    pick, word = ("max", "last") if last else ("min", "first")

    def reference(edges: list[tuple[str, str]]) -> list[str]:
        names = sorted({name for edge in edges for name in edge}, reverse=last)
        orders = (order for order in itertools.permutations(names))
        return next((list(o) for o in orders if all(o.index(a) < o.index(b) for a, b in edges)), [])

    return Problem(
        entry=f"[order|sequence|plan]_[of_{thing}s|{thing}s]",
        parameters=(("edges_", "list[tuple[str, str]]"),),
        returns="list[str]",
        summary=f"[Return|Find] an order of the {thing}s in which for each (before, after) of edges_ the former "
        f"comes earlier; where several could be next, the {word} by the alphabet is. An empty list if there is no "
        "such order.",
        body=f"""
    needs_ = {{}}
    for left_, right_ in edges_:
        needs_.setdefault(left_, set())
        needs_.setdefault(right_, set()).add(left_)
    result_ = []
    while needs_:
        ready_ = [node_ for node_, before_ in needs_.items() if not before_]
        if not ready_:
            return []
        next_ = {pick}(ready_)
        result_.append(next_)
        del needs_[next_]
        for before_ in needs_.values():
            if next_ in before_:
                before_.remove(next_)
    return result_
    ===
    nodes_ = sorted({{node_ for edge_ in edges_ for node_ in edge_}}{", reverse=True" if last else ""})
    result_ = []
    while len(result_) < len(nodes_):
        for node_ in nodes_:
            if node_ not in result_:
                blocked_ = False
                for left_, right_ in edges_:
                    if right_ == node_ and left_ not in result_:
                        blocked_ = True
                if not blocked_:
                    result_.append(node_)
                    break
        else:
            return []
    return result_
    """,
        reference=reference,
        arguments=lambda draw: (_edges(draw, "abcd", 5, 0),),
        words={"edges": ("edges", "rules", "needs", "pairs"), "needs": ("needs", "waits_for", "open_before")}
        | {"ready": ("ready", "free", "possible"), "next": ("chosen", "following", "picked"), "edge": ("edge", "rule")}
        | {"before": ("before", "missing", "earlier"), "nodes": ("nodes", "names"), "blocked": ("blocked", "held")},
    )


def _farthest_pair(rng: random.Random) -> Problem:
    both = rng.random() < 0.5

    def reference(edges: list[tuple[str, str, int]]) -> tuple[str, str, int]:
        found = _shortest(edges, both).items()
        return min(((a, b, cost) for (a, b), cost in found if a != b), key=lambda row: (-row[2], row[0], row[1]))

    return Problem(
        entry="[farthest|most_distant]_[pair|towns|two]",
        parameters=(("edges_", "list[tuple[str, str, int]]"),),
        returns="tuple[str, str, int]",
        summary="[Return|Find] (from, to, distance) of the two nodes whose shortest way is longest, the first by "
        f"the alphabet on a tie. edges_ are (from, to, length) and {'go both ways' if both else 'lead one way'}; "
        "pairs without a way [don't count|are left out].",
        body=f"""
    far_ = {{}}
    for left_, right_, length_ in edges_:
        far_[left_, right_] = length_{chr(10) + "        far_[right_, left_] = length_" if both else ""}
    nodes_ = sorted({{node_ for pair_ in far_ for node_ in pair_}})
    for middle_ in nodes_:
        for left_ in nodes_:
            for right_ in nodes_:
                if (left_, middle_) in far_ and (middle_, right_) in far_:
                    length_ = far_[left_, middle_] + far_[middle_, right_]
                    if (left_, right_) not in far_ or length_ < far_[left_, right_]:
                        far_[left_, right_] = length_
    best_ = None
    for left_, right_ in sorted(far_):
        if left_ != right_ and (best_ is None or far_[left_, right_] > best_[2]):
            best_ = (left_, right_, far_[left_, right_])
    return best_
    """,
        reference=reference,
        arguments=lambda draw: (_edges(draw, "abcd", 5, 9),),
        words={
            "edges": ("edges", "roads", "links"),
            "nodes": ("nodes", "towns", "names"),
            "middle": ("middle", "via"),
            "pair": "pair",
        }
        | {"far": ("far", "distance", "shortest"), "length": ("length", "sum", "reach")},
    )


def _two_teams(rng: random.Random) -> Problem:
    thing = rng.choice(("teams", "tables", "colours", "halves"))

    def reference(edges: list[tuple[str, str]]) -> bool:
        names = sorted({name for edge in edges for name in edge})
        sides = itertools.product((0, 1), repeat=len(names))
        return any(all(side[names.index(a)] != side[names.index(b)] for a, b in edges) for side in sides)

    return Problem(
        entry=f"[fits|works|splits]_in_two_{thing}",
        parameters=(("edges_", "list[tuple[str, str]]"),),
        returns="bool",
        summary=f"[Tell|Return] whether all that edges_ name can be divided into two {thing} so that [no pair of "
        "edges_ is in the same one|the two of each pair are apart].",
        body="""
    graph_, side_ = {}, {}
    for left_, right_ in edges_:
        graph_.setdefault(left_, []).append(right_)
        graph_.setdefault(right_, []).append(left_)
    for start_ in graph_:
        if start_ not in side_:
            side_[start_] = 0
            stack_ = [start_]
            while stack_:
                node_ = stack_.pop()
                for next_ in graph_[node_]:
                    if next_ not in side_:
                        side_[next_] = 1 - side_[node_]
                        stack_.append(next_)
                    elif side_[next_] == side_[node_]:
                        return False
    return True
    """,
        reference=reference,
        arguments=lambda draw: (_edges(draw, "abcde", 6, 0),),
        words={"edges": ("edges", "conflicts", "rivals", "pairs"), "side": ("side", "colour", "team"), "start": "start"}
        | {"stack": ("stack", "pending"), "next": ("other", "rival", "neighbour")},
    )


ALGORITHMS: tuple[Template, ...] = (
    _dijkstra,
    _topological,
    _farthest_pair,
    _two_teams,
)
