"""Sorted groups of rows cut into blocks, so that one loop with an index serves all groups."""

from __future__ import annotations

import jax
import jax.numpy as jnp


def block_table(
    starts: jax.Array, ends: jax.Array, num_rows: int, block: int
) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array]:
    """Which blocks there are when the stretch of rows of every group is cut into whole blocks of its own.

    Args:
      starts: [E] int32, first row of each group's stretch.
      ends: [E] int32, the row after its last.
      num_rows: M, a bound on the sum of their lengths.
      block: rows per block; the last block of a stretch may reach past its end.

    Returns:
      (group [N], first row [N], end of the stretch [N], number of blocks), N the most there can be.
    """
    blocks = (ends - starts + block - 1) // block
    block_ends = jnp.cumsum(blocks)
    index = jnp.arange(num_rows // block + starts.shape[0])
    group = jnp.minimum(jnp.searchsorted(block_ends, index, side="right"), starts.shape[0] - 1)
    first = starts[group] + (index - (block_ends - blocks)[group]) * block
    return group, first, ends[group], block_ends[-1]


def add_at(total: jax.Array, index: jax.Array, value: jax.Array) -> jax.Array:
    """Adds `value` [...] to `total[index]` of [E, ...]; in a loop's carry it happens in place."""
    old = jax.lax.dynamic_index_in_dim(total, index, keepdims=False)
    return jax.lax.dynamic_update_index_in_dim(total, old + value, index, axis=0)
