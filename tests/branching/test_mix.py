"""The proofs of mixing: identical branches are the dense model, a forced expert is its branch, strangers are refused."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mistral_moe.branching import mix
from mistral_moe.branching.mix import MixError, expert_as_dense, mix_branches
from mistral_moe.kernels.cross_entropy import token_cross_entropy
from mistral_moe.models.mistral import Mistral, init_params
from mistral_moe.models.router import force
from mistral_moe.routing.oracle import forced_losses

ROUTERS = [
    ("model", "mean", (1, 2, 3)),
    ("model", "none", (2,)),
    pytest.param("layer", "mean", (1, 3), marks=pytest.mark.slow),
    ("layer", "none", (2,)),
]


@pytest.fixture(autouse=True)
def quick_init(monkeypatch, tiny_params):
    """Random weights drawn by numpy: compiling the real init for each config would be most of these tests' time."""
    monkeypatch.setattr(mix, "init_params", lambda config, key: tiny_params(config))


@pytest.fixture(scope="module")
def branches(tiny_config, tiny_params):
    """Five branches of one seed that differ in their feed-forwards alone."""
    seed = tiny_params(tiny_config())

    def branch(index):
        own = tiny_params(tiny_config(), seed=1 + index)["layers"]["ffn"]
        return seed | {"layers": seed["layers"] | {"ffn": own}}

    return [branch(index) for index in range(5)]


@pytest.mark.parametrize("scope, context, top_ks", ROUTERS)
def test_five_identical_branches_are_the_dense_model(
    tiny_config, tiny_params, packed_batch, model_logits, scope, context, top_ks
):
    config = tiny_config(experts=5, router_scope=scope, router_context=context, has_reasoning=True, reasoning_steps=1)
    dense = tiny_params(tiny_config())
    batch = packed_batch()
    expected = model_logits(tiny_config(), dense, batch)
    mixture = mix_branches(config, [dense] * 5, jax.random.key(1))
    for top_k in top_ks:
        found = model_logits(dataclasses.replace(config, top_k=top_k), mixture, batch)
        np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("scope", ("model", pytest.param("layer", marks=pytest.mark.slow)))
def test_forcing_an_expert_gives_its_branch(tiny_config, packed_batch, model_logits, branches, scope):
    config = tiny_config(experts=5, router_scope=scope, moe_backend="blocks")
    mixture, batch = mix_branches(config, branches, jax.random.key(0)), packed_batch()
    for expert, branch in enumerate(branches):
        expected = model_logits(tiny_config(), branch, batch)
        forced = model_logits(config, mixture, batch, force(expert, batch["tokens"], 5))
        np.testing.assert_allclose(forced, expected, atol=1e-5)
        alone = expert_as_dense(mixture, expert)
        np.testing.assert_array_equal(model_logits(config.dense(), alone, batch), expected)


def test_the_oracle_measures_the_branches_own_losses(tiny_config, packed_batch, branches):
    config, batch = tiny_config(experts=5), packed_batch()
    mixture = mix_branches(config, branches, jax.random.key(0))
    losses = jax.jit(functools.partial(forced_losses, config))(mixture, batch)

    @jax.jit
    def of_branch(params):
        out = Mistral(tiny_config()).apply(
            {"params": params}, batch["tokens"], batch["segment_ids"], batch["positions"]
        )
        return token_cross_entropy(out.hidden, params["lm_head"], batch["targets"])[0]

    for expert, branch in enumerate(branches):
        np.testing.assert_allclose(losses[expert], of_branch(branch), atol=1e-5)


@pytest.mark.parametrize("scope", ("model", pytest.param("layer", marks=pytest.mark.slow)))
def test_a_one_hot_router_over_a_branch_with_its_own_shared_weights_is_that_branch(
    tiny_config, tiny_params, packed_batch, model_logits, scope
):
    """The branches' trunks differ; the mixture carries the trunk of the branch that its router always picks."""
    config = tiny_config(experts=3, top_k=1, router_scope=scope)
    trained = [tiny_params(tiny_config(), seed=1 + index) for index in range(3)]
    batch = packed_batch()
    for chosen, branch in enumerate(trained):
        under_its_trunk = [branch | {"layers": branch["layers"] | {"ffn": b["layers"]["ffn"]}} for b in trained]
        mixture = mix_branches(config, under_its_trunk, jax.random.key(0))
        one_hot = jnp.where(jnp.arange(3) == chosen, 1e6, 0.0)
        mixture = jax.tree_util.tree_map_with_path(
            lambda path, leaf: leaf + one_hot if "selection_bias" in jax.tree_util.keystr(path) else leaf, mixture
        )
        expected = model_logits(tiny_config(), branch, batch)
        np.testing.assert_allclose(model_logits(config, mixture, batch), expected, atol=1e-5)


def test_average_takes_means_of_the_shared_weights_and_stacks_the_feed_forwards(tiny_config, tiny_params):
    trained = [tiny_params(tiny_config(), seed=index) for index in range(3)]
    mixture = mix_branches(tiny_config(experts=3), trained, jax.random.key(0), shared="average")
    for name in ("embedding", "lm_head"):
        np.testing.assert_allclose(mixture[name], np.mean([b[name] for b in trained], axis=0), atol=1e-6)
    query = [branch["layers"]["attention"]["query"] for branch in trained]
    np.testing.assert_allclose(mixture["layers"]["attention"]["query"], np.mean(query, axis=0), atol=1e-6)
    for index, branch in enumerate(trained):
        for name, leaf in branch["layers"]["ffn"].items():
            assert np.array_equal(mixture["layers"]["experts"][name][:, index], leaf)


def test_average_keeps_the_dtype_of_the_parameters(tiny_config, tiny_params):
    config = tiny_config(experts=2, param_dtype="bfloat16")
    trained = [tiny_params(config.dense(), seed=index) for index in range(2)]
    assert mix_branches(config, trained, jax.random.key(0), shared="average")["embedding"].dtype == jnp.bfloat16


def changed(branch, change):
    flat = dict(jax.tree_util.tree_leaves_with_path(branch))
    return jax.tree_util.tree_map_with_path(lambda path, leaf: change(jax.tree_util.keystr(path), flat[path]), branch)


@pytest.mark.parametrize("name", ("embedding", "lm_head", "layers/attention/key", "layers/ffn_norm/scale"))
def test_frozen_refuses_a_shared_weight_that_was_trained_and_names_it(tiny_config, branches, name):
    key = "".join(f"['{part}']" for part in name.split("/"))
    # One bit of one weight is enough.
    odd = changed(branches[3], lambda path, leaf: leaf.at[0].multiply(1 + 1e-6) if path == key else leaf)
    with pytest.raises(MixError, match=f"{name} of branch e3 differs from that of e0"):
        mix_branches(tiny_config(experts=5), [*branches[:3], odd, branches[4]], jax.random.key(0))


def test_branches_of_another_shape_or_number_or_rule_are_refused(tiny_config, tiny_params, branches):
    config, key = tiny_config(experts=5), jax.random.key(0)
    with pytest.raises(MixError, match=r"4 branches for 5 experts \(e0, e1, e2, e3, e4\)"):
        mix_branches(config, branches[:4], key)
    with pytest.raises(MixError, match="branch e4: .* the mixture needs"):
        mix_branches(config, [*branches[:4], tiny_params(tiny_config(d_ff=32))], key)
    with pytest.raises(MixError, match="branch e0: lm_head is None"):
        mix_branches(config, [{n: leaf for n, leaf in b.items() if n != "lm_head"} for b in branches], key)
    with pytest.raises(MixError, match="unknown rule for shared weights 'sum'; there are frozen, average"):
        mix_branches(config, branches, key, shared="sum")


def test_mixing_changes_no_branch_and_really_starts_without_bias_and_gate(tiny_config, branches, monkeypatch):
    monkeypatch.setattr(mix, "init_params", jax.jit(init_params, static_argnums=0))
    before = jax.tree.map(np.array, branches)
    mixture = mix_branches(tiny_config(experts=5, has_reasoning=True), branches, jax.random.key(0))
    jax.tree.map(np.testing.assert_array_equal, branches, before)
    assert not mixture["router"]["selection_bias"].any() and not mixture["reasoning"]["gate"].any()
