"""Items into bins of one capacity by best-fit decreasing, over the histogram of their lengths.

Equal lengths are placed together (Krell et al. 2021, arXiv:2107.02027), so the work grows with the number of different
lengths, not of items.
"""

from __future__ import annotations

import bisect
from collections.abc import Mapping

Pattern = tuple[int, ...]


def pack(counts: Mapping[int, int], capacity: int) -> list[tuple[Pattern, int]]:
    """Which lengths lie together.

    Args:
      counts: number of items of each length, lengths from 1 to `capacity`.
      capacity: of a bin.

    Returns:
      (lengths in a bin, longest first; number of such bins), in a fixed order. Every item lies in one bin.

    Raises:
      ValueError: a length outside 1 to `capacity`.
    """
    wrong = [length for length in counts if not 1 <= length <= capacity]
    if wrong:
        raise ValueError(f"items of length {min(wrong)} don't fit bins of {capacity}")
    # Room left -> the bins that have it.
    bins: dict[int, dict[Pattern, int]] = {capacity: {}}
    rooms = [capacity]

    def put(pattern: Pattern, number: int, room: int) -> None:
        if room not in bins:
            bisect.insort(rooms, room)
            bins[room] = {}
        bins[room][pattern] = bins[room].get(pattern, 0) + number

    for length in sorted(counts, reverse=True):
        left = counts[length]
        while left:
            # The fullest bins that the item fits into; empty ones at the end, as many as it takes.
            room = next((room for room in rooms[bisect.bisect_left(rooms, length) :] if bins[room]), capacity)
            each = room // length
            pattern, there = next(iter(bins[room].items()), ((), left))
            whole = min(there, left // each)
            taken, times = (each, whole) if whole else (left, 1)
            left -= taken * times
            if pattern:
                if there == times:
                    del bins[room][pattern]
                else:
                    bins[room][pattern] = there - times
            put(pattern + (length,) * taken, times, room - taken * length)
    return [(pattern, number) for room in rooms for pattern, number in bins[room].items()]
