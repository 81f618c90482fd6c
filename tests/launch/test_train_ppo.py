"""Stage ppo on a toy: it learns what is rewarded and nothing else, says when it is gamed, and survives a kill anywhere."""

import dataclasses
import types

import jax
import numpy as np
import pytest

from launch.errors import UserError
from launch.metrics import read_rows
from launch.rl import plan as plan_lib
from launch.rl import prompts as prompts_lib
from launch.rl.learner import Learner
from launch.rl.loop import History
from launch.rl.scoring import Scorer, Scores, Weights
from mistral_moe.checkpoint import CheckpointStore, digest
from tests.launch.ppo_toy import ToyVerifier, no_lineage, toy_config, toy_loop

LEARNING = dict(iterations=12, kl_coefficient=0.001)


def run(folder, scorer=None, kind=Learner, **changes):
    config = toy_config(**changes)
    loop, learner = toy_loop(config, kind, scorer)
    history = loop.run(folder, no_lineage)
    return history, learner, read_rows(folder / "metrics" / "metrics.jsonl")


@pytest.mark.parametrize(
    "changes",
    [
        dict(algorithm="ppo", value_model="head"),
        dict(algorithm="ppo", value_model="copy", router_lr=1e-2, balance=0.01),
        dict(algorithm="grpo", loss_over="sequence", grpo_beta=0.001),
        dict(algorithm="rloo"),
    ],
    ids=["ppo", "copy", "grpo", "rloo"],
)
@pytest.mark.slow
def test_a_rewarded_token_is_learned_with_a_first_ratio_of_one(tmp_path, changes):
    history, learner, rows = run(tmp_path, **LEARNING, **changes)
    assert history.pass_at_1[0] < 0.5 and history.pass_at_1[12] >= 0.75
    assert rows[0]["score/verifiable"] < 0.4 and rows[-1]["score/verifiable"] > 0.85
    assert 0 <= history.first_ratio_error < 1e-5
    assert rows[-1]["kl"] > 0.1 and rows[0]["kl"] == pytest.approx(0, abs=1e-5)
    assert int(learner.state.step) == 12 * 4
    if changes["algorithm"] == "ppo":
        assert all(row["explained_variance"] <= 1 for row in rows)


@pytest.mark.slow
def test_frozen_groups_are_bit_identical_and_the_critic_is_no_part_of_the_model(tmp_path):
    config = toy_config(trunk_lr=None, iterations=1)
    loop, learner = toy_loop(config)
    before = jax.device_get(learner.params)
    loop.run(tmp_path, no_lineage)
    after = jax.device_get(learner.params)
    assert jax.tree.structure(before) == jax.tree.structure(after) and "critic" not in after
    assert digest(before["layers"]["attention"]) == digest(after["layers"]["attention"])
    assert digest(before["router"]) == digest(after["router"])
    assert digest(before["layers"]["experts"]) != digest(after["layers"]["experts"])


@pytest.mark.slow
def test_the_policy_waits_for_its_critic_and_then_learns(tmp_path):
    history, learner, rows = run(tmp_path, iterations=3, critic_alone_updates=8)  # four an iteration
    # The policy after its first two iterations is still its reference, while the critic has begun to explain the returns.
    assert [row["kl"] == pytest.approx(0, abs=1e-6) for row in rows] == [True, True, True]
    assert rows[0]["value_loss"] > rows[2]["value_loss"]
    assert digest(learner.params) != digest(toy_loop(toy_config())[1].params)


@pytest.mark.slow
def test_text_that_is_rehearsed_is_kept(tmp_path):
    _, _, rows = run(tmp_path / "kept", **LEARNING, rehearsal_rows=4, rehearsal_weight=1.0)
    assert rows[-1]["rehearsal_loss"] < 0.5 * rows[0]["rehearsal_loss"]
    assert rows[-1]["score/verifiable"] > 2 * rows[0]["score/verifiable"]


@pytest.mark.slow
def test_noise_as_a_reward_changes_nothing_beyond_noise(tmp_path):
    # A penalty for answers without an end would be no noise.
    changes = dict(kl_coefficient=0.1, experts_lr=1e-3, trunk_lr=1e-3, reasoning_lr=1e-3)
    changes |= dict(iterations=12, missing_eos="subtract", missing_eos_penalty=0.0)
    history, _, rows = run(tmp_path / "noise", reward="noise", **changes)
    assert max(row["kl"] for row in rows) < 0.3
    assert abs(rows[-1]["score/verifiable"] - rows[0]["score/verifiable"]) < 0.25
    assert abs(np.mean([row["score"] for row in rows])) < 0.2
    assert not set(history.findings) & {"reward_hacking", "kl_runaway", "entropy_collapse"}


@pytest.mark.slow
def test_a_gameable_reward_is_caught_and_said(tmp_path):
    """Cut-off answers keep their score here, so that writing on without an end pays."""
    changes = dict(LEARNING, max_tokens=40, monitor_window=3, missing_eos="subtract", missing_eos_penalty=0.0)
    history, _, rows = run(tmp_path, reward="length", **changes)
    assert rows[-1]["score"] > 1.3 * rows[0]["score"]
    assert {"truncation", "length_drift"} <= set(history.findings)
    assert "cut off" in history.findings["truncation"].message


def test_a_held_out_score_below_the_starts_is_told_until_it_no_longer_is(tmp_path, monkeypatch):
    loop, _ = toy_loop(toy_config(iterations=2, evaluate_every=1))
    greedy = iter([1.0, 0.0, 1.0])
    monkeypatch.setattr(loop, "_pass_at_1", lambda samples, temperature: 0.5 if temperature else next(greedy))
    loop.history.pass_at_1[0] = next(greedy)
    loop.iterate(0)
    assert loop.history.findings["held_out_fall"].figures == {"first": 1.0, "last": 0.0}
    loop.iterate(1)
    assert "held_out_fall" not in loop.history.findings


class Interrupted(Exception):
    """What an update raises in place of a kill."""


def killed_at(count):
    """A learner that is killed after so many updates of its process."""

    class Killed(Learner):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            left, step = iter(range(count - 1, -1, -1)), self._program.step

            def counted(state, batch):
                made = step(state, batch)
                if not next(left):
                    raise Interrupted
                return made

            self._program = dataclasses.replace(self._program, step=counted)

    return Killed


def final(folder, learner):
    with CheckpointStore(folder / "checkpoints") as store:
        saved = store.restore({"params": None, "data_iter": None} | learner.targets())
    return digest(jax.device_get(saved["params"])), digest_of(saved["opt"]), saved["data_iter"]


def digest_of(tree):
    return [np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(tree)]


@pytest.mark.parametrize("more", [{}, dict(value_model="copy"), dict(rehearsal_rows=2, rehearsal_weight=0.5)])
@pytest.mark.slow
def test_a_run_killed_in_the_middle_of_an_epoch_and_resumed_ends_bit_identical(tmp_path, more):
    changes = dict(iterations=5, normalise_scores=True, kl_target=1.0, kl_horizon=100.0) | more
    _, learner, rows = run(tmp_path / "whole", **changes)
    whole = final(tmp_path / "whole", learner)
    # 4 updates an iteration: in the first iteration, and in the middle of the epochs of the fourth, after a checkpoint.
    for count in (2, 11):
        with pytest.raises(Interrupted):
            run(tmp_path / "killed", kind=killed_at(count), **changes)
    _, learner, resumed_rows = run(tmp_path / "killed", **changes)
    resumed = final(tmp_path / "killed", learner)
    assert whole[0] == resumed[0] and whole[1] == resumed[1]

    def without_times(history):
        return {name: value for name, value in history.items() if name != "seconds"}

    assert without_times(whole[2]) == without_times(resumed[2])
    # Compiling once more or once less shows in times alone.
    assert [strip(row) for row in rows] == [strip(row) for row in resumed_rows]


def strip(row):
    return {name: value for name, value in row.items() if not name.startswith("seconds/")}


@pytest.mark.slow
def test_rewards_that_are_no_numbers_are_counted_and_left_out(tmp_path):
    class Broken(Scorer):
        def score(self, *arguments):
            scores = super().score(*arguments)
            total = scores.total.copy()
            total[:3] = np.nan, np.inf, -np.inf
            return Scores(total, scores.parts)

    history, learner, rows = run(tmp_path, Broken(ToyVerifier(), "composite", Weights(), 4), iterations=2)
    assert history.unusable == {"not_finite": 6} and [row["rows/used"] for row in rows] == [29, 29]
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(jax.device_get(learner.params)))
    assert all(np.isfinite(row["loss"]) for row in rows)


def without_ends(loop):
    """The loop, its answers cut off."""
    answers = loop._answers

    def cut(*arguments, **named):
        return [dataclasses.replace(done, ends="length") for done in answers(*arguments, **named)]

    loop._answers = cut
    return loop


@pytest.mark.parametrize("truncated", ["penalise", "mask"])
@pytest.mark.slow
def test_batches_without_a_finished_answer_change_nothing_and_end_the_run(tmp_path, truncated):
    loop, learner = toy_loop(toy_config(truncated=truncated))
    before = digest(jax.device_get(learner.params))
    history = without_ends(loop).run(tmp_path, no_lineage)
    assert history.iterations == history.skipped == 3 and history.stopped.startswith("no_finished_answer: ")
    assert "no_finished_answer" in history.findings
    assert digest(jax.device_get(learner.params)) == before
    # A stopped run is a finished one: started again it does nothing.
    again, _ = toy_loop(toy_config(truncated=truncated))
    assert without_ends(again).run(tmp_path, no_lineage).iterations == 3


@pytest.mark.slow
def test_a_runaway_of_the_kl_stops_the_run_by_name(tmp_path):
    history, _, rows = run(tmp_path, **LEARNING, kl_limit=0.05)
    assert history.stopped.startswith("kl_runaway: ") and "kl_runaway" in history.findings
    assert history.iterations == len(rows) < 12 and rows[-1]["kl"] > 0.05
    assert all(row["kl"] <= 0.05 for row in rows[:-1])


@pytest.mark.slow
def test_an_iteration_that_strays_from_its_own_answers_is_cut_short(tmp_path):
    history, learner, rows = run(tmp_path, iterations=2, early_stop_kl=1e-9)
    # The first update starts where the answers were drawn; the second sees what it did.
    assert [row["updates"] for row in rows] == [2, 2] and history.early_stops == 2
    assert int(learner.state.step) == 4


def test_a_first_ratio_that_is_not_one_ends_the_run_with_a_clear_error(tmp_path):
    with pytest.raises(UserError, match="iteration 0: the first ratio is off 1 by .*first_ratio_tolerance"):
        run(tmp_path, first_ratio_tolerance=-1.0)


@pytest.mark.parametrize(
    "changes, message",
    [
        (dict(minibatch_size=5), "ppo.minibatch_size=5 does not divide the 32 answers"),
        (dict(samples=1, minibatch_size=8, algorithm="grpo"), "ppo.samples=1; set --config.ppo.samples to 2"),
        (dict(algorithm="dpo"), "algorithms are ppo, grpo, rloo, not 'dpo'"),
        (dict(truncated="drop"), "one of penalise, mask"),
        (dict(missing_eos="drop"), "one of replace, subtract"),
        (dict(value_model="large"), "not 'large'"),
        (dict(iterations=0), "ppo.iterations=0"),
        (dict(rehearsal_rows=2), "ppo.rehearsal_weight=0.0 with ppo.rehearsal_rows=2; set both"),
        (dict(clip_low=1.1), "bounds around 1"),
        (dict(algorithm="grpo", critic_alone_updates=8), "grpo has no critic"),
        (dict(critic_alone_updates=25), "the delay of experts is 25 steps"),
    ],
)
def test_numbers_that_can_not_be_are_one_clear_error(changes, message):
    with pytest.raises(UserError, match=message):
        toy_loop(toy_config(**changes))


def test_every_problem_is_asked_once_before_any_comes_again():
    drawn = [index for iteration in range(6) for index in prompts_lib.of_iteration(9, 6, 3, iteration)]
    turns = [drawn[start : start + 9] for start in range(0, 36, 9)]
    assert all(sorted(turn) == list(range(9)) for turn in turns) and len({tuple(turn) for turn in turns}) == 4
    seeds = {prompts_lib.seed_of_row(0, iteration, row) for iteration in range(20) for row in range(50)}
    assert len(seeds) == 1000 and all(0 <= seed < 2**32 for seed in seeds)


def test_a_history_survives_json():
    history = History(
        pass_at_1={0: 0.25, 10: 0.5}, sampled_pass_at_1={0: 0.2}, unusable={"empty": 2}, rehearsal={"rows": {"a": 3}}
    )
    assert History.from_json(history.to_json()) == history


def test_learned_rewards_are_weighed_and_logged_by_themselves():
    weights = Weights(verifiable=1.0, format=0.5, learned=2.0)
    scorer = Scorer(ToyVerifier(), "composite", weights, 4, lambda prompts, answers: np.array([0.25, -0.5]))
    problem = types.SimpleNamespace()
    scores = scorer.score([problem] * 2, ["5 2", "6 2"], [[1], [1]], [[5, 2], [6, 2]], [0, 1])
    np.testing.assert_allclose(scores.total, [1 + 0.5 + 0.5, 0.5 - 1.0])
    assert set(scores.parts) == {"verifiable", "format", "learned"} and scores.total.dtype == np.float32
    with pytest.raises(ValueError, match="no reward model"):
        Scorer(ToyVerifier(), "composite", weights, 4)


def test_the_flops_of_a_critic_of_its_own_are_counted():
    plain = plan_lib.plan_of(toy_config(value_model="head"))[1]
    assert plan_lib.plan_of(toy_config(value_model="copy"))[1] > 1.8 * plain
