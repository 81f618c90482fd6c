"""Means over what is real, against numpy on the real entries alone."""

import numpy as np
import pytest

from mistral_moe.rl.masked import loss_mean, masked_max, masked_mean
from tests.rl.examples import columns, completion_mask, random_rollout


@pytest.mark.parametrize("seed", range(8))
def test_means_are_those_of_the_real_entries(seed):
    mask = completion_mask(random_rollout(seed))
    (values,) = columns(seed, mask, 1.0)
    answers = [row[keep] for row, keep in zip(values, mask) if keep.any()]
    flat = np.concatenate(answers)
    assert float(masked_mean(values, mask)) == pytest.approx(flat.mean(), abs=1e-6)
    assert float(masked_max(np.abs(values), mask)) == pytest.approx(np.abs(flat).max(), abs=1e-6)
    assert float(loss_mean(values, mask)) == pytest.approx(flat.mean(), abs=1e-6)
    of_answers = np.mean([answer.mean() for answer in answers])
    assert float(loss_mean(values, mask, "sequence")) == pytest.approx(of_answers, abs=1e-6)
    by_constant = np.mean([answer.sum() / 8 for answer in answers])
    assert float(loss_mean(values, mask, "constant", 8)) == pytest.approx(by_constant, abs=1e-6)


def test_a_long_answer_weighs_as_much_as_was_asked():
    values = np.array([[1.0, 1, 1, 1], [0, 0, 0, 0]])
    mask = np.array([[1, 1, 1, 1], [1, 0, 0, 0]])
    assert float(loss_mean(values, mask, "token")) == pytest.approx(4 / 5)
    assert float(loss_mean(values, mask, "sequence")) == pytest.approx(1 / 2)
    assert float(loss_mean(values, mask, "constant", 4)) == pytest.approx(1 / 2)
    assert float(loss_mean(values, mask, "constant", 8)) == pytest.approx(1 / 4)


@pytest.mark.parametrize("over", ["token", "sequence", "constant"])
def test_nothing_real_is_zero_and_no_nan(over):
    assert float(loss_mean(np.full((2, 3), np.nan), np.zeros((2, 3)), over, 3)) == 0
    assert float(masked_max(np.full((2, 3), np.nan), np.zeros((2, 3)))) == 0


def test_a_nan_where_it_counts_is_not_hidden():
    values, mask = np.array([[np.nan, 1.0]]), np.ones((1, 2))
    assert np.isnan(float(loss_mean(values, mask))) and np.isnan(float(masked_max(values, mask)))


@pytest.mark.parametrize("over, constant", [("tokens", None), ("constant", None), ("constant", 0)])
def test_means_that_there_are_not(over, constant):
    with pytest.raises(ValueError, match="a (loss is a )?mean"):
        loss_mean(np.ones((1, 1)), np.ones((1, 1)), over, constant)
