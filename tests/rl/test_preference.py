"""What a reward model learns from pairs, and the report on it, against formulas and scipy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from mistral_moe.rl.preference import bradley_terry_loss, calibration_curve, preference_report, reference_shift


def scores(seed, rows=9):
    rng = np.random.default_rng(seed)
    valid = rng.integers(0, 4, rows) > 0
    valid[0] = True
    return *(np.where(valid, rng.normal(size=rows), np.nan).astype(np.float32) for _ in range(2)), valid


@pytest.mark.parametrize("with_margins", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_the_loss_is_its_formula_over_valid_pairs(seed, with_margins):
    chosen, rejected, valid = scores(seed)
    margins = np.where(valid, np.arange(9) / 3, np.nan) if with_margins else None
    apart = (chosen - rejected)[valid].astype(np.float64)
    expected = np.logaddexp(0, -(apart - (margins[valid] if with_margins else 0))).mean()
    loss, statistics = bradley_terry_loss(chosen, rejected, valid, margins)
    assert float(loss) == pytest.approx(expected, rel=1e-5)
    assert float(statistics["accuracy"]) == pytest.approx((apart > 0).mean())
    assert float(statistics["margin"]) == pytest.approx(apart.mean(), abs=1e-6)


def test_it_lifts_the_chosen_lowers_the_rejected_and_leaves_the_invalid_alone():
    chosen, rejected, valid = scores(1)
    up, down = jax.grad(lambda a, b: bradley_terry_loss(a, b, valid)[0], (0, 1))(
        jnp.asarray(chosen), jnp.asarray(rejected)
    )
    assert (np.asarray(up)[valid] < 0).all() and not np.asarray(up)[~valid].any()
    np.testing.assert_allclose(down, -np.asarray(up))
    zeros = jnp.zeros(4)
    assert float(bradley_terry_loss(zeros, zeros, jnp.ones(4))[0]) == pytest.approx(np.log(2))
    assert float(bradley_terry_loss(zeros, zeros, jnp.ones(4))[1]["accuracy"]) == 0.5


def test_scores_less_their_shift_have_mean_zero():
    values, _, valid = scores(2)
    left = values - float(reference_shift(values, valid))
    assert left[valid].mean() == pytest.approx(0, abs=1e-6)


def pairs_of(seed, n=4000, scale=1.0):
    """Pairs whose labels are drawn with the very probability that a model of scale 1 gives."""
    rng = np.random.default_rng(seed)
    first, second = rng.normal(size=(2, n)) * 1.5
    first_wins = rng.uniform(size=n) < 1 / (1 + np.exp(second - first))
    return scale * np.where(first_wins, first, second), scale * np.where(first_wins, second, first)


def test_the_report_is_what_numpy_and_scipy_say():
    chosen, rejected = pairs_of(0, 500)
    rng = np.random.default_rng(1)
    lengths = rng.integers(1, 9, (2, 500))
    report = preference_report(chosen, rejected, *lengths)
    right = (chosen > rejected).astype(float)
    assert report.accuracy == pytest.approx(right.mean()) and report.pairs == 500
    assert report.stderr == pytest.approx(np.sqrt(right.mean() * (1 - right.mean()) / 499))
    assert report.loss == pytest.approx(np.log1p(np.exp(rejected - chosen)).mean())
    expected = scipy.stats.spearmanr(np.concatenate([chosen, rejected]), lengths.reshape(-1)).statistic
    assert report.length_correlation == pytest.approx(expected)
    ties = lengths[0] == lengths[1]
    assert report.longer_chosen == pytest.approx((lengths[0] > lengths[1]).mean() + ties.mean() / 2)
    assert sum(row.pairs for row in report.calibration) == 500
    off = [row.pairs * abs(row.accuracy - row.confidence) for row in report.calibration if row.pairs]
    assert report.calibration_error == pytest.approx(sum(off) / 500)


def test_calibration_tells_the_honest_from_the_boastful():
    honest, boastful, shy = (preference_report(*pairs_of(0, scale=s), [1] * 4000, [1] * 4000) for s in (1, 4, 0.2))
    assert honest.accuracy == boastful.accuracy == shy.accuracy
    assert honest.calibration_error < 0.03 < 0.12 < min(boastful.calibration_error, shy.calibration_error)
    assert honest.loss < min(boastful.loss, shy.loss)
    for row in honest.calibration:
        assert row.low <= row.confidence <= row.high and row.accuracy == pytest.approx(row.confidence, abs=0.07)


def test_a_model_that_only_counts_is_seen():
    lengths = np.random.default_rng(0).integers(1, 50, (2, 200))
    report = preference_report(lengths[0] / 10, lengths[1] / 10, *lengths)
    assert report.length_correlation == pytest.approx(1) and report.accuracy == report.longer_chosen


def test_bins_hold_all_from_a_tie_to_certainty():
    curve = calibration_curve(np.array([0.0, 0.0, 1000.0, -1000.0]), bins=5)
    assert [row.pairs for row in curve] == [2, 0, 0, 0, 2]
    assert (curve[0].low, curve[-1].high) == (0.5, 1.0)
    assert curve[0].accuracy == 0.5 and curve[-1].accuracy == 0.5 and curve[-1].confidence == 1
    assert np.isnan(curve[2].accuracy)


def test_pairs_without_finite_scores_are_counted_and_none_at_all_is_an_error():
    report = preference_report([1.0, np.nan, 2.0], [0.0, 0.0, np.inf], [1, 1, 1], [1, 1, 1])
    assert (report.pairs, report.not_finite, report.accuracy, report.stderr) == (1, 2, 1.0, 0.0)
    with pytest.raises(ValueError, match="none of 1 pairs has two finite scores"):
        preference_report([np.nan], [0.0], [1], [1])
    with pytest.raises(ValueError, match="don't pair up"):
        preference_report([1.0, 2.0], [0.0], [1], [1])
