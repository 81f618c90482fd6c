"""Every row of every group belongs to exactly one block, which lies within the array."""

import jax.numpy as jnp
import numpy as np
import pytest

from mistral_moe.kernels.blocks import SIZES, over_blocks


def owners(group_sizes, num_rows, sizes):
    """How often each group owns each row [E, M], and how many rows all blocks have together."""

    def body(size, group, first, inside, carry):
        owned, computed = carry
        rows = first + jnp.arange(size)
        return owned.at[group, rows].add(inside[:, 0].astype(jnp.int32), mode="drop"), computed + size

    start = jnp.zeros((len(group_sizes), num_rows), jnp.int32), jnp.int32(0)
    owned, computed = over_blocks(jnp.array(group_sizes, jnp.int32), num_rows, body, start, sizes)
    return np.asarray(owned), int(computed)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("sizes", [(1,), (4,), (4, 8, 12, 16), (3, 5, 40)], ids=str)
def test_every_row_has_one_block(seed, sizes):
    rng = np.random.default_rng(seed)
    group_sizes = rng.integers(0, 40, 7) * rng.integers(0, 2, 7)
    num_rows = int(group_sizes.sum()) + int(rng.integers(0, 5))
    owned, computed = owners(group_sizes, max(num_rows, 1), sizes)
    row = np.arange(owned.shape[1])
    ends = np.cumsum(group_sizes)
    expected = [(row >= end - size) & (row < end) for size, end in zip(group_sizes, ends)]
    np.testing.assert_array_equal(owned, expected)
    assert computed >= group_sizes.sum()


@pytest.mark.parametrize("group_sizes", [(512,) * 8, (490, 523, 550, 2000), (5000, 3, 900, 0)], ids=str)
def test_little_is_computed_for_nothing(group_sizes):
    _, computed = owners(group_sizes, sum(group_sizes), SIZES)
    assert computed <= 1.16 * sum(group_sizes) + SIZES[0] * len(group_sizes)
