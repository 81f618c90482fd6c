"""Quality by the reward model of the stage `reward`, for what no verifier can judge."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from data.tokenizer import Tokenizer
from launch import models
from launch.errors import UserError
from launch.stage import StageContext
from launch.tuning.quality import REWARD, VERIFIER, Probabilities
from launch.tuning.sampling import Sample, prompt_ids

STAGE = "reward"


def probabilities_of(context: StageContext, tokenizer: Tokenizer) -> Probabilities | None:
    """Who gives the quality where it is not the verifier, by `improve.quality`.

    Raises:
      UserError: there is no such judge.
    """
    by = context.config.improve.quality
    if by == VERIFIER:
        return None
    if by != REWARD:
        raise UserError(f"unknown improve.quality {by!r}", f"it is {VERIFIER} or {REWARD}")
    return of_stage(context, tokenizer)


def of_stage(context: StageContext, tokenizer: Tokenizer) -> Probabilities:
    """The logistic function of the reward model's score.

    Scores have mean 0 on what the model of `reward.init` writes, so that by Bradley and Terry it is the chance to be
    preferred to one of those. What share of the completions above a threshold is right is measured in the manifest.

    Raises:
      UserError: the reward model is missing or corrupt.
    """
    from launch.reward import model as reward_model

    config = context.config
    model = reward_model.model_config(config)
    recorded = context.input_manifest(STAGE)["outputs"][models.CHECKPOINTS]
    params, _ = reward_model.load(context.input_folder(STAGE), model, recorded)
    width = int(config.train.seq_len)

    def probabilities(samples: Sequence[Sample]) -> list[float]:
        texts = [_ids(tokenizer, sample)[:width] for sample in samples]
        scores = np.asarray(reward_model.score_all(model, params, texts, width), np.float64)
        # A score that is no number stays one, and is refused by who asked.
        return (0.5 * (1.0 + np.tanh(0.5 * scores))).tolist()

    return probabilities


def _ids(tokenizer: Tokenizer, sample: Sample) -> np.ndarray:
    written = tokenizer.encode(sample.text, eos=sample.finished).tolist()
    return np.array([*prompt_ids(tokenizer, sample.problem), *written], np.int32)
