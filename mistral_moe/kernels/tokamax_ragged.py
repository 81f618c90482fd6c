"""Grouped matmul on a GPU by tokamax's kernels (Mosaic on Hopper and later, else Triton). Imported where it is called."""

from __future__ import annotations

import jax
import jax.numpy as jnp

# Never its third, "xla": JAX's own ragged dot, of which gradients and some platforms make a dense one.
_IMPLEMENTATIONS = ("mosaic", "triton")
_ROWS_BY_MATRIX = jax.lax.RaggedDotDimensionNumbers((([1], [1]), ([], [])), [0], [0])
_ROWS_BY_TRANSPOSED = jax.lax.RaggedDotDimensionNumbers((([1], [2]), ([], [])), [0], [0])
_ROWS_BY_ROWS = jax.lax.RaggedDotDimensionNumbers((([0], [0]), ([], [])), [0], [])


def _ragged_dot(lhs, rhs, group_sizes, dimensions) -> jax.Array:
    try:
        import tokamax
    except ImportError as error:
        raise ValueError(
            "grouped_matmul's backend 'tokamax' needs the package tokamax: install it, or set model.moe_backend=blocks"
        ) from error
    try:
        return tokamax.ragged_dot_general(
            lhs,
            rhs,
            group_sizes,
            dimensions,
            preferred_element_type=lhs.dtype,
            implementation=_IMPLEMENTATIONS,
        )
    except ExceptionGroup as group:
        reasons = "; ".join(str(error) for error in group.exceptions)
        raise ValueError(
            f"grouped_matmul's backend 'tokamax' has no kernel for {lhs.shape} by {rhs.shape} in {lhs.dtype} here "
            f"({reasons}); it needs a GPU: set model.moe_backend=auto"
        ) from group


def matmul(lhs: jax.Array, rhs: jax.Array, group_sizes: jax.Array, transpose_rhs: bool = False) -> jax.Array:
    """lhs [M, K] and rhs [E, K, N], or [E, N, K] to be transposed, -> [M, N] in lhs's dtype, zero past the last group.

    Raises:
      ValueError: no tokamax, or no kernel for these shapes or this device.
    """
    out = _ragged_dot(lhs, rhs, group_sizes, _ROWS_BY_TRANSPOSED if transpose_rhs else _ROWS_BY_MATRIX)
    # The kernels leave rows past the last group as they find them.
    return jnp.where((jnp.arange(lhs.shape[0]) < group_sizes.sum())[:, None], out, 0)


def weight_gradient(lhs: jax.Array, dout: jax.Array, group_sizes: jax.Array) -> jax.Array:
    """lhs [M, K] and dout [M, N] -> [E, K, N] in lhs's dtype.

    Raises:
      ValueError: no tokamax, or no kernel for these shapes or this device.
    """
    out = _ragged_dot(lhs, dout, group_sizes, _ROWS_BY_ROWS)
    # The Triton kernel takes at least one block of rows a group, and of an empty group that block is its neighbour's.
    return jnp.where((group_sizes > 0)[:, None, None], out, 0)
