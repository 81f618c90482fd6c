"""The router's oracle: what each expert would have cost, measured, and how far the router is from the best of them."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from mistral_moe.branching.mix import expert_as_dense
from mistral_moe.models.config import MistralConfig
from mistral_moe.models.vocabulary import head_cross_entropy
from mistral_moe.models.mistral import Mistral


def forced_losses(config: MistralConfig, params: dict, batch: dict, reasoning_steps: int = 0) -> jax.Array:
    """Per-token loss under each expert, every layer forced to it.

    One dense forward pass an expert, one after the other: memory stays that of one pass.

    Args:
      config: the mixture's config.
      params: the mixture's parameters.
      batch: tokens, targets, segment_ids, positions, each [B, T].
      reasoning_steps: R of the pass.

    Returns:
      [E, B, T] nats, float32.
    """
    dense = Mistral(config.as_forced(reasoning_steps))

    def one_expert(expert: jax.Array) -> jax.Array:
        forced = expert_as_dense(params, expert)
        out = dense.apply({"params": forced}, batch["tokens"], batch["segment_ids"], batch["positions"])
        nats, _ = head_cross_entropy(out.hidden, params["lm_head"], batch["targets"])
        return nats

    return jax.lax.map(one_expert, jnp.arange(config.num_experts))


def window_mean(losses: jax.Array, batch: dict, window: int) -> jax.Array:
    """Replaces each token's loss by the mean over its window.

    Windows are the consecutive stretches of `window` tokens of one document part, never across documents.

    Args:
      losses: [E, B, T].
      batch: segment_ids, positions and loss_weights, each [B, T].
      window: tokens per window.

    Returns:
      [E, B, T].
    """
    segment, stretch = batch["segment_ids"], batch["positions"] // window
    same = (segment[:, :, None] == segment[:, None, :]) & (stretch[:, :, None] == stretch[:, None, :])
    weight = same * batch["loss_weights"][:, None, :]
    total = jnp.einsum("BTS,EBS->EBT", weight, losses)
    return total / jnp.maximum(weight.sum(axis=-1), 1e-6)[None]


def oracle_posterior(losses: jax.Array, batch: dict, window: int, temperature: float) -> jax.Array:
    """Soft target of the router: softmax over experts of the negative windowed loss.

    Args:
      losses: [E, B, T] nats.
      batch: segment_ids, positions and loss_weights.
      window: tokens per window.
      temperature: nats that make one e-fold; small is sharp.

    Returns:
      [B, T, E] float32, summing to 1.
    """
    return jax.nn.softmax(-jnp.moveaxis(window_mean(losses, batch, window), 0, -1) / temperature, axis=-1)


def oracle_losses(losses: jax.Array, batch: dict, window: int) -> tuple[jax.Array, jax.Array]:
    """Per-token loss of two oracles.

    Args:
      losses: [E, B, T] nats.
      batch: segment_ids, positions and loss_weights.
      window: tokens per window.

    Returns:
      ([B, T], [B, T]): under the best expert of each token (it peeks at the answer: a bound that no router reaches), and
      under the best expert of each window.
    """
    best = jnp.argmin(window_mean(losses, batch, window), axis=0)
    return losses.min(axis=0), jnp.take_along_axis(losses, best[None], axis=0)[0]
