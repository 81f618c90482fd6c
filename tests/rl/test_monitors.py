"""Monitors speak of what went wrong and keep quiet otherwise, noise and all."""

import dataclasses

import numpy as np
import pytest

from mistral_moe.rl.monitors import Limits, Observation, findings


def healthy(seed, steps=40):
    """Reward and held-out score rise together to a plateau, under noise; the rest drifts a little."""
    rng = np.random.default_rng(seed)
    done = np.minimum(np.arange(steps) / 20, 1)
    noise = rng.normal(size=(5, steps))
    return [
        Observation(
            reward=0.3 + 0.4 * done[i] + 0.03 * noise[0, i],
            held_out=0.25 + 0.3 * done[i] + 0.02 * noise[1, i],
            held_out_stderr=0.02,
            kl=8 * done[i] + 0.3 * noise[2, i],
            length=20 + 4 * done[i] + noise[3, i],
            entropy=2.0 - 0.8 * done[i] + 0.05 * noise[4, i],
            truncated=0.1,
        )
        for i in range(steps)
    ]


def changed(history, **columns):
    """The history with columns replaced by functions of (iteration, observation)."""
    return [
        dataclasses.replace(row, **{name: value(i, row) for name, value in columns.items()})
        for i, row in enumerate(history)
    ]


def names(history, limits=Limits()):
    return [finding.name for finding in findings(history, limits)]


@pytest.mark.parametrize("seed", range(20))
def test_a_healthy_run_is_left_alone_at_every_step(seed):
    history = healthy(seed)
    assert not any(findings(history[:n]) for n in range(len(history) + 1))


@pytest.mark.parametrize("seed", range(20))
def test_a_reward_that_is_noise_changes_nothing_and_finds_nothing(seed):
    rng = np.random.default_rng(seed + 100)
    still = dict(kl=lambda i, row: 0.1, length=lambda i, row: 20.0, entropy=lambda i, row: 2.0)
    history = changed(
        healthy(seed),
        reward=lambda i, row: 0.5 + 0.1 * rng.normal(),
        held_out=lambda i, row: 0.25 + 0.02 * rng.normal(),
        **still,
    )
    assert not any(findings(history[:n]) for n in range(len(history) + 1))


@pytest.mark.parametrize("seed", range(10))
def test_a_gamed_reward_is_caught_once_the_held_out_score_falls(seed):
    history = changed(
        healthy(seed, 60),
        reward=lambda i, row: row.reward + 0.03 * max(i - 25, 0),
        held_out=lambda i, row: row.held_out - 0.012 * max(i - 25, 0),
    )
    first = next(n for n in range(len(history)) if names(history[:n]) == ["reward_hacking"])
    assert 28 <= first <= 50
    (finding,) = findings(history)
    assert finding.figures["reward"] > finding.figures["reward_at_best"]
    assert finding.figures["held_out"] < finding.figures["held_out_best"] - 0.2
    assert f"{finding.figures['held_out']:.3f}" in finding.message


def test_a_held_out_score_that_falls_with_the_reward_is_no_gaming():
    history = changed(
        healthy(0, 60),
        reward=lambda i, row: row.reward - 0.01 * max(i - 25, 0),
        held_out=lambda i, row: row.held_out - 0.012 * max(i - 25, 0),
    )
    assert names(history) == []


@pytest.mark.parametrize("seed", range(3))
def test_a_held_out_score_below_that_of_the_start_is_told_whatever_the_reward_does(seed):
    history = changed(healthy(seed), reward=lambda i, row: 0.0, held_out=lambda i, row: 0.12)
    assert names(history) == []
    (finding,) = findings(history, before=(0.3, 0.02))
    assert finding.name == "held_out_fall" and finding.figures == {"first": 0.3, "last": 0.12}
    # Within twice the error of the difference, where it rose, and where the last iteration did not measure it.
    assert findings(history, before=(0.17, 0.02)) == findings(history, before=(0.1, 0.02)) == []
    assert findings([*history, dataclasses.replace(history[-1], held_out=None)], before=(0.3, 0.02)) == []


def test_a_held_out_score_that_is_measured_now_and_then_is_enough():
    history = changed(
        healthy(0, 120),
        reward=lambda i, row: row.reward + 0.01 * max(i - 40, 0),
        held_out=lambda i, row: row.held_out - 0.004 * max(i - 40, 0) if i % 5 == 0 else None,
    )
    assert names(history) == ["reward_hacking"]
    assert names(changed(history, held_out=lambda i, row: None)) == []


@pytest.mark.parametrize("target", [60.0, 5.0])
def test_lengths_that_drift_either_way(target):
    history = changed(healthy(0), length=lambda i, row: 20 + (target - 20) * i / 39)
    (finding,) = findings(history)
    assert finding.name == "length_drift" and finding.figures["first"] == pytest.approx(20, rel=0.15)
    assert finding.figures["last"] == pytest.approx(target, rel=0.3)


def test_an_entropy_that_collapses():
    history = changed(healthy(0), entropy=lambda i, row: 2.0 * 0.85**i)
    assert names(history) == ["entropy_collapse"] and names(history[:8]) == []


def test_a_kl_that_runs_away_is_told_at_once():
    history = changed(healthy(0, 3), kl=lambda i, row: 51.0 if i == 2 else 1.0)
    (finding,) = findings(history)
    assert finding.name == "kl_runaway" and finding.figures == {"kl": 51.0, "limit": 50.0}
    assert names(history, Limits(kl=60.0)) == []


def test_answers_that_are_cut_off():
    assert names(changed(healthy(0), truncated=lambda i, row: 0.9 if i > 33 else 0.0)) == ["truncation"]


def test_numbers_that_are_none_are_told_and_silence_no_other_monitor():
    history = changed(
        healthy(0), reward=lambda i, row: np.nan if i in (3, 20) else row.reward, length=lambda i, row: 20.0 + 2 * i
    )
    found = findings(history)
    assert [finding.name for finding in found] == ["not_finite", "length_drift"]
    assert found[0].figures == {"iterations": 2.0, "last": 20.0} and "reward" in found[0].message
    assert names(changed(healthy(0, 2), kl=lambda i, row: np.nan)) == ["not_finite", "kl_runaway"]
