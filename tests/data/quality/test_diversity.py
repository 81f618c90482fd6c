"""Diversity: exact whatever the batch's size, high for ordinary texts and low for repetition."""

from __future__ import annotations

import itertools
import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.document import Document, ReadRequest
from data.quality import diversity
from data.sources import package_docs, stdlib_code

_RNG = random.Random(7)
_WORDS = ["".join(_RNG.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(_RNG.randint(2, 9))) for _ in range(4000)]
_WEIGHTS = [1 / (rank + 3) for rank in range(len(_WORDS))]


def documents(texts, media=b""):
    return [Document(text, "language", "s:x", "CC0-1.0", media=media) for text in texts]


def _story(rng: random.Random) -> str:
    """A text of one source: words by Zipf's law, and one of a few phrases that its texts share."""
    words = rng.choices(_WORDS, _WEIGHTS, k=rng.randint(20, 120))
    shared = rng.choice(_WORDS[:12]) + " once upon a time there was a " + rng.choice(_WORDS[:12])
    return shared + " " + " ".join(words)


@pytest.fixture(scope="module")
def source():
    """8,192 texts of one source."""
    rng = random.Random(3)
    return documents([_story(rng) for _ in range(8192)])


def test_a_batch_of_8_and_one_of_8192_have_the_same_diversity_within_noise(source):
    whole = diversity.measure(source)
    for size in (8, 64, 512):
        batches = [diversity.measure(source[at : at + size]) for at in range(0, min(128 * size, 8192), size)]
        values = np.array([batch.value for batch in batches])
        noise = values.std(ddof=1) / math.sqrt(len(values))
        assert abs(values.mean() - whole.value) < 4 * noise, size
        assert values.std() < 0.05
    assert 0.3 < whole.value < 0.98  # the source has both repetition and none


def test_distinct_shares_of_plain_counting_do_move(source):
    """What the estimate is for: the naive share of a batch's distinct n-grams falls with its size."""

    def naive(batch):
        hashes = np.concatenate([diversity.ngram_hashes(document.text) for document in batch])
        return len(np.unique(hashes)) / len(hashes)

    assert naive(source[:8]) - naive(source) > 0.03


def test_the_expectation_over_batches_is_exactly_that_of_all():
    """Every 8 of 10 documents, averaged, give what the formula gives for the 10, if all are of one length."""
    rng = random.Random(5)
    texts = [" ".join(rng.choices(_WORDS[:40], k=300)) for _ in range(10)]
    batch = documents(texts)
    assert all(len(np.unique(diversity.ngram_hashes(text))) >= diversity.SKETCH for text in texts)
    parts = [diversity.measure(part) for part in itertools.combinations(batch, diversity.DRAWN)]
    whole = diversity.measure(batch)
    assert np.mean([part.between for part in parts]) == pytest.approx(whole.between, abs=1e-12)
    assert np.mean([part.within for part in parts]) == pytest.approx(whole.within, abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 6), min_size=1, max_size=5), st.integers(1, 6))
def test_expected_distinct_is_the_mean_over_all_draws(counts, drawn):
    things = [kind for kind, number in enumerate(counts) for _ in range(number)]
    drawn = min(drawn, len(things))
    draws = [len(set(draw)) for draw in itertools.combinations(things, drawn)]
    assert diversity.expected_distinct(np.array(counts), len(things), drawn) == pytest.approx(np.mean(draws))


def test_ordinary_prose_and_code_pass_at_every_size():
    prose = [d for d in package_docs.read(ReadRequest(seed=1, source_bytes=1 << 20)) if isinstance(d, Document)]
    code = [d for d in stdlib_code.read(ReadRequest(num_shards=16)) if isinstance(d, Document) and len(d.text) > 200]
    rng = random.Random(1)
    for batch in (prose, code, [*prose, *code]):
        for size in (8, 64):
            assert diversity.measure(rng.sample(batch, min(size, len(batch)))).value > 0.75


def _copies(rng):
    return [_story(random.Random(1))] * 40


def _near_copies(rng):
    words = _story(random.Random(2)).split()
    made = []
    for _ in range(40):
        edited = list(words)
        for _ in range(len(words) // 20):
            edited[rng.randrange(len(words))] = rng.choice(_WORDS)
        made.append(" ".join(edited))
    return made


def _template(rng):
    return [
        f"Dear {rng.choice(_WORDS)}, buy your {rng.choice(_WORDS)} today! The best price in {rng.choice(_WORDS)} is "
        f"{rng.randrange(1000)} dollars. Call {rng.randrange(10**6)} now and get {rng.randrange(99)}% off."
        for _ in range(40)
    ]


def _counting(rng):
    return [f"User {place} bought item {place * 7} for {place * 13} dollars." for place in range(40)]


def _half_copies(rng):
    return [_story(random.Random(1)) if place % 2 else _story(rng) for place in range(40)]


def _repeating(rng):
    return [
        " ".join(rng.choices(_WORDS, k=8)) + ". " + (" ".join(rng.choices(_WORDS, k=6)) + ". ") * 40 for _ in range(40)
    ]


@pytest.mark.parametrize("make", [_copies, _near_copies, _template, _counting, _half_copies, _repeating])
@pytest.mark.parametrize("size", [16, 40])
def test_repetition_fails(make, size):
    texts = make(random.Random(4))
    assert diversity.measure(documents(random.Random(5).sample(texts, size))).value < 0.7


def test_order_and_length_of_the_batch_do_not_matter():
    texts = [_story(random.Random(seed)) for seed in range(20)]
    batch = documents(texts)
    assert diversity.measure(batch).value == pytest.approx(diversity.measure(batch[::-1]).value)
    assert diversity.measure([*batch, *documents(["", " \n"])]) == diversity.measure(batch)


def test_edges():
    assert diversity.measure(documents(["", "  "])).value == 0
    assert diversity.measure(documents(["one"])).value == 1
    assert diversity.measure(documents(["one", "one"])).between == pytest.approx(0.5)
    assert diversity.measure(documents(["\u4eca\u65e5\u306f\u826f\u3044\u5929\u6c17\u3067\u3059"])).documents == 1


def test_one_caption_under_two_pictures_is_half_a_repetition():
    text = _story(random.Random(1))
    same = [Document(text, "multimodal", "s:x", "MIT", media=b"one", media_type="image/png")] * 2
    other = [same[0], Document(text, "multimodal", "s:x", "MIT", media=b"two", media_type="image/png")]
    assert diversity.measure(same).between == pytest.approx(0.5)
    assert diversity.measure(other).between == pytest.approx(0.75)


def test_numbers_are_content_in_mathematics_alone():
    texts = [f"Solve {place} * x + {place * 7} = {place * 13} for x." for place in range(1, 17)]
    sums = [Document(text, "math", "s:x", "CC0-1.0") for text in texts]
    assert diversity.measure(sums).value > 2 * diversity.measure(documents(texts)).value


def test_pages_are_read_without_their_mark_up():
    head = "<!DOCTYPE html>\n<html><head><meta charset='utf-8'><link href='a.css'></head><body class='x y'>"
    texts = [_story(random.Random(seed)) for seed in range(8)]
    pages = documents([f"{head}<div class='row'><p>{text}</p></div></body></html>" for text in texts])
    assert diversity.measure(pages) == diversity.measure(documents(texts))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=80), max_size=12))
def test_no_texts_make_it_fail(texts):
    found = diversity.measure(documents(texts))
    assert 0 <= found.value <= 1 and 0 <= found.between <= 1 and 0 <= found.within <= 1
