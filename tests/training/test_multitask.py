"""One loss of several tasks: fixed weights weigh tokens, learned ones settle at the logarithm of each task's loss."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from mistral_moe.training import multitask, partition
from mistral_moe.training.losses import language_model_loss
from mistral_moe.training.multitask import LEAF, TaskTerms


def example(seed=0, tasks=3):
    rng = np.random.default_rng(seed)
    batch = {
        "loss_weights": (rng.uniform(size=(4, 16)) < 0.7).astype(np.float32),
        "task_ids": rng.integers(0, tasks, (4, 16)).astype(np.int32),
    }
    return rng.uniform(0.5, 3, (4, 16)).astype(np.float32), batch


def test_fixed_weights_weigh_tokens():
    nats, batch = example()
    terms = TaskTerms(("a", "b", "c"), (1.0, 0.0, 2.5))
    loss, metrics = multitask.combine(nats, batch, terms, {})
    weights = batch["loss_weights"] * np.array(terms.weights)[batch["task_ids"]]
    assert float(loss) == pytest.approx(np.average(nats, weights=weights), rel=1e-6)
    assert set(metrics) == {f"task_{kind}/{name}" for kind in ("share", "nats") for name in "ac"}
    for place, name in ((0, "a"), (2, "c")):
        own = batch["loss_weights"] * (batch["task_ids"] == place)
        assert float(metrics[f"task_share/{name}"]) == pytest.approx(own.sum() / batch["loss_weights"].sum())
        ratio = metrics[f"task_nats/{name}"] / metrics[f"task_share/{name}"]
        assert float(ratio) == pytest.approx(np.average(nats, weights=own), rel=1e-5)


def test_equal_weights_are_the_plain_mean():
    nats, batch = example(1)
    loss, _ = multitask.combine(nats, batch, TaskTerms(("a", "b", "c"), (2.0, 2.0, 2.0)), {})
    assert float(loss) == pytest.approx(np.average(nats, weights=batch["loss_weights"]), rel=1e-6)


def test_learned_weights_settle_at_the_logarithm_of_the_loss():
    _, batch = example(2)
    of_task = np.array([0.2, 1.0, 3.0], np.float32)
    nats = of_task[batch["task_ids"]]
    terms = TaskTerms(("a", "b", "c"), (1.0, 1.0, 1.0), learned=True)
    params = multitask.attach({}, terms)
    optimizer = optax.adam(0.05)

    @jax.jit
    def step(params, state):
        grads = jax.grad(lambda tree: multitask.combine(nats, batch, terms, tree)[0])(params)
        updates, state = optimizer.update(grads, state)
        return optax.apply_updates(params, updates), state

    state = optimizer.init(params)
    for _ in range(300):
        params, state = step(params, state)
    np.testing.assert_allclose(params[LEAF], np.log(of_task), atol=1e-2)
    # Then each task's gradient is that of the logarithm of its loss.
    grads = jax.grad(lambda scale: multitask.combine(nats * scale[batch["task_ids"]], batch, terms, params)[0])
    shares = np.array([batch["loss_weights"][batch["task_ids"] == place].sum() for place in range(3)])
    np.testing.assert_allclose(grads(jnp.ones(3)), shares / shares.sum(), atol=1e-2)


def test_no_token_of_any_task_is_no_loss_and_no_nan():
    nats, batch = example()
    batch["loss_weights"] = np.zeros_like(batch["loss_weights"])
    for learned in (False, True):
        terms = TaskTerms(("a", "b", "c"), (1.0, 1.0, 1.0), learned)
        assert float(multitask.combine(nats, batch, terms, multitask.attach({}, terms))[0]) == 0


def test_impossible_weights_are_refused():
    for weights in ((1.0,), (1.0, -1.0), (1.0, float("nan"))):
        with pytest.raises(ValueError, match="weights"):
            TaskTerms(("a", "b"), weights)


@pytest.mark.slow
def test_a_model_trains_beside_its_task_weights(tiny_config, tiny_params, packed_batch):
    config = tiny_config()
    terms = TaskTerms(("a", "b"), (1.0, 1.0), learned=True)
    batch = packed_batch(((5, 7), (16,)))
    batch["task_ids"] = np.array([[0], [1]], np.int32) * np.ones((2, 16), np.int32)
    params = multitask.attach(tiny_params(config), terms)
    trained, frozen = partition.split(params, {"experts": 1e-3, "tasks": 1e-3})
    assert LEAF in trained and LEAF not in frozen
    loss_fn = functools.partial(language_model_loss, config, tasks=terms)
    grads, metrics = jax.jit(jax.grad(loss_fn, has_aux=True))(params, batch)
    assert np.all(np.abs(grads[LEAF]) > 0)
    assert float(metrics["loss"]) == pytest.approx(
        float(language_model_loss(config, multitask.detach(params), batch)[0])
    )
    assert multitask.detach(params).keys() == tiny_params(config).keys()
