"""The feed-forward of sorted groups: every backend against the dense one, in value and all gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mistral_moe.kernels.grouped_feed_forward import grouped_feed_forward

ROWS, WIDTH, HIDDEN, GROUPS = 45, 4, 6, 3


@pytest.mark.parametrize("backend", ("auto", "blocks", "megablox"))
@pytest.mark.parametrize("sizes", [(20, 0, 25), (45, 0, 0), (1, 43, 1)], ids=str)
def test_a_backend_is_the_dense_oracle(backend, sizes):
    rng = np.random.default_rng(0)
    shapes = ((ROWS, WIDTH), (GROUPS, WIDTH, HIDDEN), (GROUPS, WIDTH, HIDDEN), (GROUPS, HIDDEN, WIDTH))
    arrays = [jnp.asarray(rng.normal(size=shape), jnp.float32) for shape in shapes]
    grad = jnp.asarray(rng.normal(size=shapes[0]), jnp.float32)

    def run(name):
        out, pull = jax.vjp(lambda *a: grouped_feed_forward(*a, jnp.asarray(sizes, jnp.int32), name), *arrays)
        return out, *pull(grad)

    for found, expected in zip(jax.jit(run, static_argnums=0)(backend), run("dense"), strict=True):
        np.testing.assert_allclose(found, expected, atol=2e-4)


def test_an_unknown_backend_is_refused_by_name():
    x, matrix = jnp.zeros((4, 2)), jnp.zeros((1, 2, 2))
    with pytest.raises(ValueError, match="unknown grouped_matmul backend 'fastest'"):
        grouped_feed_forward(x, matrix, matrix, matrix, jnp.zeros(1, jnp.int32), "fastest")
