"""Shingle sets on disk: written once, in any order, and read by document number without being held in memory."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

import numpy as np

_VALUES, _NUMBERS, _ENDS = "shingles.u64", "documents.npy", "ends.npy"


class ShingleStore:
    """The shingle sets of some documents in a folder; `load` fits `data.dedup.clusters.verify`.

    Only the documents' numbers and the sets' places are in memory, 16 bytes a document; the sets are mapped, so that
    the system holds of them what fits.
    """

    def __init__(self, folder: str):
        """Opens a folder that `write` made."""
        numbers = np.load(os.path.join(folder, _NUMBERS))
        order = np.argsort(numbers, kind="stable")
        ends = np.load(os.path.join(folder, _ENDS))
        starts = np.concatenate([np.zeros(1, np.int64), ends[:-1]])
        self._numbers, self._starts, self._ends = numbers[order], starts[order], ends[order]
        path = os.path.join(folder, _VALUES)
        # An empty file can't be mapped.
        self._values = np.memmap(path, np.uint64, "r") if os.path.getsize(path) else np.empty(0, np.uint64)

    @classmethod
    def write(cls, folder: str, sets: Iterable[tuple[int, np.ndarray]]) -> ShingleStore:
        """Writes (document number, shingle set) pairs as they come.

        Raises:
          ValueError: a number comes twice.
        """
        os.makedirs(folder, exist_ok=True)
        numbers, ends, end = [], [], 0
        with open(os.path.join(folder, _VALUES), "wb") as file:
            for number, values in sets:
                file.write(np.ascontiguousarray(values, np.uint64).data)
                end += len(values)
                numbers.append(number)
                ends.append(end)
        if len(set(numbers)) != len(numbers):
            raise ValueError("a document's shingles were given twice")
        np.save(os.path.join(folder, _NUMBERS), np.array(numbers, np.int64))
        np.save(os.path.join(folder, _ENDS), np.array(ends, np.int64))
        return cls(folder)

    def __len__(self) -> int:
        return len(self._numbers)

    def load(self, documents: Sequence[int]) -> list[np.ndarray]:
        """The sets of these documents, in this order, as views of the file.

        Raises:
          KeyError: one of them is not in the store.
        """
        wanted = np.asarray(documents, np.int64)
        places = np.searchsorted(self._numbers, wanted)
        inside = places < len(self._numbers)
        missing = wanted[~inside] if not inside.all() else wanted[self._numbers[places] != wanted]
        if len(missing):
            raise KeyError(f"no shingles of document {missing[0]}")
        return [self._values[self._starts[place] : self._ends[place]] for place in places.tolist()]
