"""Scores become rewards: where they lie, what is taken off, which rows are left out."""

import jax.numpy as jnp
import numpy as np
import pytest

from mistral_moe.rl.rewards import (
    new_scale,
    normalise,
    penalise_missing_eos,
    token_rewards,
    update_scale,
    usable_rows,
)
from mistral_moe.rl.rollout import make_rollout
from tests.rl.examples import columns, completion_mask, random_rollout


def test_a_fraction_of_a_point_survives():
    """A reward buffer with the dtype of the token ids, as one JAX library has it, turns 0.7 into 0 and -1.9 into -1."""
    rollout = make_rollout([[1], [1, 2]], [[2, 3], [3]], [True, True], 4)
    zeros = jnp.zeros((2, 4))
    rewards = token_rewards(jnp.array([0.7, -1.9]), zeros, zeros, rollout.is_completion, 0.1)
    assert rewards.dtype == jnp.float32
    np.testing.assert_allclose(rewards, [[0, 0, 0.7, 0], [0, 0, -1.9, 0]])


@pytest.mark.parametrize("seed", range(10))
def test_rewards_are_the_loop_over_each_answer(seed):
    mask = completion_mask(random_rollout(seed))
    log_probs, reference = columns(seed, mask, 1.0, 1.0)
    scores = np.random.default_rng(seed).normal(size=5).astype(np.float32)
    expected = np.zeros(mask.shape)
    for row in range(5):
        for place in np.flatnonzero(mask[row]):
            expected[row, place] = -0.3 * (log_probs[row, place] - reference[row, place])
        if mask[row].any():
            expected[row, np.flatnonzero(mask[row])[-1]] += scores[row]
    np.testing.assert_allclose(token_rewards(scores, log_probs, reference, mask, 0.3), expected, atol=1e-6)


def test_the_score_lies_on_the_end_and_not_on_the_padding_even_when_both_are_one_id():
    rollout = make_rollout([[0]], [[5, 0]], [True], 6, pad=0)
    zeros = jnp.zeros((1, 6))
    assert token_rewards(jnp.ones(1), zeros, zeros, rollout.is_completion, 1.0)[0].tolist() == [0, 0, 1, 0, 0, 0]


def test_a_missing_end_costs():
    scores, ends = jnp.array([3.0, 3.0]), jnp.array([True, False])
    assert penalise_missing_eos(scores, ends, 1.0).tolist() == [3, -1]
    assert penalise_missing_eos(scores, ends, 1.0, "subtract").tolist() == [3, 2]
    for penalty, how, message in ((-1.0, "replace", "0 or more"), (1.0, "add", "'replace' the score or 'subtract'")):
        with pytest.raises(ValueError, match=message):
            penalise_missing_eos(scores, ends, penalty, how)


def test_bad_rows_are_counted_under_their_first_reason_and_left_out():
    completions = [[1], [1], [], [1], [1], []]
    rollout = make_rollout([[1]] * 6, completions, [True, False, False, True, False, True], 3, rows=8)
    scores = jnp.array([0.5, 0.25, 1.0, jnp.nan, -jnp.inf, jnp.inf, 9.0, jnp.nan])
    usable = usable_rows(scores, rollout)
    assert usable.valid.tolist() == [True, True] + [False] * 6
    assert usable.scores.tolist() == [0.5, 0.25, 0, 0, 0, 0, 0, 0]
    counts = {name: int(count) for name, count in usable.counts.items()}
    assert counts == {"rows": 6, "finished": 3, "not_finite": 3, "empty": 1, "cut_off": 0, "used": 2}
    stricter = usable_rows(scores, rollout, leave_out_truncated=True)
    assert stricter.valid.tolist() == [True] + [False] * 7
    counts = {name: int(count) for name, count in stricter.counts.items()}
    assert counts == {"rows": 6, "finished": 3, "not_finite": 3, "empty": 1, "cut_off": 1, "used": 1}
    assert counts["rows"] == sum(counts[name] for name in ("not_finite", "empty", "cut_off", "used"))


def test_the_running_scale_is_numpy_over_all_that_was_seen():
    rng, scale, seen = np.random.default_rng(0), new_scale(), []
    for size in (3, 1, 7, 5):
        scores, valid = rng.normal(2, 3, 8).astype(np.float32), np.arange(8) < size
        scale = update_scale(scale, np.where(valid, scores, np.nan), valid)
        seen += scores[valid].tolist()
    assert float(scale.count) == len(seen) == 16
    assert float(scale.mean) == pytest.approx(np.mean(seen), rel=1e-5)
    assert float(scale.variance) == pytest.approx(np.var(seen), rel=1e-5)
    fresh = np.array([1.0, -20.0, 40.0], np.float32)
    expected = (fresh - np.mean(seen)) / np.std(seen)
    np.testing.assert_allclose(normalise(scale, fresh, None), expected, rtol=1e-4)
    np.testing.assert_allclose(normalise(scale, fresh, 2.5), np.clip(expected, -2.5, 2.5), rtol=1e-4)
    np.testing.assert_allclose(normalise(scale, fresh, None, centre=False), fresh / np.std(seen), rtol=1e-4)
    nothing = update_scale(scale, np.full(2, np.nan), np.zeros(2, bool))
    assert (float(nothing.mean), float(nothing.variance)) == (float(scale.mean), float(scale.variance))


@pytest.mark.parametrize("batches", [[], [1], [1, 1, 1], [7], [3, 7, 7]])
def test_without_a_spread_scores_keep_their_size(batches):
    """Rounding must not be blown up into scores: in float32 the mean of seven times -3.3 is not -3.3."""
    scale = new_scale()
    for size in batches:
        scale = update_scale(scale, np.full(size, -3.3, np.float32), np.ones(size, bool))
    expected = np.array([-3.3, -3.1]) + (3.3 if sum(batches) > 1 else 0)
    np.testing.assert_allclose(normalise(scale, np.array([-3.3, -3.1])), expected, atol=1e-5)
    assert normalise(scale, np.array([-3.3, 90.0]))[1] == 5
