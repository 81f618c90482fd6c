"""What a model keeps of the tokens it has read, so that the next one costs one token's work.

Keys and values lie in the collection `cache` of the modules that make them, in a ring of S places: a token at position p has
place p % S. With a sliding window no longer than S nothing that is still seen is ever overwritten.
"""

from __future__ import annotations

import flax.struct
import jax
import jax.numpy as jnp


@flax.struct.dataclass
class Memory:
    """How the tokens of one pass see what is kept, and where they are kept themselves.

    Attributes:
      history: [B, T, S] bool, query by place of the cache; None where nothing is kept yet.
      slots: [B, T] int32, the place of each token; S for padding and for tokens that are overwritten within the pass.
      lengths: [B] int32, real tokens of each row in this pass; they stand before its padding.
      size: S.
    """

    history: jax.Array | None
    slots: jax.Array
    lengths: jax.Array
    size: int = flax.struct.field(pytree_node=False)

    def keep(self, kept: jax.Array, new: jax.Array) -> jax.Array:
        """Puts the tokens' values [B, T, ...] into their places of [B, S, ...]."""
        rows = jnp.arange(new.shape[0])[:, None]
        return kept.at[rows, self.slots].set(new.astype(kept.dtype), mode="drop")


def look_back(
    kept_positions: jax.Array, positions: jax.Array, segment_ids: jax.Array, sliding_window: int | None, is_empty: bool
) -> Memory:
    """The memory of a pass.

    Args:
      kept_positions: [B, S] int32, position of the token in each place, -1 where there is none.
      positions: [B, T] int32, going on from what is kept.
      segment_ids: [B, T] int32, 0 for padding, which stands at the end of a row.
      sliding_window: number of tokens seen, the token itself included; None for all.
      is_empty: whether nothing is kept yet, in any row.

    Returns:
      How the pass sees what was kept before it.
    """
    size = kept_positions.shape[1]
    history = None
    if not is_empty:
        distance = positions[:, :, None] - kept_positions[:, None, :]
        history = (kept_positions >= 0)[:, None, :] & (distance > 0)
        if sliding_window is not None:
            history &= distance < sliding_window
    real = segment_ids > 0
    last = jnp.max(jnp.where(real, positions, -1), axis=1, keepdims=True)
    slots = jnp.where(real & (positions > last - size), positions % size, size)
    return Memory(history, slots, real.sum(axis=1).astype(jnp.int32), size)
