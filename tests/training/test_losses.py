"""The losses and their terms: what is averaged, what is weighted, what the router is told."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from mistral_moe.routing.oracle import forced_losses, oracle_posterior
from mistral_moe.training.losses import (
    RouterTerms,
    domain_nats,
    joint_loss,
    language_model_loss,
    router_loss,
    weighted_mean,
)


def test_the_loss_is_the_weighted_mean_over_tokens(tiny_config, tiny_params, packed_batch, model_logits):
    config = tiny_config()
    params, batch = tiny_params(config), packed_batch(((5, 7), (16,)))
    batch["loss_weights"] *= np.random.default_rng(0).uniform(size=(2, 16)).astype(np.float32)
    nats = optax.softmax_cross_entropy_with_integer_labels(model_logits(config, params, batch), batch["targets"])
    expected = np.average(nats, weights=batch["loss_weights"])
    run = jax.jit(functools.partial(language_model_loss, config), static_argnames="chunk")
    for chunk in (0, 8):
        loss, metrics = run(params, batch, chunk=chunk)
        assert float(loss) == pytest.approx(expected, abs=1e-5) and set(metrics) == {"loss"}
    elsewhere = batch | {"targets": np.where(batch["loss_weights"] > 0, batch["targets"], 0)}
    assert float(run(params, elsewhere)[0]) == float(run(params, batch)[0])


def test_no_weight_at_all_is_no_loss_and_no_nan():
    assert float(weighted_mean(jnp.ones((2, 3)), jnp.zeros((2, 3)))) == 0


@pytest.fixture(scope="module", params=("model", pytest.param("layer", marks=pytest.mark.slow)))
def routed(request, tiny_config, tiny_params, packed_batch):
    """(params, batch, compiled router loss of given weights, forced losses) of a mixture."""
    config = tiny_config(experts=3, top_k=2, router_scope=request.param)
    batch = packed_batch()

    @jax.jit
    def run(params, oracle, balance, z):
        terms = RouterTerms(oracle=oracle, balance=balance, z=z, window=4)
        return jax.value_and_grad(lambda tree: router_loss(config, tree, batch, terms), has_aux=True)(params)

    params = tiny_params(config)
    return params, batch, run, jax.jit(functools.partial(forced_losses, config))(params, batch)


def largest(tree):
    return max(float(jnp.abs(leaf).max()) for leaf in jax.tree.leaves(tree))


def routers(params):
    return params.get("router") or params["layers"]["router"]


@pytest.mark.parametrize("term, name", [("oracle", "cross_entropy"), ("balance", "balance"), ("z", "z")])
def test_each_router_term_counts_once_and_teaches_the_router(routed, term, name):
    params, _, run, _ = routed
    weights = dict(oracle=0.0, balance=0.0, z=0.0)
    for weight in (1.0, 2.0):
        (total, metrics), gradients = run(params, **(weights | {term: weight}))
        assert float(total) == weight * float(metrics[name])
        assert largest(routers(gradients)["kernel"]) > 1e-6
        # Forced passes are measurements: nothing of them is taught.
        assert largest(gradients["lm_head"]) == 0 and largest(gradients["final_norm"]) == 0
        assert largest(routers(gradients)["selection_bias"]) == 0
    together, metrics = run(params, oracle=1.0, balance=0.5, z=0.25)[0]
    expected = metrics["cross_entropy"] + 0.5 * metrics["balance"] + 0.25 * metrics["z"]
    assert float(together) == pytest.approx(float(expected), rel=1e-6)


def test_a_router_that_follows_the_oracle_agrees_and_regrets_nothing(tiny_config, tiny_params, packed_batch):
    """Two experts, one document a row; the selection bias sends all to the one that is better on the whole row."""
    config = tiny_config(experts=2, top_k=1)
    params, batch = tiny_params(config), packed_batch(((16,),))
    terms = RouterTerms(window=16)
    losses = np.asarray(jax.jit(functools.partial(forced_losses, config))(params, batch)).mean((1, 2))
    run = jax.jit(functools.partial(router_loss, config, terms=terms))
    for chosen in range(2):
        params["router"]["selection_bias"] = jnp.where(jnp.arange(2) == chosen, 1e6, 0.0)
        metrics = run(params, batch)[1]
        assert float(metrics["agreement"]) == float(losses[chosen] == losses.min())
        assert float(metrics["regret_window_16"]) == pytest.approx(float(losses[chosen] - losses.min()), abs=1e-5)


def test_the_cross_entropy_is_least_for_the_oracles_own_posterior(routed):
    """Gibbs: the entropy of the posterior is a floor under the router's cross-entropy."""
    params, batch, run, losses = routed
    target = np.asarray(oracle_posterior(losses, batch, 4, 0.1), np.float64)
    entropy = -(target * np.log(np.maximum(target, 1e-30))).sum(-1)
    floor = np.average(entropy, weights=batch["loss_weights"])
    assert float(run(params, 1.0, 0.0, 0.0)[0][1]["cross_entropy"]) > floor


def test_the_joint_loss_is_the_language_models_and_teaches_the_oracle_to_the_router_alone(
    tiny_config, tiny_params, packed_batch
):
    config = tiny_config(experts=2, top_k=1)
    params, batch = tiny_params(config), packed_batch()
    first_row = {name: leaf[:1] for name, leaf in batch.items()}

    @functools.partial(jax.jit, static_argnums=0)
    def run(rows):
        terms = RouterTerms(balance=0.5, z=0.25, window=4, oracle_rows=rows)
        return jax.value_and_grad(lambda tree: joint_loss(config, tree, batch, terms), has_aux=True)(params)

    terms = RouterTerms(window=4)
    of_router, _ = jax.jit(functools.partial(router_loss, config, terms=terms))(params, first_row)
    (plain, before), without = run(0)
    (total, metrics), gradients = run(1)
    # The balance terms are of the whole batch and counted once, with oracle rows or without.
    assert float(plain) == pytest.approx(float(before["loss"] + 0.5 * before["balance"] + 0.25 * before["z"]), rel=1e-6)
    assert float(total) == pytest.approx(float(plain + of_router), rel=1e-5)
    assert float(metrics["balance"]) == pytest.approx(float(before["balance"]), rel=1e-6)
    moved = jax.tree.map(lambda one, two: float(jnp.abs(one - two).max()), gradients, without)
    assert moved.pop("router")["kernel"] > 1e-4
    assert max(jax.tree.leaves(moved)) < 1e-5


@pytest.mark.parametrize("scope", ["model", pytest.param("layer", marks=pytest.mark.slow)])
def test_the_domain_term_is_counted_once_and_draws_tokens_to_their_own_expert(
    tiny_config, tiny_params, packed_batch, scope
):
    config = tiny_config(experts=3, top_k=1, router_scope=scope)
    params, batch = tiny_params(config), packed_batch()
    batch["domains"] = np.where(batch["segment_ids"] % 2, 2, 1).astype(np.int32)

    @functools.partial(jax.jit, static_argnums=0)
    def run(weight):
        terms = RouterTerms(domain=weight)
        return jax.value_and_grad(lambda tree: joint_loss(config, tree, batch, terms), has_aux=True)(params)

    (total, metrics), gradients = run(0.5)
    (plain, without), _ = run(0.0)
    assert "domain_cross_entropy" not in without
    assert float(total) == pytest.approx(float(plain + 0.5 * metrics["domain_cross_entropy"]), rel=1e-6)
    stepped = jax.tree.map(lambda leaf, grad: leaf - 0.05 * grad, params, gradients)
    _, after = jax.jit(lambda tree: joint_loss(config, tree, batch, RouterTerms(domain=0.5)))(stepped)
    assert float(after["domain_cross_entropy"]) < float(metrics["domain_cross_entropy"])


def test_domain_nats_are_the_negative_log_probabilities_of_the_own_expert():
    logits = np.random.default_rng(0).normal(size=(2, 1, 3, 4))
    domains = np.array([[3, 0, 1]], np.int32)
    chances = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    expected = [-np.mean([np.log(chances[layer, 0, t, domains[0, t]]) for layer in range(2)]) for t in range(3)]
    np.testing.assert_allclose(domain_nats(jnp.asarray(logits), domains)[0], expected, rtol=1e-5)
