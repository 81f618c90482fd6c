"""Tokenised documents in memory as a source of packed rows: for a notebook, and for tests."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from data.task_marks import TaskMarks


class MemoryDocuments:
    """A `data.packing.DocumentSource` of arrays."""

    def __init__(self, documents: Sequence[np.ndarray], marks: TaskMarks | None = None):
        """Takes the documents.

        Args:
          documents: tokens of each, integers [tokens].
          marks: their tasks; None where all are plain texts.
        """
        self.documents = [np.asarray(document) for document in documents]
        self._lengths = np.array([len(document) for document in self.documents], np.int64)
        self._marks = TaskMarks.of_texts(len(self.documents)) if marks is None else marks

    def __len__(self) -> int:
        return len(self.documents)

    @property
    def num_tokens(self) -> int:
        """Tokens of all documents."""
        return int(self._lengths.sum())

    def lengths(self, start: int, stop: int) -> np.ndarray:
        """Tokens of each document from `start` to `stop`, int64 [stop - start]."""
        return self._lengths[start:stop]

    def marks(self, start: int, stop: int) -> TaskMarks:
        """The tasks of the documents from `start` to `stop`, numbered from 0."""
        return self._marks.between(start, stop)

    @property
    def itemsize(self) -> int:
        """Bytes a token takes in `read_all`."""
        return self.documents[0].dtype.itemsize if self.documents else 1

    @property
    def fingerprint(self) -> str:
        """Hash of the tokens, where each document ends, and the marks."""
        digest = hashlib.sha256(self._lengths.tobytes())
        for array in (*self.documents, self._marks.task_ids, self._marks.unlearned):
            digest.update(array.tobytes())
        return digest.hexdigest()

    def read(self, indices: Sequence[int]) -> list[np.ndarray]:
        """Tokens of several documents, each [tokens]."""
        return [self.documents[index] for index in indices]

    def read_all(self) -> np.ndarray:
        """All documents one after another, [sum of lengths]."""
        return np.concatenate(self.documents)
