"""`grouped_matmul`: rows sorted by group, each group multiplied by its own matrix.

One op, one custom VJP, several backends:

- `megablox`: Pallas kernels for TPU (`kernels.megablox`).
- `tokamax`: Pallas kernels for GPU (`kernels.tokamax_ragged`).
- `blocks`: loops over blocks of rows, each block of one group, plain XLA; the fastest on CPU (`kernels.blocks`).
- `dense`: every matrix on every row, then a selection. E times the FLOPs; the oracle that the others are tested against.
- `auto`: by the platform that the program is compiled for (`kernels.platform`).

All but `dense` do the ideal number of FLOPs in value and in both gradients, up to the rounding of groups to whole blocks.
`jax.lax.ragged_dot` is not used: its weight gradient is dense on TPU and all of it is dense on CPU.
"""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp

from mistral_moe.kernels import megablox, tokamax_ragged
from mistral_moe.kernels.blocks import SIZES, add_to_matrix, matrix_of, over_blocks, rows_at, write_rows
from mistral_moe.kernels.platform import AUTO, pick

BACKENDS = (AUTO, "megablox", "tokamax", "blocks", "dense")
BY_PLATFORM = {"tpu": "megablox", "gpu": "tokamax", "cpu": "blocks"}


def _group_of_row(group_sizes: jax.Array, num_rows: int) -> jax.Array:
    """[M] int32: the group each row belongs to; rows past the last group get E."""
    return jnp.searchsorted(jnp.cumsum(group_sizes), jnp.arange(num_rows), side="right")


def _dense(lhs: jax.Array, rhs: jax.Array, group_sizes: jax.Array) -> jax.Array:
    selection = jax.nn.one_hot(_group_of_row(group_sizes, lhs.shape[0]), rhs.shape[0], dtype=lhs.dtype)
    return jnp.einsum("MK,EKN,ME->MN", lhs, rhs, selection)


def _dense_weight_gradient(lhs: jax.Array, dout: jax.Array, group_sizes: jax.Array) -> jax.Array:
    selection = jax.nn.one_hot(_group_of_row(group_sizes, lhs.shape[0]), group_sizes.shape[0], dtype=lhs.dtype)
    return jnp.einsum("MK,MN,ME->EKN", lhs, dout, selection)


def _sizes(block: int | None) -> tuple[int, ...]:
    return SIZES if block is None else (block,)


def _blocks(lhs: jax.Array, rhs: jax.Array, group_sizes: jax.Array, sizes: tuple[int, ...]) -> jax.Array:
    def body(size, group, first, inside, out):
        return write_rows(out, rows_at(lhs, first, size) @ matrix_of(rhs, group), first, inside)

    out = jnp.zeros((lhs.shape[0], rhs.shape[2]), lhs.dtype)
    return over_blocks(group_sizes, lhs.shape[0], body, out, sizes)


def _blocks_weight_gradient(
    lhs: jax.Array, dout: jax.Array, group_sizes: jax.Array, sizes: tuple[int, ...]
) -> jax.Array:
    def body(size, group, first, inside, total):
        grads = jnp.where(inside, rows_at(dout, first, size), 0)
        product = jnp.einsum("MK,MN->KN", rows_at(lhs, first, size), grads, preferred_element_type=jnp.float32)
        return add_to_matrix(total, group, product)

    zeros = jnp.zeros((group_sizes.shape[0], lhs.shape[1], dout.shape[1]), jnp.float32)
    return over_blocks(group_sizes, lhs.shape[0], body, zeros, sizes).astype(lhs.dtype)


def grouped_matmul(
    lhs: jax.Array, rhs: jax.Array, group_sizes: jax.Array, backend: str = AUTO, block: int | None = None
) -> jax.Array:
    """Multiplies each group of rows by its own matrix.

    Args:
      lhs: [M, K] rows, sorted by group.
      rhs: [E, K, N] one matrix a group, in lhs's dtype.
      group_sizes: [E] int32 rows of each group; their sum is at most M, and rows past it give zeros.
      backend: one of `BACKENDS`.
      block: rows of every block of `blocks` and of every tile of `megablox`; None leaves it to the backend.

    Returns:
      [M, N] in lhs's dtype.

    Raises:
      ValueError: an unknown backend, or one that can't run here.
    """
    if backend not in BACKENDS:
        raise ValueError(f"unknown grouped_matmul backend {backend!r}; there are {', '.join(BACKENDS)}")
    return _grouped_matmul(lhs, rhs, group_sizes, pick(backend, BY_PLATFORM), block)


@functools.partial(jax.custom_vjp, nondiff_argnums=(3, 4))
def _grouped_matmul(lhs, rhs, group_sizes, backend, block):
    return _multiply(lhs, rhs, group_sizes, backend, block)


def _multiply(lhs, rhs, group_sizes, backend, block, transpose_rhs=False) -> jax.Array:
    if backend == "megablox":
        return megablox.matmul(lhs, rhs, group_sizes, block, transpose_rhs)
    if backend == "tokamax":
        return tokamax_ragged.matmul(lhs, rhs, group_sizes, transpose_rhs)
    if transpose_rhs:
        rhs = rhs.swapaxes(1, 2)
    return _dense(lhs, rhs, group_sizes) if backend == "dense" else _blocks(lhs, rhs, group_sizes, _sizes(block))


def _forward(lhs, rhs, group_sizes, backend, block):
    return _multiply(lhs, rhs, group_sizes, backend, block), (lhs, rhs, group_sizes)


def _backward(backend, block, residuals, dout):
    lhs, rhs, group_sizes = residuals
    dlhs = _multiply(dout, rhs, group_sizes, backend, block, transpose_rhs=True)
    if backend == "megablox":
        drhs = megablox.weight_gradient(lhs, dout, group_sizes, block)
    elif backend == "tokamax":
        drhs = tokamax_ragged.weight_gradient(lhs, dout, group_sizes)
    elif backend == "dense":
        drhs = _dense_weight_gradient(lhs, dout, group_sizes)
    else:
        drhs = _blocks_weight_gradient(lhs, dout, group_sizes, _sizes(block))
    return dlhs, drhs, None


_grouped_matmul.defvjp(_forward, _backward)
