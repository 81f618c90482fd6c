"""Softmax attention in chunks of queries: keys past a chunk are never touched, and the backward pass keeps little."""

from __future__ import annotations

import jax
import jax.numpy as jnp

# Large enough to vanish in a float32 softmax; -inf would make rows of padding NaN.
MASKED = -1e30
# Small chunks touch fewer masked keys, few chunks keep the program short.
MIN_CHUNK, MAX_CHUNKS = 64, 8


def _attend(query: jax.Array, key: jax.Array, value: jax.Array, mask: jax.Array) -> tuple[jax.Array, tuple]:
    """query [B, K, G, T, H] (scaled), key and value [B, K, S, H], mask [B, T, S] -> [B, K, G, T, H], what backward needs."""
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
    return out.reshape(query.shape), (rows, weights, total, out)


def _attend_backward(
    key: jax.Array, value: jax.Array, residuals: tuple, grad: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Gradients of query [B, K, G, T, H], key and value [B, K, S, H]."""
    rows, weights, total, out = residuals
    # The softmax's normaliser is divided out of [.., H] here rather than out of [.., S]; masked weights are zero already.
    scaled = (grad.reshape(rows.shape).astype(jnp.float32) / total).astype(rows.dtype)
    # [.., H, S] and then a transpose is twice as fast on CPU; without the barrier XLA folds the two back into one.
    dvalue = jax.lax.optimization_barrier(jnp.einsum("BKXS,BKXH->BKHS", weights, scaled)).swapaxes(2, 3)
    dweights = jnp.einsum("BKXH,BKSH->BKXS", scaled, value, preferred_element_type=jnp.float32)
    mean = jnp.sum(scaled.astype(jnp.float32) * out.astype(jnp.float32), axis=-1, keepdims=True)
    dscores = (weights.astype(jnp.float32) * (dweights - mean)).astype(rows.dtype)
    dquery = jnp.einsum("BKXS,BKSH->BKXH", dscores, key)
    dkey = jax.lax.optimization_barrier(jnp.einsum("BKXS,BKXH->BKHS", dscores, rows)).swapaxes(2, 3)
    return dquery.reshape(grad.shape), dkey, dvalue


def _chunks(length: int) -> list[tuple[int, int]]:
    """First and last (excluded) query of each chunk."""
    chunk = max(MIN_CHUNK, -(-length // MAX_CHUNKS))
    return [(start, min(start + chunk, length)) for start in range(0, length, chunk)]


@jax.custom_vjp
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
    return _forward(query, key, value, mask)[0]


def _forward(query, key, value, mask):
    parts, residuals = [], []
    for start, end in _chunks(query.shape[3]):
        rows = query[:, :, :, start:end]
        part, kept = _attend(rows, key[:, :, :end], value[:, :, :end], mask[:, start:end, :end])
        parts.append(part)
        residuals.append(kept)
    return jnp.concatenate(parts, axis=3), (key, value, residuals)


def _backward(saved, grad):
    key, value, residuals = saved
    dqueries = []
    dkey = dvalue = None
    # From the last chunk, which has seen all keys, so that the others add to what is there already.
    for (start, end), kept in reversed(list(zip(_chunks(grad.shape[3]), residuals, strict=True))):
        here = key[:, :, :end], value[:, :, :end]
        dquery, more_key, more_value = _attend_backward(*here, kept, grad[:, :, :, start:end])
        dqueries.append(dquery)
        dkey = more_key if dkey is None else dkey.at[:, :, :end].set(dkey[:, :, :end] + more_key)
        dvalue = more_value if dvalue is None else dvalue.at[:, :, :end].set(dvalue[:, :, :end] + more_value)
    return jnp.concatenate(dqueries[::-1], axis=3), dkey, dvalue, None


causal_attention.defvjp(_forward, _backward)
