"""Training a reward model from a language model."""

from __future__ import annotations

import dataclasses
import functools
import pathlib
from collections.abc import Callable
from typing import Any

import jax
import ml_collections

from launch import training_run
from launch.errors import UserError
from launch.progress import StageProgress
from launch.reward.pairs import PairFeed, Pairs
from launch.train_joint import learning_rates
from mistral_moe.models.config import MistralConfig
from mistral_moe.rl import scalar_head
from mistral_moe.training.flops import forward_flops, training_flops
from mistral_moe.training.step import TrainState


def plan_of(
    config: ml_collections.ConfigDict, model: MistralConfig, num_pairs: int, width: int
) -> tuple[training_run.Plan, float]:
    """The run's plan, and its FLOPs per token.

    Args:
      config: the whole config.
      model: the language model's shape.
      num_pairs: to learn from; without `reward.steps` all of them are read once.
      width: T of the batches.

    Raises:
      UserError: impossible settings.
    """
    section = config.reward
    rows = int(section.batch_size)
    if rows < 1:
        raise UserError(f"reward.batch_size={rows} is no batch", "give 1 or more")
    rates = learning_rates(section)
    steps = max(num_pairs // rows, 1) if section.steps is None else int(section.steps)
    optim = training_run.optim_config(config.train, rates, steps)
    plan = training_run.Plan(
        loss_fn=functools.partial(scalar_head.preference_loss, model, margin=float(section.margin)),
        optim=dataclasses.replace(optim, weight_decay=float(section.weight_decay)),
        tokens_per_step=rows * 2 * width,
    )
    # The language model's head takes no part, and the scalar one counts for nothing.
    unused = forward_flops(model, width)["head"] * (3 if rates.get("trunk") is not None else 2)
    return plan, training_flops(model, width, rates) - unused


def start(config: ml_collections.ConfigDict, model: MistralConfig, params: dict) -> dict:
    """A language model's parameters with a fresh head."""
    return scalar_head.with_head(params, scalar_head.init_head(model, jax.random.key(int(config.seed))))


def train(
    config: ml_collections.ConfigDict,
    model: MistralConfig,
    params: dict,
    pairs: Pairs,
    folder: pathlib.Path,
    progress: StageProgress,
    lineage: Callable[[dict, dict], dict[str, Any]],
    metrics: pathlib.Path | None = None,
) -> tuple[TrainState, dict[str, float]]:
    """Trains on pairs, resuming from the newest checkpoint in `folder`; see `training_run.fit`.

    Args:
      config: the whole config.
      model: the language model's shape.
      params: of `start`.
      pairs: what is learned from.
      folder: of the run.
      progress: where to tell.
      lineage: as of `fit`.
      metrics: folder of the metrics; None for `folder/metrics`.

    Returns:
      The final state, and what it cost (`training_run.account`).

    Raises:
      UserError: impossible settings, or a corrupt checkpoint.
    """
    plan, flops = plan_of(config, model, len(pairs.train), pairs.width)
    feed = PairFeed(pairs.train.arrays(pairs.width), int(config.reward.batch_size), int(config.seed), pairs.digest)
    folders = {"": metrics} if metrics else None
    state, _ = training_run.fit(config, folder, plan, params, feed, progress, lineage=lineage, metrics_folders=folders)
    return state, training_run.account(plan, flops)
