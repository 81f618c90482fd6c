"""The whole model: sizes, layouts, recomputation, numerics, and a reasoning block that starts as nothing."""

import dataclasses
import functools

import flax.traverse_util
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mistral_moe.models.config import MistralConfig
from mistral_moe.models.mistral import Mistral, init_params
from mistral_moe.models.router import force
from mistral_moe.training.losses import language_model_loss


def shapes(config):
    tree = jax.eval_shape(functools.partial(init_params, config), jax.random.key(0))
    return {path: leaf.shape for path, leaf in flax.traverse_util.flatten_dict(tree, sep="/").items()}


@pytest.mark.parametrize("experts, total", [(0, 7_241_732_096), (8, 46_702_792_704)])
def test_full_size_models_have_the_published_number_of_parameters(experts, total):
    """Mistral 7B v0.1 and Mixtral 8x7B, by shapes alone (a selection bias a layer is ours)."""
    config = MistralConfig(
        vocab_size=32_000,
        d_model=4096,
        num_layers=32,
        num_heads=32,
        num_kv_heads=8,
        head_dim=128,
        d_ff=14_336,
        experts=tuple(f"e{index}" for index in range(experts)),
        router_scope="layer",
        router_context="none",
    )
    ours = 32 * experts
    assert sum(int(np.prod(shape)) for shape in shapes(config).values()) - ours == total


@pytest.mark.parametrize("changes", [dict(), dict(experts=5, router_scope="layer")], ids=("dense", "mixture"))
def test_the_tree_does_not_depend_on_how_it_is_run(tiny_config, changes):
    config = tiny_config(**changes)
    for other in (dict(scan_unroll=2), dict(remat="full"), dict(dtype="bfloat16"), dict(sliding_window=3)):
        assert shapes(dataclasses.replace(config, **other)) == shapes(config)


@pytest.mark.slow
@pytest.mark.parametrize(
    "scope, changes", [("model", dict(scan_unroll=2, remat="dots")), ("layer", dict(remat="full"))]
)
def test_unrolled_and_recomputed_give_the_same_loss_and_gradients(
    tiny_config, tiny_params, packed_batch, scope, changes
):
    config = tiny_config(experts=3, router_scope=scope)
    params, batch = tiny_params(config), packed_batch()

    def run(config):
        return jax.jit(jax.value_and_grad(lambda tree: language_model_loss(config, tree, batch)[0]))(params)

    loss, gradients = run(config)
    other_loss, other = run(dataclasses.replace(config, **changes))
    assert float(other_loss) == pytest.approx(float(loss), abs=1e-6)
    jax.tree.map(lambda one, two: np.testing.assert_allclose(one, two, atol=1e-5), other, gradients)


@pytest.mark.slow
def test_bfloat16_activations_over_float32_masters(tiny_config, tiny_params, packed_batch, model_logits):
    wide, narrow = tiny_config(experts=3, top_k=3), tiny_config(experts=3, top_k=3, dtype="bfloat16")
    params, batch = tiny_params(wide), packed_batch()
    assert {leaf.dtype for leaf in jax.tree.leaves(tiny_params(narrow))} == {jnp.dtype("float32")}
    exact, rounded = (model_logits(config, params, batch) for config in (wide, narrow))
    assert rounded.dtype == np.float32
    assert 0 < np.abs(exact - rounded).max() < 0.1 * np.abs(exact).max()


def test_a_forced_decision_overrules_the_router(tiny_config, tiny_params, packed_batch, model_logits):
    config = tiny_config(experts=3, router_scope="layer")
    params, batch = tiny_params(config), packed_batch()
    said = [model_logits(config, params, batch, force(expert, batch["tokens"], 3)) for expert in range(3)]
    assert not np.array_equal(said[0], said[1]) and not np.array_equal(said[1], said[2])
    shown = jax.jit(Mistral(config).apply)(
        {"params": params}, batch["tokens"], batch["segment_ids"], batch["positions"], force(2, batch["tokens"], 3)
    )
    assert shown.decision.experts.shape == (1, 2, 16, 1) and (shown.decision.experts == 2).all()


def test_padding_stays_finite(tiny_config, tiny_params, packed_batch, model_logits):
    config = tiny_config(experts=3)
    assert np.isfinite(model_logits(config, tiny_params(config), packed_batch(((3,), ())))).all()


@pytest.mark.parametrize("experts", (0, 3), ids=("dense", "mixture"))
def test_a_closed_gate_makes_the_reasoning_block_nothing_and_an_open_one_a_recurrence(
    tiny_config, tiny_params, packed_batch, model_logits, experts
):
    plain = tiny_config(experts=experts, num_layers=1)
    config = dataclasses.replace(plain, has_reasoning=True)
    params, batch = tiny_params(config), packed_batch()
    without = model_logits(plain, {name: leaf for name, leaf in params.items() if name != "reasoning"}, batch)
    steps = {r: dataclasses.replace(config, reasoning_steps=r) for r in (0, 1, 2)}
    for variant in steps.values():
        np.testing.assert_array_equal(model_logits(variant, params, batch), without)
    opened = params | {"reasoning": params["reasoning"] | {"gate": jnp.full(16, 0.3)}}
    said = {r: model_logits(variant, opened, batch) for r, variant in steps.items()}
    np.testing.assert_array_equal(said[0], without)
    assert np.abs(said[1] - without).max() > 1e-3 and np.abs(said[2] - said[1]).max() > 1e-3


def test_the_number_of_reasoning_steps_is_an_argument_of_the_pass(tiny_config, tiny_params, packed_batch):
    config = tiny_config(has_reasoning=True, reasoning_steps=1)
    params, batch = tiny_params(config), packed_batch()
    params["reasoning"]["gate"] = jnp.full(16, 0.3)
    inputs = (batch["tokens"], batch["segment_ids"], batch["positions"])

    def run(config, steps):
        return jax.jit(lambda tree: Mistral(config).apply({"params": tree}, *inputs, reasoning_steps=steps).hidden)(
            params
        )

    np.testing.assert_array_equal(run(config, 2), run(dataclasses.replace(config, reasoning_steps=2), None))
