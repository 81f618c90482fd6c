"""Every row of every group belongs to exactly one block, which lies within the array."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mistral_moe.kernels.blocks import SIZES, over_blocks


@functools.partial(jax.jit, static_argnums=(1, 2))
def owners(group_sizes, num_rows, sizes):
    """How often each group owns each row [E, M], and how many rows all blocks have together."""

    def body(size, group, first, inside, carry):
        owned, computed = carry
        rows = first + jnp.arange(size)
        return owned.at[group, rows].add(inside[:, 0].astype(jnp.int32), mode="drop"), computed + size

    start = jnp.zeros((len(group_sizes), num_rows), jnp.int32), jnp.int32(0)
    return over_blocks(group_sizes, num_rows, body, start, sizes)


@pytest.mark.parametrize("num_rows", [280, 3])
@pytest.mark.parametrize("sizes", [(1,), (4,), (4, 8, 12, 16), (3, 5, 40)], ids=str)
def test_every_row_has_one_block(num_rows, sizes):
    rng = np.random.default_rng(0)
    for _ in range(8):
        group_sizes = rng.integers(0, 40, 7) * rng.integers(0, 2, 7)
        group_sizes = np.diff(np.minimum(np.cumsum(group_sizes), num_rows), prepend=0)
        owned, computed = owners(jnp.asarray(group_sizes, jnp.int32), num_rows, sizes)
        row, ends = np.arange(num_rows), np.cumsum(group_sizes)
        expected = [(row >= end - size) & (row < end) for size, end in zip(group_sizes, ends)]
        np.testing.assert_array_equal(owned, expected)
        assert computed >= group_sizes.sum()


def test_little_is_computed_for_nothing():
    for group_sizes in ((512, 512, 512, 512), (490, 523, 550, 2000), (5000, 3, 900, 0)):
        _, computed = owners(jnp.array(group_sizes, jnp.int32), 6000, SIZES)
        assert computed <= 1.16 * sum(group_sizes) + SIZES[0] * len(group_sizes)
