"""Rows of whole documents beside rows of cut text: nothing is lost, nothing doubled, and what is whole stays whole."""

import collections

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data import bins, layouts

LENGTHS = st.lists(st.integers(1, 60), min_size=1, max_size=60)


@given(LENGTHS.map(collections.Counter), st.integers(60, 90))
@settings(max_examples=100)
def test_every_item_lies_in_one_bin_and_no_bin_overflows(counts, capacity):
    packed = bins.pack(counts, capacity)
    found = collections.Counter()
    for pattern, number in packed:
        assert number > 0 and sum(pattern) <= capacity
        found.update({length: pattern.count(length) * number for length in set(pattern)})
    assert found == counts
    # No two bins could be one.
    rooms = sorted((sum(pattern) for pattern, number in packed for _ in range(min(number, 2))))
    assert len(rooms) < 2 or rooms[0] + rooms[1] > capacity


@pytest.mark.parametrize(
    ("lengths", "capacity"),
    [
        (np.clip(np.random.default_rng(0).lognormal(5, 0.8, 20_000).astype(int), 8, 2048), 2048),
        (np.random.default_rng(0).integers(35, 76, 20_000), 1024),  # short ones of much the same length
        (np.random.default_rng(0).integers(20, 100, 20_000), 128),
    ],
    ids=["documents", "problems", "short rows"],
)
def test_bins_of_real_lengths_are_full(lengths, capacity):
    packed = bins.pack(collections.Counter(lengths.tolist()), capacity)
    rows = sum(number for _, number in packed)
    assert lengths.sum() / (rows * capacity) > 0.995


def test_an_item_longer_than_a_bin_is_refused():
    with pytest.raises(ValueError, match="length 9"):
        bins.pack({9: 1, 2: 5}, 8)


def epoch_of(layout, epoch):
    return [layout.pieces(epoch, row) for row in range(layout.num_rows)]


@given(LENGTHS, st.integers(1, 70), st.integers(0, 5), st.integers(0, 3), st.booleans())
@settings(max_examples=80)
def test_whole_documents_stay_whole(lengths, seq_len, seed, epoch, shuffle):
    lengths = np.array(lengths)
    documents = np.arange(0, len(lengths), 2)
    layout = layouts.FitLayout(lengths, seq_len, layouts.Order(seed, shuffle), documents)
    rows = epoch_of(layout, epoch)
    assert all(0 < sum(stop - start for _, start, stop in row) <= seq_len for row in rows)
    pieces = sorted(piece for row in rows for piece in row)
    expected = [
        (document, start, min(start + seq_len, lengths[document]))
        for document in documents.tolist()
        for start in range(0, lengths[document], seq_len)
    ]
    assert pieces == expected


@given(LENGTHS, st.integers(1, 70), st.integers(0, 3), st.booleans())
@settings(max_examples=80)
def test_a_mixed_layout_has_all_rows_of_its_parts(lengths, seq_len, epoch, shuffle):
    lengths = np.array(lengths)
    even = np.arange(len(lengths)) % 2 == 0
    order = layouts.Order(1, shuffle)
    parts = [
        layouts.SplitLayout(lengths, seq_len, order, np.flatnonzero(even)),
        layouts.FitLayout(lengths, seq_len, order, np.flatnonzero(~even)),
    ]
    mixed = layouts.MixedLayout(parts, order)
    assert sorted(epoch_of(mixed, epoch)) == sorted(row for part in parts for row in epoch_of(part, epoch))


def test_epochs_differ_and_repeat_themselves():
    lengths = np.arange(5, 60)
    layout, again = (
        layouts.FitLayout(np.repeat(lengths, 3), 64, layouts.Order(7), np.arange(3 * len(lengths))) for _ in range(2)
    )
    # Out of order and beyond what is kept.
    assert [epoch_of(layout, epoch) for epoch in (2, 0, 1, 2)] == [epoch_of(again, epoch) for epoch in (2, 0, 1, 2)]
    assert epoch_of(layout, 0) != epoch_of(layout, 1)
