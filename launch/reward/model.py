"""Reward models on disk, and their scores of many texts."""

from __future__ import annotations

import functools
import pathlib
from collections.abc import Sequence
from typing import Any

import jax
import ml_collections
import numpy as np

from launch import models
from launch.errors import UserError
from mistral_moe.checkpoint import CheckpointError, CheckpointStore, restore_params
from mistral_moe.models.config import MistralConfig
from mistral_moe.rl import scalar_head


def model_config(config: ml_collections.ConfigDict) -> MistralConfig:
    """The language model under the head: the joint stage's mixture, its reasoning block included."""
    return models.mixture_config(config, reasoning=True)


def load(folder: pathlib.Path, config: MistralConfig, expected_digest: str) -> tuple[dict, dict[str, Any]]:
    """Parameters, with their head, and lineage of the reward stage's model. Its scores have mean 0 on the reference.

    Args:
      folder: the stage's.
      config: of `model_config`.
      expected_digest: what the stage's manifest recorded.

    Raises:
      UserError: the checkpoint is missing, corrupt, or not the recorded one.
    """
    try:
        params = restore_params(folder / models.CHECKPOINTS, scalar_head.abstract_params(config), expected_digest)
        with CheckpointStore(folder / models.CHECKPOINTS) as store:
            lineage = store.restore({"lineage": None})["lineage"]
    except CheckpointError as error:
        raise UserError(str(error)) from error
    return params, lineage


@functools.partial(jax.jit, static_argnums=0)
def _scores(config: MistralConfig, params: dict, tokens: jax.Array, lengths: jax.Array) -> jax.Array:
    return scalar_head.scores(config, params, tokens, lengths)


def score_all(
    config: MistralConfig, params: dict, texts: Sequence[np.ndarray], width: int, rows: int = 64
) -> np.ndarray:
    """Scores of texts in tokens, in passes of one shape.

    Args:
      config: the language model's.
      params: with a head.
      texts: int32 [N_i] each, BOS first, at least one token and at most `width`.
      width: T.
      rows: B of a pass.

    Returns:
      [len(texts)] float32.
    """
    found = [np.zeros(0, np.float32)]
    for start in range(0, len(texts), rows):
        part = texts[start : start + rows]
        tokens, lengths = np.zeros((rows, width), np.int32), np.zeros(rows, np.int32)
        for row, ids in enumerate(part):
            tokens[row, : len(ids)], lengths[row] = ids, len(ids)
        found.append(np.asarray(_scores(config, params, tokens, lengths))[: len(part)])
    return np.concatenate(found)
