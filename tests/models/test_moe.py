"""The experts: dispatch is a permutation, the mixture is a loop over each token's experts, the backends agree."""

import dataclasses
import functools

import flax.traverse_util
import hypothesis
import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mistral_moe.models.moe import Experts, dispatch
from mistral_moe.models.router import Decision, decide
from mistral_moe.training.losses import RouterTerms, language_model_loss

# tests/kernels holds those for accelerators equal to these; interpreted inside a model they take minutes.
BACKENDS = ("blocks", "dense")


@hypothesis.settings(max_examples=40, deadline=None)
@hypothesis.given(seed=st.integers(0, 10_000), num_experts=st.integers(1, 6), top_k=st.integers(1, 3))
def test_dispatch_is_a_stable_permutation_by_expert(seed, num_experts, top_k):
    experts = np.random.default_rng(seed).integers(0, num_experts, (2, 5, top_k))
    where = dispatch(Decision(None, jnp.asarray(experts), jnp.ones((2, 5, top_k))), num_experts)
    order, place, flat = np.asarray(where.order), np.asarray(where.place), experts.reshape(-1)
    assert np.array_equal(order, np.argsort(flat, kind="stable"))
    assert np.array_equal(order[place], np.arange(flat.size))
    assert np.array_equal(where.group_sizes, np.bincount(flat, minlength=num_experts))


def token_by_token(params, x, decision):
    """The same feed-forwards, one token and one expert at a time."""
    out = np.zeros_like(x)
    for place in np.ndindex(x.shape[:2]):
        for expert, weight in zip(np.asarray(decision.experts)[place], np.asarray(decision.weights)[place]):
            gate, up, down = (np.asarray(params[name])[expert] for name in ("gate", "up", "down"))
            gated = x[place] @ gate
            out[place] += weight * ((gated / (1 + np.exp(-gated)) * (x[place] @ up)) @ down)
    return out


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("top_k", (1, 2, 5))
@pytest.mark.parametrize("popular", (False, True), ids=("spread", "nearly all to one"))
def test_the_mixture_is_a_loop_over_each_tokens_experts(tiny_config, tiny_params, backend, top_k, popular):
    config = tiny_config(experts=5, top_k=top_k, moe_backend=backend)
    rng = np.random.default_rng(top_k)
    x = rng.normal(size=(2, 7, config.d_model)).astype(np.float32)
    logits = jnp.asarray(rng.normal(size=(2, 7, 5)), jnp.float32) + popular * jnp.array([0, 0, 4.0, 0, 0])
    decision = decide(logits, top_k)
    params = jax.tree.map(lambda leaf: leaf[0], tiny_params(config)["layers"]["experts"])
    found = jax.jit(Experts(config).apply)({"params": params}, x, dispatch(decision, 5))
    np.testing.assert_allclose(found, token_by_token(params, x, decision), atol=1e-5)


def gradients(config, params, batch, terms):
    """Gradient of each leaf by path, and the metrics."""
    run = jax.jit(jax.grad(lambda tree: language_model_loss(config, tree, batch, terms), has_aux=True))
    found, metrics = run(params)
    return {path: np.asarray(leaf) for path, leaf in flax.traverse_util.flatten_dict(found, sep="/").items()}, metrics


@pytest.mark.parametrize("scope", ("model", pytest.param("layer", marks=pytest.mark.slow)))
def test_all_backends_give_one_loss_and_one_gradient(tiny_config, tiny_params, packed_batch, scope):
    config = tiny_config(experts=3, router_scope=scope)
    params, batch, terms = tiny_params(config), packed_batch(), RouterTerms(balance=0.1, z=0.1)
    expected, metrics = gradients(dataclasses.replace(config, moe_backend="dense"), params, batch, terms)
    for backend in set(BACKENDS) - {"dense"}:
        found, other = gradients(dataclasses.replace(config, moe_backend=backend), params, batch, terms)
        assert float(other["loss"]) == pytest.approx(float(metrics["loss"]), abs=1e-5)
        for path, leaf in expected.items():
            np.testing.assert_allclose(found[path], leaf, atol=1e-5, err_msg=path)


@pytest.mark.parametrize("scope", ("model", pytest.param("layer", marks=pytest.mark.slow)))
@pytest.mark.parametrize("term", ("balance", "z"))
def test_a_routers_term_reaches_the_router_and_counts_once(tiny_config, tiny_params, packed_batch, scope, term):
    """Of the rest it reaches only what the router reads: the embedding, and with a router a layer the layers below."""
    config = tiny_config(experts=5, router_scope=scope)
    params, batch = tiny_params(config), packed_batch()

    @jax.jit
    def of_weights(weights):
        def total(tree, weight):
            terms = RouterTerms(**{term: weight})
            return language_model_loss(config, tree, batch, terms)

        return jax.lax.map(lambda weight: jax.value_and_grad(total, has_aux=True)(params, weight), weights)

    (total, metrics), found = of_weights(jnp.array([0.0, 1.0, 2.0]))
    assert float(total[1] - total[0]) == pytest.approx(float(metrics[term][0]), abs=1e-5)
    assert float(total[2] - total[1]) == pytest.approx(float(total[1] - total[0]), abs=1e-5)
    for path, leaf in flax.traverse_util.flatten_dict(found, sep="/").items():
        once, twice = np.asarray(leaf[1] - leaf[0]), np.asarray(leaf[2] - leaf[0])
        np.testing.assert_allclose(twice, 2 * once, atol=2e-5 * max(1, np.abs(leaf).max()), err_msg=path)
        moved = np.abs(once).max() > 1e-6
        if path.endswith("router/kernel"):
            assert moved, path
        elif path in ("lm_head", "final_norm/scale") or path.endswith("selection_bias"):
            assert not moved, path
        elif scope == "model":
            assert moved == (path == "embedding"), path


@pytest.mark.skipif(jax.default_backend() != "cpu", reason="says what auto is on a CPU")
def test_on_a_cpu_auto_is_the_program_of_blocks(tiny_config, tiny_params, packed_batch):
    texts = []
    for backend in ("auto", "blocks"):
        config = tiny_config(experts=2, num_layers=1, moe_backend=backend)
        loss = jax.jit(jax.grad(functools.partial(language_model_loss, config), has_aux=True))
        texts.append(loss.lower(tiny_params(config), packed_batch()).as_text())
    assert texts[0] == texts[1]
