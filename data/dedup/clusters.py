"""From band hashes to clusters of near duplicates, by rules that depend on no order of documents and on no runner.

A bucket holds the documents that share a band. Which of its pairs are compared follows from its sorted members alone
(`bucket_pairs`); a pair is an edge where the exact Jaccard similarity says so (`verify`); a cluster is a connected
component of edges and is named by its smallest member. `data.dedup.beam_clusters` comes to the same on Apache Beam.

Documents are numbered from 0 in the order of their keys, so that the smallest number is the smallest key.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from data.dedup.signatures import NO_BAND

Key = TypeVar("Key")

# Members of a bucket up to which all pairs are compared; a larger one would cost the square of its size.
MAX_ALL_PAIRS = 32
# Jaccard similarity from which two documents are duplicates: a little below 0.72, where the bands' S-curve turns, so
# that what the bands find with odds of one half or better is not thrown away.
THRESHOLD = 0.7
_CHUNK = 1024


@functools.cache
def _all_pairs(size: int) -> np.ndarray:
    return np.stack(np.triu_indices(size, 1), axis=1).astype(np.int64)


def _pattern(size: int) -> np.ndarray:
    """Which places of a sorted bucket are compared, int64 [P, 2]."""
    if size <= MAX_ALL_PAIRS:
        return _all_pairs(size)
    others = np.arange(1, size, dtype=np.int64)
    star = np.stack([np.zeros_like(others), others], axis=1)
    return np.concatenate([star, np.stack([others[:-1], others[1:]], axis=1)])


def bucket_pairs(members: Sequence[Key]) -> list[tuple[Key, Key]]:
    """The pairs of a bucket that are compared: all of up to MAX_ALL_PAIRS members.

    In a larger bucket each member is compared with the first, and with the next: 2n - 3 pairs. A member that is like
    neither is missed in this bucket, and has its other bands.

    Args:
      members: different keys in ascending order.
    """
    return [(members[a], members[b]) for a, b in _pattern(len(members)).tolist()]


def candidate_pairs(bands: np.ndarray) -> np.ndarray:
    """The pairs of documents to compare.

    Args:
      bands: uint64 [N, BANDS]; NO_BAND stands for none.

    Returns:
      int64 [P, 2], each pair once, the smaller number first, sorted.
    """
    count = len(bands)
    found = [np.empty(0, np.int64)]
    for column in np.ascontiguousarray(bands.T):
        # Stable: members of a bucket stay in ascending order.
        order = np.argsort(column, kind="stable")
        values = column[order]
        starts = np.flatnonzero(np.append(True, values[1:] != values[:-1])) if count else np.empty(0, np.int64)
        sizes = np.diff(starts, append=count)
        wanted = (sizes > 1) & (values[starts] != NO_BAND)
        starts, sizes = starts[wanted], sizes[wanted]
        for size in np.unique(sizes).tolist():
            members = order[starts[sizes == size][:, None] + np.arange(size)]
            pairs = members[:, _pattern(size)].reshape(-1, 2)
            found.append(pairs[:, 0] * count + pairs[:, 1])
    codes = np.unique(np.concatenate(found))
    return np.stack([codes // max(count, 1), codes % max(count, 1)], axis=1)


def jaccard(first: np.ndarray, second: np.ndarray) -> float:
    """Exact Jaccard similarity of two sets given as sorted arrays of different values; of two empty ones 0."""
    small, large = (first, second) if len(first) <= len(second) else (second, first)
    if not len(small):
        return 0.0
    places = np.searchsorted(large, small)
    places[places == len(large)] = 0
    common = int(np.count_nonzero(large[places] == small))
    return common / (len(first) + len(second) - common)


def is_similar(first: np.ndarray, second: np.ndarray, threshold: float) -> bool:
    """Whether the Jaccard similarity of two shingle sets reaches the threshold."""
    smaller, larger = sorted((len(first), len(second)))
    # The similarity is at most the ratio of the sizes.
    return smaller >= threshold * larger * (1 - 1e-9) and jaccard(first, second) >= threshold


def verify(
    pairs: np.ndarray,
    load: Callable[[Sequence[int]], list[np.ndarray]],
    threshold: float = THRESHOLD,
    chunk: int = _CHUNK,
) -> np.ndarray:
    """The pairs whose shingle sets reach the threshold.

    Args:
      pairs: int64 [P, 2], sorted, so that a document's pairs meet in one chunk.
      load: shingle sets of documents, in the order asked for; asked once a chunk for at most 2 * chunk different ones.
        A `ShingleStore` answers from disk.
      threshold: smallest Jaccard similarity.
      chunk: pairs whose shingles are held at once.

    Returns:
      int64 [Q, 2], in the same order.
    """
    kept = np.zeros(len(pairs), bool)
    for begin in range(0, len(pairs), chunk):
        part = pairs[begin : begin + chunk]
        documents = np.unique(part)
        sets = load(documents.tolist())
        for place, (first, second) in enumerate(np.searchsorted(documents, part).tolist(), begin):
            kept[place] = is_similar(sets[first], sets[second], threshold)
    return pairs[kept]


def representatives(pairs: np.ndarray, count: int) -> np.ndarray:
    """For each of `count` documents its cluster's smallest, int64 [count]; itself where it has no duplicate."""
    # Its import takes half a second, which the workers that only make signatures need not wait for.
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    found = np.arange(count, dtype=np.int64)
    nodes, edges = np.unique(pairs, return_inverse=True)
    edges = edges.reshape(-1, 2)
    graph = coo_array((np.ones(len(edges), bool), (edges[:, 0], edges[:, 1])), shape=(len(nodes), len(nodes)))
    _, labels = connected_components(graph, directed=False)
    _, smallest = np.unique(labels, return_index=True)
    found[nodes] = nodes[smallest[labels]]
    return found
