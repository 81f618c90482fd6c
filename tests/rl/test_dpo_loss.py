"""DPO: what it is at the start, which way it pulls, and a plain formula."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mistral_moe.rl.dpo_loss import answer_log_probs, dpo_loss
from tests.rl.examples import columns, completion_mask, random_rollout


def example(seed):
    rng = np.random.default_rng(seed)
    valid = rng.integers(0, 4, 7) > 0
    valid[0] = True
    return [np.where(valid, rng.normal(-20, 5, 7), np.nan).astype(np.float32) for _ in range(4)], valid


def test_an_answers_nats_are_the_sum_or_the_mean_of_its_own():
    mask = completion_mask(random_rollout(0))
    (log_probs,) = columns(0, mask, 1.0)
    sums = [row[keep].sum() for row, keep in zip(log_probs, mask)]
    np.testing.assert_allclose(answer_log_probs(log_probs, mask), sums, atol=1e-5)
    means = [row[keep].mean() if keep.any() else 0 for row, keep in zip(log_probs, mask)]
    np.testing.assert_allclose(answer_log_probs(log_probs, mask, length_normalised=True), means, atol=1e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("seed", range(4))
def test_the_loss_is_its_formula_over_valid_pairs(seed, smoothing):
    columns, valid = example(seed)
    chosen, rejected, of_chosen, of_rejected = (column[valid].astype(np.float64) for column in columns)
    margin = 0.2 * ((chosen - of_chosen) - (rejected - of_rejected))
    expected = (1 - smoothing) * np.logaddexp(0, -margin) + smoothing * np.logaddexp(0, margin)
    loss, statistics = dpo_loss(*columns, valid, beta=0.2, label_smoothing=smoothing)
    assert float(loss) == pytest.approx(expected.mean(), rel=1e-5)
    assert float(statistics["accuracy"]) == pytest.approx((margin > 0).mean())
    assert float(statistics["margin"]) == pytest.approx(margin.mean(), rel=1e-4)
    assert float(statistics["chosen_reward"]) == pytest.approx(0.2 * (chosen - of_chosen).mean(), rel=1e-4)
    assert float(statistics["rejected_reward"]) == pytest.approx(0.2 * (rejected - of_rejected).mean(), rel=1e-4)


def test_a_policy_that_is_its_reference_has_log_two_and_learns_the_right_way():
    (chosen, rejected, *_), valid = example(1)
    for smoothing in (0.0, 0.2):

        def loss(a, b):
            return dpo_loss(a, b, chosen, rejected, valid, 0.1, smoothing)[0]

        value, (up, down) = jax.value_and_grad(loss, argnums=(0, 1))(jnp.asarray(chosen), jnp.asarray(rejected))
        assert float(value) == pytest.approx(np.log(2), rel=1e-6)
        np.testing.assert_allclose(up, np.where(valid, -0.1 * (0.5 - smoothing) / valid.sum(), 0), rtol=1e-5)
        np.testing.assert_allclose(down, -np.asarray(up), rtol=1e-5)
    assert float(dpo_loss(chosen, rejected, chosen, rejected, valid)[1]["accuracy"]) == 0.5


def test_the_reference_learns_nothing():
    (chosen, rejected, *reference), valid = example(2)
    gradients = jax.grad(lambda a, b: dpo_loss(chosen, rejected, a, b, valid)[0], (0, 1))(*map(jnp.asarray, reference))
    assert not any(np.asarray(gradient).any() for gradient in gradients)


def test_smoothing_pulls_back_a_pair_that_is_already_far_apart():
    zero, far = jnp.zeros(1), jnp.full(1, 100.0)
    slope = jax.grad(lambda a, smoothing: dpo_loss(a, zero, zero, zero, jnp.ones(1), 0.1, smoothing)[0])
    assert float(slope(far, 0.0)[0]) < 0 < float(slope(far, 0.1)[0])


@pytest.mark.parametrize("bad, message", [(dict(beta=0.0), "beta"), (dict(label_smoothing=0.5), "opposite")])
def test_settings_that_would_teach_nothing_or_the_opposite(bad, message):
    with pytest.raises(ValueError, match=message):
        dpo_loss(*[jnp.zeros(1)] * 4, jnp.ones(1), **bad)
