"""Eight-bit weights: within half a level of what they stand for, the same engine, and no float copy in the program."""

import functools

import flax.traverse_util
import hypothesis
from hypothesis import strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mistral_moe.inference import cache as cache_lib
from mistral_moe.inference import forward, serve
from mistral_moe.inference.quantize import quantize
from mistral_moe.inference.serve import Request
from mistral_moe.inference.weights import Matrix, prepare

quantized = jax.jit(quantize)


@hypothesis.given(seed=st.integers(0, 2**32 - 1), exponent=st.integers(-30, 30))
@hypothesis.settings(max_examples=50)
def test_a_value_is_off_by_at_most_half_a_level_of_its_channel(seed, exponent):
    rng = np.random.default_rng(seed)
    weight = (rng.normal(size=(2, 7, 5)) * rng.uniform(0, 1, (2, 1, 5)) * 2.0**exponent).astype(np.float32)
    weight[0, :, 0] = 0
    values, scale = map(np.asarray, quantized(weight))
    assert values.dtype == np.int8 and np.abs(values.astype(int)).max() <= 127
    error = np.abs(values * scale[:, None] - weight)
    assert (error <= scale[:, None] * 0.5001).all()
    np.testing.assert_allclose(scale[1], np.abs(weight[1]).max(axis=0) / 127, rtol=1e-6)
    assert not values[0, :, 0].any() and scale[0, 0] == 1


@pytest.mark.parametrize("turned", [True, False], ids=["turned", "as it is"])
@pytest.mark.parametrize("shape", [(5, 3), (24, 40), (17, 32)])
@pytest.mark.parametrize("rows", [1, 9, 129])
def test_a_product_is_that_of_the_levels(turned, shape, rows):
    rng = np.random.default_rng(0)
    weight, x = rng.normal(size=shape).astype(np.float32), rng.normal(size=(rows, shape[0])).astype(np.float32)
    values, scale = quantize(weight)
    product = jax.jit(Matrix.multiply)
    found = product(Matrix.of(jnp.asarray(weight), jnp.float32, True, turned), x)
    np.testing.assert_allclose(found, x @ (np.asarray(values) * np.asarray(scale)), atol=1e-5)
    np.testing.assert_allclose(
        product(Matrix.of(jnp.asarray(weight), jnp.float32, False, turned), x), x @ weight, atol=1e-5
    )


@pytest.fixture(scope="module", params=[0, 3], ids=["dense", "mixture"])
def model(request, tiny_config, tiny_params):
    config = tiny_config(experts=request.param, d_model=32, d_ff=64, vocab_size=64)
    return config, tiny_params(config)


@pytest.mark.slow
def test_the_engine_serves_the_rounded_model(model):
    """What it says in eight bits is what the model says whose parameters were rounded and given back."""
    config, params = model

    def rounded(path, leaf):
        name, axes = path.split("/")[-1], {"query": 1, "key": 1, "value": 1, "output": 2}
        if name not in (*axes, "gate", "up", "down", "lm_head") or path == "reasoning/gate":
            return leaf
        # Inputs are one axis of a matrix, outputs the other.
        before = leaf.ndim - {"lm_head": 2, "gate": 2, "up": 2, "down": 2}.get(name, 3)
        inputs = np.prod(leaf.shape[before : before + axes.get(name, 1)])
        values, scale = quantize(leaf.reshape(*leaf.shape[:before], inputs, -1))
        return (values * scale[..., None, :]).reshape(leaf.shape)

    flat = flax.traverse_util.flatten_dict(params, sep="/")
    restored = flax.traverse_util.unflatten_dict({path: rounded(path, leaf) for path, leaf in flat.items()}, sep="/")
    requests = [Request([1, 5, 9], 8), Request([7], 8)]
    expected = serve.generate(config, restored, requests)
    for mine, other in zip(serve.generate(config, params, requests, int8=True), expected):
        assert mine.tokens == other.tokens
        np.testing.assert_allclose(mine.log_probs, other.log_probs, atol=1e-3)


def test_the_program_holds_no_float_copy_of_the_weights(model, tiny_config, tiny_params):
    """Neither a step nor a burst, out of whose loop XLA would move the conversion if it could."""
    config = tiny_config(experts=len(model[0].experts), d_model=128, d_ff=512)
    weights = prepare(config, tiny_params(config), int8=True)
    size = sum(leaf.size for leaf in jax.tree.leaves(weights) if leaf.dtype == jnp.int8)
    cache, rows = cache_lib.empty(config, 2, 16), serve._no_rows(2)
    one = jnp.ones(2, jnp.int32)
    step = jax.jit(functools.partial(forward.read_tokens, config))
    for program in (
        step.lower(weights, cache, one, one, one > 0),
        serve._burst.lower(config, weights, cache, rows, 4, False),
    ):
        assert program.compile().memory_analysis().temp_size_in_bytes < size
