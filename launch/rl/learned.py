"""The reward stage's model as a part of the reward."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from launch import models
from launch.reward import model as reward_model
from launch.rl.scoring import Learned
from launch.stage import StageContext


def load(context: StageContext, length: int, rows: int) -> tuple[Learned, str]:
    """The reward model of the workdir, which the stage reads where the config gives it a weight.

    Args:
      context: of the stage ppo.
      length: tokens of the longest prompt and answer.
      rows: that are scored together.

    Returns:
      What scores prompts and answers, and the digest of the model's parameters.

    Raises:
      UserError: its checkpoint is missing, corrupt, or not the recorded one.
    """
    config = reward_model.model_config(context.config)
    digest = context.input_manifest("reward")["outputs"][models.CHECKPOINTS]
    params, _ = reward_model.load(context.input_folder("reward"), config, digest)

    def score(prompts: Sequence[Sequence[int]], answers: Sequence[Sequence[int]]) -> np.ndarray:
        texts = [np.array([*prompt, *answer], np.int32) for prompt, answer in zip(prompts, answers)]
        return reward_model.score_all(config, params, texts, length, rows)

    return score, digest
