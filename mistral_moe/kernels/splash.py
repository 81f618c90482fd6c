"""Attention on TPU by JAX's splash kernel: blocks that no query may see are never read, and no mask is ever built.

On other platforms the very same kernel is interpreted, for tests: slow. A program that is compiled ahead of time must be
traced under the TPU's mesh (`kernels.platform`).
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from mistral_moe.kernels.platform import program_platform
from mistral_moe.kernels.residual_names import ATTENTION

# Blocks are multiples of the lanes of a register.
_LANES, _MAX_BLOCK = 128, 512


def block_of(length: int) -> int:
    """Queries, and keys, of a block: the most that divide a length that is a multiple of 128."""
    return max(block for block in range(_LANES, _MAX_BLOCK + 1, _LANES) if length % block == 0)


def splash_attention(
    query: jax.Array,
    key: jax.Array,
    value: jax.Array,
    segment_ids: jax.Array,
    window: int | None,
) -> jax.Array:
    """Causal attention inside segments, with the softmax in float32.

    Args:
      query: [B, K, G, T, H], already scaled; G query heads share each of the K key heads.
      key: [B, K, T, H].
      value: [B, K, T, H].
      segment_ids: [B, T] int32.
      window: number of tokens seen, the token itself included; None for all.

    Returns:
      [B, K, G, T, H] in query's dtype.
    """
    from jax.experimental.pallas.ops.tpu import splash_attention as splash

    batch, kv_heads, group, length, width = query.shape
    padding = -length % _LANES
    if padding:
        # The padding is a segment of its own, at the end: no token sees it.
        query, key, value = (jnp.pad(x, ((0, 0),) * (x.ndim - 2) + ((0, padding), (0, 0))) for x in (query, key, value))
        segment_ids = jnp.pad(segment_ids, ((0, 0), (0, padding)), constant_values=-1)
    whole = length + padding
    if window is None or window >= length:
        head_mask = splash.CausalMask((whole, whole))
    else:
        head_mask = splash.LocalMask((whole, whole), window_size=(window - 1, 0), offset=0)
    block = block_of(whole)
    kernel = splash.make_splash_mha(
        splash.MultiHeadMask([head_mask] * (kv_heads * group)),
        block_sizes=splash.BlockSizes(
            **dict.fromkeys(("block_q", "block_kv", "block_q_dkv", "block_kv_dkv", "block_q_dq", "block_kv_dq"), block)
        ),
        head_shards=1,
        q_seq_shards=1,
        residual_checkpoint_name=ATTENTION,
        interpret=program_platform() != "tpu",
    )

    def one_row(query: jax.Array, key: jax.Array, value: jax.Array, segments: jax.Array) -> jax.Array:
        return kernel(query, key, value, segment_ids=splash.SegmentIds(q=segments, kv=segments))

    out = jax.vmap(one_row)(query.reshape(batch, kv_heads * group, whole, width), key, value, segment_ids)
    return out.reshape(query.shape)[:, :, :, :length].astype(query.dtype)
