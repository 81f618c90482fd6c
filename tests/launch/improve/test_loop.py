"""The loop with a scripted scorer: it stops and goes back when the held-out score or the loss says so."""

import dataclasses

import pytest

from launch.improve import loop
from launch.tuning.checks import Check
from mistral_moe.improve.diversity import measure

LIMITS = loop.Limits(tolerance=2.0, max_loss_rise=0.05, entropy=0.5)
PROBLEMS = 100


def check_of(score, loss=1.0, answers=None):
    answers = answers or [[str(number)] for number in range(8)]
    solved = round(score * PROBLEMS)
    scores = tuple([1.0] * solved + [0.0] * (PROBLEMS - solved))
    return Check(scores, score, score, loss, {"math": loss}, measure(answers, answers))


class Script:
    """Models are the iterations they came out of; what they score is written down."""

    def __init__(self, *checks, accepted=(2, 2, 2, 2)):
        self.checks, self.accepted, self.taught, self.restored = checks, accepted, [], []

    def run(self, iterations=3):
        steps = loop.Steps(self.sample, self.teach, lambda iteration, model: self.checks[model], self.restore)
        return loop.run(steps, 0, iterations, LIMITS)

    def sample(self, iteration, model, pool):
        lines = [{"made_in": iteration, "by": model}] * self.accepted[iteration - 1]
        report = {"samples": 4, "kept": len(lines), "rejected": {"wrong": 4 - len(lines)}, "pool": len(pool)}
        return loop.Sampled(lines, report)

    def teach(self, iteration, model, lines):
        self.taught.append((iteration, model, len(lines)))
        return iteration, {"steps": 1}

    def restore(self, iteration):
        self.restored.append(iteration)
        return iteration


def test_each_iteration_goes_on_from_the_last_with_all_that_was_accepted():
    script = Script(check_of(0.1), check_of(0.3), check_of(0.5), check_of(0.6))
    result = script.run()
    assert (result.model, result.iteration, result.stopped) == (3, 3, "")
    assert (result.before.mean, result.after.mean) == (0.1, 0.6)
    assert script.taught == [(1, 0, 2), (2, 1, 4), (3, 2, 6)]
    assert [report["pass_at_1"] for report in result.iterations] == [0.3, 0.5, 0.6]
    assert not any(report["rolled_back"] for report in result.iterations) and not script.restored


def test_a_falling_score_takes_the_model_back_and_ends_the_loop():
    script = Script(check_of(0.1), check_of(0.5), check_of(0.2), check_of(0.9))
    result = script.run()
    assert (result.model, result.iteration) == (1, 1) and script.restored == [1]
    assert result.after.mean == 0.5 and len(result.iterations) == 2
    assert [report["rolled_back"] for report in result.iterations] == [False, True]
    assert "pass@1 fell by 0.3000" in result.stopped and result.iterations[1]["reason"] in result.stopped
    assert result.iterations[1]["pass_at_1"] == 0.2


def test_a_rising_loss_takes_the_model_back_however_good_it_scores():
    script = Script(check_of(0.1), check_of(0.9, loss=1.06))
    result = script.run()
    assert (result.model, result.iteration) == (0, 0) and script.restored == [0]
    assert "loss rose" in result.stopped and result.after.mean == 0.1


def test_many_small_steps_down_are_seen_and_undone_together():
    # Each step alone is within two standard errors; together they are not.
    script = Script(check_of(0.1), check_of(0.5), check_of(0.47), check_of(0.44), check_of(0.41))
    result = script.run(4)
    assert (result.model, result.iteration) == (1, 1)
    assert [report["rolled_back"] for report in result.iterations] == [False, True, True][: len(result.iterations)]
    assert len(result.iterations) > 2


def test_nothing_accepted_ends_the_loop_with_the_model_as_it_is():
    script = Script(check_of(0.1), check_of(0.3), accepted=(2, 0, 2))
    result = script.run()
    assert (result.model, result.iteration) == (1, 1) and len(result.iterations) == 2
    assert result.stopped == "nothing was accepted in iteration 2"
    assert result.iterations[1]["pass_at_1"] == 0.3 and len(script.taught) == 1


def test_a_collapse_is_told_in_the_report():
    same = check_of(0.3, answers=[["7"]] * 8)
    result = Script(check_of(0.1), check_of(0.2), same).run(2)
    assert [report["collapsed"] for report in result.iterations] == [False, True]


def test_figures_of_a_check():
    found = loop.figures(check_of(0.2), check_of(0.2), LIMITS)
    assert found["pass_at_1"] == 0.2 and found["problems"] == PROBLEMS
    assert found["pass_at_1_stderr"] == pytest.approx((0.2 * 0.8 / (PROBLEMS - 1)) ** 0.5)
    assert set(found["diversity"]) == {field.name for field in dataclasses.fields(check_of(0.1).diversity)}
