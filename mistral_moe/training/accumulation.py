"""Gradients of a batch in several microbatches, one after the other: the memory of one, the gradient of all."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp

from mistral_moe.training.multitask import TaskTerms, token_weight

# Metrics that are means over the real tokens, whatever their loss weighs.
_OVER_REAL_TOKENS = ("balance", "z", "load")


def _split(x: jax.Array, parts: int) -> jax.Array:
    """[B, ...] -> [parts, B / parts, ...], every `parts`-th row in one part: rows stay on the device that holds them."""
    return jnp.moveaxis(x.reshape(x.shape[0] // parts, parts, *x.shape[1:]), 1, 0)


def accumulated_gradients(
    loss_fn: Callable[[dict, dict], tuple[jax.Array, dict]],
    params: dict,
    batch: dict,
    parts: int,
    tasks: TaskTerms | None = None,
) -> tuple[dict, dict]:
    """Gradient and metrics of `loss_fn`.

    A loss is a mean over a batch's tokens, so the gradient of each part counts by the weight of its tokens: that of the
    whole is the same up to rounding, however unevenly the weights lie. Two terms of the router are not such means and are
    those of the parts, averaged: the balance loss, a product of two means, and the z-loss, a mean over all real tokens.

    Args:
      loss_fn: (parameters, batch) -> (scalar, metrics).
      params: what to differentiate by.
      batch: arrays [B, T] with loss_weights, and task_ids with `tasks`.
      parts: into how many microbatches the rows are split; 1 is `jax.grad` itself.
      tasks: the tasks whose weights `loss_fn` uses.

    Returns:
      The gradient in the parameters' dtypes, summed in float32, and the metrics of the whole batch.

    Raises:
      ValueError: the parts don't divide the rows.
    """
    gradient = jax.grad(loss_fn, has_aux=True)
    if parts == 1:
        return gradient(params, batch)
    rows = batch["loss_weights"].shape[0]
    if parts < 1 or rows % parts:
        raise ValueError(f"a batch of {rows} rows can't be split into {parts} microbatches of one size")
    microbatches = jax.tree.map(lambda x: _split(x, parts), batch)

    def shares(weight_of: Callable[[dict], jax.Array]) -> jax.Array:
        weights = jax.vmap(weight_of)(microbatches)
        return weights / jnp.maximum(weights.sum(), 1e-6)

    of_loss = shares(lambda part: token_weight(part, tasks))
    of_metrics = shares(lambda part: token_weight(part, None))
    of_real = shares(lambda part: (part["segment_ids"] > 0).sum().astype(jnp.float32))

    def add(total: tuple[dict, dict], part: tuple) -> tuple[tuple[dict, dict], None]:
        microbatch, share, metrics_share, real_share = part
        grads, metrics = gradient(params, microbatch)
        metrics = {
            name: value * (real_share if name in _OVER_REAL_TOKENS else metrics_share)
            for name, value in metrics.items()
        }
        grads = jax.tree.map(lambda leaf: leaf.astype(jnp.float32) * share, grads)
        return jax.tree.map(jnp.add, total, (grads, metrics)), None

    shapes = jax.eval_shape(gradient, params, jax.tree.map(lambda x: x[0], microbatches))
    zeros = tuple(jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, jnp.float32), tree) for tree in shapes)
    (grads, metrics), _ = jax.lax.scan(add, zeros, (microbatches, of_loss, of_metrics, of_real))
    return jax.tree.map(lambda total, leaf: total.astype(leaf.dtype), grads, params), metrics
