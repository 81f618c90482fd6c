"""Repetition is counted as the published definitions say, held against their plainest form."""

import collections

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from data.processors.repetition import NGrams, repeated


def plain_top(words, n):
    grams = [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]
    if not grams:
        return 0
    gram, count = collections.Counter(grams).most_common(1)[0]
    return (sum(map(len, gram)) + n - 1) * count


def plain_repeated(words, n):
    seen, total, at = set(), 0, 0
    while at + n <= len(words):
        gram = tuple(words[at : at + n])
        if gram in seen:
            total += sum(map(len, gram))
            at += n
        else:
            seen.add(gram)
            at += 1
    return total


def n_grams(words):
    numbers = {word: number for number, word in enumerate(dict.fromkeys(words))}
    return NGrams(np.array([numbers[w] for w in words], np.int64), np.array([len(w) for w in words], np.int64))


@hypothesis.given(st.lists(st.sampled_from(["a", "bb", "ccc", "dddd"]), max_size=60))
@hypothesis.settings(max_examples=300)
def test_as_the_plain_form(words):
    grams = n_grams(words)
    for n in (2, 3, 4):
        assert grams.top_characters(n) == plain_top(words, n)
    for n in range(5, 11):
        assert grams.repeated_characters(n) == plain_repeated(words, n)


@hypothesis.given(st.integers(0, 2**32 - 1), st.integers(1, 400), st.integers(2, 50))
@hypothesis.settings(max_examples=50)
def test_as_the_plain_form_on_long_texts(seed, size, kinds):
    rng = np.random.default_rng(seed)
    words = [f"w{number}" for number in rng.integers(0, kinds, size)]
    words += words[: size // 2]
    grams = n_grams(words)
    # Whatever is asked first.
    assert grams.repeated_characters(7) == plain_repeated(words, 7)
    assert grams.top_characters(2) == plain_top(words, 2)


def test_a_repeated_n_gram_is_jumped_over():
    words = "a b c d e a b c d e a b c d e".split()
    assert n_grams(words).repeated_characters(5) == 10
    assert n_grams(["x"] * 11).repeated_characters(5) == 10


@pytest.mark.parametrize("words", [[], ["a"], ["a", "b"]])
def test_short_texts(words):
    grams = n_grams(words)
    assert [grams.top_characters(3), grams.repeated_characters(10)] == [0, 0]


def test_repeated_parts():
    assert repeated(["a", "bb", "a", "a", "bb"]) == (3, 4)
    assert repeated([]) == (0, 0)
