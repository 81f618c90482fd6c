"""How far the policy has gone from its reference: three estimates from drawn tokens."""

from __future__ import annotations

import flax.struct
import jax
import jax.numpy as jnp

from mistral_moe.rl.masked import masked_mean, real_values

# exp of more would drown every other token, and soon overflow: a policy's own draws don't get there.
_FURTHEST = 20.0


def log_ratio(log_probs: jax.Array, other: jax.Array, mask: jax.Array) -> jax.Array:
    """log_probs - other in float32, [B, T]; 0 outside the mask."""
    return real_values(log_probs.astype(jnp.float32) - other.astype(jnp.float32), mask)


def ratio(log_ratios: jax.Array) -> jax.Array:
    """exp of log-ratios, which are held within +-20 (and have no gradient beyond), so that none is infinite."""
    return jnp.exp(jnp.clip(log_ratios, -_FURTHEST, _FURTHEST))


def k1(log_ratios: jax.Array) -> jax.Array:
    """log pi - log pi_ref: unbiased, of high variance, often negative. What the reward pays."""
    return log_ratios


def k2(log_ratios: jax.Array) -> jax.Array:
    """(log pi - log pi_ref)^2 / 2: biased, never negative."""
    return jnp.square(log_ratios) / 2


def k3(log_ratios: jax.Array) -> jax.Array:
    """pi_ref / pi - 1 - log(pi_ref / pi): unbiased and never negative. A term of a loss, never the reward: as one its
    gradient is not that of the KL."""
    log_ratios = jnp.maximum(log_ratios, -_FURTHEST)
    # The two cancel for small ratios; expm1 keeps their digits.
    return jnp.expm1(-log_ratios) + log_ratios


@flax.struct.dataclass
class KL:
    """KL(policy || reference) of drawn tokens, in nats, float32 scalars (Schulman 2020, Approximating KL divergence).

    Attributes:
      k1, k2, k3: means over tokens.
      of_sequence: k1 summed over each answer, mean over answers: what controllers and limits are about.
    """

    k1: jax.Array
    k2: jax.Array
    k3: jax.Array
    of_sequence: jax.Array


def estimates(log_probs: jax.Array, reference_log_probs: jax.Array, mask: jax.Array) -> KL:
    """Estimates from tokens that the policy drew, at temperature 1.

    Args:
      log_probs: [B, T] nats of the policy.
      reference_log_probs: [B, T] nats of the reference.
      mask: [B, T], true for the completion's tokens. Rows without any are no answers.
    """
    apart = log_ratio(log_probs, reference_log_probs, mask)
    answers = jnp.maximum(mask.astype(bool).any(axis=1).sum(), 1)
    return KL(*(masked_mean(k(apart), mask) for k in (k1, k2, k3)), of_sequence=apart.sum() / answers)
