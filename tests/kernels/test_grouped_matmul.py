"""Every backend of grouped_matmul against one matmul a group in float64, in value and in both gradients."""

import functools

import hypothesis
import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mistral_moe.kernels.grouped_matmul import BACKENDS, grouped_matmul

ROWS, INNER, OUTER, GROUPS = 37, 6, 5, 4
# 37 rows: no multiple of 8, fewer than 64.
BLOCKS = (1, 8, 64)
TOLERANCE = {"float32": 1e-5, "bfloat16": 2e-2}


@functools.cache
def compiled(backend, block):
    """(value, gradient of lhs, gradient of rhs) for a given gradient of the output."""

    @jax.jit
    def run(lhs, rhs, sizes, dout):
        out, pull = jax.vjp(lambda a, b: grouped_matmul(a, b, sizes, backend, block), lhs, rhs)
        return out, *pull(dout)

    return run


def by_hand(lhs, rhs, sizes, dout):
    """The three answers with one numpy matmul a group; rows past the last group stay zero and count nowhere."""
    out, dlhs, drhs = np.zeros((len(lhs), rhs.shape[2])), np.zeros_like(lhs), np.zeros_like(rhs)
    start = 0
    for group, size in enumerate(sizes):
        rows = slice(start, start + size)
        out[rows], dlhs[rows] = lhs[rows] @ rhs[group], dout[rows] @ rhs[group].T
        drhs[group] = lhs[rows].T @ dout[rows]
        start += size
    return out, dlhs, drhs


def arrays(dtype, seed=0):
    rng = np.random.default_rng(seed)
    shapes = ((ROWS, INNER), (GROUPS, INNER, OUTER), (ROWS, OUTER))
    return tuple(jnp.asarray(rng.normal(size=shape), dtype) for shape in shapes)


def assert_matches_by_hand(backend, block, dtype, sizes, seed=0):
    lhs, rhs, dout = arrays(dtype, seed)
    found = compiled(backend, block)(lhs, rhs, jnp.asarray(sizes, jnp.int32), dout)
    expected = by_hand(*(np.asarray(leaf, np.float64) for leaf in (lhs, rhs)), sizes, np.asarray(dout, np.float64))
    for name, one, other in zip(("value", "lhs gradient", "rhs gradient"), found, expected):
        assert one.dtype == dtype, name
        scale = max(np.abs(other).max(), 1.0)
        np.testing.assert_allclose(
            np.asarray(one, np.float64) / scale, other / scale, atol=TOLERANCE[dtype], err_msg=name
        )


@st.composite
def group_sizes(draw):
    """Sizes that sum to at most ROWS: cuts of a random total, so that empty and one-row groups are common."""
    total = draw(st.one_of(st.just(ROWS), st.integers(0, ROWS)))
    cuts = sorted(draw(st.lists(st.integers(0, total), min_size=GROUPS - 1, max_size=GROUPS - 1)))
    return [high - low for low, high in zip([0, *cuts], [*cuts, total])]


@pytest.mark.parametrize("dtype", ("float32", "bfloat16"))
@pytest.mark.parametrize("backend, block", [*(("blocks", block) for block in BLOCKS), ("dense", 1)])
@hypothesis.settings(max_examples=30, deadline=None)
@hypothesis.given(sizes=group_sizes(), seed=st.integers(0, 3))
def test_value_and_both_gradients_are_those_of_one_matmul_a_group(backend, block, dtype, sizes, seed):
    assert_matches_by_hand(backend, block, dtype, sizes, seed)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    "sizes",
    [
        pytest.param([0, 0, 0, 0], id="nothing at all"),
        pytest.param([0, ROWS, 0, 0], id="everything to one"),
        pytest.param([0, 0, 0, ROWS], id="everything to the last"),
        pytest.param([1, 1, 1, 1], id="one row each"),
        pytest.param([8, 16, 8, 0], id="multiples of the block"),
        pytest.param([7, 9, 15, 1], id="beside multiples of the block"),
        pytest.param([ROWS - 1, 0, 0, 1], id="one row at the end"),
    ],
)
def test_the_corners_of_the_group_sizes(backend, sizes):
    assert_matches_by_hand(backend, 8, "float32", sizes)


@pytest.mark.parametrize("backend", BACKENDS)
def test_rows_past_the_last_group_read_exactly_zero_and_pass_no_gradient(backend):
    sizes = jnp.array([3, 0, 5, 2], jnp.int32)
    lhs, rhs, dout = arrays("float32")
    out, dlhs, drhs = compiled(backend, 8)(lhs, rhs, sizes, dout)
    assert not np.asarray(out)[10:].any() and not np.asarray(dlhs)[10:].any()
    louder = dout.at[10:].multiply(1e6)
    assert np.array_equal(compiled(backend, 8)(lhs, rhs, sizes, louder)[2], drhs)


def test_mapped_over_a_leading_axis_it_is_what_it_is_alone():
    """Branches and forced passes are vmapped: the loops over blocks then run to the longest of the batch."""
    sizes = jnp.array([[37, 0, 0, 0], [1, 2, 3, 4], [9, 9, 9, 9]], jnp.int32)
    lhs, rhs, dout = (jnp.stack(leaves) for leaves in zip(*(arrays("float32", seed) for seed in range(3))))
    together = jax.jit(jax.vmap(compiled("blocks", 8)))(lhs, rhs, sizes, dout)
    for index in range(3):
        alone = compiled("blocks", 8)(lhs[index], rhs[index], sizes[index], dout[index])
        for one, other in zip(together, alone):
            np.testing.assert_allclose(one[index], other, atol=1e-5)


def test_an_unknown_backend_is_refused_by_name():
    lhs, rhs, _ = arrays("float32")
    with pytest.raises(ValueError, match="'fastest'.*blocks, dense"):
        grouped_matmul(lhs, rhs, jnp.zeros(GROUPS, jnp.int32), "fastest")
