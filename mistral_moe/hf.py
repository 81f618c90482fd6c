"""The mapping between Hugging Face's Mistral and Mixtral and our parameter tree, both ways, in numpy.

One row of `tensor_map` describes one tensor of theirs: its name and shape, the leaves of ours that it fills, and where
on their stacked axes it goes. Whoever streams a checkpoint looks its tensors up one by one; `params_from_hf` and
`params_to_hf` are the loops over a whole state dict.

Mixtral has two namings: `checkpoint`, one tensor an expert, is what the files on disk hold; `fused`, all experts in
one, is what `MixtralForCausalLM.state_dict()` gives since transformers 5. A dense Mistral has but one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
import dataclasses
import re

import flax.traverse_util
import jax
import numpy as np

from mistral_moe.models.config import MistralConfig
from mistral_moe.models.mistral import init_params

NAMINGS = ("checkpoint", "fused")

# Architecture -> what its config class assumes for keys that a config.json leaves out.
_DEFAULTS = {
    "MistralForCausalLM": {"rms_norm_eps": 1e-6, "rope_theta": 10_000.0, "sliding_window": 4096},
    "MixtralForCausalLM": {"rms_norm_eps": 1e-5, "rope_theta": 1_000_000.0, "sliding_window": None},
}
_MODEL_TYPES = {"mistral": "MistralForCausalLM", "mixtral": "MixtralForCausalLM"}

# Written by old versions of transformers; recomputed from rope_theta.
_IGNORED = re.compile(r".*\.rotary_emb\.inv_freq")


@dataclasses.dataclass(frozen=True)
class Tensor:
    """One tensor of a Hugging Face checkpoint and its place in our tree.

    Attributes:
      name: theirs.
      shape: theirs.
      leaves: paths of ours that it fills, in equal parts of its second to last axis (two when gate and up are one).
      leaf_shape: of the part of one leaf that it fills.
      index: where on the leaf's leading axes: (), (layer,) or (layer, expert).
      transposed: theirs is [out, in] where ours is [in, out].
    """

    name: str
    shape: tuple[int, ...]
    leaves: tuple[str, ...]
    leaf_shape: tuple[int, ...]
    index: tuple[int, ...] = ()
    transposed: bool = True

    def to_leaves(self, array: np.ndarray) -> list[np.ndarray]:
        """Parts of our leaves, each of `leaf_shape`, in the order of `leaves`.

        Args:
          array: theirs, of `shape`.

        Raises:
          ValueError: the array has another shape.
        """
        if array.shape != self.shape:
            raise ValueError(
                f"tensor {self.name!r} has shape {array.shape}, but the config asks for {self.shape}: "
                "use the config.json that lies beside these weights"
            )
        if not self.transposed:
            return [array]
        parts = np.split(array, len(self.leaves), axis=-2)
        return [part.swapaxes(-1, -2).reshape(self.leaf_shape) for part in parts]

    def from_leaves(self, parts: Iterable[np.ndarray]) -> np.ndarray:
        """Their tensor, of `shape`, from the parts of our leaves, each of `leaf_shape`; the inverse of `to_leaves`."""
        parts = list(parts)
        if not self.transposed:
            return parts[0]
        *batch, rows, columns = self.shape
        flat = (*batch, columns, rows // len(parts))
        return np.concatenate([part.reshape(flat).swapaxes(-1, -2) for part in parts], axis=-2)


def tensor_map(config: MistralConfig, naming: str = "checkpoint") -> list[Tensor]:
    """Every tensor that a Hugging Face checkpoint of this config holds.

    Args:
      config: a dense Mistral or a mixture in Mixtral's form.
      naming: "checkpoint" or "fused"; see the module.

    Returns:
      One row a tensor, in the order of the layers.

    Raises:
      ValueError: an unknown naming, or a config that neither architecture can express.
    """
    if naming not in NAMINGS:
        raise ValueError(f"unknown naming {naming!r} of Mixtral's experts; there are {', '.join(NAMINGS)}")
    _check_expressible(config)
    c = config
    table = (c.vocab_size, c.d_model)
    rows = [Tensor("model.embed_tokens.weight", table, ("embedding",), table, (), False)]
    for layer in range(c.num_layers):
        rows += _attention(c, layer)
        rows += _experts(c, layer, naming) if c.experts else _feed_forward(c, layer)
    rows.append(Tensor("model.norm.weight", (c.d_model,), ("final_norm/scale",), (c.d_model,), (), False))
    rows.append(Tensor("lm_head.weight", table, ("lm_head",), table[::-1]))
    return rows


def _attention(c: MistralConfig, layer: int) -> list[Tensor]:
    prefix = f"model.layers.{layer}"
    rows = []
    projections = (("q", "query", c.num_heads), ("k", "key", c.num_kv_heads), ("v", "value", c.num_kv_heads))
    for theirs, ours, heads in projections:
        name, leaf = f"{prefix}.self_attn.{theirs}_proj.weight", f"layers/attention/{ours}"
        rows.append(Tensor(name, (heads * c.head_dim, c.d_model), (leaf,), (c.d_model, heads, c.head_dim), (layer,)))
    name, shape = f"{prefix}.self_attn.o_proj.weight", (c.d_model, c.num_heads * c.head_dim)
    rows.append(Tensor(name, shape, ("layers/attention/output",), (c.num_heads, c.head_dim, c.d_model), (layer,)))
    for theirs, ours in (("input_layernorm", "attention_norm"), ("post_attention_layernorm", "ffn_norm")):
        name, shape = f"{prefix}.{theirs}.weight", (c.d_model,)
        rows.append(Tensor(name, shape, (f"layers/{ours}/scale",), shape, (layer,), False))
    return rows


def _feed_forward(c: MistralConfig, layer: int) -> list[Tensor]:
    shapes = {"gate": (c.d_ff, c.d_model), "up": (c.d_ff, c.d_model), "down": (c.d_model, c.d_ff)}
    return [
        Tensor(f"model.layers.{layer}.mlp.{name}_proj.weight", shape, (f"layers/ffn/{name}",), shape[::-1], (layer,))
        for name, shape in shapes.items()
    ]


def _experts(c: MistralConfig, layer: int, naming: str) -> list[Tensor]:
    prefix = f"model.layers.{layer}." + ("mlp" if naming == "fused" else "block_sparse_moe")
    wide, narrow, count = (c.d_ff, c.d_model), (c.d_model, c.d_ff), c.num_experts
    gate, up, down = (f"layers/experts/{name}" for name in ("gate", "up", "down"))
    router = (count, c.d_model)
    rows = [Tensor(f"{prefix}.gate.weight", router, ("layers/router/kernel",), router[::-1], (layer,))]
    if naming == "fused":
        both = (count, 2 * c.d_ff, c.d_model)
        rows.append(Tensor(f"{prefix}.experts.gate_up_proj", both, (gate, up), (count, *narrow), (layer,)))
        rows.append(Tensor(f"{prefix}.experts.down_proj", (count, *narrow), (down,), (count, *wide), (layer,)))
        return rows
    for expert in range(count):
        for theirs, leaf, shape in (("w1", gate, wide), ("w2", down, narrow), ("w3", up, wide)):
            name = f"{prefix}.experts.{expert}.{theirs}.weight"
            rows.append(Tensor(name, shape, (leaf,), shape[::-1], (layer, expert)))
    return rows


def _check_expressible(config: MistralConfig) -> None:
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


def naming_of(names: Iterable[str]) -> str:
    """Which of `NAMINGS` the tensors of a checkpoint follow."""
    return "fused" if any(".mlp.experts." in name for name in names) else "checkpoint"


def params_from_hf(config: MistralConfig, tensors: Mapping[str, np.ndarray]) -> dict:
    """Our parameters from a Hugging Face state dict of either naming.

    Args:
      config: of the model, as from `config_from_hf`.
      tensors: name -> array, shapes [out, in] as torch keeps them.

    Returns:
      Nested parameters of numpy arrays in `config.param_dtype` (routers in float32). The routers' selection bias, which
      Hugging Face has not, is zero.

    Raises:
      ValueError: a tensor is missing, has the wrong shape or is not known, or the config can't be expressed.
    """
    if config.has_reasoning:
        raise ValueError(
            "a Hugging Face checkpoint has no reasoning block: import with model.has_reasoning=False, then add it"
        )
    rows = tensor_map(config, naming_of(tensors))
    abstract = jax.eval_shape(lambda: init_params(config, jax.random.key(0)))
    leaves = {
        path: np.zeros(leaf.shape, leaf.dtype)
        for path, leaf in flax.traverse_util.flatten_dict(abstract, sep="/").items()
    }
    known = {row.name for row in rows}
    unexpected = sorted(name for name in tensors if name not in known and not _IGNORED.fullmatch(name))
    if unexpected:
        raise ValueError(
            f"unexpected tensor {unexpected[0]!r} (one of {len(unexpected)}): the config has no place for it; "
            "use the config.json that lies beside these weights"
        )
    for row in rows:
        if row.name not in tensors:
            raise ValueError(
                f"tensor {row.name!r} is missing: read all files of the checkpoint (its index.json lists them)"
            )
        for path, part in zip(row.leaves, row.to_leaves(tensors[row.name]), strict=True):
            leaves[path][row.index] = part
    return flax.traverse_util.unflatten_dict(leaves, sep="/")


def params_to_hf(config: MistralConfig, params: Mapping, naming: str = "checkpoint") -> dict[str, np.ndarray]:
    """A Hugging Face state dict from our parameters.

    Args:
      config: of the model.
      params: nested parameters, arrays of jax or numpy.
      naming: "checkpoint" or "fused"; see the module.

    Returns:
      name -> numpy array, each in its leaf's dtype.

    Raises:
      ValueError: a leaf is missing or has the wrong shape, or the model computes something that theirs can't: a
        non-zero selection bias, a reasoning block whose gate has opened, a router of another form.
    """
    rows = tensor_map(config, naming)
    leaves = {path: np.asarray(leaf) for path, leaf in flax.traverse_util.flatten_dict(params, sep="/").items()}
    for path, meaning in (
        ("layers/router/selection_bias", "experts chosen with a bias"),
        ("reasoning/gate", "an open reasoning gate"),
    ):
        if path in leaves and np.any(leaves[path]):
            raise ValueError(
                f"parameter {path!r} is not zero, and Hugging Face's format has no {meaning}: "
                "set it to zero (the model then computes something else) or keep our own format"
            )
    return {row.name: row.from_leaves(_part(leaves, path, row) for path in row.leaves) for row in rows}


def _part(leaves: Mapping[str, np.ndarray], path: str, row: Tensor) -> np.ndarray:
    if path not in leaves:
        raise ValueError(f"parameter {path!r} is missing, which {row.name!r} is made of: is the config this model's?")
    part = leaves[path][row.index]
    if part.shape != row.leaf_shape:
        raise ValueError(
            f"parameter {path!r} has shape {part.shape} where {row.name!r} needs {row.leaf_shape}: "
            "is the config this model's?"
        )
    return part


def config_from_hf(config: Mapping) -> MistralConfig:
    """Our config from the content of a config.json.

    Args:
      config: its keys and values.

    Returns:
      The config, in float32; experts are named `expert_0`, `expert_1`, ...

    Raises:
      ValueError: another architecture, a key that is missing, or a value that our model doesn't have.
    """
    model_type = config.get("model_type")
    architecture = (config.get("architectures") or [_MODEL_TYPES.get(model_type, model_type)])[0]
    if architecture not in _DEFAULTS:
        raise ValueError(f"unknown architecture {architecture!r} in config.json; there are {', '.join(_DEFAULTS)}")
    defaults = _DEFAULTS[architecture]

    def needed(key: str) -> int:
        if config.get(key) is None:
            raise ValueError(f"config.json of this {architecture} lacks {key!r}; it is needed for the shapes")
        return config[key]

    rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
    kind = rope.get("rope_type", rope.get("type", "default"))
    for key, value, supported in (
        ("hidden_act", config.get("hidden_act", "silu"), "silu"),
        ("tie_word_embeddings", config.get("tie_word_embeddings", False), False),
        ("rope_type", kind, "default"),
    ):
        if value != supported:
            raise ValueError(f"config.json has {key}={value!r}; this model supports {supported!r} alone")
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
        num_kv_heads=config.get("num_key_value_heads") or heads,
        head_dim=config.get("head_dim") or needed("hidden_size") // heads,
        d_ff=needed("intermediate_size"),
        rope_theta=float(rope.get("rope_theta", config.get("rope_theta", defaults["rope_theta"]))),
        norm_eps=config.get("rms_norm_eps", defaults["rms_norm_eps"]),
        sliding_window=config.get("sliding_window", defaults["sliding_window"]),
        **mixture,
    )


def config_to_hf(config: MistralConfig) -> dict:
    """The content of a config.json for this model; the inverse of `config_from_hf` up to the experts' names.

    Raises:
      ValueError: neither architecture can express the model.
    """
    _check_expressible(config)
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
