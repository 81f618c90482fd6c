"""GRPO: PPO's surrogate with the advantages of groups, and a KL that pulls back."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mistral_moe.rl.advantages import group_advantages
from mistral_moe.rl.grpo_loss import grpo_loss
from mistral_moe.rl.ppo_loss import PolicyTerms, policy_loss
from tests.rl.examples import columns, completion_mask, random_rollout


@pytest.mark.parametrize("over", ["token", "sequence"])
@pytest.mark.parametrize("seed", range(4))
def test_the_loss_is_the_loop_over_tokens(seed, over):
    mask = completion_mask(random_rollout(seed))
    new, old, reference = columns(seed, mask, 0.3, 0.3, 0.3)
    advantages = np.random.default_rng(seed).normal(size=5)
    losses = np.zeros(mask.shape)
    for row, place in zip(*np.nonzero(mask)):
        ratio = np.exp(np.float64(new[row, place] - old[row, place]))
        gain = min(ratio * advantages[row], np.clip(ratio, 0.8, 1.2) * advantages[row])
        away = np.float64(reference[row, place] - new[row, place])
        losses[row, place] = -gain + 0.5 * (np.exp(away) - away - 1)
    answers = [row[keep] for row, keep in zip(losses, mask) if keep.any()]
    expected = np.concatenate(answers).mean() if over == "token" else np.mean([answer.mean() for answer in answers])
    loss, _ = grpo_loss(new, old, reference, advantages, mask, 0.5, PolicyTerms(over=over))
    assert float(loss) == pytest.approx(expected, abs=1e-5)


def test_without_a_beta_it_is_the_surrogate_and_the_reference_is_not_read():
    mask = completion_mask(random_rollout(0))
    new, old = columns(0, mask, 0.3, 0.3)
    advantages = np.arange(5.0)
    loss, statistics = grpo_loss(new, old, np.full_like(new, np.nan), advantages, mask, 0.0)
    spread = np.broadcast_to(advantages[:, None], mask.shape)
    assert float(loss) == float(policy_loss(new, old, spread, mask, PolicyTerms(over="sequence"))[0])
    assert "kl_loss" not in statistics


def test_equal_rewards_leave_the_pull_to_the_reference_alone():
    mask = completion_mask(random_rollout(4))
    new, reference = columns(4, mask, 0.3, 0.3)
    nothing = group_advantages(np.full(5, 0.7), np.array([0, 0, 1, 1, 1]), mask.any(axis=1))
    gradient = jax.grad(lambda x: grpo_loss(x, new, reference, nothing, mask, 0.1)[0])(jnp.asarray(new))
    gradient = np.asarray(gradient)
    # Downhill is towards the reference, at every token.
    assert np.array_equal(np.sign(gradient[mask]), np.sign((new - reference)[mask]))
    free = jax.grad(lambda x: grpo_loss(x, new, reference, nothing, mask, 0.0)[0])(jnp.asarray(new))
    assert np.array_equal(free, np.zeros_like(new))
