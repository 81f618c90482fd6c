"""Which rows of a rollout lie together in which step: a function of numbers, so that a resume needs no state."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp


def _check(rows: int, size: int) -> None:
    if size < 1 or rows < 1 or rows % size:
        raise ValueError(f"{rows} rows of a rollout can't be split into minibatches of {size}")


def minibatch_indices(seed: int, epoch: int | jax.Array, rows: int, size: int) -> jax.Array:
    """The minibatches of one epoch over a rollout batch.

    Args:
      seed: of the run.
      epoch: counted over the whole run, not within a rollout: each epoch has its own order.
      rows: of the rollout batch.
      size: rows of a minibatch.

    Returns:
      [rows / size, size] int32; each row is in one of them.

    Raises:
      ValueError: a size that does not divide the rows. Some rows would be left out, or count twice.
    """
    _check(rows, size)
    key = jax.random.fold_in(jax.random.key(seed), epoch)
    return jax.random.permutation(key, jnp.arange(rows, dtype=jnp.int32)).reshape(-1, size)


def minibatch_of_update(seed: int, update: int | jax.Array, rows: int, size: int) -> jax.Array:
    """[size] int32, the rows of one update.

    Args:
      seed: of the run.
      update: counted over the whole run. The number alone tells the epoch and the place in it, so that a run goes on
        from any of them. Updates that an early stop leaves out are counted as if they had been done.
      rows: of the rollout batch.
      size: rows of a minibatch.

    Raises:
      ValueError: a size that does not divide the rows.
    """
    _check(rows, size)
    each = rows // size
    return minibatch_indices(seed, update // each, rows, size)[update % each]


def take(tree: Any, indices: jax.Array) -> Any:
    """Rows `indices` of every leaf [B, ...] of a tree."""
    return jax.tree.map(lambda leaf: jnp.take(leaf, indices, axis=0), tree)
