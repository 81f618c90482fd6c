"""Stage `reward`: interrupted and resumed it ends the same; scores have mean 0; what is wrong is named."""

import json

import jax
import numpy as np
import pytest

from data import tokenizer as tokenizer_lib
from data.preferences.pair import Pair
from experiments.tiny import get_config
from launch import models, saved_models, stages, train_reward
from launch.errors import UserError
from launch.metrics import read_rows
from launch.progress import NullProgress
from launch.reward import floors, measure, pairs as pairs_lib
from launch.reward.model import load, model_config
from launch.stage import StageContext, check_balance
from launch.workdir import Workdir, atomic_write_json
from mistral_moe.models.mistral import init_params
from mistral_moe.rl import scalar_head


class Interrupted(Exception):
    """What the feed raises in place of a kill."""


def make_config(**reward):
    config = get_config()
    config.model.update(vocab_size=32_768, num_layers=1, scan_unroll=1, reasoning_steps=0, moe_backend="dense")
    config.domains = ("code", "math")
    config.train.update(seq_len=64, checkpoint_every=2, log_every=1)
    config.reward.update(init="joint", tasks=("arithmetic",), reference_tokens=4, head_lr=1e-2, trunk_lr=1e-3, **reward)
    return config


@pytest.fixture(scope="module")
def earlier(tmp_path_factory):
    """A workdir with a tokenizer and an untrained joint model."""
    workdir, config = tmp_path_factory.mktemp("run"), make_config()
    path = workdir / "tokenizer" / saved_models.TOKENIZER_FILE
    path.parent.mkdir()
    path.write_bytes(tokenizer_lib.mistral_path("v3").read_bytes())
    atomic_write_json(path.parent / "manifest.json", {"tokenizer_sha256": tokenizer_lib.load(path).sha256})
    params = init_params(model_config(config), jax.random.key(0))
    outputs = models.save(workdir / "joint", params, models.run_lineage(params, params, None, "joint", "", {}))
    atomic_write_json(workdir / "joint" / "manifest.json", {"outputs": outputs})
    return workdir


def run(earlier, folder, config):
    folder.mkdir(exist_ok=True)
    spec = stages.get("reward")
    with NullProgress(["reward"]).stage("reward") as progress:
        return train_reward.run(StageContext(config, Workdir(earlier), folder, progress, {}, spec, stages.STAGES))


@pytest.mark.slow
def test_interrupted_and_resumed_ends_the_same_and_the_reference_has_mean_0(earlier, tmp_path, monkeypatch):
    config = make_config()
    whole = run(earlier, tmp_path / "whole", config)
    with monkeypatch.context() as patched:
        draw = pairs_lib.PairFeed.next

        def interrupted(self, step, params):
            if step == 3:  # one step after the checkpoint
                raise Interrupted
            return draw(self, step, params)

        patched.setattr(pairs_lib.PairFeed, "next", interrupted)
        with pytest.raises(Interrupted):
            run(earlier, tmp_path / "broken", config)
    resumed = run(earlier, tmp_path / "broken", config)
    assert resumed.outputs == whole.outputs and resumed.extra == whole.extra
    rows = read_rows(tmp_path / "broken" / "metrics" / "metrics.jsonl")
    assert [row["step"] for row in rows] == [1, 2, 3, 4] and {"loss", "accuracy", "margin"} <= rows[0].keys()

    check_balance("reward", "records", whole.records)
    assert whole.records["in"] == 60 and whole.extra["pairs"]["train"] == 54
    reference = whole.extra["reference"]
    assert reference["texts"] == 4 and abs(reference["mean_after"]) < 1e-5
    report = json.loads((tmp_path / "whole" / "metrics" / "heldout.json").read_text())
    assert report == json.loads(json.dumps(whole.extra["heldout"]))
    assert report["pairs"] == 6 and set(report["floors"]) == {"bag_of_words", "longer_wins"}
    assert {"accuracy", "stderr", "calibration", "calibration_error", "length_correlation"} <= report.keys()

    model = model_config(config)
    params, lineage = load(tmp_path / "whole", model, whole.outputs[models.CHECKPOINTS])
    assert float(params[scalar_head.NAME]["bias"]) != 0
    start, _ = models.load(
        earlier / "joint",
        model,
        json.loads((earlier / "joint" / "manifest.json").read_text())["outputs"][models.CHECKPOINTS],
    )
    # Frozen by group: the router is the joint model's, bit for bit.
    jax.tree.map(np.testing.assert_array_equal, params["router"], start["router"])
    assert not np.array_equal(params["embedding"], start["embedding"])
    with pytest.raises(UserError, match="whole"):
        load(tmp_path / "whole", model, "0" * 64)


@pytest.mark.slow
def test_other_pairs_than_those_of_the_checkpoint_are_refused(earlier, tmp_path):
    path = tmp_path / "pairs.jsonl"
    rows = [{"prompt": f"Question {n}?", "chosen": f"yes {n}", "rejected": f"no {n}"} for n in range(40)]
    path.write_text("\n".join(map(json.dumps, rows)))
    config = make_config(pairs=str(path), reference_samples=0)
    config.reward.heldout_percent = 25
    run(earlier, tmp_path / "out", config)
    path.write_text("\n".join(map(json.dumps, rows[:-1])))
    with pytest.raises(UserError, match="other pairs"):
        run(earlier, tmp_path / "out", config)


def test_rows_that_are_no_pairs_are_left_out_named_and_balance(earlier, tmp_path):
    path = tmp_path / "pairs.jsonl"
    rows = [{"prompt": f"Question {n}? " + "word " * n, "chosen": "yes", "rejected": f"no {n}"} for n in range(60)]
    rows += [{"prompt": "x", "chosen": "a", "rejected": "a"}]
    rows += [{"prompt": "y", "chosen": "a " * 80 + "b", "rejected": "a " * 80 + "c"}]
    path.write_text("\n".join(map(json.dumps, rows)))
    outcome = run(earlier, tmp_path / "out", make_config(pairs=str(path), reference_samples=0, max_length=32))
    check_balance("reward", "records", outcome.records)
    assert outcome.records["dropped"] == {"equal_in_window": 1, "equal_sides": 1} and outcome.records["out"] == 60
    assert [line.split(": ")[:2] for line in outcome.extra["pairs"]["left_out"]] == [
        [f"{path}:61", "equal_sides"],
        [f"{path}:62", "equal_in_window"],
    ]
    assert 0 < outcome.extra["pairs"]["cut"]["prompts"] < 60 and outcome.extra["pairs"]["cut"]["answers"] == 0


@pytest.mark.parametrize(
    "reward, told",
    [
        ({"pairs": "no/such.jsonl"}, "no/such.jsonl is not there"),
        ({"tasks": ("algebra",)}, "unknown task 'algebra'"),
        ({"heldout_percent": 0}, "reward.heldout_percent=0"),
        ({"max_length": 4}, "reward.max_length=4"),
        ({"generated_pairs": 100_000}, "100000|90000 problems"),
    ],
)
def test_what_is_wrong_in_the_config_is_named(earlier, tmp_path, reward, told):
    config = make_config()
    config.reward.update(reward)
    with pytest.raises(UserError, match=told):
        run(earlier, tmp_path, config)


def test_feed_reads_every_pair_once_an_epoch_and_goes_on_where_it_was():
    arrays = {"tokens": np.arange(10), "lengths": np.arange(10)}
    feed = pairs_lib.PairFeed(arrays, 4, 0, "d")
    drawn = np.concatenate([feed.next(step, {})["tokens"] for step in range(5)])
    assert sorted(drawn[:10]) == sorted(drawn[10:]) == list(range(10)) and not np.array_equal(drawn[:10], drawn[10:])
    again = pairs_lib.PairFeed(arrays, 4, 0, "d")
    [again.next(step, {}) for step in range(2)]
    other = pairs_lib.PairFeed(arrays, 4, 0, "d")
    other.set_state(*again.get_state())
    np.testing.assert_array_equal(other.next(2, {})["tokens"], drawn[8:12])


def test_the_bag_of_words_learns_words_and_nothing_else():
    def pairs(rng, count, chosen, rejected):
        fill = lambda: " ".join(rng.choice(list("abcdef"), 5))  # noqa: E731
        return [Pair(("x",), f"{fill()} {chosen} {fill()}", f"{fill()} {rejected} {fill()}") for _ in range(count)]

    rng = np.random.default_rng(0)
    kind, none = pairs(rng, 80, "thanks", "idiot"), pairs(rng, 80, "so", "so")
    assert floors.accuracy(floors.bag_of_words(kind[:60], kind[60:]))["accuracy"] == 1
    noise = floors.accuracy(floors.bag_of_words(none[:60], none[60:]))
    assert abs(noise["accuracy"] - 0.5) < 3 * noise["stderr"] + 0.1
    alone = [Pair(("x",), "p", "q")]
    assert floors.measured(alone, kind[:2], np.ones((2, 2)))["bag_of_words"]["accuracy"] == 0.5


def test_prompts_of_a_pair_stay_together():
    pairs = [Pair(("", "[INST]", str(n // 3), "[/INST]", ""), "a", str(n)) for n in range(900)]
    held = [pairs_lib.held_out(pair, 20) for pair in pairs]
    assert all(len(set(held[start : start + 3])) == 1 for start in range(0, 900, 3))
    assert 0.1 < np.mean(held) < 0.3


def test_a_perfect_and_a_blind_model_are_told_apart(earlier, monkeypatch):
    tokenizer = tokenizer_lib.load(earlier / "tokenizer" / saved_models.TOKENIZER_FILE)
    found = pairs_lib.load(make_config(), tokenizer)
    right = {pair.chosen.tobytes() for pair in found.heldout.encoded}
    for scale, accuracy, error in ((50.0, 1.0, 0.0), (0.0, 0.5, 0.0)):
        monkeypatch.setattr(
            measure,
            "score_all",
            lambda config, params, texts, width: np.array([scale * (ids.tobytes() in right) for ids in texts]),
        )
        report = measure.report(None, None, found)
        assert report["accuracy"] == accuracy and report["calibration_error"] == pytest.approx(error, abs=1e-9)
