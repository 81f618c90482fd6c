"""Clusters of near duplicates on Apache Beam, equal to those of `data.dedup.clusters` to the last member.

Both call the same rules: `bucket_pairs` of a bucket's sorted keys, `is_similar` of two shingle sets, `close_pairs` of
images. What differs is how edges become components. A pipeline has a fixed number of steps, so it unrolls `rounds` of
large-star and small-star, and what has not settled by then (nothing, as a rule) is finished in one place: the result is
exact whatever the number of rounds. Keys are strings, bytes or integers, all of one type.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import apache_beam as beam
import numpy as np

from data.dedup import clusters, images, stars
from data.dedup.signatures import NO_BAND

ROUNDS = 5


class TextClusters(beam.PTransform):
    """Names each document's cluster by the cluster's smallest key.

    Takes {"bands": (key, uint64 [BANDS]), "shingles": (key, sorted uint64 [S])}, gives (key, representative) for each
    key of "bands". Without "shingles" every candidate pair counts as similar.
    """

    def __init__(self, threshold: float = clusters.THRESHOLD, rounds: int = ROUNDS):
        super().__init__()
        self._threshold, self._rounds = threshold, rounds

    def expand(self, inputs: dict[str, beam.PCollection]) -> beam.PCollection:
        pairs = (
            inputs["bands"]
            | "Bands" >> beam.FlatMap(_buckets)
            | "Buckets" >> beam.GroupByKey()
            | "Pairs" >> beam.FlatMap(_pairs_of_bucket)
            | "Each pair once" >> beam.Distinct()
        )
        if "shingles" in inputs:
            pairs = {"pairs": pairs, "shingles": inputs["shingles"]} | VerifiedPairs(self._threshold)
        keys = inputs["bands"] | "Keys" >> beam.Keys()
        return {"keys": keys, "pairs": pairs} | ConnectedComponents(self._rounds)


class ImageClusters(beam.PTransform):
    """Names each image's cluster by the cluster's smallest key.

    Takes (key, fingerprint as `data.dedup.images.fingerprint` gives it), gives (key, representative).
    """

    def __init__(self, limits: images.Limits = images.LIMITS, rounds: int = ROUNDS):
        super().__init__()
        self._limits, self._rounds = limits, rounds

    def expand(self, fingerprints: beam.PCollection) -> beam.PCollection:
        pairs = (
            fingerprints
            | "Parts" >> beam.FlatMap(_image_buckets, self._limits)
            | "Buckets" >> beam.GroupByKey()
            | "Pairs" >> beam.FlatMap(_pairs_of_images, self._limits)
            | "Each pair once" >> beam.Distinct()
        )
        return {"keys": fingerprints | "Keys" >> beam.Keys(), "pairs": pairs} | ConnectedComponents(self._rounds)


def _buckets(document: tuple[Any, np.ndarray]) -> Iterator[tuple[tuple[int, int], Any]]:
    key, bands = document
    for band, value in enumerate(np.asarray(bands).tolist()):
        if value != NO_BAND:
            yield (band, value), key


def _pairs_of_bucket(bucket: tuple[Any, Iterable[Any]]) -> list[tuple[Any, Any]]:
    return clusters.bucket_pairs(sorted(bucket[1]))


def _image_buckets(image: tuple[Any, np.ndarray], limits: images.Limits) -> Iterator[tuple[tuple[int, int], Any]]:
    key, fingerprint = image
    for bucket in images.buckets(fingerprint, limits):
        yield bucket, (key, fingerprint)


def _pairs_of_images(bucket: tuple[Any, Iterable[Any]], limits: images.Limits) -> Iterator[tuple[Any, Any]]:
    members = sorted(bucket[1], key=_first)
    for first, second in images.close_pairs(np.stack([one for _, one in members]), limits).tolist():
        yield members[first][0], members[second][0]


def _first(pair: tuple[Any, Any]) -> Any:
    return pair[0]


class VerifiedPairs(beam.PTransform):
    """The (smaller, larger) pairs whose shingle sets reach the threshold; takes {"pairs": ..., "shingles": (key, set)}.

    Shingles travel to the pairs in two joins, so that a worker holds the sets of one document and its partners.
    """

    def __init__(self, threshold: float):
        super().__init__()
        self._threshold = threshold

    def expand(self, inputs: dict[str, beam.PCollection]) -> beam.PCollection:
        halves = {
            "partners": inputs["pairs"],
            "shingles": inputs["shingles"],
        } | "Join the smaller" >> beam.CoGroupByKey()
        return (
            {"halves": halves | beam.FlatMap(_send), "shingles": inputs["shingles"]}
            | "Join the larger" >> beam.CoGroupByKey()
            | beam.FlatMap(_compare, self._threshold)
        )


def _send(joined: tuple[Any, dict[str, Iterable[Any]]]) -> Iterator[tuple[Any, tuple[Any, np.ndarray]]]:
    key, groups = joined
    shingles = _only(key, groups["shingles"])
    for partner in groups["partners"]:
        yield partner, (key, shingles)


def _compare(joined: tuple[Any, dict[str, Iterable[Any]]], threshold: float) -> Iterator[tuple[Any, Any]]:
    key, groups = joined
    mine = _only(key, groups["shingles"])
    for other, theirs in groups["halves"]:
        if clusters.is_similar(theirs, mine, threshold):
            yield other, key


def _only(key: Any, values: Iterable[Any]) -> Any:
    found = list(values)
    if len(found) != 1:
        raise ValueError(f"{len(found)} shingle sets of {key!r}; keys must be unique, and each have its shingles")
    return found[0]


class ConnectedComponents(beam.PTransform):
    """The smallest key of each key's component; takes {"keys": ..., "pairs": (key, key)}, gives (key, smallest)."""

    def __init__(self, rounds: int = ROUNDS):
        super().__init__()
        self._rounds = rounds

    def expand(self, inputs: dict[str, beam.PCollection]) -> beam.PCollection:
        edges = inputs["pairs"] | "Order" >> beam.FlatMap(_downward)
        for number in range(self._rounds):
            edges = (
                edges
                | f"Both ways {number}" >> beam.FlatMap(_both_ways)
                | f"Neighbours {number}" >> beam.GroupByKey()
                | f"Large star {number}" >> beam.FlatMapTuple(stars.large_star)
                | f"Smaller neighbours {number}" >> beam.GroupByKey()
                | f"Small star {number}" >> beam.FlatMapTuple(stars.small_star)
            )
        parents = edges | "Parents" >> beam.GroupByKey() | "Sort" >> beam.MapTuple(_sorted_parents)
        # A node is settled when its only parent is a root. The edges of all others, and of their parents, go to one
        # place.
        rest = (
            (parents | "By node" >> beam.Map(_own), parents | "By parent" >> beam.FlatMap(_to_parents))
            | "Own and children" >> beam.Flatten()
            | "Families" >> beam.GroupByKey()
            | "Unsettled" >> beam.FlatMapTuple(_unsettled)
            | "In one place" >> beam.GroupByKey()
            | "Finish" >> beam.FlatMapTuple(_finish)
        )
        children = parents | "Children" >> beam.MapTuple(_to_first_parent)
        moved = {"children": children, "root": rest} | "By root" >> beam.CoGroupByKey() | "Move" >> beam.FlatMap(_move)
        return (
            (inputs["keys"] | "Itself" >> beam.Map(_itself), moved)
            | "All" >> beam.Flatten()
            | "Smallest" >> beam.CombinePerKey(min)
        )


def _downward(pair: tuple[Any, Any]) -> list[tuple[Any, Any]]:
    return [] if pair[0] == pair[1] else [(max(pair), min(pair))]


def _both_ways(edge: tuple[Any, Any]) -> list[tuple[Any, Any]]:
    return [edge, edge[::-1]]


def _itself(key: Any) -> tuple[Any, Any]:
    return key, key


def _sorted_parents(node: Any, parents: Iterable[Any]) -> tuple[Any, list[Any]]:
    return node, sorted(set(parents))


def _to_first_parent(node: Any, parents: list[Any]) -> tuple[Any, Any]:
    return parents[0], node


def _own(family: tuple[Any, list[Any]]) -> tuple[Any, tuple[list[Any], list[Any]]]:
    return family[0], (family[1], [])


def _to_parents(family: tuple[Any, list[Any]]) -> Iterator[tuple[Any, tuple[list[Any], list[Any]]]]:
    node, parents = family
    for parent in parents:
        yield parent, ([], [node])


def _unsettled(node: Any, families: Iterable[tuple[list[Any], list[Any]]]) -> Iterator[tuple[int, tuple[Any, Any]]]:
    parents, children = [], []
    for some_parents, some_children in families:
        parents += some_parents
        children += some_children
    if len(parents) > 1 or (parents and children):
        beam.metrics.Metrics.counter("dedup", "unsettled_nodes").inc()
        for parent in parents:
            yield 0, (node, parent)
        for child in children:
            yield 0, (child, node)


def _finish(_: int, edges: Iterable[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    edges = list(edges)
    nodes = sorted({node for edge in edges for node in edge})
    places = {node: place for place, node in enumerate(nodes)}
    pairs = np.array([[places[first], places[second]] for first, second in edges], np.int64)
    found = clusters.representatives(pairs, len(nodes)).tolist()
    return [(node, nodes[smallest]) for node, smallest in zip(nodes, found, strict=True)]


def _move(joined: tuple[Any, dict[str, Iterable[Any]]]) -> Iterator[tuple[Any, Any]]:
    parent, groups = joined
    root = next(iter(groups["root"]), parent)
    yield parent, root
    for child in groups["children"]:
        yield child, root
