"""Attention on a GPU by cuDNN's flash kernel.

cuDNN knows causality and windows, but of packed documents only what a mask tells it: without one they see each other
(google/maxtext issue 4476). So it is always given the whole mask, [B, 1, T, T]; causality is named besides, so that it skips
what no query sees.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

# What cuDNN's flash attention takes on every GPU since Ampere.
_DTYPES, _MAX_HEAD_DIM, _HEAD_DIM_MULTIPLE, _LENGTH_MULTIPLE = ("bfloat16", "float16"), 128, 8, 2


def why_not(dtype: str, length: int, head_dim: int) -> str:
    """Why cuDNN can't take these shapes, or ""."""
    if dtype not in _DTYPES:
        return f"it computes in {' or '.join(_DTYPES)}, not in {dtype}"
    if head_dim % _HEAD_DIM_MULTIPLE or head_dim > _MAX_HEAD_DIM:
        return f"heads of width {head_dim}: it takes multiples of {_HEAD_DIM_MULTIPLE} up to {_MAX_HEAD_DIM}"
    if length % _LENGTH_MULTIPLE:
        return f"{length} tokens a row: it takes even numbers"
    return ""


def cudnn_attention(query: jax.Array, key: jax.Array, value: jax.Array, mask: jax.Array) -> jax.Array:
    """Attention under a causal mask.

    Args:
      query: [B, K, G, T, H], already scaled; G query heads share each of the K key heads.
      key: [B, K, T, H].
      value: [B, K, T, H].
      mask: [B, T, T] bool, query by key.

    Returns:
      [B, K, G, T, H] in query's dtype.
    """
    batch, kv_heads, group, length, width = query.shape
    rows = query.reshape(batch, kv_heads * group, length, width)
    out = jax.nn.dot_product_attention(
        *(jnp.swapaxes(x, 1, 2) for x in (rows, key, value)),
        mask=mask[:, None],
        scale=1.0,
        is_causal=True,
        implementation="cudnn",
    )
    return jnp.swapaxes(out, 1, 2).reshape(query.shape)
