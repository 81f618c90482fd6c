"""The terms that keep a router honest, each apart, each counted once."""

from __future__ import annotations

import jax
import jax.numpy as jnp


def expert_load(experts: jax.Array, mask: jax.Array, num_experts: int) -> jax.Array:
    """Share of the assignments that each expert receives.

    Args:
      experts: [..., B, T, k] int32.
      mask: [B, T], 1 for real tokens.
      num_experts: E.

    Returns:
      [..., E] float32, summing to 1 (leading layer axes are kept).
    """
    chosen = jax.nn.one_hot(experts, num_experts, dtype=jnp.float32).sum(axis=-2)  # [..., B, T, E]
    total = jnp.einsum("...BTE,BT->...E", chosen, mask.astype(jnp.float32))
    return total / jnp.maximum(total.sum(axis=-1, keepdims=True), 1.0)


def load_balance_loss(logits: jax.Array, experts: jax.Array, mask: jax.Array) -> jax.Array:
    """E * sum_e f_e * P_e, averaged over layers (Fedus et al. 2021, arXiv:2101.03961); 1 when perfectly balanced.

    Args:
      logits: [L, B, T, E] float32.
      experts: [L, B, T, k] int32.
      mask: [B, T], 1 for real tokens.

    Returns:
      A float32 scalar; its gradient reaches the router through P alone.
    """
    num_experts = logits.shape[-1]
    load = expert_load(experts, mask, num_experts)
    weight = mask.astype(jnp.float32) / jnp.maximum(mask.sum(), 1.0)
    mean_probability = jnp.einsum("LBTE,BT->LE", jax.nn.softmax(logits, axis=-1), weight)
    return num_experts * jnp.mean(jnp.sum(load * mean_probability, axis=-1))


def router_z_loss(logits: jax.Array, mask: jax.Array) -> jax.Array:
    """Mean squared log-partition of the router (Zoph et al. 2022, arXiv:2202.08906). logits [L, B, T, E] -> scalar."""
    weight = mask.astype(jnp.float32) / jnp.maximum(mask.sum(), 1.0)
    return jnp.mean(jnp.einsum("LBT,BT->L", jax.nn.logsumexp(logits, axis=-1) ** 2, weight))


def update_selection_bias(bias: jax.Array, load: jax.Array, rate: float) -> jax.Array:
    """Raises the choice of starved experts and lowers that of crowded ones (Wang et al. 2024, arXiv:2408.15664).

    Args:
      bias: [..., E] added to the router's scores for the choice alone.
      load: [..., E] share of the assignments.
      rate: step of the update.

    Returns:
      [..., E] the new bias.
    """
    return bias + rate * jnp.sign(1.0 / load.shape[-1] - load)
