"""A model is taken back when it got worse beyond the noise, and not for noise."""

import math

from hypothesis import given, strategies as st
import numpy as np
import pytest

from mistral_moe.improve.rollback import paired_difference, why_worse

SCORES = st.lists(st.floats(0, 1), min_size=2, max_size=30)


def _worse(best, now, tolerance=2.0, loss=(1.0, 1.0), rise=0.05):
    return why_worse(best, now, tolerance, *loss, rise)


@given(SCORES, st.integers(0, 1000))
def test_the_difference_is_that_of_a_paired_t_test(before, seed):
    after = np.random.default_rng(seed).random(len(before)).tolist()
    mean, stderr = paired_difference(before, after)
    gains = np.subtract(after, before)
    assert mean == pytest.approx(gains.mean(), abs=1e-12)
    assert stderr == pytest.approx(gains.std(ddof=1) / math.sqrt(len(gains)), abs=1e-12)


@given(SCORES)
def test_the_same_scores_are_not_worse(scores):
    assert _worse(scores, scores) == ""


def test_a_fall_beyond_noise_is_worse_and_one_within_it_is_not():
    before = [1.0, 0.0] * 50
    one_lost = [0.0, *before[1:]]
    assert _worse(before, one_lost) == ""
    assert "pass@1 fell by 0.0100" in _worse(before, one_lost, tolerance=0.5)
    assert "pass@1 fell by 0.3000" in _worse(before, [0.0] * 60 + before[60:])
    assert _worse([0.0] * 60 + before[60:], before) == ""


def test_a_loss_beyond_its_limit_is_worse_whatever_the_score():
    up = [1.0, 1.0]
    assert _worse([0.0, 0.0], up, loss=(2.0, 2.1)) == ""
    assert "rose from 2.0000 to 2.1100" in _worse([0.0, 0.0], up, loss=(2.0, 2.11))
    assert "nan" in _worse([0.0, 0.0], up, loss=(2.0, math.nan))


@pytest.mark.parametrize("scores", [([1.0], [1.0]), ([1.0, 0.0], [1.0])])
def test_other_problems_are_refused(scores):
    with pytest.raises(ValueError, match="same two or more problems"):
        paired_difference(*scores)
