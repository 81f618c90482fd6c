"""Parameters filled from a Hugging Face checkpoint piece by piece, so that the host never holds more than one piece."""

from __future__ import annotations

from collections.abc import Callable, Sequence
import dataclasses
import functools

import flax.traverse_util
import jax
import jax.numpy as jnp

from launch import models
from launch.hf_files import HfFolder
from mistral_moe import sharding
from mistral_moe.hf import Tensor
from mistral_moe.models.config import MistralConfig

# Bytes of a piece: small beside any tensor of a model that matters, large enough for a disk to be read at its full speed.
PIECE_BYTES = 8 << 20


def _zeros(config: MistralConfig, mesh: jax.sharding.Mesh) -> dict[str, jax.Array]:
    """Every leaf as zeros where it will lie, by path."""
    shapes = models.abstract_params(config)
    placed = sharding.tree_shardings(shapes, mesh, sharding.ShardingRules())
    flat_shapes, flat_placed = (flax.traverse_util.flatten_dict(tree, sep="/") for tree in (shapes, placed))
    return {path: jnp.zeros(leaf.shape, leaf.dtype, device=flat_placed[path]) for path, leaf in flat_shapes.items()}


@functools.cache
def _writer(kind: Tensor, shardings: tuple[jax.sharding.Sharding, ...]) -> Callable:
    """Puts a piece into its leaves in place. One for all tensors that differ only in name and place."""

    @functools.partial(jax.jit, donate_argnums=0, out_shardings=shardings)
    def put(leaves: tuple[jax.Array, ...], piece: jax.Array, corner: tuple[int, ...]) -> tuple[jax.Array, ...]:
        written = []
        for leaf, part in zip(leaves, kind.to_leaves(piece), strict=True):
            part = part.astype(leaf.dtype).reshape((1,) * len(kind.index) + part.shape)
            written.append(jax.lax.dynamic_update_slice(leaf, part, corner))
        return tuple(written)

    return put


def read(
    source: HfFolder,
    rows: Sequence[Tensor],
    config: MistralConfig,
    mesh: jax.sharding.Mesh,
    piece_bytes: int = PIECE_BYTES,
) -> dict:
    """Reads a checkpoint onto a mesh.

    Args:
      source: the checkpoint.
      rows: its tensors, as from `hf.check_tensors`.
      config: of the model; parameters are made in its `param_dtype`.
      mesh: where they lie, by the rules of training.
      piece_bytes: bytes read at once.

    Returns:
      Nested parameters.

    Raises:
      ShardingError: a dimension doesn't divide over the mesh.
      UserError: a file can no longer be read.
    """
    leaves = _zeros(config, mesh)
    everywhere = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec())
    for row in rows:
        kind = dataclasses.replace(row, name="", index=(0,) * len(row.index))
        cuts = list(row.slices(piece_bytes, source.dtypes[row.name].itemsize))
        put = _writer(kind, tuple(leaves[path].sharding for path in row.leaves))
        for cut, piece in zip(cuts, source.pieces(row.name, cuts), strict=True):
            old = tuple(leaves[path] for path in row.leaves)
            new = put(old, jax.device_put(piece, everywhere), row.corner(cut.start))
            # Waiting keeps one piece in flight; the disk, not the copy, sets the pace.
            leaves |= dict(zip(row.leaves, jax.block_until_ready(new)))
    return flax.traverse_util.unflatten_dict(leaves, sep="/")
