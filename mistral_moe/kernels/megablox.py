"""Grouped matmul on TPU by JAX's Pallas kernels (Megablox: Gale et al. 2022, arXiv:2211.15841), tiled to the ideal FLOPs.

On other platforms the very same kernels are interpreted, for tests: slow.
"""

from __future__ import annotations

from collections.abc import Callable
import dataclasses
import functools

import jax
import jax.numpy as jnp

from mistral_moe.kernels.platform import program_device_kind

# Lanes of a register: what the last dimension of a tile is a multiple of, unless the tile spans the array.
_LANES = 128
# Rows of a tile are a multiple of the packed sublanes of bfloat16.
_SUBLANES = 16
# Large tiles reread less; this one fits twice (double buffering) into the memory that a kernel gets by default.
_MAX_WIDTH_BYTES = 2048
# A group that begins inside a tile computes the tile once more: share of a weight gradient's work that may be lost to it.
_WASTE = 0.04


@dataclasses.dataclass(frozen=True)
class _Chip:
    """FLOPs of bfloat16 that a chip does while it reads a byte, by its data sheet, and the most rows a tile can have there."""

    balance: float
    max_rows: int


_CHIPS = {"TPU v5 lite": _Chip(246, 512), "TPU v5": _Chip(166, 512), "TPU v6 lite": _Chip(574, 1024)}
_DEFAULT_CHIP = _CHIPS["TPU v5"]


def tile_rows(num_rows: int, num_groups: int, device_kind: str = "") -> int:
    """Rows of a product's tile: those of the shortest time, by the slower of computing and reading.

    A tile reads its group's matrix anew, so few rows make the product wait for memory; many compute more at the borders of groups.

    Args:
      num_rows: M.
      num_groups: E.
      device_kind: as JAX names it; unknown ones count as v5p.

    Returns:
      A power of 2 times 128, or fewer rows where there are not as many.
    """
    chip = _CHIPS.get(device_kind, _DEFAULT_CHIP)
    columns = _MAX_WIDTH_BYTES // 2

    def time(rows: int) -> float:
        tiles = -(-num_rows // rows)
        computed = (tiles + num_groups - 1) / tiles
        return max(computed, chip.balance * (1 / columns + computed / rows))

    sizes = [rows for rows in (128, 256, 512, 1024) if rows <= chip.max_rows]
    return _at_most(num_rows, min(sizes, key=time))


def gradient_tile_rows(num_rows: int, num_groups: int) -> int:
    """Rows of a weight gradient's tile: the most that keep what groups lose at their borders small; reading doesn't depend on them."""
    rows = _DEFAULT_CHIP.max_rows
    while rows > _LANES and (num_groups - 1) * rows > _WASTE * num_rows:
        rows //= 2
    return _at_most(num_rows, rows)


def _at_most(num_rows: int, rows: int) -> int:
    return min(rows, -(-num_rows // _SUBLANES) * _SUBLANES)


def tile_width(width: int, itemsize: int) -> int:
    """Columns of a tile: the least of what the array is padded to, times what narrow tiles reread."""
    limit = _MAX_WIDTH_BYTES // itemsize
    if width <= limit:
        return width
    return min(range(_LANES, limit + 1, _LANES), key=lambda tile: -(-width // tile) * (tile + _LANES))


def _run(kernel: Callable[..., jax.Array], *arrays: jax.Array) -> jax.Array:
    interpreted = functools.partial(kernel, interpret=True)
    return jax.lax.platform_dependent(*arrays, tpu=kernel, default=interpreted)


def _padded(x: jax.Array, rows: int) -> jax.Array:
    return jnp.pad(x, ((0, -x.shape[0] % rows), (0, 0)))


def matmul(
    lhs: jax.Array, rhs: jax.Array, group_sizes: jax.Array, rows: int | None = None, transpose_rhs: bool = False
) -> jax.Array:
    """Each group of rows times its own matrix.

    Args:
      lhs: [M, K], sorted by group; bfloat16 or float32.
      rhs: [E, K, N], or [E, N, K] to be transposed.
      group_sizes: [E] int32, of sum at most M.
      rows: of a tile; None chooses.
      transpose_rhs: whether `rhs` is to be transposed.

    Returns:
      [M, N] in lhs's dtype, zero past the last group.
    """
    from jax.experimental.pallas.ops.tpu.megablox.gmm import gmm

    num_rows, inner = lhs.shape
    width = rhs.shape[1 if transpose_rhs else 2]
    rows = rows or tile_rows(num_rows, rhs.shape[0], program_device_kind())
    itemsize = lhs.dtype.itemsize
    kernel = functools.partial(
        gmm,
        preferred_element_type=lhs.dtype,
        tiling=(rows, tile_width(inner, itemsize), tile_width(width, itemsize)),
        transpose_rhs=transpose_rhs,
    )
    out = _run(kernel, _padded(lhs, rows), rhs, group_sizes)[:num_rows]
    # The kernel never visits rows past the last group: what it leaves there is whatever the memory held.
    return jnp.where((jnp.arange(num_rows) < group_sizes.sum())[:, None], out, 0)


def weight_gradient(lhs: jax.Array, dout: jax.Array, group_sizes: jax.Array, rows: int | None = None) -> jax.Array:
    """lhs [M, K] and dout [M, N] -> [E, K, N] in lhs's dtype: each group's rows of the one times those of the other."""
    from jax.experimental.pallas.ops.tpu.megablox.gmm import tgmm

    rows = rows or gradient_tile_rows(lhs.shape[0], group_sizes.shape[0])
    itemsize = lhs.dtype.itemsize
    kernel = functools.partial(
        tgmm,
        preferred_element_type=lhs.dtype,
        tiling=(rows, tile_width(lhs.shape[1], itemsize), tile_width(dout.shape[1], itemsize)),
    )
    # The kernel wants [K, M] and turns it back before it reads: the two transposes cancel.
    return _run(kernel, _padded(lhs, rows).T, _padded(dout, rows), group_sizes)
