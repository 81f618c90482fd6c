"""Attention backends by name: one answer, packed documents apart bit for bit, the window, what cuDNN is told."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mistral_moe.kernels import segment_attention as module
from mistral_moe.kernels import splash
from mistral_moe.kernels.segment_attention import BACKENDS, pick_backend, segment_attention
from mistral_moe.models.attention import attention_mask

KV_HEADS, GROUP, WIDTH = 2, 2, 8
# No multiple of 128, so that splash pads, and more than one block of it.
LENGTH = 200
DOCUMENTS = (90, 1, 60, 41)
WINDOWS = (None, 1, 37, LENGTH)


def arrays(seed=0, dtype="float32", length=LENGTH):
    rng = np.random.default_rng(seed)
    shapes = ((1, KV_HEADS, GROUP, length, WIDTH), *((1, KV_HEADS, length, WIDTH),) * 2)
    return [jnp.asarray(rng.normal(size=shape), dtype) for shape in shapes]


def segments(documents=DOCUMENTS, length=LENGTH):
    """The documents one after the other, then padding (segment 0)."""
    ids = np.zeros((1, length), np.int32)
    ids[0, : sum(documents)] = np.repeat(np.arange(1, len(documents) + 1), documents)
    return jnp.asarray(ids)


@functools.cache
def compiled(backend, window):
    """(output, gradients of query, key and value) for a given gradient of the output."""

    @jax.jit
    def run(query, key, value, segment_ids, grad):
        mask = attention_mask(segment_ids, window) if backend in module.WITH_MASK else None

        def attend(query, key, value):
            return segment_attention(query, key, value, segment_ids, mask, window, backend)

        out, pull = jax.vjp(attend, query, key, value)
        return out, *pull(grad)

    return run


@pytest.mark.parametrize("window", WINDOWS)
def test_splash_is_xla_in_value_and_gradients(window):
    inputs, grad = arrays(), arrays(seed=1)[0]
    found, expected = (compiled(backend, window)(*inputs, segments(), grad) for backend in ("splash", "xla"))
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=2e-5)


def test_in_bfloat16_both_softmaxes_are_in_float32():
    inputs, grad = arrays(dtype="bfloat16"), arrays(seed=1, dtype="bfloat16")[0]
    wide = compiled("xla", None)(*(x.astype("float32") for x in inputs), segments(), grad.astype("float32"))
    for backend in ("xla", "splash"):
        for one, other in zip(compiled(backend, None)(*inputs, segments(), grad), wide, strict=True):
            assert one.dtype == jnp.bfloat16
            np.testing.assert_allclose(np.asarray(one, np.float32), other, atol=0.02 * np.abs(other).max())


@pytest.mark.parametrize("backend", ("xla", "splash"))
@pytest.mark.parametrize("window", (None, 37))
@pytest.mark.parametrize("document", (1, 2, 3))
def test_no_document_moves_another_by_a_bit(backend, window, document):
    """Neither in the output nor in the gradients: those of other documents stay though this one's gradient changes too."""
    ids = np.asarray(segments())[0]
    inputs, grad = arrays(), arrays(seed=1)[0]
    others = [*arrays(seed=2), arrays(seed=3)[0]]
    inside = jnp.asarray(ids == document)[:, None]
    changed = [jnp.where(inside, new, old) for old, new in zip((*inputs, grad), others)]
    before = compiled(backend, window)(*inputs, segments(), grad)
    after = compiled(backend, window)(*changed[:3], segments(), changed[3])
    for one, other in zip(before, after, strict=True):
        one, other = np.asarray(one), np.asarray(other)
        assert np.array_equal(one[..., ids != document, :], other[..., ids != document, :])
        assert not np.array_equal(one[..., ids == document, :], other[..., ids == document, :])


@pytest.mark.parametrize("backend", ("xla", "splash"))
@pytest.mark.parametrize("window", (1, 5, 130))
def test_a_token_sees_its_window_and_nothing_else(backend, window):
    """The gradient of one output reaches the values of the tokens in its window, in its document, before it."""
    at, inputs, ids = 150, arrays(), segments(documents=(20, 180))
    grad = jnp.zeros_like(inputs[0]).at[:, :, :, at].set(1.0)
    reached = np.abs(np.asarray(compiled(backend, window)(*inputs, ids, grad)[3])).max(axis=(0, 1, 3)) > 0
    assert np.array_equal(np.flatnonzero(reached), np.arange(max(20, at - window + 1), at + 1))


def test_mapped_over_branches_splash_is_what_it_is_alone():
    inputs = [jnp.stack(leaves) for leaves in zip(arrays(0), arrays(5))]
    ids, grad = jnp.stack([segments(), segments((LENGTH,))]), jnp.stack([arrays(1)[0], arrays(6)[0]])
    together = jax.vmap(compiled("splash", None))(*inputs, ids, grad)
    for index in range(2):
        alone = compiled("splash", None)(*(x[index] for x in inputs), ids[index], grad[index])
        for one, other in zip(together, alone, strict=True):
            np.testing.assert_allclose(one[index], other, atol=1e-5)


@pytest.mark.parametrize("length", (128, 256, 384, 640, 4096, 4224, 32_768))
def test_blocks_divide_the_length(length):
    block = splash.block_of(length)
    assert length % block == 0 and block % 128 == 0 and block <= 512
    assert block == 512 or length % 512


@pytest.fixture
def as_xla(monkeypatch):
    """jax.nn.dot_product_attention without a GPU: what it is asked is kept, and computed by its own XLA form."""
    asked, real = [], jax.nn.dot_product_attention

    def ask(query, key, value, **arguments):
        asked.append(arguments)
        return real(query, key, value, **arguments | {"implementation": "xla"})

    monkeypatch.setattr(jax.nn, "dot_product_attention", ask)
    return asked


@pytest.mark.parametrize("window", (pytest.param(None, marks=pytest.mark.slow), 37))
def test_cudnn_is_told_the_whole_mask_and_the_scale(as_xla, window):
    inputs, ids = arrays(), segments()
    mask = attention_mask(ids, window)
    found = segment_attention(*inputs, ids, mask, window, "cudnn")
    np.testing.assert_allclose(found, segment_attention(*inputs, ids, mask, window, "xla"), atol=1e-5)
    (asked,) = as_xla
    assert (asked["implementation"], asked["scale"], asked["is_causal"]) == ("cudnn", 1.0, True)
    assert np.array_equal(asked["mask"], mask[:, None])
    assert np.array_equal(asked["mask"][0, 0, 90], np.arange(LENGTH) == 90), "a document of one token sees itself alone"


@pytest.mark.skipif(jax.default_backend() != "gpu", reason="needs a GPU: cuDNN runs nowhere else")
@pytest.mark.parametrize("window", (None, 37))
def test_on_a_gpu_cudnn_is_xla_and_no_document_moves_another(window):
    inputs, grad = arrays(dtype="bfloat16"), arrays(seed=1, dtype="bfloat16")[0]
    found, expected = (compiled(backend, window)(*inputs, segments(), grad) for backend in ("cudnn", "xla"))
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(np.asarray(one, np.float32), np.asarray(other, np.float32), atol=0.05)
    ids = np.asarray(segments())[0]
    inside = jnp.asarray(ids == 1)[:, None]
    changed = [jnp.where(inside, new, old) for old, new in zip(inputs, arrays(seed=2, dtype="bfloat16"))]
    for one, other in zip(found, compiled("cudnn", window)(*changed, segments(), grad), strict=True):
        assert np.array_equal(np.asarray(one)[..., ids != 1, :], np.asarray(other)[..., ids != 1, :])


def on(platform):
    device = jax.sharding.AbstractDevice("a device", 1, platform)
    return jax.sharding.use_abstract_mesh(jax.sharding.AbstractMesh((1,), ("data",), abstract_device=device))


def test_auto_goes_by_the_platform_and_what_cudnn_can_do():
    for platform, backend in (("tpu", "splash"), ("gpu", "cudnn"), ("cpu", "xla")):
        with on(platform):
            assert pick_backend("auto", "bfloat16", 4096, 128) == backend
    for shapes in (("float32", 4096, 128), ("bfloat16", 4095, 128), ("bfloat16", 4096, 4), ("bfloat16", 4096, 256)):
        with on("gpu"):
            assert pick_backend("auto", *shapes) == "xla"
            with pytest.raises(ValueError, match=r"model\.attention_backend=cudnn can't be used here .*set it to auto"):
                pick_backend("cudnn", *shapes)


def test_an_unknown_backend_is_refused_by_name():
    with pytest.raises(ValueError, match="'flash'.*" + ", ".join(BACKENDS)):
        pick_backend("flash", "float32", 16, 4)
