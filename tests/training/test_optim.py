"""The optimiser: schedule, groups, decay and clipping, on made-up gradients."""

import flax.traverse_util
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from mistral_moe.training.optim import OptimConfig, decay_mask, make_optimizer, schedule
from mistral_moe.training.partition import group_of, split

ALL = {"experts": 1e-2, "router": 1e-2, "reasoning": 1e-2, "trunk": 1e-2}


@pytest.fixture
def params(tiny_config, tiny_params):
    """The names of a mixture's parameters, all of one shape: the optimiser goes by names, and one shape compiles once."""
    tree = tiny_params(tiny_config(experts=3, router_hidden=4, has_reasoning=True))
    rng = np.random.default_rng(0)
    return jax.tree.map(lambda leaf: jnp.asarray(rng.normal(size=(2, 3)), jnp.float32), tree)


def moved(config, params, gradient=1.0):
    """path -> change of each parameter in one step with one gradient everywhere."""
    trained, _ = split(params, config.learning_rates)
    optimizer = make_optimizer(config)
    gradients = jax.tree.map(lambda leaf: jnp.full_like(leaf, gradient), trained)
    updates, _ = optimizer.update(gradients, optimizer.init(trained), trained)
    after = optax.apply_updates(trained, updates)
    flat, before = (flax.traverse_util.flatten_dict(tree, sep="/") for tree in (after, trained))
    return {path: np.asarray(flat[path] - before[path]) for path in flat}


@pytest.mark.parametrize("warmup, steps", [(0, 1), (0, 10), (3, 10), (10, 10), (1, 1)])
def test_the_schedule_warms_up_to_the_peak_and_falls_to_its_fraction(warmup, steps):
    rate = schedule(OptimConfig({}, num_steps=steps, warmup_steps=warmup, final_fraction=0.2), 3e-4)
    values = np.array([float(rate(step)) for step in range(steps + 2)])
    assert values[warmup] == pytest.approx(3e-4) and values.max() == pytest.approx(3e-4)
    np.testing.assert_allclose(values[:warmup], 3e-4 * np.arange(warmup) / max(warmup, 1), atol=1e-9)
    assert (np.diff(values[warmup:]) <= 1e-12).all()
    assert values[-1] == pytest.approx(0.2 * 3e-4)


def test_the_cosine_is_half_way_in_the_middle():
    rate = schedule(OptimConfig({}, num_steps=12, warmup_steps=2, final_fraction=0.0), 1.0)
    assert float(rate(7)) == pytest.approx(0.5)


@pytest.mark.parametrize("warmup", [0, 3])
def test_a_delay_puts_the_same_schedule_off(warmup):
    at_once = schedule(OptimConfig({}, num_steps=10, warmup_steps=warmup), 1.0)
    later = schedule(OptimConfig({}, num_steps=14, warmup_steps=warmup), 1.0, delay=4)
    assert [float(later(step)) for step in range(4)] == [0.0] * 4
    np.testing.assert_array_equal([later(step + 4) for step in range(11)], [at_once(step) for step in range(11)])


def test_a_group_that_waits_stays_as_it_is_while_others_move(params):
    changes = moved(OptimConfig(ALL, num_steps=10, delays={"trunk": 2}), params)
    for path, change in changes.items():
        assert change.any() != (group_of(path) in ("trunk", "balance")), path


def test_each_group_moves_by_its_own_learning_rate(params):
    rates = {"experts": 1e-2, "router": 1e-3, "reasoning": 1e-4, "trunk": 1e-5}
    # Adam's first step is the learning rate whatever the gradient is.
    for path, change in moved(OptimConfig(rates, num_steps=10, weight_decay=0.0, clip_norm=1e9), params).items():
        np.testing.assert_allclose(change, -rates[group_of(path)], rtol=1e-2, atol=2e-7, err_msg=path)


def test_doubling_one_groups_rate_doubles_that_group_alone(params):
    once = moved(OptimConfig(ALL, num_steps=10, weight_decay=0.0), params)
    twice = moved(OptimConfig(ALL | {"experts": 2e-2}, num_steps=10, weight_decay=0.0), params)
    for path, change in once.items():
        factor = 2 if group_of(path) == "experts" else 1
        np.testing.assert_allclose(twice[path], factor * change, rtol=1e-3, atol=5e-7, err_msg=path)


def test_weight_decay_spares_norms_biases_embeddings_and_gates(params):
    spared = set()
    for path, change in moved(OptimConfig(ALL, num_steps=10, weight_decay=0.1), params, gradient=0.0).items():
        if not change.any():
            spared.add(path)
        else:
            weight = flax.traverse_util.flatten_dict(params, sep="/")[path]
            np.testing.assert_allclose(change, -1e-2 * 0.1 * weight, rtol=1e-3, atol=3e-7, err_msg=path)
    expected = {"embedding", "reasoning/gate", "router/hidden_bias"}
    assert spared == expected | {
        path for path in flax.traverse_util.flatten_dict(params, sep="/") if path.endswith("scale")
    }


def test_a_feed_forwards_gate_decays_but_the_reasoning_gate_does_not(params):
    mask = flax.traverse_util.flatten_dict(decay_mask(params), sep="/")
    assert mask["layers/experts/gate"] and mask["reasoning/block/ffn/gate"] and not mask["reasoning/gate"]


def test_gradients_are_clipped_by_their_global_norm(params):
    """Seen through a large epsilon, where Adam's step grows with the gradient."""
    config = OptimConfig(ALL, num_steps=10, weight_decay=0.0, clip_norm=1.0, eps=1e3)
    small, large = (moved(config, params, gradient=g)["lm_head"] for g in (1.0, 100.0))
    np.testing.assert_allclose(small, large, rtol=1e-3)
    unclipped = OptimConfig(ALL, num_steps=10, weight_decay=0.0, clip_norm=1e9, eps=1e3)
    assert not np.allclose(
        moved(unclipped, params, 1.0)["lm_head"], moved(unclipped, params, 100.0)["lm_head"], rtol=0.5
    )


def test_the_optimiser_leaves_the_selection_bias_to_its_own_rule(params):
    rates = ALL | {"balance": 1.0}
    assert not moved(OptimConfig(rates, num_steps=10), params)["router/selection_bias"].any()


@pytest.mark.parametrize(
    "changes, message",
    [
        (dict(num_steps=0), "num_steps is 0"),
        (dict(warmup_steps=11), "warmup_steps is 11"),
        (dict(warmup_steps=4, delays={"trunk": 7}), "the delay of trunk is 7 steps"),
    ],
)
def test_a_run_without_sense_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        OptimConfig({}, **(dict(num_steps=10) | changes))
