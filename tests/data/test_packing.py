"""Packing loses no token and doubles none, and a row is a function of its index alone."""

import gc
import pickle

import grain
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data import layouts, packing
from data.multitask.registry import DEFAULT, NAMES
from data.memory_documents import MemoryDocuments
from data.task_marks import TaskMarks


class ListSource(MemoryDocuments):
    """Documents whose every token is a distinct number, so that a lost or doubled one shows."""

    def __init__(self, lengths):
        ends = np.cumsum(lengths)
        super().__init__([np.arange(end - length, end) + 1 for end, length in zip(ends, lengths)])
        self.reads = 0

    def read(self, indices):
        self.reads += 1
        return super().read(indices)


lengths_lists = st.lists(st.integers(0, 40), min_size=1, max_size=30).filter(any)


def naive_epoch(source, rows, seed, epoch):
    """(tokens, document of each token) of an epoch's stream, and its next-token pairs, the slow way."""
    order = layouts.permutation(len(source), seed, epoch)
    stream = [token for document in order for token in source.documents[document].tolist()]
    pairs = [(a, b) for document in order for a, b in zip(source.documents[document], source.documents[document][1:])]
    return stream, pairs


@settings(max_examples=120, deadline=None)
@given(
    lengths=lengths_lists,
    seq_len=st.integers(1, 25),
    seed=st.integers(0, 9),
    epoch=st.integers(0, 3),
    in_memory=st.booleans(),
)
def test_nothing_lost_nothing_doubled(lengths, seq_len, seed, epoch, in_memory):
    source = ListSource(lengths)
    rows = packing.PackedRows(source, seq_len, seed, memory_bytes=1 << 20 if in_memory else 0)
    packed = rows.rows(range(epoch * len(rows), (epoch + 1) * len(rows)))
    for row in packed:
        assert {name: (value.shape, value.dtype) for name, value in row.items()} == {
            name: ((seq_len,), np.dtype(dtype)) for name, dtype in packing.ROW_DTYPES.items()
        }
    joined = {name: np.concatenate([row[name] for row in packed]) for name in packing.ROW_DTYPES}
    real = joined["segment_ids"] > 0
    stream, pairs = naive_epoch(source, rows, seed, epoch)
    assert joined["tokens"][real].tolist() == stream
    counted = joined["loss_weights"] == 1
    assert list(zip(joined["tokens"][counted].tolist(), joined["targets"][counted].tolist())) == pairs
    assert not joined["targets"][~counted].any() and set(np.unique(joined["loss_weights"])) <= {0.0, 1.0}
    # Padding is at the end of the last row and nowhere else.
    assert real[: len(stream)].all() and not real[len(stream) :].any() and len(real) - len(stream) < seq_len


@settings(max_examples=60, deadline=None)
@given(lengths=lengths_lists, seq_len=st.integers(1, 25))
def test_segments_and_positions_restart_with_every_document(lengths, seq_len):
    source = ListSource(lengths)
    document_of = np.repeat(np.arange(len(lengths)), lengths)
    for row in packing.PackedRows(source, seq_len, seed=1):
        real = row["segment_ids"] > 0
        documents = document_of[row["tokens"][real] - 1]
        changes = np.concatenate([[True], documents[1:] != documents[:-1]])
        assert row["segment_ids"][real].tolist() == np.cumsum(changes).tolist()
        starts = np.flatnonzero(changes)
        expected = np.arange(real.sum()) - np.repeat(starts, np.diff(np.append(starts, real.sum())))
        assert row["positions"][real].tolist() == expected.tolist()


@settings(max_examples=40, deadline=None)
@given(lengths=lengths_lists, seq_len=st.integers(1, 25), data=st.data())
def test_a_row_is_a_function_of_its_index(lengths, seq_len, data):
    rows = packing.PackedRows(ListSource(lengths), seq_len, seed=5)
    other = packing.PackedRows(ListSource(lengths), seq_len, seed=5, memory_bytes=0)
    indices = data.draw(st.lists(st.integers(0, 4 * len(rows)), min_size=1, max_size=8))
    for index, batched in zip(indices, other.rows(indices)):
        for name, value in rows.row(index).items():
            np.testing.assert_array_equal(value, batched[name])


@settings(max_examples=60, deadline=None)
@given(
    lengths=lengths_lists,
    whole=st.lists(st.booleans(), min_size=30, max_size=30),
    seq_len=st.integers(1, 25),
    epoch=st.integers(0, 3),
    block_documents=st.integers(1, 12),
    memory_bytes=st.sampled_from([0, 1 << 20]),
)
def test_blocks_lose_and_double_nothing(lengths, whole, seq_len, epoch, block_documents, memory_bytes):
    source = ListSource(lengths)
    task_ids = [NAMES.index("math_problem" if fitted else DEFAULT) for fitted in whole[: len(lengths)]]
    unlearned = [(document, 0, 1) for document in range(len(lengths)) if whole[document]]
    marks = TaskMarks(np.array(task_ids, np.int32), np.array(unlearned, np.int64).reshape(-1, 3))
    source = MemoryDocuments(source.documents, marks)
    rows = packing.PackedRows(source, seq_len, 3, memory_bytes=memory_bytes, block_documents=block_documents)
    indices = range(epoch * len(rows), (epoch + 1) * len(rows))
    packed = rows.rows(indices)
    tokens = np.concatenate([row["tokens"][row["segment_ids"] > 0] for row in packed])
    assert sorted(tokens.tolist()) == list(range(1, sum(lengths) + 1))
    # The pieces are those of the rows, by the numbers that documents have in the whole corpus.
    for index, row in zip(indices, packed):
        pieces = [source.documents[document][start:stop] for document, start, stop in rows.pieces(index)]
        size = int((row["segment_ids"] > 0).sum())
        assert np.concatenate(pieces)[:size].tolist() == row["tokens"][:size].tolist()
    # Documents of one block lie in neighbouring rows, and the blocks take turns from epoch to epoch.
    owners = [{document // block_documents for document, _, _ in rows.pieces(index)} for index in indices]
    assert all(len(found) <= 1 for found in owners)
    blocks = [found.pop() for found in owners if found]
    assert len([1 for a, b in zip(blocks, blocks[1:]) if a != b]) <= len(set(blocks)) - 1


def test_every_epoch_takes_the_blocks_in_another_order():
    rows = packing.PackedRows(ListSource([4] * 40), 8, block_documents=4)
    epochs = [[rows.pieces(epoch * len(rows) + row)[0][0] // 4 for row in range(len(rows))] for epoch in range(3)]
    assert len({tuple(blocks) for blocks in epochs}) == 3 and all(set(blocks) == set(range(10)) for blocks in epochs)


def test_blocks_that_are_done_with_leave_memory_at_once():
    def alive():
        return sum(type(found) is layouts.SplitLayout for found in gc.get_objects())

    gc.collect()
    before = alive()
    gc.disable()
    try:
        rows = packing.PackedRows(ListSource([4] * 400), 8, block_documents=40)
        assert all(row["tokens"].any() for row in rows)
        assert 0 < alive() - before <= 2
    finally:
        gc.enable()


def test_known_row():
    documents = MemoryDocuments([np.array([1, 10, 11, 2]), np.array([1, 20, 2])])
    first, second = packing.PackedRows(documents, 5, shuffle=False)
    assert first["tokens"].tolist() == [1, 10, 11, 2, 1]
    assert first["targets"].tolist() == [10, 11, 2, 0, 20]
    assert first["loss_weights"].tolist() == [1, 1, 1, 0, 1]
    assert first["segment_ids"].tolist() == [1, 1, 1, 1, 2]
    assert first["positions"].tolist() == [0, 1, 2, 3, 0]
    assert second["tokens"].tolist() == [20, 2, 0, 0, 0]
    assert second["targets"].tolist() == [2, 0, 0, 0, 0]
    assert second["segment_ids"].tolist() == [1, 1, 0, 0, 0]


def test_epochs_differ_and_seeds_differ():
    orders = [layouts.permutation(50, seed, epoch).tolist() for seed in range(3) for epoch in range(3)]
    assert len({tuple(order) for order in orders}) == 9
    assert all(sorted(order) == list(range(50)) for order in orders)
    # Pinned: a checkpoint's data position means the same order for ever.
    assert layouts.permutation(8, 0, 0).tolist() == [3, 2, 1, 6, 0, 7, 4, 5]
    unshuffled = packing.PackedRows(ListSource([5, 7, 9]), 21, shuffle=False)
    assert unshuffled.row(0)["tokens"].tolist() == unshuffled.row(3)["tokens"].tolist() == list(range(1, 22))


def test_long_document_is_read_once():
    source = ListSource([1000, 3])
    rows = packing.PackedRows(source, 10, memory_bytes=0)
    assert [int(row["tokens"][0]) for row in rows] and source.reads <= 2


def test_is_a_grain_source_and_pickles():
    rows = packing.PackedRows(ListSource([5, 7, 9]), 4, seed=2)
    assert isinstance(rows, grain.sources.RandomAccessDataSource)
    through_grain = [row["tokens"].tolist() for row in grain.MapDataset.source(rows)]
    copied = pickle.loads(pickle.dumps(rows))
    assert through_grain == [row["tokens"].tolist() for row in copied] and repr(rows)
    assert rows.fingerprint == copied.fingerprint
    assert rows.fingerprint != packing.PackedRows(ListSource([5, 7, 9]), 4, seed=3).fingerprint
    assert rows[-1]["tokens"].tolist() == rows[len(rows) - 1]["tokens"].tolist()


def test_errors():
    rows = packing.PackedRows(ListSource([5]), 4)
    for index in (len(rows), -len(rows) - 1):
        with pytest.raises(IndexError, match="of 2"):
            rows[index]
    with pytest.raises(IndexError, match="start at 0"):
        rows.row(-1)
    with pytest.raises(ValueError, match="no tokens"):
        packing.PackedRows(ListSource([0]), 4)
    with pytest.raises(ValueError, match="seq_len"):
        packing.PackedRows(ListSource([5]), 0)
    with pytest.raises(ValueError, match="block_documents"):
        packing.PackedRows(ListSource([5]), 4, block_documents=0)
