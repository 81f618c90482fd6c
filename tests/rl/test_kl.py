"""The KL's estimates against the exact one, and what is steered by them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mistral_moe.rl import kl, kl_control
from tests.rl.examples import columns, completion_mask, random_rollout


def test_estimates_are_right_about_known_distributions():
    rng = np.random.default_rng(0)
    policy, reference = (np.exp(x) / np.exp(x).sum() for x in (rng.normal(size=(2, 5)) * 0.3))
    exact = float(np.sum(policy * np.log(policy / reference)))
    drawn = rng.choice(5, size=(50, 1000), p=policy)
    found = kl.estimates(np.log(policy)[drawn], np.log(reference)[drawn], np.ones(drawn.shape))
    assert float(found.k1) == pytest.approx(exact, rel=0.1)
    assert float(found.k3) == pytest.approx(exact, rel=0.03)
    assert float(found.k2) == pytest.approx(exact, rel=0.2)
    assert float(found.of_sequence) == pytest.approx(1000 * float(found.k1), rel=1e-4)


@pytest.mark.parametrize("seed", range(6))
def test_estimates_are_loops_over_the_real_tokens(seed):
    mask = completion_mask(random_rollout(seed))
    ours, theirs = columns(seed, mask, 1.0, 1.0)
    apart = (ours - theirs)[mask].astype(np.float64)
    found = kl.estimates(ours, theirs, mask)
    assert float(found.k1) == pytest.approx(apart.mean(), abs=1e-5)
    assert float(found.k2) == pytest.approx((apart**2 / 2).mean(), abs=1e-5)
    assert float(found.k3) == pytest.approx((np.exp(-apart) - 1 + apart).mean(), rel=1e-5)
    sums = [(ours[row] - theirs[row])[keep].sum() for row, keep in enumerate(mask) if keep.any()]
    assert float(found.of_sequence) == pytest.approx(np.mean(sums), abs=1e-5)
    assert not any(np.asarray(leaf).any() for leaf in jax.tree.leaves(kl.estimates(ours, theirs, np.zeros_like(mask))))


def test_k3_keeps_small_digits_and_does_not_overflow():
    assert float(kl.k3(jnp.float32(1e-3))) == pytest.approx(5e-7, rel=1e-2)
    for far in (-500.0, 500.0):
        value, gradient = jax.value_and_grad(kl.k3)(jnp.float32(far))
        assert np.isfinite(float(value)) and float(value) > 100 and np.isfinite(float(gradient))
    assert np.isfinite(np.asarray(kl.ratio(jnp.array([-500.0, 500.0])))).all()


def test_the_controller_follows_its_formula_and_settles_at_the_target():
    control = kl_control.adaptive(0.2, target=6.0, horizon=100.0)
    assert float(kl_control.update(control, jnp.float32(6.6), 10).coefficient) == pytest.approx(0.2 * 1.01)
    for far, expected in ((60.0, 1.02), (0.0, 0.98), (-3.0, 0.98)):
        moved = kl_control.update(control, jnp.float32(far), 10)
        assert float(moved.coefficient) == pytest.approx(0.2 * expected)
    # A policy whose KL falls as the price rises.
    for _ in range(500):
        control = kl_control.update(control, 0.9 / control.coefficient, 50)
    assert float(control.coefficient) == pytest.approx(0.9 / 6, rel=1e-3)


def test_the_controller_is_not_led_astray():
    control = kl_control.adaptive(0.2, horizon=10.0)
    for value in (jnp.nan, jnp.inf):
        assert float(kl_control.update(control, value, 10).coefficient) == pytest.approx(0.2)
    assert float(kl_control.update(control, 0.0, 0).coefficient) == pytest.approx(0.2)
    assert float(kl_control.update(control, 0.0, 100_000).coefficient) == pytest.approx(0.1)
    still = kl_control.fixed(0.05)
    assert kl_control.update(still, 100.0, 10) is still
    assert len(jax.tree.leaves(control)) == 1 and control.coefficient.dtype == jnp.float32


@pytest.mark.parametrize("arguments", [(0.0,), (0.1, 0.0), (0.1, 6.0, 0.0), (float("nan"),)])
def test_controllers_that_could_not_control(arguments):
    with pytest.raises(ValueError, match="above 0"):
        kl_control.adaptive(*arguments)
    with pytest.raises(ValueError, match="0 or more"):
        kl_control.fixed(-0.1)


def test_a_runaway_is_seen_also_when_it_is_no_number():
    values = jnp.array([5.0, 50.0, 50.1, jnp.inf, jnp.nan, -1.0])
    assert kl_control.is_runaway(values, 50.0).tolist() == [False, False, True, True, True, False]
    assert not kl_control.is_runaway(1.0, 50.0) and kl_control.is_runaway(51.0, 50.0)
