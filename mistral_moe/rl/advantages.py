"""How much better an action was than expected: by a critic (GAE), or by its group of answers to one prompt."""

from __future__ import annotations

from typing import Literal

import jax
import jax.numpy as jnp

from mistral_moe.rl.masked import masked_mean, real_values

Baseline = Literal["mean", "leave_one_out"]


def gae(
    rewards: jax.Array, values: jax.Array, mask: jax.Array, gamma: float = 1.0, lam: float = 0.95
) -> tuple[jax.Array, jax.Array]:
    """Generalised advantage estimation (Schulman et al. 2016, arXiv:1506.02438).

    The end of a completion is the end of the episode: values after its last token count as 0 before anything is
    computed, so that nothing of the padding, where a critic says whatever it says, leaks into the last advantage.

    Args:
      rewards: [B, T], at t the reward for token t.
      values: [B, T], at t the value of the state in which token t was chosen.
      mask: [B, T], true for the completion's tokens: one unbroken run in each row.
      gamma: discount of a step.
      lam: of the exponential mean over horizons; 1 is Monte Carlo, 0 one step.

    Returns:
      Advantages and returns (advantages + values), [B, T] float32 each, 0 outside the mask and without gradient.
    """
    rewards, values = real_values(rewards, mask), real_values(values, mask)
    after = jnp.pad(values[:, 1:], ((0, 0), (0, 1)))
    errors = real_values(rewards + gamma * after - values, mask)

    def step(later: jax.Array, error: jax.Array) -> tuple[jax.Array, jax.Array]:
        now = error + gamma * lam * later
        return now, now

    _, advantages = jax.lax.scan(step, jnp.zeros_like(errors[:, 0]), errors.T, reverse=True)
    # Before the completion the scan has gone on through the prompt.
    advantages = real_values(advantages.T, mask)
    return jax.lax.stop_gradient((advantages, advantages + values))


def whiten(values: jax.Array, mask: jax.Array, keep_mean: bool = False, epsilon: float = 1e-8) -> jax.Array:
    """Divides by the deviation over the mask, after taking the mean away.

    Meant for a whole batch: over each minibatch by itself, advantages would depend on which rows lie together.

    Args:
      values: [B, T].
      mask: [B, T].
      keep_mean: adds the mean again, undivided: for rewards, whose sign means something.
      epsilon: added to the variance (of the population: divided by n).

    Returns:
      [B, T] float32, 0 outside the mask.
    """
    values = real_values(values, mask)
    mean = masked_mean(values, mask)
    scale = jax.lax.rsqrt(masked_mean((values - mean) ** 2, mask) + epsilon)
    return real_values((values - mean) * scale + (mean if keep_mean else 0.0), mask)


def group_advantages(
    scores: jax.Array,
    groups: jax.Array,
    valid: jax.Array,
    divide_by_std: bool = True,
    baseline: Baseline = "mean",
    epsilon: float = 1e-4,
) -> jax.Array:
    """How each answer stands among the answers to its prompt.

    GRPO (Shao et al. 2024, arXiv:2402.03300) is the default; without `divide_by_std` it is Dr. GRPO (Liu et al. 2025,
    arXiv:2503.20783), which doesn't favour prompts that are almost always or almost never solved; `leave_one_out`
    without the division is RLOO (Ahmadian et al. 2024, arXiv:2402.14740).

    Args:
      scores: [B].
      groups: [B] int32; rows of one number answer one prompt. They need not lie together.
      valid: [B] bool; other rows count in no group and get 0.
      divide_by_std: by the group's deviation (of the population) plus epsilon.
      baseline: what is taken away: the mean of the group, or of the others in it.
      epsilon: keeps groups of almost equal scores from noise of the size of answers that differ.

    Returns:
      [B] float32 without gradient: exactly 0 in a group of equal scores, and for an answer alone in its group.

    Raises:
      ValueError: an unknown baseline.
    """
    if baseline not in ("mean", "leave_one_out"):
        raise ValueError(f"a group's baseline is 'mean' or 'leave_one_out', not {baseline!r}")
    valid = valid.astype(bool)
    # [B, B], fused into the sums over it. Scattered sums may add in another order each time, and a resume must not.
    together = (groups[:, None] == groups[None, :]) & valid[None, :]

    def total(values: jax.Array) -> jax.Array:
        return jnp.where(together, values, 0.0).sum(axis=1)

    # From the group's lowest score on, equal scores are exact zeros, whose mean doesn't round.
    scores = scores.astype(jnp.float32)
    lowest = jnp.where(together, scores, jnp.inf).min(axis=1)
    above = real_values(scores - lowest, valid)
    count = jnp.maximum(together.sum(axis=1), 1.0)
    advantages = above - total(above) / count
    if divide_by_std:
        scale = jnp.sqrt(total(advantages**2) / count) + epsilon
    else:
        scale = 1.0
    if baseline == "leave_one_out":
        # x - (sum - x) / (n - 1) = (x - mean) * n / (n - 1)
        advantages = advantages * count / jnp.maximum(count - 1.0, 1.0)
    return jax.lax.stop_gradient(real_values(advantages / scale, valid))


def per_token(of_rows: jax.Array, mask: jax.Array) -> jax.Array:
    """[B] -> [B, T] float32: each row's number on all of its masked tokens."""
    return real_values(jnp.broadcast_to(of_rows[:, None], mask.shape), mask)
