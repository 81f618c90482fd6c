"""Connected components by alternating large-star and small-star steps, each a pure function of one node's neighbours.

Kiveris et al., "Connected Components in MapReduce and Beyond" (SoCC 2014): every step keeps the components, moves edges
to smaller nodes only, and reaches a fixed point in which each node is joined to its component's smallest one and to
nothing else; alternating takes O(log^2 n) rounds, a handful in practice. A runner groups edges by node and
calls these functions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Node = TypeVar("Node")
Edge = tuple[Node, Node]


def large_star(node: Node, neighbours: Iterable[Node]) -> Iterator[Edge]:
    """Joins each larger neighbour to the smallest of the node and its neighbours.

    Args:
      node: any node.
      neighbours: all it has an edge with, smaller and larger; repeats do no harm.

    Yields:
      (larger, smaller) edges.
    """
    different = set(neighbours)
    smallest = min(different | {node})
    for other in sorted(different):
        if other > node:
            yield other, smallest


def small_star(node: Node, neighbours: Iterable[Node]) -> Iterator[Edge]:
    """Joins the node and its smaller neighbours to the smallest of them.

    Args:
      node: any node.
      neighbours: those it has an edge with that are smaller; repeats do no harm.

    Yields:
      (larger, smaller) edges.
    """
    different = set(neighbours)
    smallest = min(different)
    for other in sorted(different | {node}):
        if other != smallest:
            yield other, smallest


def _step(star: Callable[..., Iterator[Edge]], edges: set[Edge], both_ways: bool) -> set[Edge]:
    neighbours: dict[Node, set[Node]] = {}
    for larger, smaller in edges:
        neighbours.setdefault(larger, set()).add(smaller)
        if both_ways:
            neighbours.setdefault(smaller, set()).add(larger)
    return {edge for node, others in neighbours.items() for edge in star(node, others)}


def connected_components(edges: Iterable[Edge]) -> tuple[dict[Node, Node], int]:
    """The smallest node of each node's component, and the rounds it took until nothing changed.

    One round is a large-star and a small-star step; the last one changes nothing. On one machine
    `data.dedup.clusters.representatives` is faster: this is the oracle of the distributed form.
    """
    current = {(max(edge), min(edge)) for edge in edges if edge[0] != edge[1]}
    rounds = 0
    while True:
        rounds += 1
        after = _step(small_star, _step(large_star, current, True), False)
        if after == current:
            break
        current = after
    found = dict(current)
    return found | {root: root for root in found.values()}, rounds
