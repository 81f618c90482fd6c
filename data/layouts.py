"""Which stretches of which documents lie in which row, as a pure function of the row's index.

Texts are laid end to end and cut into rows; what must be read whole (a prompt with its completion) is fitted into rows
beside others. Both lose no token and repeat none.
"""

from __future__ import annotations

import collections
import dataclasses
import functools
import threading
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from data import bins

# (document, first token, token after the last)
Piece = tuple[int, int, int]
_KEPT = 2


class Layout(Protocol):
    """Rows of every epoch."""

    num_rows: int

    def pieces(self, epoch: int, row: int) -> list[Piece]:
        """What lies in a row of an epoch, in order."""


def permutation(num_items: int, seed: int, epoch: int, part: int = 0) -> np.ndarray:
    """Order of the items of a part in one epoch, int64 [num_items], the same on every machine and NumPy version.

    NumPy promises stable raw bits, but no stable `Generator.permutation`; hence the sort of random keys.
    """
    keys = np.random.PCG64(np.random.SeedSequence([seed, epoch, part])).random_raw(num_items)
    return np.argsort(keys, kind="stable")


@dataclasses.dataclass(frozen=True)
class Order:
    """The order of items in every epoch.

    Attributes:
      seed: of the orders; every epoch has one of its own.
      shuffle: False keeps the items as they stand, in every epoch.
      part: of the corpus; each has orders of its own.
    """

    seed: int
    shuffle: bool = True
    part: int = 0

    def __call__(self, num_items: int, epoch: int) -> np.ndarray:
        """The items of an epoch in order, int64 [num_items]."""
        return permutation(num_items, self.seed, epoch, self.part) if self.shuffle else np.arange(num_items)


class Recent:
    """The last two results of a function of a number (an epoch, a block); safe between threads.

    The function comes with each call: a method that is held would hold its owner, which holds this, and memory would wait
    for the garbage collector.
    """

    def __init__(self):
        self._kept: collections.OrderedDict[int, Any] = collections.OrderedDict()
        self._lock = threading.Lock()

    def __call__(self, make: Callable[[int], Any], number: int) -> Any:
        with self._lock:
            if number in self._kept:
                self._kept.move_to_end(number)
                return self._kept[number]
        made = make(number)
        with self._lock:
            self._kept[number] = made
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return made


class SplitLayout:
    """Documents laid end to end and cut every T tokens.

    A row's last piece may reach one token further: the target of its last token. Only an epoch's last row is not full.
    """

    def __init__(self, lengths: np.ndarray, seq_len: int, order: Order, documents: np.ndarray | None = None):
        """Lays out the rows.

        Args:
          lengths: tokens of each document, int64 [documents].
          seq_len: T.
          order: of the documents.
          documents: those that are laid out, int64; None for all.
        """
        self._seq_len, self._order = seq_len, order
        self._documents = np.arange(len(lengths)) if documents is None else documents
        self._lengths = lengths[self._documents]
        self._num_tokens = int(self._lengths.sum())
        self.num_rows = -(-self._num_tokens // seq_len)
        self._epochs = Recent()

    def _in_order(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """Order of the documents and the end of each in the epoch's stream."""
        order = self._order(len(self._documents), epoch)
        return order, np.cumsum(self._lengths[order])

    def pieces(self, epoch: int, row: int) -> list[Piece]:
        """What lies under the window [row * T, row * T + T] of the epoch's stream."""
        order, ends = self._epochs(self._in_order, epoch)
        start = row * self._seq_len
        stop = min(start + self._seq_len + 1, self._num_tokens)
        # side="right" steps over empty documents.
        first, last = np.searchsorted(ends, [start, stop - 1], side="right")
        chosen, stops_at = order[first : last + 1], ends[first : last + 1]
        starts_at = stops_at - self._lengths[chosen]
        begin = np.maximum(start, starts_at) - starts_at
        end = np.minimum(stop, stops_at) - starts_at
        return list(zip(self._documents[chosen].tolist(), begin.tolist(), end.tolist()))


class FitLayout:
    """Documents fitted whole into rows; one longer than a row is first cut into pieces of T tokens.

    Which lengths lie together is decided once, from the lengths alone; which documents of those lengths, anew in every
    epoch. So an epoch has the same number of rows each time, and a document other neighbours.
    """

    def __init__(self, lengths: np.ndarray, seq_len: int, order: Order, documents: np.ndarray):
        """Lays out the rows; see `SplitLayout` for the arguments."""
        self._order = order
        counts = -(-lengths[documents] // seq_len)
        owners = np.repeat(documents, counts)
        starts = (np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)) * seq_len
        stops = np.minimum(starts + seq_len, lengths[owners])
        self._items = np.stack([owners, starts, stops], axis=1)
        sizes, numbers = np.unique(stops - starts, return_counts=True)
        patterns = bins.pack(dict(zip(sizes.tolist(), numbers.tolist())), seq_len)
        slots = [np.tile(pattern, number) for pattern, number in patterns]
        per_row = np.repeat([len(pattern) for pattern, _ in patterns], [number for _, number in patterns])
        self.num_rows = len(per_row)
        self._row_starts = np.concatenate([[0], np.cumsum(per_row)]).astype(np.int64)
        # Places in the rows by the length that belongs there, as the items are by theirs.
        self._places = np.argsort(np.concatenate(slots), kind="stable") if slots else np.empty(0, np.int64)
        self._epochs = Recent()

    def _by_place(self, epoch: int) -> np.ndarray:
        """Items in the order of their places in the rows, int64 [items, 3]."""
        shuffled = self._items[self._order(len(self._items), epoch)]
        by_length = shuffled[np.argsort(shuffled[:, 2] - shuffled[:, 1], kind="stable")]
        placed = np.empty_like(by_length)
        placed[self._places] = by_length
        return placed

    def pieces(self, epoch: int, row: int) -> list[Piece]:
        """The documents, or pieces of them, in a row."""
        first, last = self._row_starts[row : row + 2]
        return [tuple(piece) for piece in self._epochs(self._by_place, epoch)[first:last].tolist()]


class MixedLayout:
    """Rows of several layouts, in a new order each epoch."""

    def __init__(self, layouts: list[Layout], order: Order):
        """Takes the layouts that have rows; unshuffled they follow each other."""
        self._layouts = [layout for layout in layouts if layout.num_rows]
        self._ends = np.cumsum([layout.num_rows for layout in self._layouts])
        self.num_rows = sum(layout.num_rows for layout in self._layouts)
        self._order = order
        self._epochs = Recent()

    def pieces(self, epoch: int, row: int) -> list[Piece]:
        """What lies in a row of an epoch."""
        order = self._epochs(functools.partial(self._order, self.num_rows), epoch)
        place = int(order[row])
        number = int(np.searchsorted(self._ends, place, side="right"))
        layout = self._layouts[number]
        return layout.pieces(epoch, place - int(self._ends[number] - layout.num_rows))
