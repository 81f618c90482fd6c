"""What trivial strategies score on questions of multiple choice: a model below the best of them has learned nothing.

A document is a dict with `choices`, and `gold` (the right one's index) or `credits` (what each choice earns); `answers`
holds the choices' texts where the choices themselves are only letters. Of several choices that are equally long the first is
taken, as argmax does for equally likely ones: a model that likes long answers then scores exactly this floor.
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Document = Mapping[str, Any]
Metric = Callable[[Sequence[int], Sequence[int]], float]


@dataclasses.dataclass(frozen=True)
class Floor:
    """The best trivial strategy: what it scores, and its name."""

    value: float
    name: str


def credit(document: Document, choice: int) -> float:
    """What a choice earns."""
    return float(document["credits"][choice]) if "credits" in document else float(choice == document["gold"])


def _lengths(document: Document) -> list[int]:
    return [len(text) for text in document.get("answers", document["choices"])]


def longest_choice(document: Document) -> int:
    """Index of the choice of most characters, the first of several."""
    lengths = _lengths(document)
    return lengths.index(max(lengths))


def shortest_choice(document: Document) -> int:
    """Index of the choice of fewest characters, the first of several."""
    lengths = _lengths(document)
    return lengths.index(min(lengths))


def of_strategy(documents: Sequence[Document], strategy: Callable[[Document], int]) -> float:
    """Mean credit of the choices that a strategy takes."""
    return sum(credit(document, strategy(document)) for document in documents) / len(documents)


def longest(documents: Sequence[Document]) -> float:
    """Mean credit of the longest choice."""
    return of_strategy(documents, longest_choice)


def shortest(documents: Sequence[Document]) -> float:
    """Mean credit of the shortest choice."""
    return of_strategy(documents, shortest_choice)


def chance(documents: Sequence[Document]) -> float:
    """Expected mean credit of a random choice."""
    total = 0.0
    for document in documents:
        count = len(document["choices"])
        total += sum(credit(document, choice) for choice in range(count)) / count
    return total / len(documents)


def majority(documents: Sequence[Document]) -> tuple[float, int]:
    """The best mean credit of always taking the choice at one place, and that place, from 0."""
    earned: dict[int, float] = collections.defaultdict(float)
    for document in documents:
        for choice in range(len(document["choices"])):
            earned[choice] += credit(document, choice)
    place = max(earned, key=lambda choice: (earned[choice], -choice))
    return earned[place] / len(documents), place


def name_of_place(documents: Sequence[Document], place: int) -> str:
    """ "always yes" where all documents have the same choices, else "always choice 2"."""
    first = documents[0]["choices"]
    same = all(list(document["choices"]) == list(first) for document in documents)
    return f"always {first[place]}" if same else f"always choice {place + 1}"


def best(documents: Sequence[Document]) -> Floor:
    """The best of always one place, longest, shortest and chance; of equal ones the first of these."""
    value, place = majority(documents)
    strategies = [
        Floor(value, name_of_place(documents, place)),
        Floor(longest(documents), "longest choice"),
        Floor(shortest(documents), "shortest choice"),
        Floor(chance(documents), "chance"),
    ]
    return max(strategies, key=lambda floor: floor.value)


def best_constant(golds: Sequence[int], names: Sequence[str], metric: Metric) -> Floor:
    """The best of always saying one label, by a metric of all predictions (F1, Matthews' correlation, ...).

    Args:
      golds: the right labels.
      names: of the labels by index.
      metric: (golds, predictions) -> score.
    """
    found = [Floor(metric(golds, [label] * len(golds)), f"always {name}") for label, name in enumerate(names)]
    return max(found, key=lambda floor: floor.value)


def most_common_text(targets: Sequence[str]) -> Floor:
    """What the most frequent answer scores by exact match."""
    text, count = collections.Counter(targets).most_common(1)[0]
    shown = text if len(text) <= 20 else f"{text[:20]}..."
    return Floor(count / len(targets), f"always {shown!r}")
