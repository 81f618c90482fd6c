"""The mapping between Hugging Face's Mistral and Mixtral and our parameter tree, both ways, in numpy.

One row of `tensor_map` describes one tensor of theirs: its name and shape, the leaves of ours that it fills, and where
on their stacked axes it goes. Whoever streams a checkpoint looks its tensors up one by one; `params_from_hf` and
`params_to_hf` are the loops over a whole state dict.

Mixtral has two namings: `checkpoint`, one tensor an expert, is what the files on disk hold; `fused`, all experts in
one, is what `MixtralForCausalLM.state_dict()` gives since transformers 5. A dense Mistral has but one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
import dataclasses
import math
import re

import flax.traverse_util
import jax
import numpy as np

from mistral_moe.hf_config import check_expressible
from mistral_moe.models.config import MistralConfig
from mistral_moe.models.mistral import init_params

NAMINGS = ("checkpoint", "fused")

# Written by old versions of transformers; recomputed from rope_theta.
_IGNORED = re.compile(r".*\.rotary_emb\.inv_freq")


@dataclasses.dataclass(frozen=True)
class Tensor:
    """One tensor of a Hugging Face checkpoint and its place in our tree. It can be moved in pieces of its first axis.

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

    @property
    def axis(self) -> tuple[int, int]:
        """(axis of a leaf's part, entries): where the tensor's first axis runs, and how many of its entries are one step."""
        if not self.transposed or len(self.shape) == 3:
            return 0, 1
        # Theirs is [out, in]; our last axes make up `out`.
        axis = next(k for k in reversed(range(len(self.leaf_shape))) if math.prod(self.leaf_shape[k:]) == self.shape[0])
        return axis, math.prod(self.leaf_shape[axis + 1 :])

    def slices(self, max_bytes: int, itemsize: int) -> Iterator[slice]:
        """Cuts the tensor's first axis so that a piece takes at most `max_bytes`, or one step of a leaf's axis."""
        _, unit = self.axis
        step = max(max_bytes // (itemsize * math.prod(self.shape[1:]) * unit), 1) * unit
        for start in range(0, self.shape[0], step):
            yield slice(start, min(start + step, self.shape[0]))

    def corner(self, start: int) -> tuple[int, ...]:
        """Where in a leaf the piece lies that begins at entry `start` of the tensor's first axis."""
        axis, unit = self.axis
        inside = [0] * len(self.leaf_shape)
        inside[axis] = start // unit
        return (*self.index, *inside)

    def to_leaves(self, piece: jax.Array | np.ndarray) -> list[jax.Array | np.ndarray]:
        """The same piece of each of our leaves, in the order of `leaves`.

        Args:
          piece: theirs, all of it or whole steps of its first axis (see `slices`).

        Returns:
          One array a leaf, of `leaf_shape` or of the piece's share of it, without the leaf's leading axes.
        """
        if not self.transposed:
            return [piece]
        axis, unit = self.axis
        shape = list(self.leaf_shape)
        shape[axis] = piece.shape[0] // unit
        rows = piece.shape[-2] // len(self.leaves)
        parts = [piece[..., part * rows : (part + 1) * rows, :] for part in range(len(self.leaves))]
        return [part.swapaxes(-1, -2).reshape(shape) for part in parts]

    def from_leaves(self, parts: Iterable[np.ndarray]) -> np.ndarray:
        """Their tensor, or the piece of it, from pieces of our leaves; the inverse of `to_leaves`."""
        parts = list(parts)
        if not self.transposed:
            return parts[0]
        batch = parts[0].shape[: len(self.shape) - 2]
        flat = (*batch, self.shape[-1], -1)
        # Contiguous, since the library safetensors writes a view's memory as it lies.
        return np.ascontiguousarray(np.concatenate([part.reshape(flat).swapaxes(-1, -2) for part in parts], axis=-2))


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
    check_expressible(config)
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


def naming_of(names: Iterable[str]) -> str:
    """Which of `NAMINGS` the tensors of a checkpoint follow."""
    return "fused" if any(".mlp.experts." in name for name in names) else "checkpoint"


def check_tensors(config: MistralConfig, shapes: Mapping[str, tuple[int, ...]]) -> list[Tensor]:
    """The rows of `tensor_map` for a checkpoint, after a look at names and shapes that costs no memory.

    Args:
      config: of the model, as from `hf_config.config_from_hf`.
      shapes: name -> shape of every tensor that the checkpoint holds, of either naming.

    Returns:
      One row a tensor that is read.

    Raises:
      ValueError: a tensor is missing, has the wrong shape or is not known, or the config can't be expressed.
    """
    if config.has_reasoning:
        raise ValueError(
            "a Hugging Face checkpoint has no reasoning block: import with model.has_reasoning=False, then add it"
        )
    rows = tensor_map(config, naming_of(shapes))
    known = {row.name for row in rows}
    unexpected = sorted(name for name in shapes if name not in known and not _IGNORED.fullmatch(name))
    if unexpected:
        raise ValueError(
            f"unexpected tensor {unexpected[0]!r} (one of {len(unexpected)}): the config has no place for it; "
            "use the config.json that lies beside these weights"
        )
    for row in rows:
        if row.name not in shapes:
            raise ValueError(
                f"tensor {row.name!r} is missing: read all files of the checkpoint (its index.json lists them)"
            )
        if tuple(shapes[row.name]) != row.shape:
            raise ValueError(
                f"tensor {row.name!r} has shape {tuple(shapes[row.name])}, but the config asks for {row.shape}: "
                "use the config.json that lies beside these weights"
            )
    return rows


def params_from_hf(config: MistralConfig, tensors: Mapping[str, np.ndarray]) -> dict:
    """Our parameters from a Hugging Face state dict of either naming.

    Args:
      config: of the model, as from `hf_config.config_from_hf`.
      tensors: name -> array, shapes [out, in] as torch keeps them.

    Returns:
      Nested parameters of numpy arrays in `config.param_dtype` (routers in float32). The routers' selection bias, which
      Hugging Face has not, is zero.

    Raises:
      ValueError: as `check_tensors`.
    """
    rows = check_tensors(config, {name: array.shape for name, array in tensors.items()})
    abstract = jax.eval_shape(lambda: init_params(config, jax.random.key(0)))
    leaves = {
        path: np.zeros(leaf.shape, leaf.dtype)
        for path, leaf in flax.traverse_util.flatten_dict(abstract, sep="/").items()
    }
    for row in rows:
        for path, part in zip(row.leaves, row.to_leaves(tensors[row.name]), strict=True):
            leaves[path][row.index] = part
    return flax.traverse_util.unflatten_dict(leaves, sep="/")


def check_params(config: MistralConfig, params: Mapping, naming: str = "checkpoint") -> list[Tensor]:
    """The rows of `tensor_map` that these parameters fill, after a look at what the format can hold.

    Args:
      config: of the model.
      params: nested parameters, arrays of jax or numpy.
      naming: "checkpoint" or "fused"; see the module.

    Returns:
      One row a tensor.

    Raises:
      ValueError: a leaf is missing or has the wrong shape, or the model computes something that theirs can't: a
        non-zero selection bias, a reasoning block whose gate has opened, a router of another form.
    """
    rows = tensor_map(config, naming)
    leaves = flax.traverse_util.flatten_dict(params, sep="/")
    for path, meaning in (
        ("layers/router/selection_bias", "experts chosen with a bias"),
        ("reasoning/gate", "an open reasoning gate"),
    ):
        if path in leaves and np.any(leaves[path]):
            raise ValueError(
                f"parameter {path!r} is not zero, and Hugging Face's format has no {meaning}: "
                "set it to zero (the model then computes something else) or keep our own format"
            )
    for row in rows:
        for path in row.leaves:
            if path not in leaves:
                raise ValueError(
                    f"parameter {path!r} is missing, which {row.name!r} is made of: is the config this model's?"
                )
            shape = leaves[path].shape[len(row.index) :]
            if shape != row.leaf_shape:
                raise ValueError(
                    f"parameter {path!r} has shape {shape} where {row.name!r} needs {row.leaf_shape}: "
                    "is the config this model's?"
                )
    return rows


def params_to_hf(config: MistralConfig, params: Mapping, naming: str = "checkpoint") -> dict[str, np.ndarray]:
    """A Hugging Face state dict from our parameters: name -> numpy array, each in its leaf's dtype.

    Args and errors as `check_params`.
    """
    rows = check_params(config, params, naming)
    leaves = {path: np.asarray(leaf) for path, leaf in flax.traverse_util.flatten_dict(params, sep="/").items()}
    return {row.name: row.from_leaves(leaves[path][row.index] for path in row.leaves) for row in rows}
