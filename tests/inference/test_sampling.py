"""Draws are of the distribution that a plain numpy reference describes, and a row draws alike in any company."""

import functools

import hypothesis
from hypothesis import strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mistral_moe.inference.sampling import Sampling, choose, kept_weights

VOCAB, ROWS = 24, 4
chosen = jax.jit(choose)
kept = jax.jit(kept_weights)


def sampling_of(temperature=1.0, top_k=0, top_p=1.0, min_p=0.0, seed=0, rows=ROWS):
    def row_values(value, dtype):
        return jnp.broadcast_to(jnp.asarray(value, dtype), rows)

    return Sampling(
        row_values(temperature, jnp.float32),
        row_values(top_k, jnp.int32),
        row_values(top_p, jnp.float32),
        row_values(min_p, jnp.float32),
        row_values(seed, jnp.uint32),
    )


def reference(logits, temperature, top_k, top_p, min_p):
    """[V] float64 probabilities of one row, and how near the nearest cut is to going the other way."""
    weights = np.exp((logits.astype(np.float64) - logits.max()) / temperature)
    if top_k:
        weights = np.where(logits >= np.sort(logits)[::-1][top_k - 1], weights, 0)
    nearest = np.inf
    if top_p < 1:
        order = np.argsort(-np.where(weights > 0, logits, -np.inf), kind="stable")
        held = np.cumsum(weights[order]) / weights.sum()
        last = min(np.searchsorted(held, top_p), len(held) - 1)
        nearest = np.abs(held - top_p).min()
        weights = np.where(logits >= logits[order[last]], weights, 0)
    nearest = min(nearest, np.abs(weights - min_p).min() if min_p else np.inf)
    weights = np.where(weights >= min_p, weights, 0)
    return weights / weights.sum(), nearest


@hypothesis.given(
    seed=st.integers(0, 2**32 - 1), levels=st.integers(1, 40), spread=st.sampled_from([0.0, 0.1, 1.0, 30.0])
)
@hypothesis.settings(max_examples=200)
def test_the_filters_keep_what_the_reference_keeps(seed, levels, spread):
    """Of few levels logits have many equals, -0 among them."""
    rng = np.random.default_rng(seed)
    logits = (-spread * np.round(rng.normal(size=(ROWS, VOCAB)) * levels) / levels).astype(np.float32)
    temperature, top_p = rng.uniform(0.1, 4, ROWS), rng.choice([1.0, 0.9, 0.5, 0.05], ROWS)
    top_k, min_p = rng.integers(0, VOCAB + 1, ROWS), rng.choice([0.0, 0.01, 0.3, 1.0], ROWS)
    weights = np.asarray(kept(logits, sampling_of(temperature, top_k, top_p, min_p)))
    for row in range(ROWS):
        expected, nearest = reference(logits[row], temperature[row], top_k[row], top_p[row], min_p[row])
        if nearest < 1e-5:  # the cut is a matter of rounding
            continue
        np.testing.assert_allclose(weights[row] / weights[row].sum(), expected, atol=1e-5)


def test_the_filters_are_those_of_transformers():
    torch, process = pytest.importorskip("torch"), pytest.importorskip("transformers.generation.logits_process")
    logits = np.random.default_rng(0).normal(size=(ROWS, VOCAB)).astype(np.float32) * 3
    expected = torch.tensor(logits) / 1.5
    for warp in (process.TopKLogitsWarper(10), process.TopPLogitsWarper(0.9), process.MinPLogitsWarper(0.05)):
        expected = warp(None, expected)
    weights = kept(logits, sampling_of(1.5, 10, 0.9, 0.05))
    np.testing.assert_allclose(weights / weights.sum(axis=-1, keepdims=True), torch.softmax(expected, -1), atol=1e-6)


@pytest.mark.parametrize(
    "filters", [{}, {"top_k": 5}, {"top_p": 0.8}, {"min_p": 0.2}, {"temperature": 0.5, "top_k": 9, "top_p": 0.9}]
)
def test_frequencies_are_the_probabilities(filters):
    rows = 20_000
    logits = np.random.default_rng(1).normal(size=VOCAB).astype(np.float32) * 2
    settings = {"temperature": 1.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0} | filters
    sampling = sampling_of(**settings, seed=np.arange(rows), rows=rows)
    tokens, log_probs = chosen(np.broadcast_to(logits, (rows, VOCAB)), sampling, jnp.zeros(rows, jnp.int32))
    expected, _ = reference(logits, **settings)
    counts = np.bincount(tokens, minlength=VOCAB)
    assert not counts[expected == 0].any()
    inside = expected > 0
    chi_squared = ((counts - rows * expected)[inside] ** 2 / (rows * expected[inside])).sum()
    freedom = inside.sum() - 1
    assert chi_squared < freedom + 5 * np.sqrt(2 * freedom)
    # Of the model's own distribution, whatever the filters.
    own = logits - np.log(np.exp(logits.astype(np.float64)).sum())
    np.testing.assert_allclose(log_probs, own[tokens], atol=1e-5)


def test_edge_values_are_off_and_a_temperature_of_zero_is_the_first_of_the_likeliest():
    logits = np.random.default_rng(2).normal(size=(ROWS, VOCAB)).astype(np.float32)
    off = kept(logits, sampling_of())
    # A filter of one row turns the filters of all on.
    mixed = kept(logits, sampling_of(top_k=[0, 3, 0, 0]))
    np.testing.assert_array_equal(np.delete(mixed, 1, 0), np.delete(off, 1, 0))
    np.testing.assert_array_equal(kept(logits, sampling_of(top_k=VOCAB)), off)
    assert (np.asarray(off) > 0).all()
    logits[:, [3, 7]] = 9.0
    tokens, _ = chosen(logits, sampling_of(temperature=0.0, seed=np.arange(ROWS)), jnp.zeros(ROWS, jnp.int32))
    assert tokens.tolist() == [3] * ROWS
    cold, _ = chosen(logits[:, :7], sampling_of(temperature=1e-30), jnp.zeros(ROWS, jnp.int32))
    assert cold.tolist() == [3] * ROWS


def test_a_row_draws_by_its_own_seed_and_index_and_nothing_else():
    rng = np.random.default_rng(3)
    logits = rng.normal(size=(8, VOCAB)).astype(np.float32)
    temperature = np.float32([0, 1, 2, 0.5, 1, 1, 0, 3])
    seed, index = np.arange(8) % 3, jnp.arange(8, dtype=jnp.int32) % 4
    make = functools.partial(sampling_of, top_k=7, min_p=0.01)
    tokens, log_probs = chosen(logits, make(temperature, seed=seed, rows=8), index)
    order = rng.permutation(8)
    moved, moved_log_probs = chosen(logits[order], make(temperature[order], seed=seed[order], rows=8), index[order])
    assert moved.tolist() == tokens[order].tolist() and moved_log_probs.tolist() == log_probs[order].tolist()
    for row in range(8):
        part = slice(row, row + 1)
        alone, _ = chosen(logits[part], make(temperature[part], seed=seed[part], rows=1), index[part])
        assert alone[0] == tokens[row]


def test_seeds_and_indices_draw_differently():
    logits = np.zeros((64, VOCAB), np.float32)
    by_seed, _ = chosen(logits, sampling_of(seed=np.arange(64), rows=64), jnp.zeros(64, jnp.int32))
    by_index, _ = chosen(logits, sampling_of(seed=5, rows=64), jnp.arange(64, dtype=jnp.int32))
    assert len(set(by_seed.tolist())) > 12 and len(set(by_index.tolist())) > 12
