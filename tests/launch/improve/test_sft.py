"""Stage `sft` on a tiny model: a toy task is learned, interrupted anywhere it ends bit-identical, records balance."""

import json

import pytest

from data import tokenizer as tokenizer_lib
from data.verifiable import tasks
from launch import models, train_sft
from launch.errors import UserError
from launch.feeds import SingleFeed
from launch.improve import stage as improve_stage
from launch.stage import check_balance
from launch.train_tokenizer import MODEL_FILE
from launch.tuning import checks
from launch.tuning.drawing import asked
from tests.launch.improve.conftest import Interrupted, interrupt, toy_config

pytestmark = pytest.mark.usefixtures("compiled_once")


@pytest.fixture
def tokenizer(made):
    return tokenizer_lib.load(made / "tokenizer" / MODEL_FILE)


def test_solutions_that_the_window_holds_are_drawn_and_the_others_counted(tokenizer):
    config = toy_config()
    config.sft.update(tasks=("toy", "remainders"), demonstrations=40)
    longest = 0
    problems, left_out = train_sft.demonstrations(config, tokenizer)
    assert left_out == 0 and [sum(p.task == name for p in problems) for name in config.sft.tasks] == [20, 20]
    for problem in problems:
        text = problem.parts[2] + problem.meta["solution"]
        longest = max(longest, len(tokenizer.encode(text)))
    config.train.seq_len = longest  # with BOS and two control symbols some are too long now
    fewer, left_out = train_sft.demonstrations(config, tokenizer)
    assert len(fewer) == 40 and left_out > 0


def test_a_stage_avoids_what_was_shown_to_the_model_that_it_begins_with(tmp_path, context_in, tokenizer):
    config = toy_config()
    assert train_sft.taught_before(context_in(tmp_path / "joint", config), tokenizer) == frozenset()
    for init, ppo in (("sft", "joint"), ("ppo", "sft")):
        config.improve.init, config.ppo.init = init, ppo
        taken = train_sft.taught_before(context_in(tmp_path / init, config), tokenizer)
        assert taken == {asked(problem) for problem in tasks.problems("toy", 24, 0, "train")}
        context = context_in(tmp_path / init, config)
        config.improve.ask_shown = False
        assert improve_stage.not_asked(context, tokenizer) == taken
        config.improve.ask_shown = True
        assert improve_stage.not_asked(context, tokenizer) == frozenset()
    config.ppo.init = "joint"
    assert not train_sft.taught_before(context_in(tmp_path / "neither", config), tokenizer)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (dict(tasks=("chess",)), "sft.tasks"),
        (dict(demonstrations=0), "sft.demonstrations=0 is below 1"),
        (dict(check_problems=1), "sft.check_problems=1 is below 2"),
        (dict(check_samples=0), "sft.check_samples=0"),
        (dict(max_tokens=40), "take sft.max_tokens down"),
        (dict(demonstrations=100_000), "fewer in the section sft"),
        (dict(rehearsal=1.0), "mend the section sft"),
    ],
)
def test_settings_that_cannot_be_are_told_by_key(tmp_path, context_in, monkeypatch, change, told):
    config = toy_config()
    config.sft.update(change)
    monkeypatch.setattr(checks.Checker, "check", lambda self, params: checks.Check((0.0,), 0.0, 0.0, 1.0, {}, ALIKE))
    with pytest.raises(UserError) as error:
        train_sft.run(context_in(tmp_path, config, "sft"))
    assert told in f"{error.value.message} {error.value.fix}"


ALIKE = checks.diversity.measure([["a"]], [["a"]])


@pytest.mark.slow
def test_interrupted_anywhere_it_ends_bit_identical_and_has_learned_the_task(tmp_path, context_in, monkeypatch):
    config = toy_config()
    config.sft.update(demonstrations=200, max_steps=120, rehearsal=0.1, batch_size=8, check_problems=32)
    config.sft.update(experts_lr=1e-2, trunk_lr=1e-2)
    config.train.checkpoint_every = 20
    whole = train_sft.run(context_in(tmp_path / "whole", config, "sft"))
    for owner, name, call, after in (
        (checks, "atomic_write_json", 1, True),  # measured, and not yet taught
        (SingleFeed, "next", 31, False),  # between two checkpoints
        (checks, "atomic_write_json", 1, False),  # taught, and not yet measured
    ):
        with monkeypatch.context() as patch:
            interrupt(patch, owner, name, call, after)
            with pytest.raises(Interrupted):
                train_sft.run(context_in(tmp_path / "broken", config, "sft"))
    context = context_in(tmp_path / "broken", config, "sft")
    resumed = train_sft.run(context)
    assert resumed == whole
    check_balance("sft", "records", resumed.records)
    extra = json.loads(json.dumps(resumed.extra))
    assert extra["before"]["pass_at_1"] == 0 and extra["after"]["pass_at_1"] > 0.5
    change = extra["after"]["held_out_loss"] / extra["before"]["held_out_loss"] - 1
    assert extra["held_out_loss_change"] == pytest.approx(change)
    assert extra["training"]["steps"] == 120 and extra["training"]["flops"] > 0
    # The model is found again, and its lineage says where it has been.
    _, lineage = models.load(context.folder, models.mixture_config(config, True), resumed.outputs["checkpoints"])
    assert lineage["facts"]["stage"] == "sft"
