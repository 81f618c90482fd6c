"""Shares that sum to one, steps that see every example as often as asked, and what a threshold is worth."""

from hypothesis import given, strategies as st
import numpy as np
import pytest

from mistral_moe.improve import mixing
from mistral_moe.improve.precision import at_thresholds

SIZES = st.dictionaries(st.sampled_from("abcdef"), st.floats(0.1, 100), min_size=1)


@given(SIZES, SIZES, st.floats(0, 0.95))
def test_rehearsal_gets_its_share_and_each_part_is_divided_by_size(accepted, rehearsal, share):
    accepted = {f"x.{name}": size for name, size in accepted.items()}
    found = mixing.weights(accepted, rehearsal, share)
    assert sum(found.values()) == pytest.approx(1.0)
    assert sum(found.get(name, 0.0) for name in rehearsal) == pytest.approx(share)
    for sizes in (accepted, rehearsal) if share else (accepted,):
        ratios = [found[name] / size for name, size in sizes.items()]
        assert ratios == pytest.approx([ratios[0]] * len(ratios))


@given(st.integers(1, 500), st.integers(1, 64), st.floats(0, 0.9), st.floats(0.5, 4))
def test_the_examples_are_seen_as_often_as_asked_and_not_a_step_more(rows, batch, share, epochs):
    steps = mixing.steps(rows, batch, share, epochs, 10**9)
    own = batch * (1 - share)
    assert steps * own >= rows * epochs * (1 - 1e-9)
    assert steps == 1 or (steps - 1) * own < rows * epochs * (1 + 1e-9)
    assert mixing.steps(rows, batch, share, epochs, 3) == min(steps, 3)


def test_what_cannot_be_mixed_is_refused():
    with pytest.raises(ValueError, match="without any"):
        mixing.weights({"a": 1.0}, {}, 0.5)
    with pytest.raises(ValueError, match="below 1"):
        mixing.weights({"a": 1.0}, {"b": 1.0}, 1.0)
    with pytest.raises(ValueError, match="leave no step"):
        mixing.steps(0, 4, 0.5, 1.0, 10)


def test_precision_of_a_calibrated_quality_is_what_it_says_and_rises_with_the_threshold():
    rng = np.random.default_rng(0)
    quality = rng.random(20_000)
    correct = rng.random(20_000) < quality
    rows = at_thresholds(quality.tolist(), correct.tolist())
    for row in rows:
        # The mean probability above a threshold t of a uniform quality is (1 + t) / 2.
        assert row["precision"] == pytest.approx((1 + row["threshold"]) / 2, abs=4 * row["stderr"])
        assert row["kept"] == (quality > row["threshold"]).sum()
    assert [row["recall"] for row in rows] == sorted((row["recall"] for row in rows), reverse=True)


def test_precision_of_nothing_is_not_a_number_that_misleads():
    (row,) = at_thresholds([0.8, 0.1], [True, False], [0.8])
    assert row == {"threshold": 0.8, "kept": 0, "correct": 0, "precision": None, "stderr": None, "recall": 0.0}
    assert at_thresholds([0.9], [False], [0.8])[0]["recall"] is None
    with pytest.raises(ValueError, match="each completion has both"):
        at_thresholds([0.9], [], [0.8])
