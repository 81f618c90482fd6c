"""PPO's losses against loops, and where exactly they have no gradient."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mistral_moe.rl.masked import loss_mean
from mistral_moe.rl.ppo_loss import PolicyTerms, policy_loss, ppo_loss, value_loss
from tests.rl.examples import columns, completion_mask, random_rollout

TERMS = {
    "plain": PolicyTerms(),
    "sequence": PolicyTerms(over="sequence"),
    "constant": PolicyTerms(over="constant", constant=6),
    "dual": PolicyTerms(dual_clip=1.5, clip=(0.7, 1.3)),
}


def batch(seed, spread=0.4):
    mask = completion_mask(random_rollout(seed))
    old, change, advantages = columns(seed, mask, 1.0, spread, 1.0)
    return old + change, old, advantages, mask


@pytest.mark.parametrize("name", TERMS)
@pytest.mark.parametrize("seed", range(5))
def test_the_policy_loss_is_the_loop_over_tokens(seed, name):
    new, old, advantages, mask = batch(seed)
    terms, losses, clipped, dual = TERMS[name], np.zeros(mask.shape), 0, 0
    for place in zip(*np.nonzero(mask)):
        ratio, advantage = np.exp(np.float64(new[place] - old[place])), advantages[place]
        held = min(max(ratio, terms.clip[0]), terms.clip[1])
        gain = min(ratio * advantage, held * advantage)
        clipped += held * advantage < ratio * advantage
        if terms.dual_clip and advantage < 0:
            dual += ratio > terms.dual_clip
            gain = max(gain, terms.dual_clip * advantage)
        losses[place] = -gain
    loss, statistics = policy_loss(new, old, advantages, mask, terms)
    answers = [row[keep] for row, keep in zip(losses, mask) if keep.any()]
    expected = {
        "token": np.concatenate(answers).mean(),
        "sequence": np.mean([answer.mean() for answer in answers]),
        "constant": np.mean([answer.sum() / 6 for answer in answers]),
    }[terms.over]
    assert float(loss) == pytest.approx(expected, abs=1e-5)
    change = (new - old)[mask].astype(np.float64)
    assert clipped and float(statistics["clip_fraction"]) == pytest.approx(clipped / mask.sum())
    assert float(statistics["dual_clip_fraction"]) == pytest.approx(dual / mask.sum())
    assert float(statistics["approximate_kl"]) == pytest.approx((np.exp(change) - 1 - change).mean(), rel=1e-4)
    assert float(statistics["ratio_error"]) == pytest.approx(np.abs(np.exp(change) - 1).max(), rel=1e-4)


@pytest.mark.parametrize("name", TERMS)
def test_at_a_ratio_of_one_the_gradient_is_that_of_reinforce(name):
    _, old, advantages, mask = batch(1)
    terms = TERMS[name]
    ours, (_, statistics) = (
        jax.grad(lambda x: policy_loss(x, old, advantages, mask, terms)[0])(jnp.asarray(old)),
        (policy_loss(old, old, advantages, mask, terms)),
    )
    reinforce = jax.grad(lambda x: -loss_mean(x * advantages, mask, terms.over, terms.constant))(jnp.asarray(old))
    np.testing.assert_allclose(np.asarray(ours)[mask], np.asarray(reinforce)[mask], atol=1e-7)
    assert float(statistics["ratio_error"]) == float(statistics["clip_fraction"]) == 0


@pytest.mark.parametrize(
    "ratio, advantage, has_gradient",
    [
        (1.3, 1.0, False),  # already likelier than allowed, and good: no more
        (1.3, -1.0, True),  # likelier though bad: back
        (0.7, 1.0, True),  # less likely though good: back
        (0.7, -1.0, False),  # already less likely than allowed, and bad: no more
        (1.1, 1.0, True),
        (0.9, -1.0, True),
        (3.5, -1.0, False),  # the dual clip
        (2.9, -1.0, True),
        (3.5, 1.0, False),
        (1.1, 0.0, False),
    ],
)
def test_gradients_are_zero_exactly_where_a_bound_holds(ratio, advantage, has_gradient):
    old, one = jnp.full((1, 1), -2.0), jnp.ones((1, 1))
    terms = PolicyTerms(dual_clip=3.0)
    gradient = jax.grad(lambda x: policy_loss(x, old, advantage * one, one, terms)[0])(old + jnp.log(ratio))
    assert float(gradient[0, 0]) == pytest.approx(-ratio * advantage if has_gradient else 0.0, rel=1e-5)
    assert has_gradient or float(gradient[0, 0]) == 0


def test_what_was_true_at_the_rollout_learns_nothing():
    new, *fixed, mask = batch(3)
    for loss in (policy_loss, value_loss):
        gradients = jax.jit(jax.grad(lambda a, b: loss(new, a, b, mask)[0], (0, 1)))(*fixed)
        assert not any(np.asarray(gradient).any() for gradient in gradients)


def test_a_token_far_off_gives_no_nan():
    old = jnp.array([[-300.0, -1.0]])
    loss, gradient = jax.value_and_grad(lambda x: policy_loss(x, old, jnp.ones((1, 2)), jnp.ones((1, 2)))[0])(
        jnp.array([[-1.0, -300.0]])
    )
    assert np.isfinite(float(loss)) and np.isfinite(np.asarray(gradient)).all()


@pytest.mark.parametrize("clip", [0.2, None])
@pytest.mark.parametrize("seed", range(5))
def test_the_value_loss_is_the_loop_over_tokens(seed, clip):
    mask = completion_mask(random_rollout(seed))
    values, old, returns = columns(seed, mask, 0.5, 0.5, 0.5)
    losses, clipped = [], []
    for place in zip(*np.nonzero(mask)):
        free = (values[place] - returns[place]) ** 2
        moved = values[place] - old[place]
        held = (old[place] + (np.clip(moved, -clip, clip) if clip else moved) - returns[place]) ** 2
        losses.append(0.5 * max(free, held))
        clipped.append(clip is not None and abs(moved) > clip and held > free)
    loss, statistics = value_loss(values, old, returns, mask, clip)
    assert float(loss) == pytest.approx(np.mean(losses), rel=1e-5)
    assert float(statistics["value_clip_fraction"]) == pytest.approx(np.mean(clipped), abs=1e-6)
    left = (returns - old)[mask].var() / returns[mask].var()
    assert float(statistics["explained_variance"]) == pytest.approx(1 - left, abs=1e-4)
    gradient = jax.grad(lambda x: value_loss(x, old, returns, mask, clip)[0])(jnp.asarray(values))
    expected = np.where(clipped, 0, (values - returns)[mask]) / mask.sum()
    np.testing.assert_allclose(np.asarray(gradient)[mask], expected, atol=1e-6)


def test_a_critic_that_did_not_move_learns_at_full_rate():
    """old + (new - old) rounds: a held value that is worse by a rounding must not take the gradient away."""
    rng = np.random.default_rng(0)
    old = rng.normal(size=(50, 20)).astype(np.float32) * 3
    returns = rng.normal(size=(50, 20)).astype(np.float32)
    near = old + rng.uniform(-0.19, 0.19, old.shape).astype(np.float32)
    gradient = jax.grad(lambda x: value_loss(x, old, returns, np.ones(old.shape))[0])(jnp.asarray(near))
    np.testing.assert_allclose(gradient, (near - returns) / old.size, atol=1e-7)


def test_explained_variance_of_the_perfect_and_the_constant():
    mask, returns = np.ones((2, 3)), np.arange(6.0).reshape(2, 3)

    def explained(old, returns):
        return float(value_loss(old, old, returns, mask)[1]["explained_variance"])

    assert explained(returns, returns) == pytest.approx(1)
    assert explained(np.full((2, 3), 9.0), returns) == pytest.approx(0, abs=1e-6)
    assert explained(returns, np.full((2, 3), 0.5)) == 0


def test_the_whole_loss_is_the_sum_of_its_parts_and_rewards_entropy():
    new, old, advantages, mask = batch(2)
    (entropy,) = columns(5, mask, 1.0)
    policy, value = policy_loss(new, old, advantages, mask), value_loss(new, old, advantages, mask)
    total, statistics = ppo_loss(policy, value, entropy, mask, 0.1, 0.01)
    expected = float(policy[0]) + 0.1 * float(value[0]) - 0.01 * entropy[mask].mean()
    assert float(total) == pytest.approx(expected, rel=1e-5)
    assert float(statistics["entropy"]) == pytest.approx(entropy[mask].mean(), rel=1e-5)
    assert {"policy_loss", "value_loss", "clip_fraction", "value_clip_fraction", "ratio_error"} < set(statistics)


@pytest.mark.parametrize(
    "bad", [dict(clip=(1.1, 1.2)), dict(clip=(0.8, 0.9)), dict(clip=(0, 1.2)), dict(dual_clip=1.1)]
)
def test_bounds_that_make_no_sense(bad):
    with pytest.raises(ValueError, match="clip"):
        PolicyTerms(**bad)
