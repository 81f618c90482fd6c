"""The mesh that a step is traced under: what the model reads of it, and how a kernel runs on each device's own part.

    with mesh_context.use(mesh):
        state, metrics = jax.jit(step)(state, batch)

Most of the model leaves its partitioning to the compiler. Two things can't be left to it: a sort (over a sharded axis
it becomes an exchange between all devices) and a kernel (the compiler can't look inside). They go through `over_mesh`.
Without a mesh, or on one device, every function here changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
import contextlib
import math
from typing import Any

import jax
from jax.sharding import AxisType, Mesh, PartitionSpec

# Mesh axes that rows of a batch lie on. `expert` holds rows like the others outside of the experts themselves.
ROW_AXES = ("data", "fsdp", "expert")


def use(mesh: Mesh) -> contextlib.AbstractContextManager:
    """Makes `mesh` the one that is traced under; a mesh of one device says no more than which platform it is of."""
    is_foreign = mesh.devices.flat[0].platform != jax.default_backend()
    return jax.set_mesh(mesh) if mesh.size > 1 or is_foreign else contextlib.nullcontext()


def axis_sizes() -> dict[str, int]:
    """Sizes of the mesh axes that are not mapped over yet, in the mesh's order; {} without a mesh."""
    mesh = jax.sharding.get_abstract_mesh()
    if mesh.empty or mesh.size == 1:
        return {}
    kinds = zip(mesh.axis_names, mesh.axis_sizes, mesh.axis_types)
    return {name: size for name, size, kind in kinds if kind != AxisType.Manual}


def dividing(size: int, *axes: str) -> tuple[str, ...]:
    """Those of `axes` that are on the mesh and, one after the other, divide a dimension of `size`.

    A dimension that an axis doesn't divide is whole on each of the axis's devices: the result stays right, the work is
    done several times.
    """
    sizes, chosen = axis_sizes(), ()
    for axis in axes:
        if axis in sizes and size % math.prod(sizes[a] for a in (*chosen, axis)) == 0:
            chosen += (axis,)
    return chosen


def over_mesh(fn: Callable[..., Any], in_specs: Any, out_specs: Any) -> Callable[..., Any]:
    """`fn` on each device's own part of its arguments; `fn` itself where there is no mesh.

    Args:
      fn: sees the parts, and may use collectives over the mesh's axes (none of them exist without a mesh).
      in_specs: PartitionSpec of each argument; an axis that a spec doesn't name gives all its devices the same, and the
        argument's gradient is summed over it.
      out_specs: of each result; over an axis that a spec doesn't name all devices must compute the same.

    Returns:
      A function of the whole arrays.
    """
    sizes = axis_sizes()
    if not sizes:
        return fn
    # The check of replication can't see through a kernel.
    return jax.shard_map(fn, in_specs=in_specs, out_specs=out_specs, axis_names=set(sizes), check_vma=False)


def constrain(x: jax.Array, *axes: str | tuple[str, ...] | None) -> jax.Array:
    """Lays the leading dimensions of `x` on the named mesh axes, as far as they divide; the rest is whole."""
    if not axis_sizes():
        return x
    placed = [dividing(size, *((axis,) if isinstance(axis, str) else axis or ())) for axis, size in zip(axes, x.shape)]
    return jax.lax.with_sharding_constraint(x, PartitionSpec(*placed))
