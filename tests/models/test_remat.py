"""Policies of recomputation: one gradient, and what they keep in the order that their names promise."""

import functools

import jax
import numpy as np
import pytest

from mistral_moe.models.remat import POLICIES
from mistral_moe.training.losses import language_model_loss

SHAPES = {"dense": dict(), "mixture": dict(experts=2), "fused": dict(experts=2, moe_backend="blocks")}


@functools.cache
def gradients(config, params_of, batch_of):
    run = jax.jit(jax.grad(lambda tree: language_model_loss(config, tree, batch_of())[0]))
    return run(params_of(config))


@pytest.mark.parametrize("policy", [name for name in POLICIES if name != "none"])
@pytest.mark.parametrize("shape", ("dense", pytest.param("fused", marks=pytest.mark.slow)))
def test_every_policy_gives_the_gradients_of_none(tiny_config, tiny_params, packed_batch, shape, policy):
    found, expected = (
        gradients(tiny_config(remat=name, **SHAPES[shape]), tiny_params, packed_batch) for name in (policy, "none")
    )
    jax.tree.map(lambda one, other: np.testing.assert_allclose(one, other, atol=1e-6), found, expected)


def kept_bytes(config, params, batch):
    """Bytes that the forward pass leaves for the backward pass."""

    def pull(tree):
        return jax.vjp(lambda tree: language_model_loss(config, tree, batch)[0], tree)[1]

    leaves = jax.tree.leaves(jax.eval_shape(pull, params))
    return sum(leaf.size * leaf.dtype.itemsize for leaf in leaves)


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [
        SHAPES["dense"],
        pytest.param(SHAPES["mixture"], marks=pytest.mark.slow),
        SHAPES["fused"],
        dict(attention_backend="splash"),
    ],
    ids=[*SHAPES, "splash"],
)
def test_what_is_kept_is_ordered_as_the_names_promise(tiny_config, tiny_params, packed_batch, changes):
    batch = packed_batch(((32,), (20, 12)), length=32)
    kept = {}
    for policy in POLICIES:
        config = tiny_config(num_layers=3, remat=policy, **changes)
        kept[policy] = kept_bytes(config, tiny_params(config), batch)
    assert kept["full"] < kept["attention"] < kept["minimal"] == kept["offload"] < kept["none"]
    assert kept["full"] < kept["dots"] < kept["none"]
