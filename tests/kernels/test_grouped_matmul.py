"""Every backend of grouped_matmul against one matmul a group in float64, in value and in both gradients."""

import functools
import sys

import hypothesis
import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mistral_moe.aot import chips
from mistral_moe.kernels import megablox
from mistral_moe.kernels.grouped_matmul import BACKENDS, BY_PLATFORM, grouped_matmul
from mistral_moe.kernels.platform import pick, program_platform

# tokamax runs on GPUs alone, what it compiles to is looked at further down; megablox is interpreted wherever it isn't on a TPU.
HERE = [backend for backend in BACKENDS if backend != "tokamax"]
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
@pytest.mark.parametrize(
    "backend, block", [*(("blocks", block) for block in BLOCKS), ("megablox", 8), ("megablox", None), ("dense", None)]
)
@hypothesis.settings(max_examples=30, deadline=None)
@hypothesis.given(sizes=group_sizes(), seed=st.integers(0, 3))
def test_value_and_both_gradients_are_those_of_one_matmul_a_group(backend, block, dtype, sizes, seed):
    assert_matches_by_hand(backend, block, dtype, sizes, seed)


@pytest.mark.parametrize("backend", HERE)
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


@pytest.mark.parametrize("backend", HERE)
def test_rows_past_the_last_group_read_exactly_zero_and_pass_no_gradient(backend):
    sizes = jnp.array([3, 0, 5, 2], jnp.int32)
    lhs, rhs, dout = arrays("float32")
    out, dlhs, drhs = compiled(backend, 8)(lhs, rhs, sizes, dout)
    assert not np.asarray(out)[10:].any() and not np.asarray(dlhs)[10:].any()
    louder = dout.at[10:].multiply(1e6)
    assert np.array_equal(compiled(backend, 8)(lhs, rhs, sizes, louder)[2], drhs)


@pytest.mark.parametrize("backend", ("blocks", "megablox"))
def test_mapped_over_a_leading_axis_it_is_what_it_is_alone(backend):
    """Branches and forced passes are vmapped: the loops over blocks then run to the longest of the batch."""
    sizes = jnp.array([[37, 0, 0, 0], [1, 2, 3, 4], [9, 9, 9, 9]], jnp.int32)
    lhs, rhs, dout = (jnp.stack(leaves) for leaves in zip(*(arrays("float32", seed) for seed in range(3))))
    together = jax.jit(jax.vmap(compiled(backend, 8)))(lhs, rhs, sizes, dout)
    for index in range(3):
        alone = compiled(backend, 8)(lhs[index], rhs[index], sizes[index], dout[index])
        for one, other in zip(together, alone):
            np.testing.assert_allclose(one[index], other, atol=1e-5)


def test_an_unknown_backend_is_refused_by_name():
    lhs, rhs, _ = arrays("float32")
    with pytest.raises(ValueError, match="'fastest'.*megablox, tokamax, blocks, dense"):
        grouped_matmul(lhs, rhs, jnp.zeros(GROUPS, jnp.int32), "fastest")


@pytest.fixture
def tokamax(monkeypatch):
    """The package, which reads absl flags and would take pytest's own for them."""
    monkeypatch.setattr(sys, "argv", ["pytest"])
    return pytest.importorskip("tokamax", reason="needs the package tokamax, the kernels for GPUs")


def test_tokamax_on_a_machine_without_a_gpu_is_refused_in_one_line(tokamax):
    if jax.default_backend() == "gpu":
        pytest.skip("this machine has a GPU")
    lhs, rhs, _ = arrays("float32")
    with pytest.raises(
        ValueError, match=r"'tokamax' has no kernel for \(37, 6\) by \(4, 6, 5\).*needs a GPU: set model"
    ):
        grouped_matmul(lhs, rhs, jnp.zeros(GROUPS, jnp.int32), "tokamax")


def test_for_a_gpu_each_direction_is_one_triton_kernel_and_no_matmul_beside_it(tokamax):
    lhs, rhs, dout = (jnp.zeros(shape, "bfloat16") for shape in ((512, 128), (GROUPS, 128, 256), (512, 256)))
    sizes = jnp.full(GROUPS, 128, jnp.int32)

    def pull(lhs, rhs, dout):
        return jax.vjp(lambda a, b: grouped_matmul(a, b, sizes, "tokamax"), lhs, rhs)[1](dout)

    directions = (
        lambda lhs, rhs, dout: grouped_matmul(lhs, rhs, sizes, "tokamax"),
        lambda *args: pull(*args)[0],
        lambda *args: pull(*args)[1],
    )
    for direction in directions:
        with tokamax.config.cross_compile(True):
            lowered = jax.jit(direction).trace(lhs, rhs, dout).lower(lowering_platforms=("cuda",))
        text = lowered.as_text()
        assert (text.count("xla.gpu.triton"), text.count("stablehlo.dot_general")) == (1, 0)


@pytest.mark.skipif(jax.default_backend() != "gpu", reason="needs a GPU: tokamax's kernels run nowhere else")
@pytest.mark.parametrize("dtype", ("float32", "bfloat16"))
@pytest.mark.parametrize("sizes", [(100, 0, 28, 128), (0, 0, 0, 256), (1, 1, 1, 1), (0, 0, 0, 0), (37, 91, 0, 64)])
def test_tokamax_on_a_gpu_is_the_dense_oracle(dtype, sizes):
    rng = np.random.default_rng(0)
    lhs, rhs, dout = (jnp.asarray(rng.normal(size=s), dtype) for s in ((256, 128), (GROUPS, 128, 256), (256, 256)))
    sizes = jnp.asarray(sizes, jnp.int32)
    found, expected = (compiled(backend, None)(lhs, rhs, sizes, dout) for backend in ("tokamax", "dense"))
    for one, other in zip(found, expected):
        scale = np.abs(np.asarray(other, np.float64)).max() + 1.0
        np.testing.assert_allclose(
            np.asarray(one, np.float64) / scale, np.asarray(other, np.float64) / scale, atol=2e-2
        )


def test_tiles_lose_little_at_the_borders_of_groups_and_to_padding():
    for rows, groups in ((16_384, 5), (65_536, 8), (262_144, 64)):
        tiles = -(-rows // megablox.gradient_tile_rows(rows, groups))
        assert (tiles + groups - 1) / tiles <= 1.05
    for width in (128, 1000, 1024, 4096, 11_008, 14_336):
        for itemsize in (2, 4):
            tile = megablox.tile_width(width, itemsize)
            assert tile * itemsize <= 2048 and -(-width // tile) * tile <= 1.05 * max(width, tile)


def test_chips_of_the_tiles_are_those_of_the_audit():
    names = {"TPU v5": "v5p", "TPU v5 lite": "v5e", "TPU v6 lite": "v6e"}
    for kind, name in names.items():
        chip = chips.CHIPS[name]
        assert megablox._CHIPS[kind].balance == pytest.approx(chip.flops / chip.hbm_bandwidth, rel=0.01)


def test_tiles_have_the_rows_that_keep_a_chip_from_waiting_for_memory():
    """At the full size's 32,768 rows of five experts; where rows are few, what borders cost comes first."""
    kinds = "TPU v5", "TPU v5 lite", "TPU v6 lite", "one of tomorrow"
    assert [megablox.tile_rows(32_768, 5, kind) for kind in kinds] == [256, 512, 1024, 256]
    assert megablox.tile_rows(1024, 8, "TPU v6 lite") < 1024
    assert megablox.tile_rows(40, 5, "TPU v5") == 48


def program(backend):
    """The text of the compiled step of one op, forward and backward."""
    lhs, rhs, dout = arrays("float32")
    return compiled(backend, None).lower(lhs, rhs, jnp.zeros(GROUPS, jnp.int32), dout).as_text()


@pytest.mark.skipif(jax.default_backend() != "cpu", reason="says what auto is on a CPU")
def test_auto_is_blocks_to_the_letter_on_a_cpu():
    assert program("auto") == program("blocks") != program("megablox")


def test_auto_goes_by_the_mesh_in_context():
    mesh = jax.sharding.AbstractMesh((1,), ("data",), abstract_device=jax.sharding.AbstractDevice("TPU v5p", 1, "tpu"))
    with jax.sharding.use_abstract_mesh(mesh):
        assert (program_platform(), pick("auto", BY_PLATFORM), pick("dense", BY_PLATFORM)) == (
            "tpu",
            "megablox",
            "dense",
        )
    assert program_platform() == jax.default_backend()
