"""What other thresholds would keep, for every rule of a profile, from one pass over the documents.

Each rule's measures go into a histogram whose edges the profile alone decides, with the thresholds in force among
them, so that parts of a corpus add up to the same histogram in whichever order they come. An edge is a bin of its
own: at an edge, and so at the threshold in force, the share kept is exact; between edges it is interpolated.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Mapping
from typing import Any

from data.processors.rules import Profile, Rule

BINS = 64
_GEOMETRIC = 100  # from this ratio of the span's ends on, edges lie evenly by ratio


class CurveError(ValueError):
    """Curves of another profile, or counts that don't fit this one."""


def edges_of(rule: Rule) -> tuple[float, ...]:
    """BINS + 1 edges over a rule's span, and its finite thresholds."""
    low, high = rule.span
    if low > 0 and high / low >= _GEOMETRIC:
        edges = {low * (high / low) ** (place / BINS) for place in range(BINS + 1)} | {low, high}
    else:
        edges = {low + (high - low) * place / BINS for place in range(BINS + 1)} | {low, high}
    return tuple(sorted(edges | {bound for bound in (rule.low, rule.high) if math.isfinite(bound)}))


class CurveAccumulator:
    """Histograms of a profile's measures.

    Bin 2 i + 1 holds values equal to edge i, bin 2 i those between edge i - 1 and edge i; one more bin holds NaN.
    """

    def __init__(self, profile: Profile):
        self._rules = {step.name: step for step in profile.steps if isinstance(step, Rule)}
        self._edges = {name: edges_of(rule) for name, rule in self._rules.items()}
        self._counts = {name: [0] * (2 * len(edges) + 2) for name, edges in self._edges.items()}
        self._name = profile.name

    def rules(self) -> list[Rule]:
        """The rules that have been asked of any document, in the profile's order."""
        return [rule for name, rule in self._rules.items() if any(self._counts[name])]

    def add(self, measures: Mapping[str, float]) -> None:
        """Counts one document's measures; rules that had no say are missing there.

        Raises:
          CurveError: a measure of no rule of the profile.
        """
        for name, value in measures.items():
            if name not in self._edges:
                raise CurveError(f"profile {self._name} has no rule {name!r}")
            self._counts[name][self._bin(name, value)] += 1

    def _bin(self, name: str, value: float) -> int:
        edges = self._edges[name]
        if math.isnan(value):
            return 2 * len(edges) + 1
        return bisect.bisect_left(edges, value) + bisect.bisect_right(edges, value)

    def merge(self, other: CurveAccumulator) -> None:
        """Adds the counts of another part of the corpus.

        Raises:
          CurveError: the other's profile has other rules or thresholds.
        """
        if other._edges != self._edges:
            raise CurveError(f"curves of {other._name} and of {self._name} have other rules or thresholds")
        for name, counts in other._counts.items():
            self._counts[name] = [mine + theirs for mine, theirs in zip(self._counts[name], counts, strict=True)]

    def count(self, rule: str) -> int:
        """Documents of which a rule was asked."""
        return sum(self._counts[rule])

    def kept_share(self, rule: str, threshold: float) -> float:
        """Share of the documents that a rule would keep by itself at another threshold; 0 where none was measured.

        The threshold takes the place of the rule's lower end where it has one, else of its upper end; the other end
        stays.

        Raises:
          KeyError: the profile has no such rule.
        """
        found, total = self._rules[rule], self.count(rule)
        if not total:
            return 0.0
        has_low, has_high = math.isfinite(found.low), math.isfinite(found.high)
        known = total - self._counts[rule][-1]  # NaN is never kept
        if has_low:
            above = found.high if has_high else math.inf
            kept = (self._up_to(rule, above) if has_high else known) - self._below(rule, threshold)
        else:
            kept = self._up_to(rule, threshold)
        return max(kept, 0.0) / total

    def _below(self, rule: str, value: float) -> float:
        """How many values lie below `value`."""
        place = bisect.bisect_left(self._edges[rule], value)
        return sum(self._counts[rule][: 2 * place]) + self._part(rule, place, value)

    def _up_to(self, rule: str, value: float) -> float:
        """How many values lie at `value` or below."""
        place = bisect.bisect_right(self._edges[rule], value)
        return sum(self._counts[rule][: 2 * place]) + self._part(rule, place, value)

    def _part(self, rule: str, place: int, value: float) -> float:
        """How many of the values between two edges lie below `value`, were they spread evenly."""
        edges, inside = self._edges[rule], self._counts[rule][2 * place]
        if place == 0:
            return inside if value >= edges[0] else 0.0
        if place == len(edges):
            return inside if math.isinf(value) else 0.0
        return inside * (value - edges[place - 1]) / (edges[place] - edges[place - 1])

    def to_json(self) -> dict[str, Any]:
        """`{rule: {bin: count}}`, empty bins and rules left out."""
        return {
            name: {str(place): number for place, number in enumerate(counts) if number}
            for name, counts in self._counts.items()
            if any(counts)
        }

    @classmethod
    def from_json(cls, profile: Profile, value: Mapping[str, Mapping[str, int]]) -> CurveAccumulator:
        """The curves that `to_json` wrote.

        Raises:
          CurveError: counts of a rule or bin that the profile doesn't have.
        """
        curves = cls(profile)
        for name, bins in value.items():
            if name not in curves._counts:
                raise CurveError(f"profile {profile.name} has no rule {name!r}")
            for place, number in bins.items():
                if not 0 <= int(place) < len(curves._counts[name]):
                    raise CurveError(f"rule {name!r} has no bin {place}")
                curves._counts[name][int(place)] = number
        return curves
