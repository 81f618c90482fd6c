"""The losses of PPO (Schulman et al. 2017, arXiv:1707.06347): policy, critic, and what to log of them."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp

from mistral_moe.rl import kl
from mistral_moe.rl.masked import Over, loss_mean, masked_max, masked_mean, real_values


@dataclasses.dataclass(frozen=True)
class PolicyTerms:
    """How a policy's loss is made.

    Attributes:
      clip: bounds of the ratio of the new probability to the old, around 1.
      dual_clip: where the advantage is negative, the ratio from which on nothing more is gained (Ye et al. 2020,
        arXiv:1912.09729; 3 there); None is off.
      over: what the loss is a mean over (`masked.loss_mean`).
      constant: its length in tokens, where it is over `constant`.
    """

    clip: tuple[float, float] = (0.8, 1.2)
    dual_clip: float | None = None
    over: Over = "token"
    constant: int | None = None

    def __post_init__(self) -> None:
        if not 0 < self.clip[0] <= 1 <= self.clip[1]:
            raise ValueError(f"the ratio is clipped to bounds around 1, not to {self.clip}")
        if self.dual_clip is not None and not self.dual_clip > self.clip[1]:
            raise ValueError(f"the dual clip lies above the upper bound {self.clip[1]}, not at {self.dual_clip}")


def policy_loss(
    log_probs: jax.Array,
    old_log_probs: jax.Array,
    advantages: jax.Array,
    mask: jax.Array,
    terms: PolicyTerms = PolicyTerms(),
) -> tuple[jax.Array, dict[str, jax.Array]]:
    """The clipped surrogate, to be minimised.

    A token whose clipped branch is the lower one has no gradient at all; the others have that of ratio * advantage.

    Args:
      log_probs: [B, T] nats of the policy that is trained.
      old_log_probs: [B, T] nats of the policy that drew the tokens, from the training forward pass.
      advantages: [B, T].
      mask: [B, T], true for the completion's tokens of rows that are learned from.
      terms: how.

    Returns:
      The float32 scalar and, as float32 scalars over the mask: `policy_loss`; `clip_fraction`, the share of tokens that
      a bound holds; `dual_clip_fraction`; `approximate_kl`, of the old policy from the new in nats a token (k3);
      `ratio_error`, the largest |ratio - 1|, which is 0 up to rounding in the first minibatch.
    """
    advantages = jax.lax.stop_gradient(real_values(advantages, mask))
    change = kl.log_ratio(log_probs, jax.lax.stop_gradient(old_log_probs), mask)
    ratio = kl.ratio(change)
    gain, clipped_gain = ratio * advantages, jnp.clip(ratio, *terms.clip) * advantages
    is_clipped = clipped_gain < gain
    gain = jnp.where(is_clipped, jax.lax.stop_gradient(clipped_gain), gain)
    is_dual = jnp.zeros_like(is_clipped)
    if terms.dual_clip is not None:
        is_dual = (advantages < 0) & (ratio > terms.dual_clip)
        gain = jnp.where(is_dual, terms.dual_clip * advantages, gain)
    loss = loss_mean(-gain, mask, terms.over, terms.constant)
    change = jax.lax.stop_gradient(change)
    return loss, {
        "policy_loss": jax.lax.stop_gradient(loss),
        "clip_fraction": masked_mean(is_clipped, mask),
        "dual_clip_fraction": masked_mean(is_dual, mask),
        "approximate_kl": masked_mean(kl.k3(-change), mask),
        "ratio_error": masked_max(jnp.abs(jnp.expm1(change)), mask),
    }


def value_loss(
    values: jax.Array,
    old_values: jax.Array,
    returns: jax.Array,
    mask: jax.Array,
    clip: float | None = 0.2,
    over: Over = "token",
    constant: int | None = None,
) -> tuple[jax.Array, dict[str, jax.Array]]:
    """Half the squared error of the critic, whose change since the rollout is clipped: the worse of the clipped and the
    free value counts.

    Args:
      values: [B, T] of the critic that is trained.
      old_values: [B, T] of the critic at the time of the rollout.
      returns: [B, T].
      mask: [B, T].
      clip: largest change, in units of the reward; None is none.
      over, constant: as in `masked.loss_mean`.

    Returns:
      The float32 scalar and, as float32 scalars: `value_loss`; `value_clip_fraction`; `explained_variance`, 1 minus the
      variance of what the old values left of the returns over that of the returns (1 is perfect, 0 no better than their
      mean; 0 where the returns don't vary).
    """
    old_values, returns = jax.lax.stop_gradient((real_values(old_values, mask), real_values(returns, mask)))
    values = real_values(values, mask)
    errors = jnp.square(values - returns)
    is_clipped = jnp.zeros(mask.shape, bool)
    if clip is not None:
        held = jnp.square(old_values + jnp.clip(values - old_values, -clip, clip) - returns)
        # Within the clip both are the same but for rounding, which must not take the gradient away.
        is_clipped = (jnp.abs(values - old_values) > clip) & (held > errors)
        errors = jnp.where(is_clipped, jax.lax.stop_gradient(held), errors)
    loss = 0.5 * loss_mean(errors, mask, over, constant)

    def variance(x: jax.Array) -> jax.Array:
        return masked_mean(jnp.square(x - masked_mean(x, mask)), mask)

    spread = variance(returns)
    explained = jnp.where(spread > 0, 1 - variance(returns - old_values) / jnp.where(spread > 0, spread, 1.0), 0.0)
    return loss, {
        "value_loss": jax.lax.stop_gradient(loss),
        "value_clip_fraction": masked_mean(is_clipped, mask),
        "explained_variance": explained,
    }


def ppo_loss(
    policy: tuple[jax.Array, dict[str, jax.Array]],
    value: tuple[jax.Array, dict[str, jax.Array]],
    entropy: jax.Array,
    mask: jax.Array,
    value_coefficient: float = 0.1,
    entropy_coefficient: float = 0.0,
) -> tuple[jax.Array, dict[str, jax.Array]]:
    """What a policy and a critic on one trunk minimise together.

    Args:
      policy: of `policy_loss`.
      value: of `value_loss`.
      entropy: [B, T] nats (`log_probs.log_probs_and_entropy`).
      mask: [B, T].
      value_coefficient: of the critic's loss.
      entropy_coefficient: of the mean entropy, which is rewarded. At 0 it is only logged.

    Returns:
      The scalar, and the statistics of both with `entropy`, nats a token.
    """
    mean_entropy = masked_mean(entropy, mask)
    total = policy[0] + value_coefficient * value[0] - entropy_coefficient * mean_entropy
    return total, policy[1] | value[1] | {"entropy": jax.lax.stop_gradient(mean_entropy)}
