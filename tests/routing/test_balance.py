"""The balance terms against loops, and their extremes."""

import hypothesis
import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mistral_moe.routing.balance import expert_load, load_balance_loss, router_z_loss, update_selection_bias


def example(seed, num_experts=4, top_k=2):
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(2, 3, 5, num_experts)).astype(np.float32)
    experts = np.argsort(-logits, axis=-1)[..., :top_k]
    mask = rng.integers(0, 2, (3, 5))
    mask[0, 0] = 1
    return logits, experts, mask


@hypothesis.settings(max_examples=20, deadline=None)
@hypothesis.given(seed=st.integers(0, 1000))
def test_the_terms_are_loops_over_the_real_tokens(seed):
    logits, experts, mask = example(seed)
    real = mask.astype(bool)
    balance, z = [], []
    for layer in range(2):
        load = np.bincount(experts[layer][real].reshape(-1), minlength=4) / (2 * real.sum())
        np.testing.assert_allclose(expert_load(experts, mask, 4)[layer], load, atol=1e-6)
        chances = np.asarray(jax.nn.softmax(logits[layer], -1))[real].mean(axis=0)
        balance.append(4 * (load * chances).sum())
        z.append((np.log(np.exp(logits[layer][real]).sum(-1)) ** 2).mean())
    assert float(load_balance_loss(logits, experts, mask)) == pytest.approx(np.mean(balance), abs=1e-5)
    assert float(router_z_loss(logits, mask)) == pytest.approx(np.mean(z), abs=1e-5)


def test_balance_is_one_when_even_and_the_number_of_experts_when_all_go_to_one():
    experts = np.arange(8).reshape(1, 1, 8, 1) % 4
    assert float(load_balance_loss(jnp.zeros((1, 1, 8, 4)), experts, np.ones((1, 8)))) == pytest.approx(1)
    to_one = jnp.zeros((1, 1, 8, 4)).at[..., 2].set(50.0)
    assert float(load_balance_loss(to_one, np.full_like(experts, 2), np.ones((1, 8)))) == pytest.approx(4)


def test_padding_alone_is_no_load_and_no_nan():
    logits, experts, mask = example(0)
    nothing = np.zeros_like(mask)
    for value in (
        expert_load(experts, nothing, 4),
        load_balance_loss(logits, experts, nothing),
        router_z_loss(logits, nothing),
    ):
        assert np.array_equal(value, np.zeros_like(value))


def test_the_gradient_of_balance_takes_from_the_crowded():
    logits = jnp.zeros((1, 1, 6, 3))
    experts = np.array([0, 0, 0, 0, 1, 2]).reshape(1, 1, 6, 1)
    gradient = jax.grad(load_balance_loss)(logits, experts, np.ones((1, 6))).sum((0, 1, 2))
    assert gradient[0] > 0 and (gradient[1:] < 0).all()


def test_the_selection_bias_moves_by_its_rate_towards_balance():
    bias = update_selection_bias(jnp.array([0.5, 0.0, 0.0, -0.5]), jnp.array([0.5, 0.25, 0.15, 0.1]), 0.01)
    np.testing.assert_allclose(bias, [0.49, 0.0, 0.01, -0.49], atol=1e-7)
