"""GAE, whitening and group advantages against loops in numpy, under random lengths and masks."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mistral_moe.rl.advantages import gae, group_advantages, per_token, whiten
from tests.rl.examples import columns, completion_mask, random_rollout


def gae_of_row(rewards, values, gamma, lam):
    """The definition: the sum of discounted errors to the end, each with the value of the next state."""
    after = np.append(values[1:], 0.0)
    errors = rewards + gamma * after - values
    return np.array(
        [sum((gamma * lam) ** (u - t) * errors[u] for u in range(t, len(errors))) for t in range(len(errors))]
    )


def test_the_vector_that_everyone_can_check():
    advantages, returns = gae(jnp.array([[0.0, 0, 1]]), jnp.array([[0.5, 0.6, 0.7]]), jnp.ones((1, 3)))
    np.testing.assert_allclose(advantages[0], [0.46575, 0.385, 0.3], atol=1e-6)
    np.testing.assert_allclose(returns[0], [0.96575, 0.985, 1.0], atol=1e-6)


@pytest.mark.parametrize("seed", range(12))
def test_gae_is_the_loop_over_each_answer(seed):
    mask = completion_mask(random_rollout(seed))
    rewards, values = columns(seed, mask, 1.0, 2.0)
    # A critic says something in the padding too, and after the last token.
    values = np.where(mask, values, 100.0)
    gamma, lam = np.random.default_rng(seed).uniform(0.5, 1, 2) if seed % 2 else (1.0, 0.95)
    advantages, returns = jax.jit(gae)(rewards, values, mask, gamma, lam)
    for row, keep in enumerate(mask):
        expected = gae_of_row(rewards[row][keep], values[row][keep], gamma, lam)
        np.testing.assert_allclose(np.asarray(advantages[row])[keep], expected, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(np.asarray(returns[row])[keep], expected + values[row][keep], rtol=1e-4, atol=1e-5)
    assert not np.asarray(advantages)[~mask].any() and not np.asarray(returns)[~mask].any()


def test_with_lambda_one_returns_are_sums_of_rewards_whatever_the_critic_says():
    mask = completion_mask(random_rollout(3))
    rewards, values, others = columns(3, mask, 1.0, 1.0, 5.0)
    rest = np.cumsum(np.where(mask, rewards, 0)[:, ::-1], axis=1)[:, ::-1] * mask
    for critic in (values, others):
        np.testing.assert_allclose(gae(rewards, critic, mask, lam=1.0)[1], rest, atol=1e-5)


def test_no_gradient_passes_through_advantages():
    mask = np.ones((2, 3))
    for result in (0, 1):
        gradient = jax.grad(lambda values: gae(jnp.ones((2, 3)), values, mask)[result].sum())(jnp.ones((2, 3)))
        assert not np.asarray(gradient).any()


@pytest.mark.parametrize("seed", range(8))
def test_whitening_is_numpy_on_the_real_entries(seed):
    mask = completion_mask(random_rollout(seed))
    (values,) = columns(seed, mask, 3.0)
    real = values[mask].astype(np.float64)
    white, kept = whiten(values, mask), whiten(values, mask, keep_mean=True)
    expected = (real - real.mean()) / np.sqrt(real.var() + 1e-8)
    np.testing.assert_allclose(np.asarray(white)[mask], expected, atol=1e-5)
    np.testing.assert_allclose(np.asarray(kept)[mask], expected + real.mean(), atol=1e-5)
    assert not np.asarray(white)[~mask].any() and not np.asarray(kept)[~mask].any()
    assert np.asarray(white)[mask].mean() == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("mask", [np.zeros((2, 3)), np.array([[1, 0, 0], [0, 0, 0]])])
def test_one_entry_or_none_has_nothing_to_say(mask):
    white = whiten(np.where(mask, 4.0, np.nan), mask)
    assert np.array_equal(white, np.zeros((2, 3)))


VARIANTS = {
    "grpo": dict(),
    "dr_grpo": dict(divide_by_std=False),
    "rloo": dict(divide_by_std=False, baseline="leave_one_out"),
}


def group_loop(scores, groups, valid, variant):
    result = np.zeros(len(scores))
    for row in np.flatnonzero(valid):
        own = [scores[other] for other in np.flatnonzero(valid) if groups[other] == groups[row]]
        if variant == "rloo":
            others = [scores[o] for o in np.flatnonzero(valid) if groups[o] == groups[row] and o != row]
            result[row] = scores[row] - np.mean(others) if others else 0
        else:
            result[row] = (scores[row] - np.mean(own)) / (np.std(own) + 1e-4 if variant == "grpo" else 1)
    return result


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("seed", range(6))
def test_group_advantages_are_the_loop_over_groups_that_lie_anywhere(seed, variant):
    rng = np.random.default_rng(seed)
    scores, groups, valid = rng.normal(size=12), rng.integers(0, 4, 12), rng.integers(0, 4, 12) > 0
    given = np.where(valid, scores, np.nan).astype(np.float32)
    found = group_advantages(given, groups, valid, **VARIANTS[variant])
    np.testing.assert_allclose(found, group_loop(scores, groups, valid, variant), atol=2e-4)
    order = rng.permutation(12)
    moved = group_advantages(given[order], groups[order], valid[order], **VARIANTS[variant])
    np.testing.assert_allclose(moved, np.asarray(found)[order], atol=1e-5)


@pytest.mark.parametrize("variant", VARIANTS)
def test_equal_rewards_say_nothing_at_all(variant):
    """Exactly nothing: in float32, 0.9 added three times and divided by three is not 0.9."""
    scores = np.array([0.9] * 3 + [-3.3] * 7 + [0.1, 0.1, 0.7], np.float32)
    groups = np.array([0] * 3 + [4] * 7 + [6, 6, 5])
    found = group_advantages(scores, groups, np.ones(13, bool), **VARIANTS[variant])
    assert np.array_equal(found, np.zeros(13))
    nothing = group_advantages(np.full(3, np.nan), np.zeros(3, int), np.zeros(3, bool), **VARIANTS[variant])
    assert np.array_equal(nothing, np.zeros(3))


def test_an_unknown_baseline_is_named():
    with pytest.raises(ValueError, match="'mean' or 'leave_one_out', not 'median'"):
        group_advantages(np.ones(1), np.zeros(1, int), np.ones(1, bool), baseline="median")


def test_an_answers_number_lies_on_each_of_its_tokens():
    spread = per_token(jnp.array([2.0, jnp.nan]), jnp.array([[0, 1, 1], [0, 0, 0]]))
    assert spread.tolist() == [[0, 2, 2], [0, 0, 0]]
