"""Clusters on Beam equal the local ones, pair for pair and name for name."""

import itertools
import random

import apache_beam as beam
import numpy as np
import pytest
from apache_beam.testing.util import assert_that, equal_to
from hypothesis import given, settings
from hypothesis import strategies as st

from data.dedup import beam_clusters, clusters, images, signatures


def run(build, expected):
    """Builds a pipeline on the local FnApiRunner and compares what it gives, in any order."""
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        assert_that(build(pipeline), equal_to(expected))


def edited(words, rng, share):
    return [f"new{rng.random()}" if rng.random() < share else word for word in words]


def corpus():
    """Texts with families of edited copies, one family of more than MAX_ALL_PAIRS, some texts without any word."""
    rng = random.Random(0)
    texts = ["", "   ", "!!", "!!", "short one", "Short  one"]
    for _ in range(15):
        base = [f"w{rng.randrange(400)}" for _ in range(120)]
        texts += [" ".join(edited(base, rng, rng.choice([0.0, 0.01, 0.03, 0.1]))) for _ in range(rng.randrange(1, 6))]
    base = [f"v{rng.randrange(400)}" for _ in range(120)]
    texts += [" ".join(edited(base, rng, 0.01)) for _ in range(clusters.MAX_ALL_PAIRS + 8)]
    return {f"doc-{rng.randrange(10**9):09}": text for text in texts}


def locally(keys, bands, sets, threshold):
    pairs = clusters.candidate_pairs(bands)
    if threshold is not None:
        pairs = clusters.verify(pairs, lambda numbers: [sets[number] for number in numbers], threshold)
    return [
        (key, keys[smallest]) for key, smallest in zip(keys, clusters.representatives(pairs, len(keys)), strict=True)
    ]


@pytest.mark.parametrize(("threshold", "rounds"), [(0.7, beam_clusters.ROUNDS), (None, 1)])
def test_text_clusters_equal_the_local_ones(threshold, rounds):
    texts = corpus()
    keys = sorted(texts)
    sets = signatures.shingle_sets([texts[key] for key in keys])
    bands = signatures.bands_of(sets)
    expected = locally(keys, bands, sets, threshold)
    sizes = np.unique([representative for _, representative in expected], return_counts=True)[1]
    assert sizes.max() > clusters.MAX_ALL_PAIRS and (sizes == 1).any() and (sizes == 2).any()
    order = list(range(len(keys)))
    random.Random(1).shuffle(order)

    def build(pipeline):
        inputs = {"bands": pipeline | "bands" >> beam.Create([(keys[i], bands[i]) for i in order])}
        if threshold is not None:
            inputs["shingles"] = pipeline | "shingles" >> beam.Create([(keys[i], sets[i]) for i in reversed(order)])
        return inputs | beam_clusters.TextClusters(threshold or 0.0, rounds)

    run(build, expected)


GRAPHS = st.lists(st.tuples(st.integers(0, 15), st.integers(0, 15)), max_size=25)


@given(GRAPHS, st.integers(0, 2))
@settings(max_examples=5, deadline=None)
def test_components_are_exact_after_any_number_of_rounds(edges, rounds):
    expected = clusters.representatives(np.array(edges, np.int64).reshape(-1, 2), 16).tolist()

    def build(pipeline):
        inputs = {"keys": pipeline | beam.Create(range(16)), "pairs": pipeline | "pairs" >> beam.Create(edges)}
        return inputs | beam_clusters.ConnectedComponents(rounds)

    run(build, list(enumerate(expected)))


def test_a_long_path_is_settled_by_the_rounds_and_needs_no_finish():
    names = [f"n{number:03}" for number in random.Random(0).sample(range(1000), 60)]
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        inputs = {
            "keys": pipeline | beam.Create(names),
            "pairs": pipeline | "p" >> beam.Create(list(itertools.pairwise(names))),
        }
        found = inputs | beam_clusters.ConnectedComponents(beam_clusters.ROUNDS)
        assert_that(found, equal_to([(name, min(names)) for name in names]))
    counters = pipeline.result.metrics().query(beam.metrics.MetricsFilter().with_name("unsettled_nodes"))["counters"]
    assert sum(counter.committed for counter in counters) == 0


def test_a_document_without_its_shingles_is_an_error():
    def build(pipeline):
        bands = np.ones(signatures.BANDS, np.uint64)
        inputs = {
            "bands": pipeline | beam.Create([("a", bands), ("b", bands)]),
            "shingles": pipeline | "s" >> beam.Create([("a", np.ones(1, np.uint64))]),
        }
        return inputs | beam_clusters.TextClusters()

    with pytest.raises(Exception, match="0 shingle sets of 'b'"):
        run(build, [])


def test_image_clusters_equal_the_local_ones():
    rng = np.random.default_rng(0)
    prints = rng.integers(0, 256, (40, images.FINGERPRINT_BYTES), dtype=np.uint8)
    prints[20:30] = prints[:10]
    prints[20:30, 0] ^= np.array([0, 1, 3, 7, 15, 31, 63, 1, 3, 7], np.uint8)
    prints[27, 8:] ^= 255
    expected = clusters.representatives(images.near_pairs(prints), 40).tolist()
    assert len(set(expected)) == 40 - 7

    def build(pipeline):
        order = rng.permutation(40).tolist()
        return pipeline | beam.Create([(i, prints[i]) for i in order]) | beam_clusters.ImageClusters()

    run(build, list(enumerate(expected)))
