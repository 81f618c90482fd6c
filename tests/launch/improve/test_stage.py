"""The stage on a tiny model: interrupted anywhere it ends bit-identical, records balance, and a toy task improves."""

import json

import pytest

from data.verifiable.problem import Problem
from data.verifiable.verify import Verifier
from launch import stage as stage_lib
from launch.errors import CheckFailed, UserError
from launch.feeds import SingleFeed
from launch.improve import accepted, drawing, tuning
from launch.improve import stage as improve_stage
from launch.improve.tuning import example_of
from data.verifiable import tasks
from tests.launch.improve.conftest import toy_config


pytestmark = pytest.mark.usefixtures("compiled_once")


def _draws(rng):
    """The answer to `say a` is 1 and to `say b` 2, whatever the number between."""
    while True:
        number, letter = rng.randint(100, 999), rng.choice("ab")
        answer = str("ab".index(letter) + 1)
        key = f"{number} {letter}"
        asked = f"Item {number}: say {letter}."
        meta = {"solution": f"Answer: {answer}"}
        yield (
            key,
            lambda key=key, asked=asked, answer=answer, meta=meta: Problem(
                f"toy/{key}", "toy", ("", "[INST]", asked, "[/INST]", ""), answer, meta
            ),
        )


@pytest.fixture(autouse=True)
def toy_task(monkeypatch):
    """The task "toy"."""
    monkeypatch.setitem(tasks.TASKS, "toy", _draws)
    monkeypatch.setitem(tuning.DOMAINS, "toy", "math")


class Interrupted(Exception):
    """In place of a kill."""


def _contents(folder):
    """All that the stage keeps, as bytes."""
    paths = [*folder.glob("accepted/*"), *folder.glob("iterations/*")]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(paths)}


def _interrupt(monkeypatch, owner, name, call, after=False):
    """Lets the `call`-th call of a function raise, before or after it does what it does."""
    real, calls = getattr(owner, name), []

    def wrapped(*arguments, **named):
        calls.append(1)
        if len(calls) == call and not after:
            raise Interrupted
        result = real(*arguments, **named)
        if len(calls) == call:
            raise Interrupted
        return result

    monkeypatch.setattr(owner, name, wrapped)


@pytest.mark.slow
def test_interrupted_anywhere_it_ends_bit_identical(tmp_path, context_in, monkeypatch):
    config = toy_config()
    # A threshold that an untrained model's completions pass, so that all iterations have something to teach.
    monkeypatch.setattr(improve_stage, "probabilities_of", lambda *unused: lambda samples: [0.9] * len(samples))
    unbroken = improve_stage.improve(context_in(tmp_path / "unbroken", config))
    broken = tmp_path / "broken"
    for owner, name, call, after in (
        (accepted, "write", 1, True),  # the demonstrations are taught; accepted, and not yet marked as whole
        (SingleFeed, "next", 4, False),  # between two checkpoints of an iteration
        (improve_stage, "atomic_write_json", 1, False),  # taught, and not yet measured
    ):
        with monkeypatch.context() as patch:
            _interrupt(patch, owner, name, call, after)
            with pytest.raises(Interrupted):
                improve_stage.improve(context_in(broken, config))
    resumed = improve_stage.improve(context_in(broken, config))
    assert resumed == unbroken
    assert _contents(broken / "improve") == _contents(tmp_path / "unbroken" / "improve")
    # The manifest's own fields, and the law of conservation.
    stage_lib.check_balance("improve", "records", resumed.records)
    assert resumed.records["in"] == 2 * 24 * 2 and resumed.records["out"] > 0
    extra = json.loads(json.dumps(resumed.extra))
    assert {"pass_at_1_before", "pass_at_1_after", "kept_share", "iterations", "precision", "stopped"} <= set(extra)
    assert [row["threshold"] for row in extra["precision"]] == [0.5, 0.6, 0.7, 0.8, 0.9, 0.95]
    assert [one["iteration"] for one in extra["iterations"]] == [1, 2]
    with Verifier() as verifier:
        assert accepted.verify(broken / "improve", verifier) == (resumed.records["out"], [])


@pytest.mark.slow
def test_what_an_iteration_wrote_may_not_change_under_it(tmp_path, context_in, monkeypatch):
    monkeypatch.setattr(improve_stage, "probabilities_of", lambda *unused: lambda samples: [0.9] * len(samples))
    config = toy_config()
    config.improve.update(iterations=1, demonstrations=0)
    with monkeypatch.context() as patch:
        _interrupt(patch, SingleFeed, "next", 1)
        with pytest.raises(Interrupted):
            improve_stage.improve(context_in(tmp_path, config))
    path = tmp_path / "improve" / accepted.FOLDER / "1.jsonl"
    path.write_text(path.read_text().replace("math", "maths").replace("toy", "arithmetic"))
    with pytest.raises(UserError, match="is not what iteration 1 wrote"):
        improve_stage.improve(context_in(tmp_path, config))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (dict(init="router"), "improve.init is 'router'"),
        (dict(quality="reward"), "needs the stage reward"),
        (dict(quality="taste"), "unknown improve.quality 'taste'"),
        (dict(tasks=("chess",)), "improve.tasks"),
        (dict(tasks=()), "improve.tasks"),
        (dict(pass_k=3), "improve.pass_k=3"),
        (dict(check_problems=1), "improve.check_problems=1 is below 2"),
        (dict(prompts=0), "improve.prompts=0"),
        (dict(per_prompt=0), "per_prompt 0"),
        (dict(max_tokens=40), "fit the model's window"),
        (dict(check_problems=100_000), "asked for"),
    ],
)
def test_settings_that_cannot_be_are_told_by_key(tmp_path, context_in, change, told):
    config = toy_config()
    config.improve.update(change)
    with pytest.raises(UserError, match=told):
        improve_stage.improve(context_in(tmp_path, config))


@pytest.mark.slow
def test_demonstrations_that_do_harm_are_taken_back(tmp_path, context_in):
    config = toy_config()
    config.improve.update(demonstrations=4, max_loss_rise=-0.9)
    context = context_in(tmp_path, config)
    outcome = improve_stage.improve(context)
    assert outcome.outputs["checkpoints"] == context.input_manifest("joint")["outputs"]["checkpoints"]
    assert "the demonstrations were taken back: the held-out loss rose" in outcome.extra["stopped"]
    assert outcome.extra["demonstrations"]["rolled_back"] and outcome.extra["iterations"] == []
    stage_lib.check_balance("improve", "records", outcome.records)


def test_a_quality_that_is_no_number_fails_the_stage(tmp_path, context_in, monkeypatch):
    nan = float("nan")
    monkeypatch.setattr(improve_stage, "probabilities_of", lambda *unused: lambda samples: [nan] * len(samples))
    with pytest.raises(CheckFailed, match="iteration 1: 48 of 48 qualities are no probabilities"):
        improve_stage.improve(context_in(tmp_path, toy_config()))


def test_no_two_lists_share_a_problem_and_each_is_spread_over_the_tasks():
    lists = drawing.in_turns(("arithmetic", "remainders"), [5, 20, 20], 0, "train", lambda problem: True)
    assert [len(own) for own in lists] == [5, 20, 20]
    ids = [problem.id for own in lists for problem in own]
    assert len(set(ids)) == len(ids)
    assert [sum(problem.task == "arithmetic" for problem in own) for own in lists] == [3, 10, 10]


def test_only_the_completion_is_learned():
    (problem,) = tasks.problems("remainders", 1, 0, "train")
    asked, answer = example_of(problem, "so it is")
    assert (asked.text, asked.learned, asked.control) == (problem.parts[2], False, "[INST]")
    assert (answer.text, answer.learned, answer.control) == ("so it is", True, "[/INST]")


@pytest.mark.slow
def test_a_toy_task_improves_by_the_models_own_words(tmp_path, context_in):
    config = toy_config()
    # The demonstrations teach the form; which answer belongs to which question is learned from what was accepted.
    config.improve.update(
        iterations=3,
        prompts=96,
        samples=4,
        per_prompt=1,
        demonstrations=32,
        demonstration_epochs=99.0,
        epochs=99.0,
        max_steps=40,
        rehearsal=0.1,
        batch_size=8,
        experts_lr=1e-2,
        trunk_lr=1e-2,
        check_problems=48,
    )
    outcome = improve_stage.improve(context_in(tmp_path, config))
    assert outcome.extra["pass_at_1_after"] > outcome.extra["pass_at_1_before"] + 0.2
