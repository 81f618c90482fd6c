"""The formulas against XLA's own count and against the real trees."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mistral_moe.models.config import MistralConfig
from mistral_moe.models.mistral import init_params
from mistral_moe.training.flops import forward_flops, parameter_count, router_training_flops, training_flops
from mistral_moe.training.losses import language_model_loss

# Wide enough for matmuls to drown norms and softmaxes; only compiled, never run.
WIDE = dict(
    vocab_size=1024, d_model=512, num_layers=2, num_heads=8, num_kv_heads=2, head_dim=64, d_ff=1536, scan_unroll=2
)


def compiled_flops(config, length, training):
    shapes = jax.eval_shape(functools.partial(init_params, config), jax.random.key(0))
    rows = jax.ShapeDtypeStruct((1, length), jnp.int32)
    names = ("tokens", "targets", "segment_ids", "positions")
    batch = dict.fromkeys(names, rows) | {"loss_weights": jax.ShapeDtypeStruct((1, length), jnp.float32)}

    def loss(params, batch):
        return language_model_loss(config, params, batch)[0]

    return jax.jit(jax.grad(loss) if training else loss).lower(shapes, batch).compile().cost_analysis()["flops"]


@pytest.mark.parametrize("steps", (0, 2))
def test_the_forward_formula_is_what_xla_counts(steps):
    config = MistralConfig(**WIDE, has_reasoning=steps > 0, reasoning_steps=steps)
    parts = forward_flops(config, 128)
    block = parts["attention_scores"] / config.num_layers
    # XLA computes the half of the scores that the causal mask throws away.
    ideal = 128 * (sum(parts.values()) + block * (config.num_layers + steps))
    assert compiled_flops(config, 128, training=False) == pytest.approx(ideal, rel=0.04)


def test_the_training_formula_is_what_xla_counts():
    config = MistralConfig(**WIDE)
    scores = forward_flops(config, 128)["attention_scores"]
    ideal = 128 * (training_flops(config, 128, {"trunk": 1.0, "experts": 1.0}) + 3 * scores)
    assert compiled_flops(config, 128, training=True) == pytest.approx(ideal, rel=0.05)


def test_what_is_frozen_saves_the_gradients_of_its_weights():
    config = MistralConfig(**WIDE, experts=("a", "b", "c"))
    parts = forward_flops(config, 64)
    everything = training_flops(config, 64, dict.fromkeys(("trunk", "experts", "router"), 1.0))
    assert everything == pytest.approx(3 * sum(parts.values()))
    without = training_flops(config, 64, {"trunk": 1.0, "experts": None, "router": 1.0})
    assert everything - without == pytest.approx(parts["experts"])


def test_the_router_stage_pays_a_dense_pass_an_expert():
    config = MistralConfig(**WIDE, experts=("a", "b", "c"), router_scope="model")
    dense = sum(forward_flops(config.dense(), 64).values())
    assert router_training_flops(config, 64) == pytest.approx(3 * dense + 3 * forward_flops(config, 64)["router"])


def test_a_window_bounds_the_scores():
    config = MistralConfig(**WIDE, sliding_window=32)
    assert forward_flops(config, 128)["attention_scores"] == forward_flops(config, 32)["attention_scores"]


@pytest.mark.parametrize("scope", ("model", "layer"))
@pytest.mark.parametrize("context", ("mean", "none"))
@pytest.mark.parametrize("hidden", (0, 8))
@pytest.mark.parametrize("experts, reasoning", [(0, False), (5, False), (5, True), (0, True)])
def test_parameters_are_counted_as_they_are(tiny_config, scope, context, hidden, experts, reasoning):
    config = tiny_config(
        experts=experts, has_reasoning=reasoning, router_scope=scope, router_context=context, router_hidden=hidden
    )
    tree = jax.eval_shape(functools.partial(init_params, config), jax.random.key(0))
    sizes = {name: sum(int(np.prod(leaf.shape)) for leaf in jax.tree.leaves(part)) for name, part in tree.items()}
    counted = parameter_count(config)
    assert counted["total"] == sum(sizes.values())
    assert (counted["embedding"], counted["head"]) == (sizes["embedding"], sizes["lm_head"])
    assert counted["reasoning"] == sizes.get("reasoning", 0)
    layer_router = tree["layers"].get("router", {}) if experts else {}
    assert counted["router"] == sizes.get("router", 0) + sum(leaf.size for leaf in jax.tree.leaves(layer_router))
    feed_forward = tree["layers"]["experts" if experts else "ffn"]
    assert counted["experts"] == sum(leaf.size for leaf in jax.tree.leaves(feed_forward))
    idle = counted["experts"] * (1 - 2 / experts) if experts else 0
    assert counted["total"] - counted["active"] == pytest.approx(idle)
