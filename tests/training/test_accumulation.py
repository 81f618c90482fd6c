"""Microbatches: one gradient and the metrics of the whole batch, however unevenly its loss weights lie."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mistral_moe.training.accumulation import accumulated_gradients
from mistral_moe.training.losses import RouterTerms, language_model_loss
from mistral_moe.training.multitask import TaskTerms, attach
from mistral_moe.training.optim import OptimConfig, make_optimizer
from mistral_moe.training.partition import GROUP_NAMES, split
from mistral_moe.training.step import init_branches, init_state, make_branch_step, make_step

TASKS = TaskTerms(("a", "b"), (1.0, 3.0), learned=True)


@pytest.fixture
def uneven(packed_batch):
    """Six rows: one without any weight, others with few tokens that count, padding, and two tasks."""
    batch = packed_batch(((16,), (5, 7), (3,), (16,), (9, 7), (1, 1, 1)))
    rng = np.random.default_rng(3)
    weights = batch["loss_weights"] * rng.integers(0, 3, batch["loss_weights"].shape)
    weights[3] = 0.0
    task_ids = rng.integers(0, 2, weights.shape).astype(np.int32)
    return batch | {"loss_weights": weights.astype(np.float32), "task_ids": task_ids, "domains": task_ids}


def both(loss, params, batch, parts, tasks=None):
    run = jax.jit(accumulated_gradients, static_argnums=(0, 3, 4))
    return run(loss, params, batch, parts, tasks), run(loss, params, batch, 1, tasks)


def assert_close(found, expected, names=None):
    (grads, metrics), (whole, whole_metrics) = found, expected
    jax.tree.map(lambda one, other: np.testing.assert_allclose(one, other, atol=2e-6), grads, whole)
    assert metrics.keys() == whole_metrics.keys()
    for name in names or metrics:
        np.testing.assert_allclose(metrics[name], whole_metrics[name], atol=1e-5, err_msg=name)


@pytest.mark.parametrize("parts", (2, pytest.param(3, marks=pytest.mark.slow), 6))
def test_microbatches_are_the_batch(tiny_config, tiny_params, uneven, parts):
    config = tiny_config(num_layers=1)
    loss = functools.partial(language_model_loss, config)
    assert_close(*both(loss, tiny_params(config), uneven, parts))


def test_with_tasks_of_learned_weights_too(tiny_config, tiny_params, uneven):
    config = tiny_config(num_layers=1)
    params = attach(tiny_params(config), TASKS) | {"task_log_variance": jnp.array([0.3, -0.2])}
    loss = functools.partial(language_model_loss, config, tasks=TASKS)
    assert_close(*both(loss, params, uneven, 3, TASKS))


@pytest.mark.slow
def test_of_a_mixture_the_load_and_the_z_loss_are_those_of_all_real_tokens(tiny_config, tiny_params, uneven):
    config = tiny_config(num_layers=1, experts=2)
    loss = functools.partial(language_model_loss, config, terms=RouterTerms(domain=0.5))
    assert_close(*both(loss, tiny_params(config), uneven, 3), names=("loss", "z", "load", "domain_cross_entropy"))


def prepare(config, params, accumulate):
    rates = {group: 1e-2 if group in ("experts", "trunk") else None for group in GROUP_NAMES}
    optimizer = make_optimizer(OptimConfig(rates, num_steps=10, eps=1e-3))
    trained, frozen = split(params, rates)
    step = make_step(functools.partial(language_model_loss, config), optimizer, accumulate=accumulate)
    return trained, frozen, optimizer, step


@pytest.mark.slow
def test_branches_step_alike_with_and_without(tiny_config, tiny_params, uneven, packed_batch):
    config = tiny_config(num_layers=1)
    other = packed_batch(((16,), (4, 4), (16,), (2,), (8, 8), (16,)), seed=5)
    batches = {name: np.stack([uneven[name], other[name]]) for name in other}
    ends = []
    for accumulate in (1, 3):
        trained, frozen, optimizer, step = prepare(config, tiny_params(config), accumulate)
        start = init_branches(trained, frozen, optimizer, 2)
        ends.append(jax.jit(make_branch_step(step, start))(start, batches))
    (one, metrics), (several, other_metrics) = ends
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=2e-6), several.params, one.params)
    for name in ("loss", "grad_norm"):
        np.testing.assert_allclose(other_metrics[name], metrics[name], rtol=1e-5)


def test_memory_is_that_of_one_microbatch(tiny_config, tiny_params, packed_batch):
    config = tiny_config(num_layers=1, vocab_size=256)
    batch = packed_batch(((32,),) * 16, length=32, vocab_size=256)

    def temporaries(parts):
        run = jax.jit(accumulated_gradients, static_argnums=(0, 3))
        program = run.lower(functools.partial(language_model_loss, config), tiny_params(config), batch, parts)
        return program.compile().memory_analysis().temp_size_in_bytes

    assert temporaries(8) < temporaries(1) / 3


def test_parts_that_do_not_divide_the_rows_are_refused(tiny_config, tiny_params, uneven):
    config = tiny_config(num_layers=1)
    loss = functools.partial(language_model_loss, config)
    for parts in (4, 0):
        with pytest.raises(ValueError, match=f"a batch of 6 rows can't be split into {parts} microbatches"):
            accumulated_gradients(loss, tiny_params(config), uneven, parts)


def test_a_step_of_one_part_is_the_program_it_was(tiny_config, tiny_params, packed_batch):
    """`accumulate=1` adds nothing to the step, not even a loop of one."""
    config = tiny_config(num_layers=1)
    trained, frozen, optimizer, step = prepare(config, tiny_params(config), 1)
    state = init_state(trained, frozen, optimizer)
    loss = jax.grad(functools.partial(language_model_loss, config), has_aux=True)
    alone = str(jax.make_jaxpr(loss)(tiny_params(config), packed_batch())).count("scan[")
    assert str(jax.make_jaxpr(step)(state, packed_batch())).count("scan[") == alone
