"""The price of leaving the reference: fixed, or steered towards a target; and when to stop instead."""

from __future__ import annotations

import flax.struct
import jax
import jax.numpy as jnp

_LARGEST_ERROR = 0.2


@flax.struct.dataclass
class KLControl:
    """A controller's state, kept in checkpoints.

    Attributes:
      coefficient: float32, beta of `rewards.token_rewards`.
      target: nats an answer; None keeps the coefficient as it is.
      horizon: answers in which an error of one fifth changes the coefficient by as much.
    """

    coefficient: jax.Array
    target: float | None = flax.struct.field(pytree_node=False, default=None)
    horizon: float = flax.struct.field(pytree_node=False, default=10_000.0)


def fixed(coefficient: float) -> KLControl:
    """The same coefficient all along.

    Raises:
      ValueError: a negative coefficient.
    """
    if not coefficient >= 0:
        raise ValueError(f"a KL coefficient of {coefficient} would pay for leaving the reference; it is 0 or more")
    return KLControl(jnp.asarray(coefficient, jnp.float32))


def adaptive(coefficient: float, target: float = 6.0, horizon: float = 10_000.0) -> KLControl:
    """A coefficient that rises while the KL is above its target and falls below it (Ziegler et al. 2019,
    arXiv:1909.08593, section 2.2).

    Raises:
      ValueError: a coefficient, target or horizon that is not above 0. A coefficient of 0 could never rise.
    """
    if not (coefficient > 0 and target > 0 and horizon > 0):
        raise ValueError(
            f"an adaptive KL controller needs a coefficient, target and horizon above 0, not {coefficient}, {target} "
            f"and {horizon}"
        )
    return KLControl(jnp.asarray(coefficient, jnp.float32), target, horizon)


def update(control: KLControl, kl: jax.Array, answers: jax.Array | int) -> KLControl:
    """The state after a batch.

    Args:
      control: before it.
      kl: nats an answer over the batch (`kl.KL.of_sequence`). One that is not finite changes nothing.
      answers: how many the batch had; 0 changes nothing.

    Returns:
      The controller with coefficient * (1 + clip(kl / target - 1, -0.2, 0.2) * answers / horizon). One step at most
      halves it: a batch much larger than the horizon would otherwise turn it negative.
    """
    if control.target is None:
        return control
    error = jnp.clip(kl / control.target - 1, -_LARGEST_ERROR, _LARGEST_ERROR)
    factor = jnp.maximum(1 + error * answers / control.horizon, 0.5)
    factor = jnp.where(jnp.isfinite(kl), factor, 1.0)
    return control.replace(coefficient=(control.coefficient * factor).astype(jnp.float32))


def is_runaway(kl: jax.Array, limit: float) -> jax.Array:
    """Whether the KL is above a hard limit (nats an answer) or no number at all: reason to stop. bool scalar."""
    return ~(jnp.asarray(kl) <= limit)
