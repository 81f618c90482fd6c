"""Softmax attention in chunks of queries: keys past a chunk are never touched, and the backward pass keeps little."""

from __future__ import annotations

import jax
import jax.numpy as jnp

# Large enough to vanish in a float32 softmax; -inf would make rows of padding NaN.
MASKED = -1e30
# Small chunks touch fewer masked keys, few chunks keep the program short.
MIN_CHUNK, MAX_CHUNKS = 64, 8


@jax.custom_vjp
def _attend(query: jax.Array, key: jax.Array, value: jax.Array, mask: jax.Array) -> jax.Array:
    """query [B, K, G, T, H] (scaled), key and value [B, K, S, H], mask [B, T, S] -> [B, K, G, T, H]."""
    return _attend_forward(query, key, value, mask)[0]


def _attend_forward(query, key, value, mask):
    batch, kv_heads, group, length, width = query.shape
    rows = query.reshape(batch, kv_heads, group * length, width)
    scores = jnp.einsum("BKXH,BKSH->BKXS", rows, key, preferred_element_type=jnp.float32)
    scores = scores.reshape(batch, kv_heads, group, length, -1)
    scores = jnp.where(mask[:, None, None], scores, MASKED)
    weights = jnp.exp(scores - scores.max(axis=-1, keepdims=True))
    total = weights.sum(axis=-1).reshape(batch, kv_heads, group * length, 1)
    weights = weights.astype(query.dtype).reshape(batch, kv_heads, group * length, -1)
    mixed = jnp.einsum("BKXS,BKSH->BKXH", weights, value, preferred_element_type=jnp.float32) / total
    out = mixed.astype(query.dtype)
    return out.reshape(query.shape), (rows, key, value, weights, total, out)


def _attend_backward(residuals, grad):
    rows, key, value, weights, total, out = residuals
    # The softmax's normaliser is divided out of [.., H] here rather than out of [.., S]; masked weights are zero already.
    scaled = (grad.reshape(rows.shape).astype(jnp.float32) / total).astype(rows.dtype)
    # [.., H, S] and then a transpose is twice as fast on CPU; without the barrier XLA folds the two back into one.
    dvalue = jax.lax.optimization_barrier(jnp.einsum("BKXS,BKXH->BKHS", weights, scaled)).swapaxes(2, 3)
    dweights = jnp.einsum("BKXH,BKSH->BKXS", scaled, value, preferred_element_type=jnp.float32)
    mean = jnp.sum(scaled.astype(jnp.float32) * out.astype(jnp.float32), axis=-1, keepdims=True)
    dscores = (weights.astype(jnp.float32) * (dweights - mean)).astype(rows.dtype)
    dquery = jnp.einsum("BKXS,BKSH->BKXH", dscores, key)
    dkey = jax.lax.optimization_barrier(jnp.einsum("BKXS,BKXH->BKHS", dscores, rows)).swapaxes(2, 3)
    return dquery.reshape(grad.shape), dkey, dvalue, None


_attend.defvjp(_attend_forward, _attend_backward)


def causal_attention(query: jax.Array, key: jax.Array, value: jax.Array, mask: jax.Array) -> jax.Array:
    """Attends, with the softmax in float32.

    Args:
      query: [B, K, G, T, H], already scaled; G query heads share each of the K key heads.
      key: [B, K, T, H].
      value: [B, K, T, H].
      mask: [B, T, T] bool, query by key; must be causal, since keys after a chunk of queries are left out.

    Returns:
      [B, K, G, T, H] in query's dtype.
    """
    length = query.shape[3]
    chunk = max(MIN_CHUNK, -(-length // MAX_CHUNKS))
    parts = []
    for start in range(0, length, chunk):
        end = min(start + chunk, length)
        rows = query[:, :, :, start:end]
        parts.append(_attend(rows, key[:, :, :end], value[:, :, :end], mask[:, start:end, :end]))
    return jnp.concatenate(parts, axis=3)
