"""What holds of every loss: padding and order change nothing, what is masked learns nothing, all is float32."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mistral_moe.rl.advantages import gae, group_advantages, whiten
from mistral_moe.rl.dpo_loss import answer_log_probs, dpo_loss
from mistral_moe.rl.experience import Shaping, make_experience
from mistral_moe.rl.grpo_loss import grpo_loss
from mistral_moe.rl.kl import estimates
from mistral_moe.rl.ppo_loss import PolicyTerms, policy_loss, ppo_loss, value_loss
from mistral_moe.rl.preference import bradley_terry_loss
from mistral_moe.rl.rewards import new_scale, token_rewards
from tests.rl.examples import columns, completion_mask, random_rollout, widened

CONSTANT = PolicyTerms(over="constant", constant=9, dual_clip=3.0)

# Each takes three arrays [B, T], three [B], a mask [B, T]. What it returns must not depend on padding or order, or move
# with the rows.
SCALARS = {
    "policy": lambda a, b, c, *_, mask: policy_loss(a, b, c, mask),
    "policy_sequence": lambda a, b, c, *_, mask: policy_loss(a, b, c, mask, PolicyTerms(over="sequence")),
    "policy_constant": lambda a, b, c, *_, mask: policy_loss(a, b, c, mask, CONSTANT),
    "value": lambda a, b, c, *_, mask: value_loss(a, b, c, mask),
    "ppo": lambda a, b, c, *_, mask: ppo_loss(
        policy_loss(a, b, c, mask), value_loss(a, b, c, mask), a, mask, entropy_coefficient=0.1
    ),
    "grpo": lambda a, b, c, x, *_, mask: grpo_loss(a, b, c, x, mask),
    "dpo": lambda a, b, c, x, y, z, mask: dpo_loss(answer_log_probs(a, mask), x, y, z, mask.any(axis=1)),
    "dpo_normalised": lambda a, b, c, x, y, z, mask: dpo_loss(
        answer_log_probs(a, mask, True), x, y, z, mask.any(axis=1), label_smoothing=0.1
    ),
    "bradley_terry": lambda a, b, c, x, y, z, mask: bradley_terry_loss(x, y, mask.any(axis=1), jnp.abs(z)),
    "kl": lambda a, b, *_, mask: (estimates(a, b, mask).of_sequence, vars(estimates(a, b, mask))),
}
ARRAYS = {
    "rewards": lambda a, b, c, x, *_, mask: token_rewards(x, a, b, mask, 0.1),
    "gae": lambda a, b, *_, mask: gae(a, b, mask),
    "whiten": lambda a, *_, mask: whiten(a, mask, keep_mean=True),
}


def example(seed, dtype=jnp.float32):
    mask = completion_mask(random_rollout(seed))
    per_token = [jnp.asarray(x, dtype) for x in columns(seed, mask, 0.4, 0.4, 1.0)]
    rng = np.random.default_rng(seed)
    # Rows without a token are read no more than padding is.
    per_row = [jnp.asarray(np.where(mask.any(axis=1), rng.normal(size=5), np.nan), dtype) for _ in range(3)]
    return [*per_token, *per_row], jnp.asarray(mask)


def assert_equal(found, expected):
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize("name", SCALARS)
@pytest.mark.parametrize("seed", range(3))
def test_neither_padding_nor_order_changes_a_loss(seed, name):
    arrays, mask = example(seed)
    expected = SCALARS[name](*arrays, mask=mask)
    assert np.isfinite(float(expected[0]))
    wider = [jnp.asarray(widened(x)) for x in arrays]
    assert_equal(SCALARS[name](*wider, mask=jnp.asarray(widened(mask))), expected)
    order = np.random.default_rng(seed).permutation(5)
    assert_equal(SCALARS[name](*[x[order] for x in arrays], mask=mask[order]), expected)


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize("seed", range(3))
def test_what_is_of_rows_moves_with_them_and_padding_gets_zeros(seed, name):
    arrays, mask = example(seed)
    expected = ARRAYS[name](*arrays, mask=mask)
    wider = ARRAYS[name](*[jnp.asarray(widened(x)) for x in arrays], mask=jnp.asarray(widened(mask)))
    assert_equal(wider, jax.tree.map(lambda x: widened(x, fill=0), expected))
    order = np.random.default_rng(seed).permutation(5)
    moved = ARRAYS[name](*[x[order] for x in arrays], mask=mask[order])
    assert_equal(moved, jax.tree.map(lambda x: x[order], expected))


@pytest.mark.parametrize("name", [name for name in SCALARS if name not in ("kl", "bradley_terry")])
@pytest.mark.parametrize("seed", range(2))
def test_masked_places_learn_exactly_nothing_and_the_others_do(seed, name):
    arrays, mask = example(seed)
    gradient = jax.grad(lambda x: SCALARS[name](x, *arrays[1:], mask=mask)[0])(arrays[0])
    gradient, mask = np.asarray(gradient), np.asarray(mask)
    assert np.array_equal(gradient[~mask], np.zeros((~mask).sum()))
    assert np.isfinite(gradient).all() and gradient[mask].any()


@pytest.mark.parametrize("name", [*SCALARS, *ARRAYS])
def test_all_is_float32_also_when_log_probs_are_bfloat16(name):
    arrays, mask = example(0, jnp.bfloat16)
    found = (SCALARS | ARRAYS)[name](*arrays, mask=mask)
    assert {leaf.dtype for leaf in jax.tree.leaves(found)} == {jnp.dtype(jnp.float32)}
    # The numbers are those of the rounded inputs, not of rounded arithmetic.
    exact = (SCALARS | ARRAYS)[name](*[x.astype(jnp.float32) for x in arrays], mask=mask)
    assert_equal(found, exact)


@pytest.mark.parametrize("seed", range(3))
def test_an_experience_is_its_own_whatever_lies_around_it(seed):
    rollout, (arrays, _) = random_rollout(seed), example(seed)
    scores = arrays[3].at[seed].set(jnp.nan)
    shaping = Shaping(normalise=True, whiten_rewards=True)

    def run(rollout, arrays, scores):
        return make_experience(rollout, scores, *arrays, 0.1, new_scale(), shaping)

    experience, scale, statistics = run(rollout, arrays[:3], scores)
    wider = jax.tree.map(lambda x: jnp.asarray(widened(x)), (rollout, arrays[:3], scores))
    found, found_scale, found_statistics = run(*wider)
    assert_equal((found_scale, found_statistics), (scale, statistics))
    assert_equal(found, jax.tree.map(lambda x: widened(x, fill=0), experience))
    order = np.random.default_rng(seed).permutation(5)
    moved, _, moved_statistics = run(*jax.tree.map(lambda x: x[order], (rollout, arrays[:3], scores)))
    assert_equal(moved_statistics, statistics)
    np.testing.assert_allclose(moved.advantages, experience.advantages[order], atol=1e-5)
    floats = [leaf for leaf in jax.tree.leaves(experience) if jnp.issubdtype(leaf.dtype, jnp.floating)]
    assert len(floats) == 4 and all(leaf.dtype == jnp.float32 for leaf in floats)


def test_groups_do_not_mind_rows_of_padding():
    scores, groups, valid = np.array([0.3, 0.7, 0.7, -1.0]), np.array([1, 1, 0, 0]), np.ones(4, bool)
    wider = group_advantages(widened(scores), widened(groups), widened(valid))
    assert_equal(wider, widened(group_advantages(scores, groups, valid), fill=0))
