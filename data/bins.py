"""Items into bins of one capacity, over the histogram of their lengths.

Each bin takes the longest item that fits until little room is left, which is then filled exactly where any of the items
left add up to it. A pattern that fills a bin is repeated as long as its items last (Krell et al. 2021, arXiv:2107.02027), so
the work grows with the number of different lengths, not of items.
"""

from __future__ import annotations

import bisect
import collections
from collections.abc import Mapping

Pattern = tuple[int, ...]
# Room that is filled by a search for the best sum, in parts of the capacity; a smaller part is faster and less full.
_SEARCHED = 8
# ... and never less than this many of the shortest items, or there would be nothing to choose from.
_CHOICE = 4


def pack(counts: Mapping[int, int], capacity: int) -> list[tuple[Pattern, int]]:
    """Which lengths lie together.

    Args:
      counts: number of items of each length, lengths from 1 to `capacity`.
      capacity: of a bin.

    Returns:
      (lengths in a bin, longest first; number of such bins), in a fixed order. Every item lies in one bin, and no item fits
      into a bin before its own.

    Raises:
      ValueError: a length outside 1 to `capacity`.
    """
    wrong = [length for length in counts if not 1 <= length <= capacity]
    if wrong:
        raise ValueError(f"items of length {min(wrong)} don't fit bins of {capacity}")
    left = {length: counts[length] for length in sorted(counts) if counts[length]}
    lengths = list(left)
    packed = []
    while lengths:
        pattern = _fill(lengths, left, capacity)
        used = collections.Counter(pattern)
        times = min(left[length] // number for length, number in used.items())
        packed.append((pattern, times))
        for length, number in used.items():
            left[length] -= number * times
            if not left[length]:
                del lengths[bisect.bisect_left(lengths, length)]
    return packed


def _fill(lengths: list[int], left: Mapping[int, int], capacity: int) -> Pattern:
    """The items of one bin, longest first; `lengths` are those of which some are `left`, ascending."""
    searched = max(capacity // _SEARCHED, _CHOICE * lengths[0])
    taken: dict[int, int] = {}
    room, place = capacity, len(lengths)
    while room > searched and (place := bisect.bisect_right(lengths, room, hi=place)):
        length = lengths[place - 1]
        number = min(left[length], room // length, -((searched - room) // length))
        taken[length] = number
        room -= number * length
        place -= number == left[length]
    choice = {length: left[length] - taken.get(length, 0) for length in lengths[:place] if length <= room}
    whole = [length for length, number in taken.items() for _ in range(number)]
    return (*whole, *_best_sum(choice, room))


def _best_sum(counts: Mapping[int, int], room: int) -> Pattern:
    """Items whose sum comes closest to the room, the longest ones of those that do; `counts` by ascending length."""
    # Bit s of the n-th: some items of the first n lengths add up to s.
    reachable = [1]
    mask = (2 << room) - 1
    for length, count in counts.items():
        sums, number, step = reachable[-1], min(count, room // length), 1
        while number:
            step = min(step, number)
            sums |= sums << step * length & mask
            number, step = number - step, 2 * step
        reachable.append(sums)
    total = reachable.pop().bit_length() - 1
    chosen: list[int] = []
    for length, count in reversed(counts.items()):
        shorter = reachable.pop()
        number = min(count, total // length)
        while not shorter >> (total - number * length) & 1:
            number -= 1
        chosen += [length] * number
        total -= number * length
    return tuple(chosen)
