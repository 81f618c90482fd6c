"""Which task each document of a token cache is read in, and which of its tokens the loss leaves out."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from data.multitask.registry import DEFAULT, NAMES
from data.multitask.task import Example
from data.tokenizer import Tokenizer


@dataclasses.dataclass(frozen=True, eq=False)
class TaskMarks:
    """Marks of all documents of a split.

    Attributes:
      task_ids: int32 [documents], places in `data.multitask.registry.NAMES`.
      unlearned: int64 [S, 3] stretches (document, first token, token after the last) that no loss counts, sorted.
    """

    task_ids: np.ndarray
    unlearned: np.ndarray

    @classmethod
    def of_texts(cls, num_documents: int) -> TaskMarks:
        """Marks of documents that are plain texts, all of them learned."""
        return cls(np.full(num_documents, NAMES.index(DEFAULT), np.int32), np.empty((0, 3), np.int64))

    def between(self, start: int, stop: int) -> TaskMarks:
        """The marks of the documents from `start` to `stop`, numbered from 0."""
        first, last = np.searchsorted(self.unlearned[:, 0], [start, stop])
        return TaskMarks(self.task_ids[start:stop], self.unlearned[first:last] - [start, 0, 0])

    def learned(self, document: int, start: int, stop: int) -> np.ndarray:
        """Whether the loss counts each of a document's tokens from `start` to `stop`, bool [stop - start]."""
        found = np.ones(stop - start, bool)
        first, last = np.searchsorted(self.unlearned[:, 0], [document, document + 1])
        for _, begin, end in self.unlearned[first:last].tolist():
            found[max(begin - start, 0) : max(end - start, 0)] = False
        return found


def encode(
    tokenizer: Tokenizer, examples: Sequence[Example], num_threads: int = 1
) -> list[tuple[np.ndarray, list[tuple[int, int]]]]:
    """Examples as tokens: BOS, the parts with their control symbols, EOS.

    Args:
      tokenizer: one that has the control symbols that the parts name.
      examples: their parts.
      num_threads: the result does not depend on it.

    Returns:
      For each example its ids, int32 [N], and the stretches (first, after the last) of them that are not learned.

    Raises:
      TokenizerError: the tokenizer lacks a control symbol.
    """
    texts = [part.text for example in examples for part in example]
    encoded = iter(tokenizer.encode_batch(texts, num_threads=num_threads))
    found = []
    for example in examples:
        pieces, unlearned, at = [np.array([tokenizer.bos_id], np.int32)], [], 1
        for part in example:
            ids = next(encoded)
            if part.control:
                pieces.append(np.array([tokenizer.control_id(part.control)], np.int32))
            pieces.append(ids)
            skipped = bool(part.control) + (0 if part.learned else len(ids))
            if skipped and unlearned and unlearned[-1][1] == at:
                unlearned[-1] = (unlearned[-1][0], at + skipped)
            elif skipped:
                unlearned.append((at, at + skipped))
            at += bool(part.control) + len(ids)
        pieces.append(np.array([tokenizer.eos_id], np.int32))
        found.append((np.concatenate(pieces), unlearned))
    return found


def collect(task_names: Sequence[str], stretches: Sequence[Sequence[tuple[int, int]]]) -> TaskMarks:
    """Marks from the task and the unlearned stretches of each document."""
    rows = [(number, *stretch) for number, found in enumerate(stretches) for stretch in found]
    return TaskMarks(
        np.array([NAMES.index(name) for name in task_names], np.int32), np.array(rows, np.int64).reshape(-1, 3)
    )
