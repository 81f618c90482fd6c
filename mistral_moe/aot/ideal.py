"""What a training step needs by formula, by part of the model and direction, to hold a compiled program against."""

from __future__ import annotations

from collections.abc import Mapping

from mistral_moe.aot.matmuls import FORWARD, INPUTS, WEIGHTS
from mistral_moe.models.config import MistralConfig
from mistral_moe.training.flops import PART_OWNERS, forward_flops


def step_flops(
    config: MistralConfig, seq_len: int, learning_rates: Mapping[str, float | None]
) -> dict[str, dict[str, float]]:
    """FLOPs of one token's forward and backward pass: the terms of `training_flops`.

    Args:
      config: the model's.
      seq_len: T.
      learning_rates: which groups are trained.

    Returns:
      part -> direction -> FLOPs.
    """
    trained = {group for group, rate in learning_rates.items() if rate is not None}
    result, parts = {}, forward_flops(config, seq_len)
    for part, flops in parts.items():
        # Scores have two inputs and no weights.
        inputs = 2 * flops if part == "attention_scores" else flops
        weights = flops if PART_OWNERS.get(part) in trained else 0.0
        result[part] = {FORWARD: flops, INPUTS: inputs, WEIGHTS: weights}
    if "reasoning" in trained:
        # Its scores have no weights either.
        scores = config.reasoning_steps * parts["attention_scores"] / config.num_layers
        result["reasoning"][INPUTS] += scores
        result["reasoning"][WEIGHTS] -= scores
    return result


def router_step_flops(config: MistralConfig, seq_len: int) -> dict[str, dict[str, float]]:
    """FLOPs of one token of the router stage: the terms of `router_training_flops`."""
    result = {
        part: {FORWARD: config.num_experts * flops}
        for part, flops in forward_flops(config.as_forced(0), seq_len).items()
    }
    own = forward_flops(config, seq_len, reasoning_steps=0)
    result["router"] = {FORWARD: own["router"], INPUTS: own["router"], WEIGHTS: own["router"]}
    if config.router_scope == "layer":
        for part in ("attention_weights", "attention_scores", "experts"):
            result[part][FORWARD] += own[part]
    return result
