"""The stage on a tiny model: interrupted anywhere it ends bit-identical, records balance, and a toy task improves."""

import json

import pytest

from data import tokenizer as tokenizer_lib
from data.verifiable import tasks
from data.verifiable.verify import Verifier
from launch import stage as stage_lib
from launch import train_sft
from launch.errors import CheckFailed, UserError
from launch.feeds import SingleFeed
from launch.improve import accepted
from launch.improve import stage as improve_stage
from launch.train_tokenizer import MODEL_FILE
from launch.tuning import checks
from launch.tuning.drawing import Drawing, asked
from launch.tuning.examples import example_of
from launch.workdir import atomic_write_json
from tests.launch.improve.conftest import Interrupted, interrupt, toy_config


pytestmark = pytest.mark.usefixtures("compiled_once")


def _contents(folder):
    """All that the stage keeps, as bytes."""
    paths = [*folder.glob("accepted/*"), *folder.glob("iterations/*")]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(paths)}


@pytest.mark.slow
def test_interrupted_anywhere_it_ends_bit_identical(tmp_path, context_in, monkeypatch):
    config = toy_config()
    # A threshold that an untrained model's completions pass, so that all iterations have something to teach.
    monkeypatch.setattr(improve_stage, "probabilities_of", lambda *unused: lambda samples: [0.9] * len(samples))
    unbroken = improve_stage.improve(context_in(tmp_path / "unbroken", config))
    broken = tmp_path / "broken"
    for owner, name, call, after in (
        (accepted, "write", 1, True),  # accepted, and not yet marked as whole
        (SingleFeed, "next", 4, False),  # between two checkpoints of an iteration
        (checks, "atomic_write_json", 1, False),  # taught, and not yet measured
    ):
        with monkeypatch.context() as patch:
            interrupt(patch, owner, name, call, after)
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
    for one in extra["iterations"]:
        fates = [example["rejected"] for example in one["examples"]]
        assert set(fates) == {"", *one["rejected"]} and fates.count("") == min(one["kept"], 3)
    with Verifier() as verifier:
        assert accepted.verify(broken / "improve", verifier) == (resumed.records["out"], [])


@pytest.mark.slow
def test_what_an_iteration_wrote_may_not_change_under_it(tmp_path, context_in, monkeypatch):
    monkeypatch.setattr(improve_stage, "probabilities_of", lambda *unused: lambda samples: [0.9] * len(samples))
    config = toy_config()
    config.improve.update(iterations=1)
    with monkeypatch.context() as patch:
        interrupt(patch, SingleFeed, "next", 1)
        with pytest.raises(Interrupted):
            improve_stage.improve(context_in(tmp_path, config))
    path = tmp_path / "improve" / accepted.FOLDER / "1.jsonl"
    path.write_text(path.read_text().replace("math", "maths").replace("toy", "arithmetic"))
    with pytest.raises(UserError, match="is not what iteration 1 wrote"):
        improve_stage.improve(context_in(tmp_path, config))


@pytest.mark.parametrize(
    ("change", "told"),
    [
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


def test_a_quality_that_is_no_number_fails_the_stage(tmp_path, context_in, monkeypatch):
    nan = float("nan")
    monkeypatch.setattr(improve_stage, "probabilities_of", lambda *unused: lambda samples: [nan] * len(samples))
    with pytest.raises(CheckFailed, match="iteration 1: 48 of 48 qualities are no probabilities"):
        improve_stage.improve(context_in(tmp_path, toy_config()))


def drawing_of(tasks, seed=0, fits=lambda problem: True, taken=frozenset()):
    return Drawing("improve", tasks, seed, fits, taken)


def test_no_two_lists_share_a_problem_and_each_is_spread_over_the_tasks():
    lists, left_out = drawing_of(("arithmetic", "remainders")).in_turns([5, 20, 20], "train")
    assert [len(own) for own in lists] == [5, 20, 20] and left_out == 0
    keys = [asked(problem) for own in lists for problem in own]
    assert len(set(keys)) == len(keys)
    assert [sum(problem.task == "arithmetic" for problem in own) for own in lists] == [3, 10, 10]


def test_what_is_taken_is_not_drawn_under_any_seed_or_wording():
    # Of the 80 sums to train on, half are taken: the other half are all that is left, and one more there is not.
    (first,), _ = drawing_of(("small_sums",)).in_turns([40], "train")
    taken = frozenset(map(asked, first))
    for seed in (0, 1):
        others = drawing_of(("small_sums",), seed=seed, taken=taken)
        (second,), _ = others.in_turns([30], "train")
        assert len(second) == 30 and not taken & set(map(asked, second))
        with pytest.raises(UserError, match="small_sums"):
            others.in_turns([60], "train")
    # Nothing that is held out is among them, so that a small task can be checked all the same.
    (held_out,), _ = others.in_turns([10], "heldout")
    assert len(held_out) == 10


def test_those_left_out_are_counted_up_to_the_last_that_is_taken():
    every, _ = drawing_of(("remainders",)).in_turns([64], "train")
    places = {asked(problem): place for place, problem in enumerate(every[0])}
    even = drawing_of(("remainders",), fits=lambda problem: places.get(asked(problem), 0) % 2 == 0)
    (found,), left_out = even.in_turns([20], "train")
    assert [places[asked(problem)] for problem in found] == list(range(0, 40, 2)) and left_out == 19


def test_only_the_completion_is_learned():
    (problem,) = tasks.problems("remainders", 1, 0, "train")
    asked, answer = example_of(problem, "so it is")
    assert (asked.text, asked.learned, asked.control) == (problem.parts[2], False, "[INST]")
    assert (answer.text, answer.learned, answer.control) == ("so it is", True, "[/INST]")


@pytest.mark.slow
def test_a_toy_task_improves_by_the_models_own_words(tmp_path, context_in):
    """The demonstrations teach the form; which answer belongs to which question is learned from what was accepted."""
    config = toy_config()
    taught = dict(rehearsal=0.1, epochs=99.0, max_steps=40, batch_size=8, experts_lr=1e-2, trunk_lr=1e-2)
    config.sft.update(demonstrations=32, **taught)
    config.improve.update(init="sft", iterations=3, prompts=96, samples=4, per_prompt=1, check_problems=48, **taught)
    context = context_in(tmp_path, config, "sft")
    outcome = train_sft.run(context)
    manifest = {"stage": "sft", "config_hash": "", "config": {}, "inputs": {}, "outputs": outcome.outputs}
    atomic_write_json(context.folder / "manifest.json", manifest)
    outcome = improve_stage.improve(context_in(tmp_path, config))
    assert outcome.extra["pass_at_1_after"] > outcome.extra["pass_at_1_before"] + 0.2
    shown = set(
        map(asked, train_sft.demonstrations(config, tokenizer_lib.load(tmp_path / "tokenizer" / MODEL_FILE))[0])
    )
    ids = {
        line["problem"]["id"] for path in (tmp_path / "improve" / "accepted").glob("*") for line in accepted.read(path)
    }
    assert len(shown) == 32 and not {f"toy/{key}" for _, key in shown} & ids
