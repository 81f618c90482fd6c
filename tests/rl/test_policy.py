"""A policy's reading of a rollout: what padding, critic and gradient may and may not change."""

import flax.traverse_util
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mistral_moe.models.mistral import Mistral, logits
from mistral_moe.rl import policy
from mistral_moe.rl.minibatches import take
from mistral_moe.rl.ppo_loss import policy_loss
from mistral_moe.rl.rollout import make_rollout
from mistral_moe.rl.update import REHEARSAL_FIELDS, Minibatch, UpdateTerms, minibatch_shapes, update_loss
from mistral_moe.rl.experience import Experience
from mistral_moe.training.losses import RouterTerms, language_model_loss
from mistral_moe.training import partition
from mistral_moe.training.partition import group_of


@pytest.fixture(scope="module")
def mixture(tiny_config, tiny_params):
    """A top-2 mixture with a reasoning block whose gate is open."""
    config = tiny_config(experts=4, top_k=2, moe_backend="blocks", has_reasoning=True, reasoning_steps=1)
    params = dict(tiny_params(config))
    params["reasoning"] = params["reasoning"] | {"gate": jnp.full_like(params["reasoning"]["gate"], 0.5)}
    return config, params


def rollout_of(length, rows=8, pad=0):
    rng = np.random.default_rng(3)
    sizes = rng.integers(1, 8, (2, rows))
    ids = [[rng.integers(0, 32, n).tolist() for n in row] for row in sizes]
    return make_rollout(*ids, [True] * rows, length, pad=pad)


_read = jax.jit(policy.read, static_argnames=("config", "temperature", "chunk"))


@pytest.mark.slow
def test_log_probs_and_entropy_are_those_of_the_logits_and_chunks_change_nothing(mixture):
    config, params = mixture
    rollout = rollout_of(16)
    out = Mistral(config).apply({"params": params}, rollout.tokens, rollout.segment_ids, rollout.positions)
    of_states = np.asarray(jax.nn.log_softmax(logits(params, out.hidden) / 0.7, axis=-1))
    found = _read(config, params, rollout, temperature=0.7, chunk=5)
    for row, column in np.argwhere(np.asarray(rollout.is_completion)):
        before = of_states[row, column - 1]
        assert found.log_probs[row, column] == pytest.approx(before[rollout.tokens[row, column]], abs=1e-5)
        assert found.entropy[row, column] == pytest.approx(-(np.exp(before) * before).sum(), abs=1e-5)
    assert found.values is None and found.router["load"].shape == (1, 4)


@pytest.mark.parametrize("kind", [pytest.param("head", marks=pytest.mark.slow), "copy"])
def test_a_new_critic_values_everything_at_zero_and_changes_no_log_prob(mixture, kind):
    config, params = mixture
    rollout = rollout_of(16)
    with_critic = policy.attach_critic(params, kind)
    found, plain = _read(config, with_critic, rollout), _read(config, params, rollout)
    assert not np.asarray(found.values).any()
    np.testing.assert_array_equal(found.log_probs, plain.log_probs)
    assert jax.tree.structure(policy.detach_critic(with_critic)) == jax.tree.structure(params)
    own = flax.traverse_util.flatten_dict(with_critic["critic"], sep="/")
    assert {group_of(f"critic/{path}") for path in own} == {"critic"}
    assert ("trunk/lm_head" in own) is False and any("trunk/" in path for path in own) == (kind == "copy")


def test_an_unknown_critic_is_refused(mixture):
    with pytest.raises(ValueError, match="'head' on the policy or a 'copy' of it, not 'none'"):
        policy.attach_critic(mixture[1], "none")


@pytest.mark.parametrize("kind", ["head", pytest.param("copy", marks=pytest.mark.slow)])
def test_the_critics_loss_moves_the_critic_and_not_the_policy(mixture, kind):
    config, params = mixture
    params = policy.attach_critic(params, kind)
    # A head of zeros hands its trunk no gradient.
    params["critic"]["value_head"] = jax.tree.map(lambda leaf: leaf + 0.1, params["critic"]["value_head"])
    rollout = rollout_of(16)

    def loss(params):
        values = policy.read(config, params, rollout).values
        return jnp.where(rollout.is_completion, (values - 1.0) ** 2, 0.0).sum()

    gradient = flax.traverse_util.flatten_dict(jax.jit(jax.grad(loss))(params), sep="/")
    moved = {path for path, leaf in gradient.items() if np.asarray(leaf).any()}
    assert moved and all(path.startswith("critic/") for path in moved)
    assert ("critic/trunk/embedding" in moved) == (kind == "copy")
    assert all(np.isfinite(np.asarray(leaf)).all() for leaf in gradient.values())


def test_what_padding_holds_and_how_wide_it_is_changes_nothing_real(mixture):
    config, params = mixture
    params = policy.attach_critic(params, "copy")
    params["critic"]["value_head"] = jax.tree.map(lambda leaf: leaf + 0.1, params["critic"]["value_head"])
    narrow, wide = rollout_of(16), rollout_of(24, pad=7)
    first, second = _read(config, params, narrow), _read(config, params, wide)
    mask = np.asarray(narrow.is_completion)
    for name in ("log_probs", "entropy", "values"):
        np.testing.assert_allclose(
            np.asarray(getattr(first, name))[mask], np.asarray(getattr(second, name))[:, :16][mask], atol=2e-6
        )


def test_the_first_ratio_is_one_on_a_top_2_mixture_with_reasoning_whatever_rows_lie_together(mixture):
    config, params = mixture
    rollout = rollout_of(16)
    old = _read(config, params, rollout).log_probs
    for rows in (jnp.array([5, 1, 7, 2]), jnp.array([0, 3, 4, 6])):
        part = take(rollout, rows)
        new = _read(config, params, part).log_probs
        _, statistics = policy_loss(new, old[rows], jnp.ones_like(new), part.is_completion)
        assert float(statistics["ratio_error"]) < 1e-5


def test_what_is_read_as_trained_is_what_an_update_finds(mixture):
    config, params = mixture
    params = policy.attach_critic(params, "head")
    trained, frozen = partition.split(params, {"experts": 1.0, "critic": 1.0})
    rollout = rollout_of(16)
    read = jax.jit(policy.read_as_trained, static_argnames=("config", "temperature", "chunk"))
    reading, backward = read(config, trained, frozen, rollout)
    batch = minibatch_of(config, params, rollout)
    experience = batch.experience.replace(log_probs=reading.log_probs, values=reading.values)

    def loss(trained):
        whole = partition.merge(trained, frozen)
        return update_loss(config, UpdateTerms(), whole, batch.replace(experience=experience))

    (_, told), _ = jax.jit(jax.value_and_grad(loss, has_aux=True))(trained)
    assert float(told["ratio_error"]) < 1e-6 and float(told["value_clip_fraction"]) == 0
    plain = _read(config, params, rollout)
    np.testing.assert_allclose(reading.log_probs, plain.log_probs, atol=1e-4)
    np.testing.assert_allclose(reading.values, plain.values, atol=1e-5)
    # What a backward pass needs leaves the program, which is what holds the forward pass to an update's form.
    assert sum(leaf.size for leaf in jax.tree.leaves(backward)) > reading.log_probs.size


def minibatch_of(config, params, rollout):
    read = _read(config, params, rollout)
    rng = np.random.default_rng(0)
    random = [jnp.asarray(rng.normal(size=read.log_probs.shape), jnp.float32) for _ in range(2)]
    zeros = jnp.zeros_like(read.log_probs)
    experience = Experience(rollout, rollout.is_completion, read.log_probs, zeros, *random)
    return Minibatch(experience, read.log_probs)


def test_an_updates_loss_is_the_sum_of_its_terms(mixture):
    config, params = mixture
    params = policy.attach_critic(params, "head")
    batch = minibatch_of(config, params, rollout_of(16))
    text = {name: np.ones((2, 6), np.int32) for name in REHEARSAL_FIELDS} | {
        "positions": np.arange(12).reshape(2, 6) % 6
    }
    terms = UpdateTerms(
        value_clip=None, value_coefficient=0.3, entropy_coefficient=0.2, balance=0.5, z=0.25, rehearsal=0.7
    )
    loss, told = jax.jit(update_loss, static_argnums=(0, 1))(config, terms, params, batch.replace(rehearsal=text))
    of_terms = told["policy_loss"] + 0.3 * told["value_loss"] - 0.2 * told["entropy"]
    of_terms += 0.5 * told["balance"] + 0.25 * told["z"] + 0.7 * told["rehearsal_loss"]
    assert float(loss) == pytest.approx(float(of_terms), rel=1e-5) and float(told["entropy"]) > 0
    language, _ = language_model_loss(config, policy.detach_critic(params), text, RouterTerms())
    assert float(told["rehearsal_loss"]) == pytest.approx(float(language), rel=1e-5)
    mask = batch.experience.mask
    assert float(told["policy_loss"]) == pytest.approx(-float(batch.experience.advantages[mask].mean()), abs=1e-5)
    assert float(told["value_loss"]) == pytest.approx(float((batch.experience.returns[mask] ** 2).mean() / 2), rel=1e-5)


def test_shapes_of_a_minibatch_are_those_of_a_real_one(mixture):
    config, params = mixture
    real = jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), minibatch_of(config, params, rollout_of(16)))
    shapes = jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), minibatch_shapes(8, 16))
    assert real == shapes


def test_an_unknown_algorithm_is_refused():
    with pytest.raises(ValueError, match="ppo, grpo, rloo, not 'a2c'"):
        UpdateTerms(algorithm="a2c")
