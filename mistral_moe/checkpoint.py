"""Checkpoints: parameters, optimiser, data position, curriculum and lineage, saved asynchronously by orbax.

One of the package's doors to disk. A checkpoint is restored from abstract shapes onto whatever mesh the caller has.
"""

from __future__ import annotations

import hashlib
import os
import pathlib
from typing import Any

import flax.traverse_util
import jax
import numpy as np
import orbax.checkpoint as ocp

ITEMS = ("params", "opt", "data_iter", "curriculum", "lineage")
_ARRAYS = ("params", "opt")
_LARGE = 64 << 20  # bytes


class CheckpointError(ValueError):
    """A checkpoint that is missing, corrupt or of another shape; the message names the folder and what to do."""


def digest(tree: Any) -> str:
    """sha256 over paths, dtypes, shapes and bytes of all leaves: equal digests mean bit-identical parameters."""
    sha = hashlib.sha256()
    flat = flax.traverse_util.flatten_dict(tree, sep="/")
    for path in sorted(flat):
        leaf = flat[path]
        sha.update(f"{path} {np.dtype(leaf.dtype)} {leaf.shape}\n".encode())
        # A leaf of stacked layers is fetched a layer at a time: all of them at once may not fit the host.
        in_parts = leaf.ndim > 1 and leaf.nbytes > _LARGE
        for part in (leaf[index] for index in range(leaf.shape[0])) if in_parts else (leaf,):
            sha.update(np.ascontiguousarray(part).reshape(-1).view(np.uint8).data)
    return sha.hexdigest()


def abstract(tree: Any) -> Any:
    """Shapes, dtypes and shardings of a tree of arrays: what a restore needs to know."""
    return jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=getattr(leaf, "sharding", None)), tree
    )


class CheckpointStore:
    """The checkpoints of one run, newest kept.

    A save is atomic: orbax writes beside the folder and renames. A process killed at any moment leaves the last whole
    checkpoint, which `latest_step` names.
    """

    def __init__(self, folder: str | os.PathLike[str], keep: int = 1):
        self.folder = pathlib.Path(folder).absolute()
        self._manager = ocp.CheckpointManager(
            self.folder,
            item_names=ITEMS,
            options=ocp.CheckpointManagerOptions(max_to_keep=keep, create=True, enable_async_checkpointing=True),
        )

    def __enter__(self) -> "CheckpointStore":
        return self

    def __exit__(self, *unused: object) -> None:
        self.close()

    def close(self) -> None:
        """Waits for the save under way, then closes."""
        self._manager.wait_until_finished()
        self._manager.close()

    def latest_step(self) -> int | None:
        """Step of the newest whole checkpoint, or None."""
        return self._manager.latest_step()

    def save(self, step: int, items: dict[str, Any]) -> None:
        """Saves the given items (a subset of `ITEMS`: arrays for params and opt, JSON-able for the rest).

        Returns as soon as the arrays are copied; the writing goes on behind.
        """
        args = {
            name: ocp.args.StandardSave(value) if name in _ARRAYS else ocp.args.JsonSave(value)
            for name, value in items.items()
        }
        self._manager.save(step, args=ocp.args.Composite(**args))

    def restore(self, targets: dict[str, Any], step: int | None = None) -> dict[str, Any]:
        """Reads a checkpoint.

        Args:
          targets: item -> abstract tree for params and opt (see `abstract`), None for the JSON items.
          step: which one; None is the newest.

        Returns:
          item -> value.

        Raises:
          CheckpointError: there is none, it is corrupt, or its shapes differ from the targets'.
        """
        step = self.latest_step() if step is None else step
        if step is None:
            raise CheckpointError(f"{self.folder}: holds no checkpoint; run the stage that makes it")
        args = {
            name: ocp.args.StandardRestore(target) if name in _ARRAYS else ocp.args.JsonRestore()
            for name, target in targets.items()
        }
        try:
            restored = self._manager.restore(step, args=ocp.args.Composite(**args))
        except Exception as error:  # orbax, tensorstore and JSON each raise their own; all mean the same to the reader
            reason = str(error).strip().splitlines()[0][:300] if str(error).strip() else type(error).__name__
            raise CheckpointError(
                f"{self.folder}/{step}: cannot be restored ({reason}); delete the stage's folder and run the stage again"
            ) from error
        return {name: restored[name] for name in targets}


def restore_params(folder: str | os.PathLike[str], target: dict, expected_digest: str | None = None) -> dict:
    """Parameters of the newest checkpoint in `folder`.

    Args:
      folder: a stage's `checkpoints` folder.
      target: abstract parameters (`jax.eval_shape` of `init_params`, or `abstract`).
      expected_digest: the digest that the stage's manifest recorded; None to take what is there.

    Raises:
      CheckpointError: missing, corrupt, of another shape, or with another digest.
    """
    if not pathlib.Path(folder).is_dir():
        raise CheckpointError(f"{folder}: no such checkpoint folder; run the stage that makes it")
    with CheckpointStore(folder) as store:
        params = store.restore({"params": target})["params"]
    if expected_digest is not None and digest(params) != expected_digest:
        raise CheckpointError(
            f"{folder}: its parameters are not those that the stage's manifest recorded (digest differs); "
            "delete the stage's folder and run the stage again"
        )
    return params
