"""Repeated lines, paragraphs and n-grams, counted exactly and without hashing n-grams.

Two n-grams are equal when the (n-1)-grams at their front are and so are their last words. Positions whose (n-1)-gram
stands nowhere else drop out at once, so that after pairs of words only what is repeated is looked at.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def repeated(parts: Sequence[str]) -> tuple[int, int]:
    """(number, characters) of the parts that stand before in the sequence as well."""
    distinct = set(parts)
    return len(parts) - len(distinct), sum(map(len, parts)) - sum(map(len, distinct))


class NGrams:
    """The n-grams of a text that occur more than once, for growing n."""

    def __init__(self, numbers: np.ndarray, lengths: np.ndarray):
        """Takes the words' numbers (non-negative, below 2^32) and lengths, both [words] int64."""
        self._numbers = numbers
        self._ends = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
        self._levels: list[tuple[np.ndarray, np.ndarray]] = []  # of n = 1, 2, ...

    def _level(self, n: int) -> tuple[np.ndarray, np.ndarray]:
        """(positions, groups) of the n-grams that occur more than once: ascending, equal groups for equal n-grams."""
        while len(self._levels) < n:
            size = len(self._levels) + 1
            if size == 1:
                self._levels.append((np.arange(len(self._numbers)), self._numbers))
                continue
            positions, groups = self._levels[-1]
            if len(positions) < 2:
                self._levels.append((positions[:0], groups[:0]))
                continue
            inside = int(np.searchsorted(positions, len(self._numbers) - size + 1))
            positions, groups = positions[:inside], groups[:inside]
            self._levels.append(_recurring(positions, (groups << 32) | self._numbers[positions + size - 1]))
        return self._levels[n - 1]

    def _characters(self, position: int, n: int) -> int:
        return int(self._ends[position + n] - self._ends[position])

    def top_characters(self, n: int) -> int:
        """Characters of the most frequent n-gram, spaces between its words counted, times its occurrences.

        Of several that are as frequent it is the first; 0 of a text with fewer than n words.
        """
        if len(self._numbers) < n:
            return 0
        positions, groups = self._level(n)
        if not len(positions):
            return self._characters(0, n) + n - 1
        counts = np.bincount(groups)
        # The groups are in no order, the positions ascend: the first position of a most frequent group is its first.
        first = int(np.argmax(counts[groups] == counts.max()))
        return (self._characters(int(positions[first]), n) + n - 1) * int(counts.max())

    def repeated_characters(self, n: int) -> int:
        """Characters in n-grams that stand before as well, no character counted twice.

        Read from left to right as Gopher's published code does: a repeated n-gram is counted and jumped over, and
        what is jumped over is not remembered.
        """
        positions, groups = self._level(n)
        if not len(positions):
            return 0
        seen: set[int] = set()
        ends = self._ends
        total = after = 0
        for position, group in zip(positions.tolist(), groups.tolist(), strict=True):
            if position < after:
                continue
            if group in seen:
                after = position + n
                total += int(ends[after] - ends[position])
            else:
                seen.add(group)
        return total


def _recurring(positions: np.ndarray, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Those positions whose key occurs more than once, and numbers of their keys' groups."""
    order = np.argsort(keys)
    in_order = keys[order]
    same = in_order[1:] == in_order[:-1]
    if not same.any():
        return positions[:0], keys[:0]
    first = np.ones(len(keys), bool)
    np.logical_not(same, out=first[1:])
    recurs = ~first
    recurs[:-1] |= same
    chosen = order[recurs]
    back = np.argsort(chosen)
    return positions[chosen[back]], np.cumsum(first)[recurs][back]
