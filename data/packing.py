"""Packed rows by random access: which documents lie in row i of an epoch follows from their lengths (`data.layouts`).

So a row is a pure function of its index: the position in the data is one integer, in the middle of a document too, and does
not depend on how many hosts read it.
"""

from __future__ import annotations

import collections
import hashlib
import threading
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from data.layouts import FitLayout, Layout, MixedLayout, Piece, SplitLayout
from data.multitask.registry import DEFAULT, NAMES
from data.task_marks import TaskMarks

ROW_DTYPES = {
    "tokens": np.int32,
    "targets": np.int32,
    "segment_ids": np.int32,
    "positions": np.int32,
    "loss_weights": np.float32,
    "task_ids": np.int32,
}
Row = dict[str, np.ndarray]
_DOCUMENTS_KEPT = 256


class DocumentSource(Protocol):
    """Tokenised documents by index, as `data.tokens.TokenSource` has them."""

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of each document, int64 [documents]."""

    @property
    def marks(self) -> TaskMarks:
        """The task of each document, and which of its tokens are learned."""

    @property
    def itemsize(self) -> int:
        """Bytes a token takes in `read_all`."""

    @property
    def fingerprint(self) -> str:
        """Names the content: equal fingerprints, equal documents in equal order."""

    def read(self, indices: Sequence[int]) -> list[np.ndarray]:
        """Tokens of several documents, each [tokens]."""

    def read_all(self) -> np.ndarray:
        """All documents one after another, [sum of lengths]."""


class PackedRows:
    """Rows of T tokens packed from documents without losing or doubling a token; a grain `RandomAccessDataSource`.

    Documents of the task `causal_lm` are laid end to end and cut, all others fitted whole.

    A row is a dict of [T] arrays:
      tokens int32; targets int32, the next token of the same document (0 where there is none);
      segment_ids int32, 1, 2, ... for each document's part in the row and 0 for padding; positions int32, from 0 in each
      segment; loss_weights float32, 1 where the target is a next token that is learned, 0 at a document's end, on prompts
      and on padding; task_ids int32, places in `data.multitask.registry.NAMES`.
    """

    def __init__(
        self, source: DocumentSource, seq_len: int, seed: int = 0, shuffle: bool = True, memory_bytes: int = 256 << 20
    ):
        """Lays out the rows; documents that fit `memory_bytes` are read at once, others as rows need them.

        Args:
          source: the documents.
          seq_len: T, tokens in a row.
          seed: of the order of documents; every epoch has an order of its own.
          shuffle: False keeps the source's order in every epoch, as evaluation wants it.
          memory_bytes: largest split to keep in memory.

        Raises:
          ValueError: `seq_len` below 1, a negative seed, or no tokens at all.
        """
        if seq_len < 1 or seed < 0:
            raise ValueError(f"seq_len must be at least 1 and seed at least 0, got {seq_len} and {seed}")
        self._source = source
        self._seq_len = seq_len
        self._seed = seed
        self._shuffle = shuffle
        self._memory_bytes = memory_bytes
        self._lengths = source.lengths
        self._num_tokens = int(self._lengths.sum())
        if not self._num_tokens:
            raise ValueError(f"{source!r} has no tokens to pack; add documents or leave it out of the mixture")
        self._marks = source.marks
        self._layout = self._lay_out()
        self._documents: collections.OrderedDict[int, np.ndarray] = collections.OrderedDict()
        self._lock = threading.Lock()
        self._flat = source.read_all() if self._num_tokens * source.itemsize <= memory_bytes else None
        self._starts = np.concatenate([[0], np.cumsum(self._lengths)])

    def __reduce__(self):
        return PackedRows, (self._source, self._seq_len, self._seed, self._shuffle, self._memory_bytes)

    def __repr__(self) -> str:
        return f"PackedRows({self._source!r}, seq_len={self._seq_len}, seed={self._seed}, shuffle={self._shuffle})"

    @property
    def seq_len(self) -> int:
        """T, tokens in a row."""
        return self._seq_len

    @property
    def num_tokens(self) -> int:
        """Tokens of one epoch."""
        return self._num_tokens

    @property
    def fingerprint(self) -> str:
        """Names the stream of rows: equal fingerprints, equal row for every global index."""
        parts = (self._source.fingerprint, self._seq_len, self._seed, self._shuffle)
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]

    def __len__(self) -> int:
        """Rows of one epoch."""
        return self._layout.num_rows

    def __getitem__(self, index: int) -> Row:
        """Row `index` of the first epoch; negative indices count from its end."""
        if not -len(self) <= index < len(self):
            raise IndexError(f"row {index} of {len(self)}")
        return self.row(index % len(self))

    def row(self, global_index: int) -> Row:
        """The row of a global index >= 0: row `global_index % len(self)` of epoch `global_index // len(self)`."""
        return self.rows([global_index])[0]

    def rows(self, global_indices: Sequence[int]) -> list[Row]:
        """Several rows, their documents read in one call.

        Raises:
          IndexError: a negative index.
        """
        if any(index < 0 for index in global_indices):
            raise IndexError(f"global row indices start at 0, got {min(global_indices)}")
        spans = [self.pieces(int(index)) for index in global_indices]
        if self._flat is not None:
            flat, starts = self._flat, self._starts
            return [self._build([flat[starts[d] + a : starts[d] + b] for d, a, b in span], span) for span in spans]
        documents = self._fetch([document for span in spans for document, _, _ in span])
        return [self._build([documents[d][a:b] for d, a, b in span], span) for span in spans]

    def pieces(self, global_index: int) -> list[Piece]:
        """Pieces (document, start, stop) of a row, up to T + 1 tokens: the last may be a target only."""
        epoch, row = divmod(global_index, self._layout.num_rows)
        return self._layout.pieces(epoch, row)

    def _lay_out(self) -> Layout:
        lengths, options = self._lengths, (self._seq_len, self._seed, self._shuffle)
        is_text = self._marks.task_ids == NAMES.index(DEFAULT)
        if is_text.all():
            return SplitLayout(lengths, *options)
        texts = SplitLayout(lengths, *options, documents=np.flatnonzero(is_text))
        wholes = FitLayout(lengths, *options, documents=np.flatnonzero(~is_text))
        return MixedLayout([texts, wholes], self._seed, self._shuffle)

    def _build(self, parts: list[np.ndarray], span: list[Piece]) -> Row:
        seq_len = self._seq_len
        window = np.concatenate(parts)
        lengths = np.array([stop - start for _, start, stop in span])
        begins = np.cumsum(lengths) - lengths
        # Segment and position of every token of the window, the (T+1)-th included.
        kept = lengths > 0
        segments = np.repeat(np.arange(1, kept.sum() + 1), lengths[kept])
        positions = np.arange(len(window)) - np.repeat(begins[kept], lengths[kept])

        row = {name: np.zeros(seq_len, dtype) for name, dtype in ROW_DTYPES.items()}
        size = min(len(window), seq_len)
        row["tokens"][:size] = window[:size]
        row["segment_ids"][:size] = segments[:size]
        row["positions"][:size] = positions[:size]
        follows = segments[1:] == segments[:-1]
        row["targets"][: len(follows)] = np.where(follows, window[1:], 0)
        learned = follows
        if len(self._marks.unlearned):
            learned = follows & np.concatenate([self._marks.learned(*piece) for piece in span])[1:]
        row["loss_weights"][: len(follows)] = learned
        documents = np.array([document for document, _, _ in span])
        row["task_ids"][:size] = np.repeat(self._marks.task_ids[documents], lengths)[:size]
        return row

    def _fetch(self, indices: Sequence[int]) -> dict[int, np.ndarray]:
        """Documents by index. Recent ones are kept, for a long document lies under many rows."""
        wanted = dict.fromkeys(indices)
        with self._lock:
            found = {index: self._documents[index] for index in wanted if index in self._documents}
        missing = [index for index in wanted if index not in found]
        if missing:
            found.update(zip(missing, self._source.read(missing)))
        with self._lock:
            for index in wanted:
                self._documents[index] = found[index]
                self._documents.move_to_end(index)
            while len(self._documents) > _DOCUMENTS_KEPT:
                self._documents.popitem(last=False)
        return found
