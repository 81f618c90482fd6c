"""Sorted groups of rows cut into blocks of a few fixed sizes, so that plain XLA multiplies each group by its own matrix.

A block fetches its group's matrices and adds to their gradients whatever it holds. So a group is cut into as few blocks as the largest size allows, all of the smallest size that holds
an even share; small blocks for what large ones leave would round up less and cost more. There is one loop a size, not a
conditional inside one loop: XLA copies what a conditional carries.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

# Rows a block. Where most groups are, the steps are fine: a block computes what it rounds up.
SIZES = (32, 64, 128, 192, 256, 320, 384, 448, 512, 576, 640, 768, 1024)

# (rows of the block, group, first row, which of its rows belong to it [rows, 1], carry) -> carry
Body = Callable[[int, jax.Array, jax.Array, jax.Array, Any], Any]


def over_blocks(group_sizes: jax.Array, num_rows: int, body: Body, carry: Any, sizes: tuple[int, ...] = SIZES) -> Any:
    """Runs `body` over all blocks of all groups; every row of a group belongs to exactly one block.

    A block lies within the M rows, and may cover rows of other groups or of an earlier block: `body` must leave those alone.

    Args:
      group_sizes: [E] int32, of sum at most M.
      num_rows: M.
      body: what to do with a block.
      carry: what `body` changes.
      sizes: rows that a block may have, ascending; those above M are left out.

    Returns:
      The carry after the last block.
    """
    sizes = tuple(size for size in sizes if size <= num_rows) or (num_rows,)
    ends = jnp.cumsum(group_sizes)
    least = jnp.maximum(-(-group_sizes // sizes[-1]), 1)
    size_of_group = jnp.searchsorted(jnp.array(sizes), -(-group_sizes // least))
    for which, size in enumerate(sizes):
        blocks = jnp.where(size_of_group == which, -(-group_sizes // size), 0)
        block_ends = jnp.cumsum(blocks)
        index = jnp.arange(num_rows // size + group_sizes.shape[0])
        group = jnp.minimum(jnp.searchsorted(block_ends, index, side="right"), group_sizes.shape[0] - 1)
        begin = (ends - group_sizes)[group] + (index - (block_ends - blocks)[group]) * size
        end = ends[group]
        # The last block of a group reaches back rather than past the end, where there may be no more rows.
        first = jnp.clip(begin, 0, jnp.maximum(end - size, 0))

        def one_block(i, carry, size=size, group=group, begin=begin, end=end, first=first):
            row = first[i] + jnp.arange(size)
            return body(size, group[i], first[i], ((row >= begin[i]) & (row < end[i]))[:, None], carry)

        carry = jax.lax.fori_loop(0, block_ends[-1], one_block, carry)
    return carry


def rows_at(array: jax.Array, first: jax.Array, size: int) -> jax.Array:
    """[size, ...] rows of [M, ...] from `first` on."""
    return jax.lax.dynamic_slice_in_dim(array, first, size)


def matrix_of(matrices: jax.Array, group: jax.Array) -> jax.Array:
    """[K, N] of [E, K, N]."""
    return jax.lax.dynamic_index_in_dim(matrices, group, keepdims=False)


def write_rows(total: jax.Array, value: jax.Array, first: jax.Array, inside: jax.Array) -> jax.Array:
    """Puts those rows of `value` [rows, N] that are `inside` into `total` [M, N]; in a loop's carry it happens in place."""
    old = rows_at(total, first, value.shape[0])
    return jax.lax.dynamic_update_slice_in_dim(total, jnp.where(inside, value, old), first, axis=0)


def add_to_matrix(total: jax.Array, group: jax.Array, value: jax.Array) -> jax.Array:
    """Adds `value` [K, N] to `total[group]` of [E, K, N]; in a loop's carry it happens in place."""
    return jax.lax.dynamic_update_index_in_dim(total, matrix_of(total, group) + value, group, axis=0)
