"""The step: frozen is frozen, branches together are branches alone, masters stay float32, balancing balances."""

import functools

import flax.traverse_util
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mistral_moe.training.losses import RouterTerms, language_model_loss
from mistral_moe.training.optim import OptimConfig, make_optimizer
from mistral_moe.training.partition import GROUP_NAMES, group_of, split
from mistral_moe.training.step import init_branches, init_state, make_branch_step, make_step

LEARNED = ("experts", "router", "reasoning", "trunk")


def flat(tree):
    return {path: np.asarray(leaf) for path, leaf in flax.traverse_util.flatten_dict(tree, sep="/").items()}


def prepare(config, params, groups, rate=1e-2, bias_rate=0.0, **optim):
    """A fresh state and its compiled step, with the given groups trained."""
    rates = {group: rate if group in groups else None for group in GROUP_NAMES}
    optimizer = make_optimizer(OptimConfig(rates, num_steps=100, **optim))
    trained, frozen = split(params, rates)
    loss = functools.partial(language_model_loss, config, terms=RouterTerms(balance=0.1, z=0.1))
    step = make_step(loss, optimizer, bias_rate)
    return init_state(trained, frozen, optimizer), step, optimizer


@pytest.mark.parametrize(
    "groups",
    [*(pytest.param((name,), marks=pytest.mark.slow) for name in LEARNED), ("experts", "router", "reasoning")],
    ids="+".join,
)
def test_frozen_groups_are_bit_identical_and_trained_ones_move(tiny_config, tiny_params, packed_batch, groups):
    config = tiny_config(experts=2, top_k=1, num_layers=1, has_reasoning=True, reasoning_steps=1)
    before = tiny_params(config)
    before["reasoning"]["gate"] = jnp.full(16, 0.2)
    # top-k 1 gives the router no gradient from the loss: what moves it here are its own terms.
    state, step, _ = prepare(config, before, groups)
    step = jax.jit(step)
    for seed in range(3):
        state, metrics = step(state, packed_batch(seed=seed))
    assert int(state.step) == 3 and float(metrics["grad_norm"]) > 0
    after = flat(state.all_params)
    assert after.keys() == flat(before).keys()
    for path, leaf in flat(before).items():
        assert np.array_equal(after[path], leaf) == (group_of(path) not in groups), path


@pytest.mark.parametrize(
    "groups", [("experts",), pytest.param(("experts", "trunk"), marks=pytest.mark.slow)], ids="+".join
)
def test_branches_together_are_the_branches_one_by_one(tiny_config, tiny_params, packed_batch, groups):
    config, params = tiny_config(num_layers=1), tiny_params(tiny_config(num_layers=1))
    # A large epsilon: Adam's first step is the sign of the gradient, which would blow rounding up.
    single, step, optimizer = prepare(config, params, groups, eps=1e-3)
    together = init_branches(single.params, single.frozen, optimizer, 3)
    many, one = jax.jit(make_branch_step(step, together)), jax.jit(step)
    alone = [single] * 3
    for index in range(3):
        batches = [packed_batch(seed=10 * index + branch) for branch in range(3)]
        together, metrics = many(together, jax.tree.map(lambda *leaves: np.stack(leaves), *batches))
        done = [one(state, batch) for state, batch in zip(alone, batches)]
        alone = [state for state, _ in done]
        np.testing.assert_allclose(metrics["loss"], [m["loss"] for _, m in done], atol=1e-5)
        np.testing.assert_allclose(metrics["grad_norm"], [m["grad_norm"] for _, m in done], rtol=1e-4)
    assert np.array_equal(together.step, [3, 3, 3])
    for branch, state in enumerate(alone):
        for path, leaf in flat(together.params).items():
            np.testing.assert_allclose(leaf[branch], flat(state.params)[path], atol=2e-6, err_msg=path)
    jax.tree.map(np.testing.assert_array_equal, together.frozen, single.frozen)
    spread = np.abs(np.diff(flat(together.params)["layers/ffn/gate"], axis=0)).max()
    assert spread > 1e-3, "branches of different data must part"


def test_a_branch_does_not_see_its_neighbours_batch(tiny_config, tiny_params, packed_batch):
    config, params = tiny_config(num_layers=1), tiny_params(tiny_config(num_layers=1))
    single, step, optimizer = prepare(config, params, ("experts",))
    start = init_branches(single.params, single.frozen, optimizer, 2)
    many = jax.jit(make_branch_step(step, start))
    mine, one, other = (packed_batch(seed=seed) for seed in range(3))
    ends = [
        many(start, jax.tree.map(lambda *leaves: np.stack(leaves), mine, theirs))[0].params for theirs in (one, other)
    ]
    for path, leaf in flat(ends[0]).items():
        assert np.array_equal(leaf[0], flat(ends[1])[path][0]), path
        assert not np.array_equal(leaf[1], flat(ends[1])[path][1]), path


@pytest.mark.parametrize("scope", ("model", "layer"))
def test_the_selection_bias_moves_the_load_towards_balance(tiny_config, tiny_params, packed_batch, scope):
    config = tiny_config(experts=4, top_k=1, router_scope=scope)
    params = tiny_params(config)
    state, step, _ = prepare(config, params, ("balance",), bias_rate=0.2)
    step, batch, uneven = jax.jit(step), packed_batch(((16,), (16,))), []
    for _ in range(30):
        state, metrics = step(state, batch)
        uneven.append(float(np.abs(np.asarray(metrics["load"]).mean(axis=0) - 0.25).sum()))
    assert np.mean(uneven[-5:]) < 0.5 * uneven[0], uneven
    for path, leaf in flat(params).items():
        assert np.array_equal(flat(state.all_params)[path], leaf) == (group_of(path) != "balance"), path


def test_without_a_rate_the_selection_bias_stays(tiny_config, tiny_params, packed_batch):
    config = tiny_config(experts=2, num_layers=1)
    state, step, _ = prepare(config, tiny_params(config), ("balance", "router"))
    state, _ = jax.jit(step)(state, packed_batch())
    assert not flat(state.params)["router/selection_bias"].any()


def test_bfloat16_compute_keeps_float32_masters_that_gather_small_steps(tiny_config, tiny_params, packed_batch):
    config = tiny_config(dtype="bfloat16", num_layers=1)
    params = tiny_params(config)
    # 1e-5 is far below bfloat16's resolution at 0.25: only a float32 master can move by it.
    state, step, _ = prepare(config, params, ("experts", "trunk"), rate=1e-5, weight_decay=0.0)
    step = jax.jit(step)
    for seed in range(3):
        state, metrics = step(state, packed_batch(seed=seed))
    floats = [
        leaf for leaf in jax.tree.leaves((state.params, state.opt_state)) if jnp.issubdtype(leaf.dtype, jnp.floating)
    ]
    assert {leaf.dtype for leaf in floats} == {jnp.dtype("float32")} and metrics["loss"].dtype == jnp.float32
    for name in ("gate", "up", "down"):
        change = np.abs(flat(state.params)[f"layers/ffn/{name}"] - flat(params)[f"layers/ffn/{name}"])
        assert 0 < change.max() < 4e-5


def test_training_learns_a_batch_by_heart(tiny_config, tiny_params, packed_batch):
    config = tiny_config(experts=2)
    state, step, _ = prepare(config, tiny_params(config), LEARNED[:2] + ("trunk",), rate=3e-2, weight_decay=0.0)
    step, batch = jax.jit(step), packed_batch()
    losses = []
    for _ in range(40):
        state, metrics = step(state, batch)
        losses.append(float(metrics["loss"]))
    assert losses[-1] < 0.3 * losses[0]
    np.testing.assert_allclose(metrics["load"].sum(axis=-1), 1, atol=1e-5)
