"""Exact keys, shingles and MinHash bands."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.dedup import signatures, words
from data.dedup.clusters import jaccard

TEXTS = st.text(alphabet="abc XYZ\n.é你\u0301\ud800\x00", max_size=80)


def test_exact_key_sees_content_only():
    key = signatures.exact_key("The  Café\n")
    assert len(key) == 16
    assert key == signatures.exact_key(" the cafe\u0301")
    assert key != signatures.exact_key("the café.")
    assert key != signatures.exact_key("the café", b"\x00")
    assert signatures.exact_key("a", b"b") != signatures.exact_key("a", b"B")


def test_shingles_are_the_word_five_grams():
    text = "One two three four five six. One two THREE four five!"
    hashes = words.words(words.fold(text)).hashes
    expected = sorted({int(words.ngrams(hashes[i : i + 5], 5)[0][0]) for i in range(len(hashes) - 4)})
    assert signatures.shingles(text).tolist() == expected
    # 7 places, and "one two three four five" stands there twice.
    assert len(expected) == 6


def test_short_texts_are_one_shingle():
    assert len(signatures.shingles("only four words here")) == 1
    assert signatures.shingles("only four words here") != signatures.shingles("only four words there")
    assert len(signatures.shingles("!!!")) == 1
    assert signatures.shingles("!!!") != signatures.shingles("???")
    assert len(signatures.shingles("")) == len(signatures.shingles(" \n")) == 0


def test_scripts_without_spaces_have_character_five_grams():
    assert len(signatures.shingles("深層学習は人工知能の一つである")) == len("深層学習は人工知能の一つである") - 4


@given(st.lists(TEXTS, max_size=6))
@settings(max_examples=50, deadline=None)
def test_together_is_as_alone(texts):
    together = signatures.shingle_sets(texts)
    assert [one.tolist() for one in together] == [signatures.shingles(text).tolist() for text in texts]
    bands = signatures.bands_of(together)
    assert bands.shape == (len(texts), signatures.BANDS) and bands.dtype == np.uint64
    for row, text, one in zip(bands, texts, together, strict=True):
        assert row.tolist() == signatures.band_hashes(text).tolist()
        assert (row == signatures.NO_BAND).all() == (len(one) == 0)
        assert one.tolist() == sorted(set(one.tolist()))


def test_bands_name_their_number():
    # Values that are the same in all bands must not put documents into each other's buckets.
    assert len(set(signatures.band_hashes("word").tolist())) == signatures.BANDS


@pytest.mark.parametrize("similarity", [0.5, 0.7, 0.8, 0.9])
def test_sharing_a_band_is_as_likely_as_the_theory_says(similarity):
    rng = np.random.default_rng(0)
    size, trials = 400, 600
    common = round(size * similarity)
    firsts, seconds = [], []
    for _ in range(trials):
        values = rng.integers(0, 2**64, size, dtype=np.uint64)
        middle = common + (size - common) // 2
        firsts.append(np.sort(values[:middle]))
        seconds.append(np.sort(np.concatenate([values[:common], values[middle:]])))
    assert jaccard(firsts[0], seconds[0]) == common / size
    shared = (signatures.bands_of(firsts) == signatures.bands_of(seconds)).any(axis=1).mean()
    expected = 1 - (1 - similarity**signatures.ROWS) ** signatures.BANDS
    # Four standard deviations of the count, and what the rows' not being independent adds.
    assert abs(shared - expected) < 4 * (expected * (1 - expected) / trials) ** 0.5 + 0.02


def test_bands_of_a_known_text_stay_what_they_are():
    # Signatures are stored between runs: a new rensa that makes other ones must not go unnoticed.
    assert signatures.version() == "minhash-112-28x8-words5-seed1-rensa2"
    known = [12986847859287095355, 17115691666442291264]
    assert signatures.band_hashes("the quick brown fox jumps over the lazy dog")[:2].tolist() == known
