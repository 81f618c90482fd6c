"""The mixture's feed-forward: tokens sorted by expert, three grouped matmuls, sorted back. Dropless."""

from __future__ import annotations

import functools

import flax.linen as nn
import flax.struct
import jax
import jax.numpy as jnp

from mistral_moe.kernels.grouped_feed_forward import grouped_feed_forward
from mistral_moe.models.config import MistralConfig
from mistral_moe.models.layers import feed_forward_initializers, feed_forward_shapes
from mistral_moe.models.router import Decision


@flax.struct.dataclass
class Dispatch:
    """Where each of the M = B*T*k assignments goes.

    Attributes:
      order: [M] int32, assignment at each sorted place (assignment a belongs to token a // k).
      place: [M] int32, sorted place of each assignment (the inverse of `order`).
      group_sizes: [E] int32, assignments of each expert.
      weights: [B, T, k] float32.
    """

    order: jax.Array
    place: jax.Array
    group_sizes: jax.Array
    weights: jax.Array


def dispatch(decision: Decision, num_experts: int) -> Dispatch:
    """Sorts the assignments by expert (stable, so equal inputs give equal layouts)."""
    flat = decision.experts.reshape(-1)
    order = jnp.argsort(flat, stable=True).astype(jnp.int32)
    place = jnp.zeros_like(order).at[order].set(jnp.arange(order.size, dtype=jnp.int32), unique_indices=True)
    sizes = jnp.sum(flat[:, None] == jnp.arange(num_experts)[None], axis=0, dtype=jnp.int32)
    return Dispatch(order=order, place=place, group_sizes=sizes, weights=decision.weights)


@functools.partial(jax.custom_vjp, nondiff_argnums=(3,))
def _to_sorted(x: jax.Array, order: jax.Array, place: jax.Array, top_k: int) -> jax.Array:
    """[B*T, D] -> [M, D]: each token once for each of its k experts, in sorted order."""
    return x[order // top_k]


def _to_sorted_forward(x, order, place, top_k):
    return _to_sorted(x, order, place, top_k), (place,)


def _to_sorted_backward(top_k, residuals, grad):
    # The transpose of a gather is a scatter-add; since each token owns exactly k places, it is a gather and a sum.
    (place,) = residuals
    return grad[place].reshape(-1, top_k, grad.shape[-1]).sum(axis=1), None, None


_to_sorted.defvjp(_to_sorted_forward, _to_sorted_backward)


@jax.custom_vjp
def _from_sorted(y: jax.Array, order: jax.Array, place: jax.Array) -> jax.Array:
    """[M, D] sorted -> [M, D] in assignment order."""
    return y[place]


def _from_sorted_forward(y, order, place):
    return _from_sorted(y, order, place), (order,)


def _from_sorted_backward(residuals, grad):
    (order,) = residuals
    return grad[order], None, None


_from_sorted.defvjp(_from_sorted_forward, _from_sorted_backward)


class Experts(nn.Module):
    """E SwiGLU feed-forwards, each on the tokens that were sent to it."""

    config: MistralConfig

    @nn.compact
    def __call__(self, x: jax.Array, where: Dispatch) -> jax.Array:
        """x [B, T, D] -> [B, T, D]: the weighted sum of each token's experts."""
        c = self.config
        init = feed_forward_initializers(c)
        gate, up, down = (
            self.param(name, init[name], (c.num_experts, *shape), jnp.dtype(c.param_dtype)).astype(x.dtype)
            for name, shape in feed_forward_shapes(c).items()
        )
        top_k = where.weights.shape[-1]
        rows = _to_sorted(x.reshape(-1, x.shape[-1]), where.order, where.place, top_k)
        out = grouped_feed_forward(rows, gate, up, down, where.group_sizes, c.moe_backend)
        out = _from_sorted(out, where.order, where.place)
        out = out.reshape(*x.shape[:2], top_k, x.shape[-1])
        return jnp.einsum("BTkD,BTk->BTD", out, where.weights.astype(x.dtype))
