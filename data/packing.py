"""Packed rows by random access: row i of an epoch is the window [i*T, i*T + T] of the shuffled documents laid end to end.

Because the lengths of all documents are known, the documents under a window are found by binary search, and a row is a
pure function of its index. So the position in the data is one integer, in the middle of a document too, and does not
depend on how many hosts read it.
"""

from __future__ import annotations

import collections
import hashlib
import threading
from collections.abc import Sequence
from typing import Protocol

import numpy as np

ROW_DTYPES = {
    "tokens": np.int32,
    "targets": np.int32,
    "segment_ids": np.int32,
    "positions": np.int32,
    "loss_weights": np.float32,
}
Row = dict[str, np.ndarray]
_EPOCHS_KEPT = 2
_DOCUMENTS_KEPT = 256


class DocumentSource(Protocol):
    """Tokenised documents by index, as `data.tokens.TokenSource` has them."""

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of each document, int64 [documents]."""

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


def permutation(num_documents: int, seed: int, epoch: int) -> np.ndarray:
    """Order of the documents in one epoch, int64 [num_documents], the same on every machine and NumPy version.

    NumPy promises stable raw bits, but no stable `Generator.permutation`; hence the sort of random keys.
    """
    keys = np.random.PCG64(np.random.SeedSequence([seed, epoch])).random_raw(num_documents)
    return np.argsort(keys, kind="stable")


class PackedRows:
    """Rows of T tokens packed from documents without losing or doubling a token; a grain `RandomAccessDataSource`.

    A row is a dict of [T] arrays:
      tokens int32; targets int32, the next token of the same document (0 where there is none);
      segment_ids int32, 1, 2, ... for each document's part in the row and 0 for padding; positions int32, from 0 in each
      segment; loss_weights float32, 1 where the target is a real next token and 0 at a document's end and on padding.

    Only an epoch's last row has padding.
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
        self._rows_per_epoch = -(-self._num_tokens // seq_len)
        self._epochs: collections.OrderedDict[int, tuple[np.ndarray, np.ndarray]] = collections.OrderedDict()
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
        return self._rows_per_epoch

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
        spans = [self._span(int(index)) for index in global_indices]
        if self._flat is not None:
            flat, starts = self._flat, self._starts
            return [self._build([flat[starts[d] + a : starts[d] + b] for d, a, b in span], span) for span in spans]
        documents = self._fetch([document for span in spans for document, _, _ in span])
        return [self._build([documents[d][a:b] for d, a, b in span], span) for span in spans]

    def _span(self, global_index: int) -> list[tuple[int, int, int]]:
        """Parts (document, start, stop) under a row's window; up to T + 1 tokens, the last one a target only."""
        epoch, index = divmod(global_index, self._rows_per_epoch)
        order, ends = self._epoch(epoch)
        start = index * self._seq_len
        stop = min(start + self._seq_len + 1, self._num_tokens)
        # side="right" steps over empty documents.
        first, last = np.searchsorted(ends, [start, stop - 1], side="right")
        documents = order[first : last + 1]
        stops_at = ends[first : last + 1]
        starts_at = stops_at - self._lengths[documents]
        begin = np.maximum(start, starts_at) - starts_at
        end = np.minimum(stop, stops_at) - starts_at
        return list(zip(documents.tolist(), begin.tolist(), end.tolist()))

    def _build(self, parts: list[np.ndarray], span: list[tuple[int, int, int]]) -> Row:
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
        row["loss_weights"][: len(follows)] = follows
        return row

    def _epoch(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """Document order and the end of each document in the epoch's stream, both [documents]; a few epochs are kept."""
        with self._lock:
            if epoch in self._epochs:
                self._epochs.move_to_end(epoch)
                return self._epochs[epoch]
        num_documents = len(self._lengths)
        order = permutation(num_documents, self._seed, epoch) if self._shuffle else np.arange(num_documents)
        layout = (order, np.cumsum(self._lengths[order]))
        with self._lock:
            self._epochs[epoch] = layout
            while len(self._epochs) > _EPOCHS_KEPT:
                self._epochs.popitem(last=False)
        return layout

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
