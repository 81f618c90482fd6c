"""The fused feed-forward of sorted groups against one dense feed-forward a group, in value and all gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mistral_moe.kernels.blocks import SIZES
from mistral_moe.kernels.grouped_swiglu import grouped_swiglu

WIDTH, HIDDEN = 4, 6
SMALL, LARGE = SIZES[0], SIZES[-1]
# Products of this many sizes of block take long to compile; the shapes of the groups are tested with few rows, the sizes once.
LAYOUTS = {
    "a group of nothing, one row, and several blocks": (0, 1, 2 * SMALL + 3, SMALL),
    "all to one": (0, 0, 2 * SMALL + 1, 0),
    "whole blocks alone": (SMALL, 2 * SMALL, SMALL, 0),
    "fewer rows than a block": (5, 0, 7, 1),
    "blocks that cover several groups": (SMALL + 1, 1, 1, 2),
    "several of the largest blocks": (SMALL, 2 * LARGE + 3, 1, LARGE - 1),
    "one row": (0, 0, 0, 1),
}


def one_group_at_a_time(x, gate, up, down, sizes):
    ends = np.cumsum(sizes)
    parts = []
    for group, (start, end) in enumerate(zip(ends - sizes, ends)):
        rows = x[start:end]
        parts.append((jax.nn.silu(rows @ gate[group]) * (rows @ up[group])) @ down[group])
    return jnp.concatenate(parts)


# The largest blocks compile for a quarter of a minute.
@pytest.mark.parametrize(
    "sizes",
    [pytest.param(s, id=n, marks=[pytest.mark.slow] * n.startswith("several")) for n, s in LAYOUTS.items()],
)
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


def test_rows_past_the_groups_give_nothing():
    rng = np.random.default_rng(0)
    shapes = ((SMALL + 9, WIDTH), (2, WIDTH, HIDDEN), (2, WIDTH, HIDDEN), (2, HIDDEN, WIDTH))
    arrays = [jnp.asarray(rng.normal(size=shape), jnp.float32) for shape in shapes]
    value, pull = jax.vjp(lambda *a: grouped_swiglu(*a, jnp.array([3, SMALL], jnp.int32)), *arrays)
    dx, *_ = pull(jnp.ones_like(value))
    assert value[: SMALL + 3].all() and dx[: SMALL + 3].all()
    assert not value[SMALL + 3 :].any() and not dx[SMALL + 3 :].any()
