"""From rollouts to advantages in one go, against one plain loop that does it answer by answer."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mistral_moe.rl.experience import Shaping, make_experience
from mistral_moe.rl.log_probs import from_logits
from mistral_moe.rl.ppo_loss import policy_loss
from mistral_moe.rl.rewards import new_scale, update_scale
from mistral_moe.rl.rollout import make_rollout, of_next_token
from tests.rl.examples import columns, completion_mask, random_rollout


def by_hand(rollout, scores, log_probs, reference, values, beta, seen, shaping):
    """Mask, advantages and returns of every answer, in float64 and in the order that the papers give."""
    tokens = completion_mask(rollout)
    ends = np.asarray(rollout.ends_with_eos)
    used = np.isfinite(scores) & tokens.any(axis=1)
    if shaping.leave_out_truncated:
        used &= ends
    mask = tokens & used[:, None]
    seen = np.concatenate([seen, scores[used]])
    rewards, advantages, returns = (np.zeros(mask.shape) for _ in range(3))
    for row in np.flatnonzero(used):
        score = (scores[row] - seen.mean()) / seen.std() if shaping.normalise else scores[row]
        score = np.clip(score, -shaping.score_clip, shaping.score_clip)
        if not ends[row]:
            penalty = shaping.missing_eos_penalty
            score = -penalty if shaping.missing_eos == "replace" else score - penalty
        places = np.flatnonzero(mask[row])
        rewards[row, places] = -beta * (log_probs[row, places] - reference[row, places])
        rewards[row, places[-1]] += score
    total = rewards.sum(axis=1)[used].mean()
    if shaping.whiten_rewards:
        real = rewards[mask]
        rewards[mask] = (real - real.mean()) / real.std() + real.mean()
    for row in np.flatnonzero(used):
        places, later, after = np.flatnonzero(mask[row]), 0.0, 0.0
        for place in places[::-1]:
            later = (
                rewards[row, place] + shaping.gamma * after - values[row, place] + shaping.gamma * shaping.lam * later
            )
            after = values[row, place]
            advantages[row, place], returns[row, place] = later, later + after
    if shaping.whiten_advantages:
        real = advantages[mask]
        advantages[mask] = (real - real.mean()) / real.std()
    return mask, advantages, returns, total


SHAPINGS = {
    "default": Shaping(),
    "normalised": Shaping(normalise=True, score_clip=1.0, missing_eos="subtract"),
    "masked": Shaping(leave_out_truncated=True, whiten_rewards=True, gamma=0.9, lam=0.8),
    "plain": Shaping(whiten_advantages=False, missing_eos_penalty=0.5),
}


@pytest.mark.parametrize("name", SHAPINGS)
@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_loop_over_answers(seed, name):
    shaping, rollout = SHAPINGS[name], random_rollout(seed)
    ends = np.array(rollout.ends_with_eos)
    longest = int(np.argmax(rollout.completion_lengths))
    ends[longest] = True  # something is left when truncated rows are not
    rollout = rollout.replace(ends_with_eos=jnp.asarray(ends))
    tokens = completion_mask(rollout)
    log_probs, reference, values = columns(seed, tokens, 1.0, 1.0, 1.0)
    rng = np.random.default_rng(seed)
    scores, seen = rng.normal(0.3, 2, 5).astype(np.float32), rng.normal(1, 2, 4).astype(np.float32)
    scores[(longest + 1) % 5] = [np.nan, np.inf, 0.5][seed % 3]
    scale = update_scale(new_scale(), seen, np.ones(4, bool))
    run = jax.jit(make_experience, static_argnames="shaping")
    found, new, statistics = run(rollout, scores, log_probs, reference, values, 0.2, scale, shaping=shaping)
    mask, advantages, returns, reward = by_hand(rollout, scores, log_probs, reference, values, 0.2, seen, shaping)
    assert np.array_equal(found.mask, mask) and mask.any()
    np.testing.assert_allclose(found.advantages, advantages, atol=2e-4)
    np.testing.assert_allclose(found.returns, returns, atol=1e-4)
    assert float(statistics["reward"]) == pytest.approx(reward, abs=1e-4)
    used = mask.any(axis=1)
    assert float(statistics["score"]) == pytest.approx(scores[used].mean(), abs=1e-5)
    assert float(statistics["truncated"]) == pytest.approx((~ends).mean())
    assert float(statistics["length"]) == pytest.approx(tokens.sum() / 5)
    assert int(statistics["rows/used"]) == used.sum() and float(new.count) == 4 + used.sum()
    kls = [(log_probs - reference)[row][mask[row]].sum() for row in np.flatnonzero(used)]
    assert float(statistics["kl"]) == pytest.approx(np.mean(kls), abs=1e-4)


def test_a_batch_of_which_nothing_can_be_used_is_all_zeros_and_says_so():
    rollout = make_rollout([[1], [2]], [[3, 4], [5]], [False, True], 4)
    ones = jnp.ones((2, 4))
    scores = jnp.array([1.0, jnp.nan])
    shaping = Shaping(leave_out_truncated=True, normalise=True, whiten_rewards=True)
    found, scale, statistics = make_experience(rollout, scores, ones, ones, ones, 0.1, new_scale(), shaping)
    assert not found.mask.any() and not found.advantages.any() and not found.returns.any()
    assert float(scale.count) == 0
    assert int(statistics["rows/used"]) == 0 and int(statistics["rows/rows"]) == 2
    assert all(np.isfinite(float(value)) for value in statistics.values())


def test_fractional_scores_teach_a_policy():
    """One table of logits: after a few steps it draws what scored 0.7 rather than what scored -0.7."""
    rollout = make_rollout([[0]] * 4, [[1], [2], [1], [2]], [True] * 4, 2)
    scores = jnp.array([0.7, -0.7, 0.7, -0.7])

    def log_probs(table):
        logits = jnp.broadcast_to(table, (4, 2, 3))
        return of_next_token(from_logits(logits, rollout.next_tokens)[0])

    table = jnp.zeros(3)
    old, zeros = log_probs(table), jnp.zeros((4, 2))
    experience, *_ = make_experience(
        rollout, scores, old, old, zeros, 0.1, new_scale(), Shaping(whiten_advantages=False)
    )
    assert experience.advantages[:, 1].tolist() == pytest.approx([0.7, -0.7, 0.7, -0.7])
    step = jax.jit(
        jax.grad(lambda x: policy_loss(log_probs(x), experience.log_probs, experience.advantages, experience.mask)[0])
    )
    for _ in range(20):
        table = table - 0.1 * step(table)
    assert table[1] > table[0] > table[2]
