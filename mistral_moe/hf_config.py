"""Hugging Face's config.json of a Mistral or a Mixtral and our config, both ways."""

from __future__ import annotations

from collections.abc import Mapping

from mistral_moe.models.config import MistralConfig

# Architecture -> what its config class assumes for keys that a config.json leaves out.
_DEFAULTS = {
    "MistralForCausalLM": {"rms_norm_eps": 1e-6, "rope_theta": 10_000.0, "sliding_window": 4096},
    "MixtralForCausalLM": {"rms_norm_eps": 1e-5, "rope_theta": 1_000_000.0, "sliding_window": None},
}
_MODEL_TYPES = {"mistral": "MistralForCausalLM", "mixtral": "MixtralForCausalLM"}


def check_expressible(config: MistralConfig) -> None:
    """Raises ValueError for a model that neither Mistral nor Mixtral can express, naming every key in the way."""
    wrong = []
    if config.experts:
        for name, value in (("router_scope", "layer"), ("router_context", "none"), ("router_hidden", 0)):
            if getattr(config, name) != value:
                wrong.append(f"model.{name} is {getattr(config, name)!r}, not {value!r}")
    if config.reasoning_steps:
        wrong.append(f"model.reasoning_steps is {config.reasoning_steps}, not 0")
    if wrong:
        architecture = "MixtralForCausalLM" if config.experts else "MistralForCausalLM"
        raise ValueError(
            f"{architecture} can't express this model: {'; '.join(wrong)}. Train it with those values to exchange it"
        )


def config_from_hf(config: Mapping, dtype: str = "float32") -> MistralConfig:
    """Our config from the content of a config.json.

    Args:
      config: its keys and values.
      dtype: of parameters and activations.

    Returns:
      The config; experts are named `expert_0`, `expert_1`, ...

    Raises:
      ValueError: another architecture, a key that is missing, or a value that our model doesn't have.
    """
    model_type = config.get("model_type")
    architecture = (config.get("architectures") or [_MODEL_TYPES.get(model_type, model_type)])[0]
    if architecture not in _DEFAULTS:
        raise ValueError(f"unknown architecture {architecture!r} in config.json; there are {', '.join(_DEFAULTS)}")
    defaults = _DEFAULTS[architecture]

    def needed(key: str) -> int:
        value = config.get(key)
        if value is None:
            raise ValueError(f"config.json of this {architecture} lacks {key!r}; it is needed for the shapes")
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise ValueError(f"config.json has {key}={value!r}; it must be a positive whole number")
        return value

    rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
    kind = rope.get("rope_type", rope.get("type", "default"))
    for key, value, supported in (
        ("hidden_act", config.get("hidden_act", "silu"), "silu"),
        ("tie_word_embeddings", config.get("tie_word_embeddings", False), False),
        ("rope_type", kind, "default"),
        ("attention_bias", config.get("attention_bias", False), False),
    ):
        if value != supported:
            raise ValueError(f"config.json has {key}={value!r}; this model supports {supported!r} alone")
    if len(set(config.get("layer_types") or ())) > 1:
        raise ValueError("config.json has layer_types of several kinds; here all layers see the same window")
    heads = needed("num_attention_heads")
    mixture = {}
    if architecture == "MixtralForCausalLM":
        mixture = {
            "experts": tuple(f"expert_{index}" for index in range(needed("num_local_experts"))),
            "top_k": needed("num_experts_per_tok"),
            "router_scope": "layer",
            "router_context": "none",
        }
    return MistralConfig(
        vocab_size=needed("vocab_size"),
        d_model=needed("hidden_size"),
        num_layers=needed("num_hidden_layers"),
        num_heads=heads,
        num_kv_heads=needed("num_key_value_heads") if config.get("num_key_value_heads") else heads,
        head_dim=needed("head_dim") if config.get("head_dim") else needed("hidden_size") // heads,
        d_ff=needed("intermediate_size"),
        rope_theta=float(rope.get("rope_theta", config.get("rope_theta", defaults["rope_theta"]))),
        norm_eps=config.get("rms_norm_eps", defaults["rms_norm_eps"]),
        sliding_window=config.get("sliding_window", defaults["sliding_window"]),
        dtype=dtype,
        param_dtype=dtype,
        **mixture,
    )


def config_to_hf(config: MistralConfig) -> dict:
    """The content of a config.json for this model; the inverse of `config_from_hf` up to the experts' names.

    Raises:
      ValueError: neither architecture can express the model.
    """
    check_expressible(config)
    c = config
    kind = "mixtral" if c.experts else "mistral"
    mixture = {"num_local_experts": c.num_experts, "num_experts_per_tok": c.top_k} if c.experts else {}
    return mixture | {
        "architectures": [_MODEL_TYPES[kind]],
        "model_type": kind,
        "vocab_size": c.vocab_size,
        "hidden_size": c.d_model,
        "num_hidden_layers": c.num_layers,
        "num_attention_heads": c.num_heads,
        "num_key_value_heads": c.num_kv_heads,
        "head_dim": c.head_dim,
        "intermediate_size": c.d_ff,
        "hidden_act": "silu",
        "rope_theta": c.rope_theta,
        "rope_parameters": {"rope_theta": c.rope_theta, "rope_type": "default"},
        "rms_norm_eps": c.norm_eps,
        "sliding_window": c.sliding_window,
        "tie_word_embeddings": False,
    }


def max_length(config: Mapping) -> int:
    """Tokens of the longest text that a config.json says its model was made for."""
    return int(config.get("max_position_embeddings") or 4096 * 32)
