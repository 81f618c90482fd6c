"""Packed rows by random access: which documents lie in row i of an epoch follows from their lengths (`data.layouts`).

So a row is a pure function of its index: the position in the data is one integer, in the middle of a document too, and does
not depend on how many hosts read it.

Documents are laid out in blocks of consecutive ones, so that memory does not grow with the corpus: an epoch takes the blocks
in an order of its own and shuffles each. That is as good as one shuffle of all where documents stand in the order of a hash,
as `launch.process_data` leaves them.
"""

from __future__ import annotations

import collections
import dataclasses
import hashlib
import threading
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from data.layouts import FitLayout, Layout, MixedLayout, Order, Piece, Recent, SplitLayout
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
_BLOCK_DOCUMENTS = 1 << 16
# Raised when equal documents come to lie in other rows, so that no checkpoint goes on at a place that means another one.
_LAYOUT_VERSION = 2


class DocumentSource(Protocol):
    """Tokenised documents by index, as `data.tokens.TokenSource` has them."""

    def __len__(self) -> int:
        """Number of documents."""

    @property
    def num_tokens(self) -> int:
        """Tokens of all documents."""

    def lengths(self, start: int, stop: int) -> np.ndarray:
        """Tokens of each document from `start` to `stop`, int64 [stop - start]."""

    def marks(self, start: int, stop: int) -> TaskMarks:
        """The task of each document from `start` to `stop`, numbered from 0, and which of its tokens are learned."""

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


@dataclasses.dataclass(frozen=True, eq=False)
class _Block:
    """Consecutive documents and how they lie in rows; in `layout` and `marks` they are numbered from 0.

    Attributes:
      first: number of its first document.
      starts: where each document begins in the stream of all, int64 [documents].
      marks: their tasks.
      layout: their rows.
    """

    first: int
    starts: np.ndarray
    marks: TaskMarks
    layout: Layout


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
        self,
        source: DocumentSource,
        seq_len: int,
        seed: int = 0,
        shuffle: bool = True,
        memory_bytes: int = 256 << 20,
        block_documents: int = _BLOCK_DOCUMENTS,
    ):
        """Lays out the rows; documents that fit `memory_bytes` are read at once, others as rows need them.

        Args:
          source: the documents.
          seq_len: T, tokens in a row.
          seed: of the order of documents; every epoch has an order of its own.
          shuffle: False keeps the source's order in every epoch, as evaluation wants it.
          memory_bytes: largest split to keep in memory.
          block_documents: documents that are laid out together.

        Raises:
          ValueError: `seq_len` or `block_documents` below 1, a negative seed, or no tokens at all.
        """
        if seq_len < 1 or seed < 0 or block_documents < 1:
            raise ValueError(
                "seq_len and block_documents must be at least 1 and seed at least 0, got "
                f"{seq_len}, {block_documents} and {seed}"
            )
        self._source = source
        self._seq_len = seq_len
        self._seed = seed
        self._shuffle = shuffle
        self._memory_bytes = memory_bytes
        self._block_documents = block_documents
        if not source.num_tokens:
            raise ValueError(f"{source!r} has no tokens to pack; add documents or leave it out of the mixture")
        self._first_tokens = [0]
        self._blocks = Recent()
        # The blocks are made in order here, each of which tells where the next begins.
        numbers = range(-(-len(source) // block_documents))
        self._block_rows = np.array([self._blocks(self._lay_out, number).layout.num_rows for number in numbers])
        self._epochs = Recent()
        self._documents: collections.OrderedDict[int, np.ndarray] = collections.OrderedDict()
        self._lock = threading.Lock()
        self._flat = source.read_all() if source.num_tokens * source.itemsize <= memory_bytes else None

    def __reduce__(self):
        options = self._seq_len, self._seed, self._shuffle, self._memory_bytes, self._block_documents
        return PackedRows, (self._source, *options)

    def __repr__(self) -> str:
        return f"PackedRows({self._source!r}, seq_len={self._seq_len}, seed={self._seed}, shuffle={self._shuffle})"

    @property
    def seq_len(self) -> int:
        """T, tokens in a row."""
        return self._seq_len

    @property
    def num_tokens(self) -> int:
        """Tokens of one epoch."""
        return self._source.num_tokens

    @property
    def fingerprint(self) -> str:
        """Names the stream of rows: equal fingerprints, equal row for every global index."""
        options = self._seq_len, self._seed, self._shuffle, self._block_documents
        parts = (_LAYOUT_VERSION, self._source.fingerprint, *options)
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]

    def __len__(self) -> int:
        """Rows of one epoch."""
        return int(self._block_rows.sum())

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
            flat = self._flat
            return [
                self._build([flat[block.starts[d] + a : block.starts[d] + b] for d, a, b in span], span, block.marks)
                for block, span in spans
            ]
        documents = self._fetch([block.first + document for block, span in spans for document, _, _ in span])
        return [
            self._build([documents[block.first + d][a:b] for d, a, b in span], span, block.marks)
            for block, span in spans
        ]

    def pieces(self, global_index: int) -> list[Piece]:
        """Pieces (document, start, stop) of a row, up to T + 1 tokens: the last may be a target only."""
        block, span = self._span(global_index)
        return [(block.first + document, start, stop) for document, start, stop in span]

    def _span(self, global_index: int) -> tuple[_Block, list[Piece]]:
        """The block that a row lies in, and the row's pieces of the block's documents."""
        epoch, row = divmod(global_index, len(self))
        order, ends = self._epochs(self._order_blocks, epoch)
        place = int(np.searchsorted(ends, row, side="right"))
        number = int(order[place])
        block = self._blocks(self._lay_out, number)
        return block, block.layout.pieces(epoch, row - int(ends[place] - self._block_rows[number]))

    def _order_blocks(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """The blocks of an epoch in order, and the row after the last of each."""
        number = len(self._block_rows)
        order = Order(self._seed, self._shuffle, part=number)(number, epoch)
        return order, np.cumsum(self._block_rows[order])

    def _lay_out(self, number: int) -> _Block:
        first = number * self._block_documents
        last = min(first + self._block_documents, len(self._source))
        lengths, marks = self._source.lengths(first, last), self._source.marks(first, last)
        starts = self._first_tokens[number] + np.cumsum(lengths) - lengths
        if len(self._first_tokens) == number + 1:
            self._first_tokens.append(self._first_tokens[number] + int(lengths.sum()))
        options = self._seq_len, Order(self._seed, self._shuffle, number)
        is_text = marks.task_ids == NAMES.index(DEFAULT)
        if is_text.all():
            return _Block(first, starts, marks, SplitLayout(lengths, *options))
        texts = SplitLayout(lengths, *options, documents=np.flatnonzero(is_text))
        wholes = FitLayout(lengths, *options, documents=np.flatnonzero(~is_text))
        return _Block(first, starts, marks, MixedLayout([texts, wholes], options[1]))

    def _build(self, parts: list[np.ndarray], span: list[Piece], marks: TaskMarks) -> Row:
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
        if len(marks.unlearned):
            learned = follows & np.concatenate([marks.learned(*piece) for piece in span])[1:]
        row["loss_weights"][: len(follows)] = learned
        documents = np.array([document for document, _, _ in span])
        row["task_ids"][:size] = np.repeat(marks.task_ids[documents], lengths)[:size]
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
