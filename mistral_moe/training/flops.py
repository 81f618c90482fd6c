"""Training FLOPs by formula: matmuls only, two per multiply-add, attention halved by the causal mask."""

from __future__ import annotations

from collections.abc import Mapping

from mistral_moe.models.config import MistralConfig

# Parameter group (`partition.GROUPS`) that the weights of each part belong to; scores have none.
PART_OWNERS = {
    "experts": "experts",
    "router": "router",
    "reasoning": "reasoning",
    "attention_weights": "trunk",
    "head": "trunk",
}


def forward_flops(config: MistralConfig, seq_len: int, reasoning_steps: int | None = None) -> dict[str, float]:
    """FLOPs of one token's forward pass, by part of the model.

    Args:
      config: the model's.
      seq_len: T, for the attention scores.
      reasoning_steps: R, instead of the config's.

    Returns:
      attention_weights, attention_scores, experts (the dense feed-forward of a dense model), router, reasoning, head.
    """
    c = config
    seen = min(seq_len, c.sliding_window or seq_len)
    projections = 2.0 * c.d_model * c.head_dim * (2 * c.num_heads + 2 * c.num_kv_heads)
    scores = 2.0 * 2 * c.num_heads * c.head_dim * seen / 2
    ffn = 3 * 2.0 * c.d_model * c.d_ff
    router = 0.0
    if c.experts:
        width = c.d_model * (2 if c.router_context == "mean" else 1)
        per_decision = 2.0 * (
            width * c.router_hidden + c.router_hidden * c.num_experts if c.router_hidden else width * c.num_experts
        )
        router = per_decision * (c.num_layers if c.router_scope == "layer" else 1)
    steps = c.reasoning_steps if reasoning_steps is None else reasoning_steps
    return {
        "attention_weights": c.num_layers * projections,
        "attention_scores": c.num_layers * scores,
        "experts": c.num_layers * ffn * (c.top_k if c.experts else 1),
        "router": router,
        "reasoning": steps * (projections + scores + ffn),
        "head": 2.0 * c.d_model * c.vocab_size,
    }


def training_flops(
    config: MistralConfig,
    seq_len: int,
    learning_rates: Mapping[str, float | None],
    reasoning_steps: int | None = None,
) -> float:
    """FLOPs of one token's forward and backward pass.

    The backward pass costs the forward's again for the gradient of the activations, and again for the gradient of the
    weights that are trained; frozen weights need only the first.

    Args:
      config: the model's.
      seq_len: T.
      learning_rates: which groups are trained (see `partition.GROUPS`).
      reasoning_steps: R, instead of the config's.

    Returns:
      FLOPs per token.
    """
    part = forward_flops(config, seq_len, reasoning_steps)
    trained = {group for group, rate in learning_rates.items() if rate is not None}
    weights = sum(flops for name, flops in part.items() if PART_OWNERS.get(name) in trained)
    # Scores have two inputs and no weights: their backward is twice the forward.
    return 2 * sum(part.values()) + part["attention_scores"] + weights


def router_training_flops(config: MistralConfig, seq_len: int, reasoning_steps: int = 0) -> float:
    """FLOPs of one token of the router stage: a forced dense forward pass an expert, plus the router itself.

    For `router_scope="layer"` the mixture's own forward pass comes on top: it makes the hidden states that are seen.
    """
    forced = sum(forward_flops(config.as_forced(reasoning_steps), seq_len).values())
    own = forward_flops(config, seq_len, reasoning_steps=0)
    through = sum(own.values()) - own["head"] - own["router"] if config.router_scope == "layer" else 0.0
    return config.num_experts * forced + 3 * own["router"] + through


def parameter_count(config: MistralConfig) -> dict[str, int]:
    """Parameters by part: embedding, head, trunk (attention and norms), experts, router, reasoning, total, active."""
    c = config
    attention = c.d_model * c.head_dim * (2 * c.num_heads + 2 * c.num_kv_heads)
    ffn = 3 * c.d_model * c.d_ff
    width = c.d_model * (2 if c.router_context == "mean" else 1)
    one_router = (
        width * c.router_hidden + c.router_hidden + c.router_hidden * c.num_experts
        if c.router_hidden
        else width * c.num_experts
    ) + c.num_experts
    parts = {
        "embedding": c.vocab_size * c.d_model,
        "head": c.vocab_size * c.d_model,
        "trunk": c.num_layers * (attention + 2 * c.d_model) + c.d_model,
        "experts": c.num_layers * ffn * max(c.num_experts, 1),
        "router": (c.num_layers if c.router_scope == "layer" else 1) * one_router if c.experts else 0,
        "reasoning": attention + ffn + 3 * c.d_model if c.has_reasoning else 0,
    }
    total = sum(parts.values())
    idle = c.num_layers * ffn * (c.num_experts - c.top_k) if c.experts else 0
    return parts | {"total": total, "active": total - idle}
