"""From the config to models: their shapes, and their parameters out of an earlier stage's checkpoint."""

from __future__ import annotations

import functools
import pathlib
from typing import Any

import jax
import ml_collections

from launch.errors import UserError
from mistral_moe.branching import lineage as lineage_lib
from mistral_moe.checkpoint import CheckpointError, CheckpointStore, digest, restore_params
from mistral_moe.models.config import MistralConfig
from mistral_moe.models.mistral import init_params

CHECKPOINTS = "checkpoints"


def dense_config(config: ml_collections.ConfigDict) -> MistralConfig:
    """The dense model of a config: seed, branches, equal-FLOP baseline.

    Raises:
      UserError: the section `model` describes no possible model.
    """
    return _built(config, experts=(), has_reasoning=False, reasoning_steps=0)


def mixture_config(config: ml_collections.ConfigDict, reasoning: bool) -> MistralConfig:
    """The mixture of a config. `reasoning` says whether the reasoning block takes part in the pass."""
    steps = int(config.model.reasoning_steps)
    return _built(
        config,
        experts=tuple(config.domains),
        has_reasoning=steps > 0,
        reasoning_steps=steps if reasoning else 0,
    )


def _built(config: ml_collections.ConfigDict, **changes: Any) -> MistralConfig:
    try:
        return MistralConfig(**{**config.model.to_dict(), **changes})
    except (TypeError, ValueError) as error:
        raise UserError(str(error), "mend the section model of the config") from error


def abstract_params(config: MistralConfig) -> dict:
    """Shapes of a model's parameters, without memory."""
    return jax.eval_shape(functools.partial(init_params, config), jax.random.key(0))


def load(folder: pathlib.Path, config: MistralConfig, expected_digest: str) -> tuple[dict, dict[str, Any]]:
    """Parameters and lineage of the checkpoint in a stage's folder.

    Args:
      folder: holds `checkpoints/`.
      config: the model's.
      expected_digest: what the stage's manifest recorded.

    Raises:
      UserError: the checkpoint is missing, corrupt, or not the recorded one.
    """
    try:
        params = restore_params(folder / CHECKPOINTS, abstract_params(config), expected_digest)
        with CheckpointStore(folder / CHECKPOINTS) as store:
            lineage = store.restore({"lineage": None})["lineage"]
    except CheckpointError as error:
        raise UserError(str(error)) from error
    return params, lineage


def save(folder: pathlib.Path, params: dict, lineage: dict[str, Any]) -> dict[str, str]:
    """Writes a finished model as `folder/checkpoints`, once. Returns the stage's output entry {path: digest}."""
    with CheckpointStore(folder / CHECKPOINTS) as store:
        if store.latest_step() is None:
            store.save(0, {"params": params, "lineage": lineage})
    return {CHECKPOINTS: digest(params)}


def run_lineage(
    params: dict, trained: dict, parent: dict[str, Any] | None, stage: str, config_hash: str, facts: dict[str, Any]
) -> dict[str, Any]:
    """Lineage of a model that a stage trained."""
    return lineage_lib.of_run(params, trained, parent, {"stage": stage, "config_hash": config_hash, **facts})
