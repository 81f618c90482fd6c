"""Requests for likelihoods packed into rows of one width: a context once, and after it each text that goes on from it.

A question of four choices costs its context once instead of four times, and short requests share a row, so that little is
padding and one compiled program serves all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Group:
    """Texts after one context.

    Attributes:
      context: its token ids, at least one.
      texts: (number of the request, token ids that are predicted, at least one).
    """

    context: tuple[int, ...]
    texts: tuple[tuple[int, tuple[int, ...]], ...]

    @property
    def size(self) -> int:
        """Places in a row: a text's last token is predicted and never read."""
        return len(self.context) + sum(len(text) - 1 for _, text in self.texts)

    @property
    def predictions(self) -> int:
        """Tokens that are predicted."""
        return sum(len(text) for _, text in self.texts)


def group(requests: Sequence[tuple[Sequence[int], Sequence[int]]], width: int) -> list[Group]:
    """Requests by their context, in the order in which contexts first come.

    Args:
      requests: (context, text), each at least one token, which fit a row of `width` together.
      width: places and predictions of a row; the texts of a context that are more become several groups.

    Raises:
      ValueError: a request without a context or text, or one that doesn't fit a row.
    """
    texts: dict[tuple[int, ...], list[tuple[int, tuple[int, ...]]]] = {}
    for index, (context, text) in enumerate(requests):
        if not len(context) or not len(text):
            raise ValueError(f"request {index} has an empty {'text' if len(context) else 'context'}; give it a token")
        if len(context) + len(text) - 1 > width or len(text) > width:
            raise ValueError(
                f"request {index} has {len(context) + len(text)} tokens, which a row of {width} can't hold"
            )
        texts.setdefault(tuple(context), []).append((index, tuple(text)))
    groups = []
    for context, found in texts.items():
        part: list[tuple[int, tuple[int, ...]]] = []
        for index, text in found:
            whole = Group(context, (*part, (index, text)))
            if part and (whole.size > width or whole.predictions > width):
                groups.append(Group(context, tuple(part)))
                part = []
            part.append((index, text))
        groups.append(Group(context, tuple(part)))
    return groups


@dataclasses.dataclass(frozen=True)
class Packed:
    """Rows as a program reads them.

    Attributes:
      tokens, part, parent, last, positions: [B, T] int32; see `forward.Branches`.
      source: [B T] int32, index in all rows, one after the other, of the token that a prediction is made from.
      target: [B T] int32, the token that is predicted.
      request: [N] int, number of the request; the first N of the predictions are real.
    """

    tokens: np.ndarray
    part: np.ndarray
    parent: np.ndarray
    last: np.ndarray
    positions: np.ndarray
    source: np.ndarray
    target: np.ndarray
    request: np.ndarray


def rows_of(groups: Sequence[Group], width: int) -> list[list[Group]]:
    """Groups in rows: the largest first, each into the first row that has room for it."""
    rows: list[list[Group]] = []
    room: list[tuple[int, int]] = []
    first_open = 0
    for item in sorted(groups, key=lambda item: -item.size):
        place = next(
            (n for n in range(first_open, len(rows)) if room[n][0] >= item.size and room[n][1] >= item.predictions),
            None,
        )
        if place is None:
            place = len(rows)
            rows.append([])
            room.append((width, width))
        rows[place].append(item)
        room[place] = room[place][0] - item.size, room[place][1] - item.predictions
        # Rows that are nearly full are not looked at again: with many rows the search would take longer than the model.
        while first_open < len(rows) and room[first_open][0] < width // 32:
            first_open += 1
    return rows


def pack(rows: Sequence[Sequence[Group]], count: int, width: int) -> Packed:
    """`count` rows of arrays, the last of them empty where there are fewer."""
    shape = count, width
    tokens, part, positions = (np.zeros(shape, np.int32) for _ in range(3))
    parent, last = np.full(shape, -1, np.int32), np.full(shape, -1, np.int32)
    source, target = np.zeros(count * width, np.int32), np.zeros(count * width, np.int32)
    request: list[int] = []
    for row, groups in enumerate(rows):
        place = number = 0
        for item in groups:
            size = len(item.context)
            number += 1
            context, end = number, place + size
            tokens[row, place:end], part[row, place:end] = item.context, number
            positions[row, place:end] = np.arange(size)
            place = end
            for index, text in item.texts:
                inner = len(text) - 1
                number += 1
                here = slice(place, place + inner)
                tokens[row, here], part[row, here], parent[row, here] = text[:-1], number, context
                last[row, here], positions[row, here] = end - 1, size + np.arange(inner)
                there = slice(len(request), len(request) + len(text))
                first = row * width
                source[there] = [first + end - 1, *range(first + place, first + place + inner)]
                target[there] = text
                request += [index] * len(text)
                place += inner
    return Packed(tokens, part, parent, last, positions, source, target, np.array(request))


def passes(groups: Sequence[Group], width: int, rows: int) -> Iterator[tuple[Packed, list[int]]]:
    """Groups in passes of at most `rows` rows.

    Yields:
      The pass, and the requests that are complete with it. A pass has `rows` rows or a quarter of them, so that two programs
      serve all.
    """
    window, start, waiting = 4 * rows * width, 0, []
    few = max(rows // 4, 1)
    while start < len(groups) or waiting:
        taken, size = [], 0
        while start < len(groups) and size < window:
            taken.append(groups[start])
            size += groups[start].size
            start += 1
        packed = rows_of([*(item for row in waiting for item in row), *taken], width)
        whole = len(packed) if start >= len(groups) else len(packed) // rows * rows
        waiting = packed[whole:]
        first = 0
        while first < whole:
            count = rows if whole - first > few else few
            part = packed[first : first + count]
            first += count
            yield pack(part, count, width), [index for row in part for g in row for index, _ in g.texts]
