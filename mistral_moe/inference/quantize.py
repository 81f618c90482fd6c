"""Matrices in eight bits: each output channel has a scale of its own, symmetric about zero.

Decoding reads every matrix once a token, so that half or a quarter of the bytes is nearly half or a quarter of the time.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

LARGEST = 127


def quantize(weight: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Rounds to the nearest of 255 levels.

    Args:
      weight: [..., K, N].

    Returns:
      values [..., K, N] int8 and scale [..., N] float32: `values * scale` is off by at most half a scale, which is the
      channel's largest magnitude over 127. A channel of zeros has scale 1.
    """
    wide = weight.astype(jnp.float32)
    largest = jnp.max(jnp.abs(wide), axis=-2)
    scale = jnp.where(largest > 0, largest / LARGEST, 1.0)
    return jnp.round(wide / scale[..., None, :]).astype(jnp.int8), scale
