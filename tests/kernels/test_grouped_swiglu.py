"""The fused feed-forward of sorted groups against one dense feed-forward a group, in value and all gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mistral_moe.kernels.grouped_swiglu import BLOCKS, grouped_swiglu

WIDTH, HIDDEN = 4, 6
LARGE, SMALL = BLOCKS[0], BLOCKS[-1]
LAYOUTS = {
    "a group of nothing, one row, and several large blocks": (0, 1, 2 * LARGE + 3, SMALL),
    "all to one": (0, 0, LARGE + SMALL + 1, 0),
    "large blocks alone": (LARGE, 2 * LARGE, LARGE, 0),
    "fewer rows than a large block": (5, 0, SMALL + 1, 1),
    "small blocks spill over several groups": (LARGE + 1, 1, 1, 2),
    "every size of block": (sum(BLOCKS), sum(BLOCKS) + 1, sum(BLOCKS) - 1, BLOCKS[1]),
    "one row": (0, 0, 0, 1),
}


def one_group_at_a_time(x, gate, up, down, sizes):
    ends = np.cumsum(sizes)
    parts = []
    for group, (start, end) in enumerate(zip(ends - sizes, ends)):
        rows = x[start:end]
        parts.append((jax.nn.silu(rows @ gate[group]) * (rows @ up[group])) @ down[group])
    return jnp.concatenate(parts)


@pytest.mark.parametrize("sizes", LAYOUTS.values(), ids=LAYOUTS)
def test_equal_to_one_group_at_a_time(sizes):
    rng = np.random.default_rng(0)
    sizes = np.array(sizes, np.int32)
    shapes = ((sizes.sum(), WIDTH), (4, WIDTH, HIDDEN), (4, WIDTH, HIDDEN), (4, HIDDEN, WIDTH))
    arrays = [jnp.asarray(rng.normal(size=shape), jnp.float32) for shape in shapes]
    grad = jnp.asarray(rng.normal(size=shapes[0]), jnp.float32)
    value, pull = jax.vjp(lambda *a: grouped_swiglu(*a, jnp.asarray(sizes)), *arrays)
    expected, pull_expected = jax.vjp(lambda *a: one_group_at_a_time(*a, sizes), *arrays)
    np.testing.assert_allclose(value, expected, atol=1e-5)
    for ours, theirs in zip(pull(grad), pull_expected(grad), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-4)
