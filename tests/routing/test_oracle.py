"""What each expert would have cost, in windows that never cross a document."""

import functools

import hypothesis
import hypothesis.strategies as st
import jax
import numpy as np
import pytest

from mistral_moe.routing.oracle import forced_losses, oracle_losses, oracle_posterior, window_mean

ROWS = ((5, 7, 4), (9, 3))


def losses_of(seed):
    return np.random.default_rng(seed).exponential(size=(4, 2, 16)).astype(np.float32)


@hypothesis.settings(max_examples=20, deadline=None)
@hypothesis.given(window=st.integers(1, 20), seed=st.integers(0, 1000))
def test_a_window_is_a_stretch_of_one_document(packed_batch, window, seed):
    batch, losses = packed_batch(ROWS), losses_of(seed)
    batch["loss_weights"] = np.random.default_rng(seed).uniform(0.1, 1, (2, 16)).astype(np.float32)
    found = window_mean(losses, batch, window)
    for row in range(2):
        for place in range(sum(ROWS[row])):
            same = [
                other
                for other in range(16)
                if batch["segment_ids"][row, other] == batch["segment_ids"][row, place]
                and batch["positions"][row, other] // window == batch["positions"][row, place] // window
            ]
            expected = np.average(losses[:, row, same], axis=1, weights=batch["loss_weights"][row, same])
            np.testing.assert_allclose(found[:, row, place], expected, rtol=1e-4)


@hypothesis.settings(max_examples=20, deadline=None)
@hypothesis.given(window=st.integers(1, 20), seed=st.integers(0, 1000), temperature=st.sampled_from((1e-4, 0.1, 10.0)))
def test_the_posterior_sums_to_one_and_prefers_the_best_expert(packed_batch, window, seed, temperature):
    batch, losses = packed_batch(ROWS), losses_of(seed)
    posterior = np.asarray(oracle_posterior(losses, batch, window, temperature))
    np.testing.assert_allclose(posterior.sum(-1), 1, atol=1e-5)
    best = np.asarray(window_mean(losses, batch, window)).argmin(axis=0)
    reached = np.take_along_axis(posterior, best[..., None], -1)[..., 0]
    assert (reached >= posterior.max(-1) - 1e-6).all()
    if temperature == 1e-4:
        assert np.mean(reached[batch["loss_weights"] > 0] > 0.99) > 0.9


@hypothesis.settings(max_examples=20, deadline=None)
@hypothesis.given(window=st.integers(1, 20), seed=st.integers(0, 1000))
def test_a_finer_oracle_is_never_worse(packed_batch, window, seed):
    batch, losses = packed_batch(ROWS), losses_of(seed)
    token, windowed = oracle_losses(losses, batch, window)
    weights = batch["loss_weights"]
    assert np.array_equal(token, losses.min(axis=0))
    assert (token <= windowed).all()
    single = (losses * weights).sum((1, 2)).min()
    assert (token * weights).sum() <= (windowed * weights).sum() + 1e-4 <= single + 2e-4


def test_windows_of_one_token_are_the_token_oracle(packed_batch):
    token, windowed = oracle_losses(losses_of(0), packed_batch(ROWS), 1)
    real = packed_batch(ROWS)["loss_weights"] > 0
    assert np.array_equal(np.asarray(token)[real], np.asarray(windowed)[real])


def test_tokens_without_weight_have_no_say(packed_batch):
    batch, losses = packed_batch(((16,), (16,))), losses_of(0)
    batch["loss_weights"][:, :8] = 0
    other = losses.copy()
    other[:, :, :8] *= 100
    np.testing.assert_allclose(window_mean(losses, batch, 16), window_mean(other, batch, 16), rtol=1e-6)


@pytest.mark.parametrize("steps", (0, 2))
def test_forced_passes_use_the_reasoning_steps_they_are_given(tiny_config, tiny_params, packed_batch, steps):
    config = tiny_config(experts=3, has_reasoning=True)
    params, batch = tiny_params(config), packed_batch()
    closed = jax.jit(functools.partial(forced_losses, config))(params, batch)
    params["reasoning"]["gate"] = params["reasoning"]["gate"] + 0.5
    opened = jax.jit(functools.partial(forced_losses, config, reasoning_steps=steps))(params, batch)
    assert opened.shape == (3, 2, 16)
    assert np.allclose(closed, opened, atol=1e-6) == (steps == 0)
