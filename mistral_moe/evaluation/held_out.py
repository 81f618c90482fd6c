"""Held-out loss: what a model pays per token, over all experts at once, and how far its router is from the best choice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
import functools

import jax
import jax.numpy as jnp
import numpy as np

from mistral_moe.kernels.cross_entropy import token_cross_entropy
from mistral_moe.models.config import MistralConfig
from mistral_moe.models.mistral import Mistral
from mistral_moe.routing.balance import expert_load
from mistral_moe.routing.oracle import forced_losses, oracle_losses


def batch_sums(config: MistralConfig, params: dict, batch: dict) -> dict[str, jax.Array]:
    """Sums over one batch; add them up over batches and divide.

    Args:
      config: the model's.
      params: the model's.
      batch: tokens, targets, segment_ids, positions, loss_weights, each [B, T].

    Returns:
      nats, correct, tokens (scalars); for a mixture also `assignments` [L, E], the tokens sent to each expert.
    """
    out = Mistral(config).apply({"params": params}, batch["tokens"], batch["segment_ids"], batch["positions"])
    nats, correct = token_cross_entropy(out.hidden, params["lm_head"], batch["targets"])
    weights = batch["loss_weights"]
    sums = {"nats": jnp.sum(nats * weights), "correct": jnp.sum(correct * weights), "tokens": jnp.sum(weights)}
    if out.decision is not None:
        real = (batch["segment_ids"] > 0).astype(jnp.float32)
        sums["assignments"] = expert_load(out.decision.experts, real, config.num_experts) * jnp.sum(real)
    return sums


def oracle_sums(config: MistralConfig, params: dict, batch: dict, window: int) -> dict[str, jax.Array]:
    """Sums over one batch under each forced expert and under the two oracles.

    Returns:
      expert_nats [E], window_nats, token_nats, tokens.
    """
    losses = forced_losses(config, params, batch, config.reasoning_steps)
    token, windowed = oracle_losses(losses, batch, window)
    weights = batch["loss_weights"]
    return {
        "expert_nats": jnp.einsum("EBT,BT->E", losses, weights),
        "window_nats": jnp.sum(windowed * weights),
        "token_nats": jnp.sum(token * weights),
        "tokens": jnp.sum(weights),
    }


def total(sums: Callable[[dict, dict], dict], params: dict, batches: Iterable[Mapping]) -> dict[str, np.ndarray]:
    """Adds up a (jitted) function of (params, batch) over batches, in float64 on the host."""
    result: dict[str, np.ndarray] = {}
    for batch in batches:
        for name, value in jax.device_get(sums(params, dict(batch))).items():
            result[name] = result.get(name, 0.0) + np.asarray(value, np.float64)
    return result


@functools.lru_cache(maxsize=16)
def jitted_batch_sums(config: MistralConfig) -> Callable[[dict, dict], dict]:
    """`batch_sums` of one config, compiled once."""
    return jax.jit(functools.partial(batch_sums, config))


@functools.lru_cache(maxsize=16)
def jitted_oracle_sums(config: MistralConfig, window: int) -> Callable[[dict, dict], dict]:
    """`oracle_sums` of one config, compiled once."""
    return jax.jit(functools.partial(oracle_sums, config, window=window))
