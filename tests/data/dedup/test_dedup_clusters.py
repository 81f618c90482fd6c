"""Candidates, verification, components and which document stays: each against the obvious slow way."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.dedup import clusters, keep, stars
from data.dedup.shingle_store import ShingleStore
from data.dedup.signatures import NO_BAND

EDGES = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=60)


def components(edges, count):
    """By following every edge again and again."""
    label = list(range(count))
    for _ in range(count):
        for a, b in edges:
            label[a] = label[b] = min(label[a], label[b])
    return label


def test_small_buckets_compare_all_and_large_ones_a_line_of_them():
    assert clusters.bucket_pairs("abc") == [("a", "b"), ("a", "c"), ("b", "c")]
    assert clusters.bucket_pairs("a") == []
    most = clusters.bucket_pairs(range(clusters.MAX_ALL_PAIRS))
    assert most == list(itertools.combinations(range(clusters.MAX_ALL_PAIRS), 2))
    size = clusters.MAX_ALL_PAIRS + 1
    pairs = set(clusters.bucket_pairs(range(size)))
    assert pairs == {(0, b) for b in range(1, size)} | {(a, a + 1) for a in range(1, size - 1)}
    assert len(clusters.bucket_pairs(range(size))) == len(pairs)


@given(st.lists(st.lists(st.integers(0, 3), min_size=2, max_size=2), max_size=120))
@settings(max_examples=50, deadline=None)
def test_candidates_are_the_pairs_of_all_buckets(rows):
    bands = np.array(rows, np.uint64).reshape(-1, 2)
    expected = set()
    for band, value in itertools.product(range(2), range(4)):
        if value != NO_BAND:
            expected |= set(clusters.bucket_pairs([i for i, row in enumerate(rows) if row[band] == value]))
    found = clusters.candidate_pairs(bands)
    assert [tuple(pair) for pair in found.tolist()] == sorted(expected)
    assert found.dtype == np.int64


SETS = st.lists(st.frozensets(st.integers(0, 12), max_size=8), min_size=1, max_size=12)


@given(SETS, st.sampled_from([0.0, 0.3, 0.5, 0.7, 1.0]), st.integers(1, 5))
@settings(max_examples=100, deadline=None)
def test_verification_is_exact_in_chunks_of_any_size(sets, threshold, chunk):
    arrays = [np.array(sorted(one), np.uint64) for one in sets]
    asked = []

    def load(documents):
        asked.append(len(documents))
        return [arrays[number] for number in documents]

    pairs = np.array(list(itertools.combinations(range(len(sets)), 2)), np.int64).reshape(-1, 2)
    kept = clusters.verify(pairs, load, threshold, chunk)
    expected = [
        [a, b]
        for a, b in pairs.tolist()
        if (len(sets[a] & sets[b]) / len(sets[a] | sets[b]) if sets[a] | sets[b] else 0) >= threshold
    ]
    assert kept.tolist() == expected
    assert max(asked, default=0) <= 2 * chunk


@given(EDGES)
@settings(max_examples=100, deadline=None)
def test_every_way_to_components_comes_to_the_same(edges):
    expected = components(edges, 31)
    assert clusters.representatives(np.array(edges, np.int64).reshape(-1, 2), 31).tolist() == expected
    found, _ = stars.connected_components(edges)
    assert all(found.get(node, node) == label for node, label in enumerate(expected))


@pytest.mark.parametrize("length", [100, 10_000])
def test_rounds_grow_with_the_logarithm_of_a_path(length):
    rng = np.random.default_rng(0)
    names = rng.permutation(length).tolist()
    found, rounds = stars.connected_components(itertools.pairwise(names))
    assert set(found.values()) == {0} and len(found) == length
    assert rounds <= math.log2(length) + 2


def test_shingle_store_gives_back_what_it_was_given(tmp_path):
    rng = np.random.default_rng(0)
    sets = {
        number: np.unique(rng.integers(0, 2**64, size, dtype=np.uint64)) for number, size in ((7, 5), (2, 0), (90, 40))
    }
    store = ShingleStore.write(str(tmp_path / "store"), sets.items())
    for reader in (store, ShingleStore(str(tmp_path / "store"))):
        assert len(reader) == 3
        assert [one.tolist() for one in reader.load([90, 2, 7])] == [sets[n].tolist() for n in (90, 2, 7)]
        assert isinstance(reader.load([90])[0], np.memmap)
        for missing in (3, 91):
            with pytest.raises(KeyError, match=str(missing)):
                reader.load([7, missing])


def test_shingle_store_may_be_empty_and_refuses_a_number_twice(tmp_path):
    assert len(ShingleStore.write(str(tmp_path / "empty"), [])) == 0
    assert ShingleStore(str(tmp_path / "empty")).load([]) == []
    none = np.empty(0, np.uint64)
    assert ShingleStore.write(str(tmp_path / "hollow"), [(4, none)]).load([4])[0].tolist() == []
    with pytest.raises(ValueError, match="twice"):
        ShingleStore.write(str(tmp_path / "twice"), [(1, none), (1, none)])


def test_quality_comes_before_length_before_id():
    assert keep.choose([(0.5, 9, "a"), (0.9, 1, "z"), (0.9, 2, "y"), (0.9, 2, "x")]) == "x"
    assert keep.choose([(math.nan, 9, "a"), (-5.0, 1, "b")]) == "b"


MEMBERS = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from([0.0, 0.5, 1.0, math.nan]), st.integers(0, 2)), min_size=1, max_size=30
)


@given(MEMBERS, st.randoms(use_true_random=False))
@settings(max_examples=50, deadline=None)
def test_kept_is_choose_of_each_cluster_whatever_the_order(members, random):
    groups = [group for group, _, _ in members]
    representatives = np.array([groups.index(group) for group in groups])
    names = [f"{number:02}" for number in range(len(members))]
    random.shuffle(names)
    qualities, lengths = [quality for _, quality, _ in members], [length for _, _, length in members]
    stays = keep.kept(representatives, qualities, lengths, names)
    expected = {
        keep.choose([(q, n, name) for (group, q, n), name in zip(members, names, strict=True) if group == wanted])
        for wanted in set(groups)
    }
    assert {name for name, stay in zip(names, stays, strict=True) if stay} == expected
