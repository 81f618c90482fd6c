"""The decision: what is chosen, how much it weighs, and what the router sees of its document."""

import hypothesis
import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mistral_moe.models.mistral import Mistral
from mistral_moe.models.router import causal_mean, decide, force

logits_of = st.builds(
    # Rounded, so that ties are common.
    lambda seed, digits: np.random.default_rng(seed).normal(size=(2, 5, 6)).round(digits).astype(np.float32),
    st.integers(0, 10_000),
    st.sampled_from((0, 1, 6)),
)


@hypothesis.settings(max_examples=40, deadline=None)
@hypothesis.given(logits=logits_of, top_k=st.integers(1, 6))
def test_the_k_best_are_chosen_once_each_and_their_weights_sum_to_one(logits, top_k):
    decision = decide(jnp.asarray(logits), top_k)
    assert decision.experts.shape == decision.weights.shape == (2, 5, top_k)
    np.testing.assert_allclose(decision.weights.sum(-1), 1, atol=1e-6)
    chosen = np.take_along_axis(logits, np.asarray(decision.experts), -1)
    np.testing.assert_array_equal(chosen, -np.sort(-logits, axis=-1)[..., :top_k])
    assert all(len(set(experts)) == top_k for experts in np.asarray(decision.experts).reshape(-1, top_k).tolist())
    np.testing.assert_allclose(decision.weights, jax.nn.softmax(jnp.asarray(chosen), -1), atol=1e-6)


@hypothesis.settings(max_examples=25, deadline=None)
@hypothesis.given(logits=logits_of, favourite=st.integers(0, 5), top_k=st.integers(1, 6))
def test_a_selection_bias_changes_the_choice_but_no_weight(logits, favourite, top_k):
    bias = jnp.zeros(6).at[favourite].set(100.0)
    decision = decide(jnp.asarray(logits), top_k, bias)
    assert (decision.experts[..., 0] == favourite).all()
    chosen = np.take_along_axis(logits, np.asarray(decision.experts), -1)
    np.testing.assert_allclose(decision.weights, jax.nn.softmax(jnp.asarray(chosen), -1), atol=1e-6)
    assert np.array_equal(decision.logits, logits)


def test_no_gradient_reaches_the_selection_bias():
    logits = jnp.asarray(np.random.default_rng(0).normal(size=(1, 4, 3)), jnp.float32)
    gradient = jax.grad(lambda bias: jnp.sum(decide(logits, 2, bias).weights * jnp.arange(2)))(jnp.ones(3))
    assert not gradient.any()


@hypothesis.settings(max_examples=25, deadline=None)
@hypothesis.given(cuts=st.lists(st.sets(st.integers(1, 11)), min_size=2, max_size=2), seed=st.integers(0, 99))
def test_the_causal_mean_is_a_loop_over_each_document(cuts, seed):
    x = np.random.default_rng(seed).normal(size=(2, 12, 3)).astype(np.float32)
    positions, expected = np.zeros((2, 12), np.int32), np.array(x)
    for row, begins in enumerate(cuts):
        start = 0
        for place in range(12):
            start = place if place in begins else start
            positions[row, place] = place - start
            expected[row, place] = x[row, start : place + 1].mean(axis=0)
    found = _compiled_mean(x, positions)
    np.testing.assert_allclose(found, expected, atol=1e-5)


_compiled_mean = jax.jit(causal_mean)


def test_the_causal_mean_does_not_carry_rounding_from_one_document_to_the_next():
    """A difference of cumulative sums would lose the small document behind the large one."""
    x = jnp.array([[1e8, 3e7, 1e-3, 2e-3]])[..., None]
    mean = causal_mean(x, jnp.array([[0, 1, 0, 1]]))
    np.testing.assert_allclose(mean[0, 2:, 0], [1e-3, 1.5e-3], rtol=1e-6)


@pytest.mark.parametrize("expert", (2, np.array([[0, 1, 2], [2, 1, 0]])))
def test_force_sends_every_token_where_it_is_told(expert):
    decision = force(jnp.asarray(expert), jnp.zeros((2, 3, 7)), 4)
    assert np.array_equal(decision.experts[..., 0], np.broadcast_to(expert, (2, 3)))
    assert decision.logits.shape == (2, 3, 4) and (decision.weights == 1).all()


@pytest.mark.parametrize("scope, layers", [("model", 1), ("layer", 2)])
@pytest.mark.parametrize("context", ("mean", "none"))
def test_the_router_is_float32_and_decides_once_a_scope(tiny_config, tiny_params, packed_batch, scope, layers, context):
    config = tiny_config(experts=5, top_k=3, router_scope=scope, router_context=context, dtype="bfloat16")
    batch = packed_batch()
    args = ({"params": tiny_params(config)}, batch["tokens"], batch["segment_ids"], batch["positions"])
    decision = jax.eval_shape(Mistral(config).apply, *args).decision
    assert decision.logits.shape == (layers, 2, 16, 5) and decision.experts.shape == (layers, 2, 16, 3)
    assert decision.logits.dtype == decision.weights.dtype == jnp.float32
