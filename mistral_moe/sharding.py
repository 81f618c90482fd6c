"""From logical axes to the mesh: which dimension of which parameter lies on which devices."""

from __future__ import annotations

from collections.abc import Mapping
import dataclasses
import math
import re

import flax.traverse_util
import jax
from jax.experimental import mesh_utils
from jax.sharding import Mesh, NamedSharding, PartitionSpec
import numpy as np

from mistral_moe.mesh_context import ROW_AXES

MESH_AXES = ("data", "fsdp", "expert", "context", "tensor")

# Logical axes of every parameter, without the leading layer axis. First match wins.
LOGICAL_AXES: tuple[tuple[str, tuple[str | None, ...]], ...] = (
    # Not over `vocab`: a lookup in a table that is split by rows made XLA permute it across branches.
    (r"(critic/trunk/)?embedding", (None, "embed")),
    (r"lm_head", ("embed", "vocab")),
    (r".*attention/query", ("embed", "heads", None)),
    (r".*attention/(key|value)", ("embed", "kv_heads", None)),
    (r".*attention/output", ("heads", None, "embed")),
    (r".*experts/(gate|up)", ("expert", "embed", "mlp")),
    (r".*experts/down", ("expert", "mlp_rows", None)),
    (r".*ffn/(gate|up)", ("embed", "mlp")),
    (r".*ffn/down", ("mlp_rows", None)),
    (r".*router/(kernel|hidden)", (None, None)),
    (r".*router/(selection_bias|hidden_bias)", (None,)),
    (r".*scale", (None,)),
    (r"(critic/trunk/)?reasoning/gate", (None,)),
    (r"critic/value_head/kernel", (None,)),
    (r"critic/value_head/bias", ()),
    (r"task_log_variance", (None,)),
    (r"scalar_head/kernel", (None,)),
    (r"scalar_head/bias", ()),
)


class ShardingError(ValueError):
    """A parameter that doesn't fit the mesh; the message names it."""


@dataclasses.dataclass(frozen=True)
class ShardingRules:
    """Mesh axis (or axes, or None) of each logical axis.

    Attributes:
      batch: rows of a batch.
      branch: the leading axis of many branches trained in one program.
      embed, vocab, heads, kv_heads, mlp, expert: dimensions of the parameters.
      mlp_rows: hidden units where they are a matrix's rows. TPUs scatter gradients along any dimension but the last,
        and add all of them everywhere instead where they must: so what is gathered lies on rows.
    """

    batch: tuple[str, ...] = ROW_AXES
    branch: str | None = None
    embed: str | None = "fsdp"
    vocab: str | None = "tensor"
    heads: str | None = "tensor"
    kv_heads: str | None = "tensor"
    mlp: str | None = "tensor"
    mlp_rows: tuple[str, ...] = ("tensor", "fsdp")
    expert: str | None = "expert"

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            for axis in value if isinstance(value, tuple) else (value,):
                if axis is not None and axis not in MESH_AXES:
                    raise ShardingError(f"rule {field.name}={axis!r}: the mesh axes are {', '.join(MESH_AXES)}")
        if self.branch is not None and self.branch in (
            *(*self.batch, *self.mlp_rows),
            *(self.embed, self.mlp, self.heads, self.expert),
        ):
            raise ShardingError(f"mesh axis {self.branch!r} holds the branches and can't hold another dimension too")


def branch_rules() -> ShardingRules:
    """Rules of the branch-parallel stage: branches on `data`, each branch's rows and weights on `fsdp` and `tensor`."""
    return ShardingRules(batch=ROW_AXES[1:], branch="data")


def make_mesh(sizes: Mapping[str, int], devices: list[jax.Device] | None = None) -> Mesh:
    """A mesh of the five axes; one size may be -1 (what is left), absent ones are 1.

    Raises:
      ShardingError: an unknown axis, or sizes whose product isn't the number of devices.
    """
    devices = jax.devices() if devices is None else devices
    unknown = set(sizes) - set(MESH_AXES)
    if unknown:
        raise ShardingError(f"unknown mesh axis {sorted(unknown)[0]!r}; the axes are {', '.join(MESH_AXES)}")
    shape = [sizes.get(axis, 1) for axis in MESH_AXES]
    if shape.count(-1) > 1:
        raise ShardingError("only one mesh axis may be -1")
    if -1 in shape:
        known = math.prod(size for size in shape if size != -1)
        if len(devices) % known:
            raise ShardingError(f"mesh {dict(sizes)}: {len(devices)} devices are no multiple of {known}")
        shape[shape.index(-1)] = len(devices) // known
    if math.prod(shape) != len(devices):
        raise ShardingError(
            f"mesh {dict(zip(MESH_AXES, shape))} needs {math.prod(shape)} devices, there are {len(devices)}"
        )
    if devices[0].platform == "tpu":
        # Neighbours on an axis of the mesh are neighbours on the torus.
        return Mesh(mesh_utils.create_device_mesh(shape, devices, allow_split_physical_axes=True), MESH_AXES)
    return Mesh(np.asarray(devices).reshape(shape), MESH_AXES)


def logical_axes(path: str, ndim: int) -> tuple[str | None, ...]:
    """Logical axes of a parameter by its path; leading stacked axes (layers, branches) are None.

    Raises:
      ShardingError: no rule names this parameter.
    """
    for pattern, axes in LOGICAL_AXES:
        if re.fullmatch(pattern, path) or re.fullmatch(r"layers/" + pattern, path):
            return (None,) * (ndim - len(axes)) + axes
    raise ShardingError(f"no sharding rule for parameter {path!r}: add one to LOGICAL_AXES")


def param_spec(
    path: str, shape: tuple[int, ...], mesh: Mesh, rules: ShardingRules, branches: bool = False
) -> PartitionSpec:
    """PartitionSpec of one parameter.

    Args:
      path: `layers/experts/gate`.
      shape: with the leading layer axis, and the branch axis where there is one.
      mesh: the mesh.
      rules: logical to mesh axes.
      branches: whether axis 0 is the branch axis.

    Raises:
      ShardingError: a dimension isn't divisible by its mesh axis; the message names parameter, dimension and axis.
    """
    names = logical_axes(path, len(shape))
    spec = [getattr(rules, name) if name else None for name in names]
    if branches:
        spec[0] = rules.branch
    for dimension, (axes, size) in enumerate(zip(spec, shape)):
        left = size
        for axis in axes if isinstance(axes, tuple) else (axes,) if axes else ():
            if left % mesh.shape[axis]:
                raise ShardingError(
                    f"{path}: dimension {dimension} ({names[dimension] or 'branch'}, {size}) does not divide over "
                    f"mesh axis {axis!r} of size {mesh.shape[axis]}; change the mesh or the rule"
                )
            left //= mesh.shape[axis]
    return PartitionSpec(*spec)


def tree_shardings(tree: dict, mesh: Mesh, rules: ShardingRules, branches: bool = False) -> dict:
    """NamedSharding of each leaf of a parameter tree (arrays or shapes)."""
    flat = flax.traverse_util.flatten_dict(tree, sep="/")
    shardings = {
        path: NamedSharding(mesh, param_spec(path, leaf.shape, mesh, rules, branches)) for path, leaf in flat.items()
    }
    return flax.traverse_util.unflatten_dict(shardings, sep="/")


def state_shardings(state, mesh: Mesh, rules: ShardingRules, branches: bool = False):
    """Shardings of a whole TrainState: parameters by their paths, optimiser moments like the parameter they follow.

    Args:
      state: a `training.step.TrainState` of arrays or shapes.
      mesh: the mesh.
      rules: logical to mesh axes.
      branches: whether the trained leaves carry a leading branch axis.

    Returns:
      A TrainState of NamedShardings.
    """
    params = tree_shardings(state.params, mesh, rules, branches)
    by_path = {tuple(path.split("/")): s for path, s in flax.traverse_util.flatten_dict(params, sep="/").items()}

    def of_leaf(key_path, leaf) -> NamedSharding:
        names = tuple(str(getattr(key, "key", getattr(key, "name", getattr(key, "idx", key)))) for key in key_path)
        for start in range(len(names)):
            if names[start:] in by_path:
                return by_path[names[start:]]
        leading = rules.branch if branches and leaf.ndim else None
        return NamedSharding(mesh, PartitionSpec(leading) if leaf.ndim else PartitionSpec())

    return state.replace(
        step=NamedSharding(mesh, PartitionSpec(rules.branch) if branches else PartitionSpec()),
        params=params,
        frozen=tree_shardings(state.frozen, mesh, rules) if state.frozen else state.frozen,
        opt_state=jax.tree_util.tree_map_with_path(of_leaf, state.opt_state),
    )


def batch_sharding(mesh: Mesh, rules: ShardingRules, branches: bool = False) -> NamedSharding:
    """Sharding of [B, T] arrays, or [P, B, T] with branches."""
    leading = (rules.branch,) if branches else ()
    return NamedSharding(mesh, PartitionSpec(*leading, rules.batch))
