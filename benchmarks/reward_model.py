"""Reward models on HH-RLHF's pairs, beside the floors that have read no sentence, on the same held-out pairs.

    python -m benchmarks.reward_model --workdir=runs/demo --pairs=../shared/benchmarks/hh_rlhf

The same model is trained from the joint stage's parameters and from random ones; where the first is no better than the
second, its trunk had nothing to give. Pairs are split by a hash of their prompt.
"""

from __future__ import annotations

import pathlib
import tempfile
import time
from collections.abc import Sequence
from typing import Any

import jax
import ml_collections
from absl import app, flags

from benchmarks import results
from data import tokenizer as tokenizer_lib
from launch import models, saved_models
from launch.progress import NullProgress
from launch.reward import measure, training
from launch.reward import pairs as pairs_lib
from launch.reward.model import model_config
from launch.workdir import Workdir
from mistral_moe.models.mistral import init_params

_WORKDIR = flags.DEFINE_string("workdir", "runs/demo", "A run with a complete joint stage.")
_PAIRS = flags.DEFINE_string("pairs", "../shared/benchmarks/hh_rlhf", "Files of pairs, as reward.pairs.")
_STEPS = flags.DEFINE_integer("steps", 100, "Steps of each training.")
_BATCH = flags.DEFINE_integer("batch_size", 16, "Pairs of a step.")
_LENGTH = flags.DEFINE_integer("max_length", 128, "Tokens of the window.")
_HELDOUT = flags.DEFINE_integer("heldout_percent", 30, "Share of the prompts that is measured on.")
_RATE = flags.DEFINE_float("lr", 5e-4, "Learning rate of trunk and experts; the head's is ten times that.")
_SEEDS = flags.DEFINE_integer("seeds", 1, "Trainings of each kind.")
_JSON = flags.DEFINE_string("json", None, "File that the figures are written to.")
_MARKDOWN = flags.DEFINE_string("markdown", None, "File that the table is written to.")


def measured(config: ml_collections.ConfigDict, params: dict, pairs: pairs_lib.Pairs) -> dict[str, Any]:
    """Trains from `params`, and what the held-out pairs say."""
    model, start = model_config(config), time.monotonic()
    with tempfile.TemporaryDirectory() as folder, NullProgress(["reward"]).stage("reward") as progress:
        state, _ = training.train(
            config,
            model,
            training.start(config, model, params),
            pairs,
            pathlib.Path(folder),
            progress,
            lambda params, trained: {},
        )
    return measure.report(model, state.all_params, pairs) | {"seconds": round(time.monotonic() - start, 1)}


def config_of(manifest: dict[str, Any], seed: int) -> ml_collections.ConfigDict:
    """The run's own config, with the section `reward` that the flags ask for."""
    config = ml_collections.ConfigDict(manifest["config"])
    rates = {"trunk_lr": _RATE.value, "experts_lr": _RATE.value, "head_lr": 10 * _RATE.value}
    asked = {"pairs": _PAIRS.value, "steps": _STEPS.value, "batch_size": _BATCH.value, "max_length": _LENGTH.value}
    config.reward = {**asked, **rates, "heldout_percent": _HELDOUT.value, "weight_decay": 0.0, "margin": 0.0}
    config.seed = seed
    config.mesh = {"data": -1}
    config.train.checkpoint_every = _STEPS.value
    return config


def table(rows: Sequence[tuple[str, dict[str, Any]]]) -> str:
    """The figures as markdown."""
    lines = ["| scorer | accuracy | stderr | loss | ECE | correlation with length |", "|---|---|---|---|---|---|"]
    for name, row in rows:
        more = [f"{row[key]:.3f}" if key in row else "" for key in ("loss", "calibration_error", "length_correlation")]
        lines.append(f"| {name} | {row['accuracy']:.3f} | {row['stderr']:.3f} | {' | '.join(more)} |")
    return "\n".join(lines)


def main(argv: Sequence[str]) -> None:
    """Measures all scorers and prints their table."""
    del argv
    saved = saved_models.find(Workdir(_WORKDIR.value), "joint")
    tokenizer, trunk = tokenizer_lib.load(saved.tokenizer), saved.load()
    pairs = pairs_lib.load(config_of(saved.manifest, 0), tokenizer)
    rows: list[tuple[str, dict[str, Any]]] = []
    for seed in range(_SEEDS.value):
        config = config_of(saved.manifest, seed)
        random = init_params(models.mixture_config(config, reasoning=True), jax.random.key(seed))
        for name, params in (("joint trunk", trunk), ("random trunk", random)):
            rows.append((f"{name}, seed {seed}", measured(config, params, pairs)))
            print(rows[-1][0], f"{rows[-1][1]['accuracy']:.3f} in {rows[-1][1]['seconds']} s", flush=True)
    floors = rows[0][1]["floors"]
    rows += [("bag of words", floors["bag_of_words"]), ("longer wins", floors["longer_wins"])]
    told = (
        f"{len(pairs.train)} pairs to learn from, {len(pairs.heldout)} held out; rows {pairs.account.balance()}; "
        f"cut by the window of {_LENGTH.value}: {pairs.cut}"
    )
    text = f"{told}\n\n{table(rows)}"
    print(f"\n{text}")
    document = {"pairs": {"train": len(pairs.train), "heldout": len(pairs.heldout), "cut": pairs.cut}, "rows": rows}
    results.save(document, text, _JSON.value, _MARKDOWN.value)


if __name__ == "__main__":
    app.run(main)
