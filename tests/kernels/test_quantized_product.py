"""Products in eight bits: near those of floats, in eight bits indeed, and good enough to train with."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from mistral_moe.kernels.quantized_product import quantized_product
from mistral_moe.training.losses import language_model_loss

# What rounding to the nearest of 255 levels, or to 3 bits of mantissa, leaves of random numbers.
ERRORS = {"int8": 0.015, "fp8": 0.06}
SHAPE = (48, 64, 40)


def arrays(seed=0):
    rows, inputs, outputs = SHAPE
    rng = np.random.default_rng(seed)
    shapes = (rows, inputs), (inputs, outputs), (rows, outputs)
    return [jnp.asarray(rng.normal(size=shape), jnp.float32) for shape in shapes]


@functools.partial(jax.jit, static_argnums=3)
def value_and_gradients(x, weight, grad, mode):
    out, pull = jax.vjp(lambda x, weight: quantized_product(x, weight, mode), x, weight)
    return out, *pull(grad)


def distance(found, expected):
    return float(jnp.linalg.norm(found - expected) / jnp.linalg.norm(expected))


@pytest.mark.parametrize("mode, error", ERRORS.items())
def test_rounding_is_all_that_is_lost(mode, error):
    found, expected = (value_and_gradients(*arrays(), name) for name in (mode, "none"))
    assert 0 < distance(found[0], expected[0]) < error
    assert 0 < distance(found[1], expected[1]) < error
    np.testing.assert_allclose(found[2], expected[2], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("mode", ERRORS)
def test_every_row_and_column_has_a_scale_of_its_own(mode):
    """So a row or column a million times larger or smaller costs the others nothing."""
    x, weight, grad = arrays()
    tall, wide = 10.0 ** jnp.linspace(-6, 6, SHAPE[0])[:, None], 10.0 ** jnp.linspace(-6, 6, SHAPE[2])
    out = value_and_gradients(x * tall, weight * wide, grad, mode)[0] / tall / wide
    assert distance(out, value_and_gradients(x, weight, grad, mode)[0]) < ERRORS[mode]


@pytest.mark.parametrize("mode", ERRORS)
def test_zeros_stay_zeros(mode):
    x, weight, grad = arrays()
    out, dx, dweight = value_and_gradients(x.at[3].set(0), weight, grad.at[5].set(0), mode)
    assert not out[3].any() and not dx[5].any()
    assert all(jnp.isfinite(array).all() for array in (out, dx, dweight))


@pytest.mark.parametrize("mode, kind", [("int8", "i8"), ("fp8", "f8E4M3FN")])
def test_two_of_the_three_products_take_eight_bits(mode, kind):
    text = value_and_gradients.lower(*arrays(), mode).as_text()
    products = [line for line in text.splitlines() if "dot_general" in line]
    assert [line.count(f"x{kind}>") > 0 for line in products].count(True) == 2 and len(products) == 3


@pytest.mark.parametrize("mode", ["int8", pytest.param("fp8", marks=pytest.mark.slow)])
@pytest.mark.parametrize("experts", [0, pytest.param(3, marks=pytest.mark.slow)], ids=["dense", "mixture"])
def test_a_model_learns_in_eight_bits_as_in_floats(tiny_config, tiny_params, mode, experts):
    config = tiny_config(experts=experts, d_model=32, d_ff=64)
    tokens = np.random.default_rng(0).integers(1, config.vocab_size, (4, 13)).astype(np.int32)
    batch = {
        "tokens": tokens[:, :-1],
        "targets": tokens[:, 1:],
        "segment_ids": np.ones((4, 12), np.int32),
        "positions": np.tile(np.arange(12, dtype=np.int32), (4, 1)),
        "loss_weights": np.ones((4, 12), np.float32),
    }
    optimizer = optax.adam(1e-2)

    def losses(config):
        @jax.jit
        def step(params, state):
            (loss, _), grads = jax.value_and_grad(functools.partial(language_model_loss, config), has_aux=True)(
                params, batch
            )
            updates, state = optimizer.update(grads, state)
            return optax.apply_updates(params, updates), state, loss

        params = tiny_params(config)
        state, found = optimizer.init(params), []
        for _ in range(30):
            params, state, loss = step(params, state)
            found.append(float(loss))
        return found

    floats, bits = losses(config), losses(dataclasses.replace(config, quantization=mode))
    assert floats != bits
    assert bits[0] == pytest.approx(floats[0], rel=0.02)
    assert floats[-1] < 0.5 * floats[0]
    assert bits[-1] < floats[-1] + 0.1 * floats[0]
