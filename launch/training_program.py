"""The program of a training run: its state laid on a mesh, its batches, and the step as it is compiled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
import dataclasses
import math
from typing import Any

import jax
import ml_collections

from launch.errors import UserError
from mistral_moe import mesh_context, sharding
from mistral_moe.training import multitask, partition
from mistral_moe.training.multitask import TaskTerms
from mistral_moe.training.optim import OptimConfig, make_optimizer
from mistral_moe.training.step import LossFn, TrainState, init_branches, init_state, make_branch_step, make_step


@dataclasses.dataclass(frozen=True)
class Plan:
    """A training run.

    Attributes:
      loss_fn: (parameters, batch) -> (scalar, metrics).
      optim: learning rates, schedule and length.
      tokens_per_step: tokens of a global batch, over all branches.
      branches: names of the branches trained in one program; () for a single model.
      bias_rate: see `make_step`.
      fields: constant fields of every metrics row.
      tasks: the tasks whose losses `loss_fn` adds up; learned weights of theirs are trained beside the model.
      accumulate: microbatches that a step reads its batch in, one after the other.
    """

    loss_fn: LossFn
    optim: OptimConfig
    tokens_per_step: int
    branches: tuple[str, ...] = ()
    bias_rate: float = 0.0
    fields: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    tasks: TaskTerms | None = None
    accumulate: int = 1


def mesh_and_rules(
    config: ml_collections.ConfigDict, num_branches: int = 0, devices: list[jax.Device] | None = None
) -> tuple[jax.sharding.Mesh, sharding.ShardingRules]:
    """The mesh of the config, and the rules of a run.

    Branches lie on the `data` axis where it divides their number; else every device works on all of them.
    """
    try:
        mesh = sharding.make_mesh(config.mesh.to_dict(), devices)
    except sharding.ShardingError as error:
        raise UserError(str(error), "set --config.mesh.* to fit the devices") from error
    if num_branches and num_branches % mesh.shape["data"] == 0:
        return mesh, sharding.branch_rules()
    return mesh, sharding.ShardingRules()


@dataclasses.dataclass(frozen=True)
class Program:
    """A plan on a mesh.

    Attributes:
      mesh: the mesh.
      state: the shapes of its state, each with its sharding.
      rows: sharding of a batch's arrays.
      make_state: (trained, frozen) -> the state at step 0.
      step: (state, batch) -> (state, metrics), jitted, its first argument donated; traced under `mesh`.
    """

    mesh: jax.sharding.Mesh
    state: TrainState
    rows: jax.sharding.NamedSharding
    make_state: Callable[[dict, dict], TrainState]
    step: Callable[[TrainState, dict], tuple[TrainState, dict]]


def build(plan: Plan, params: dict, mesh: jax.sharding.Mesh, rules: sharding.ShardingRules) -> Program:
    """Lays a plan on a mesh; takes no memory on the devices.

    Args:
      plan: what to do.
      params: all parameters, arrays or shapes, learned task weights included.
      mesh: the mesh.
      rules: logical to mesh axes.

    Raises:
      UserError: learning rates that fit no group, parameters or rows that don't fit the mesh.
    """
    branches = len(plan.branches)
    optimizer = make_optimizer(plan.optim)
    trained, frozen = split(params, plan)

    def make_state(trained: dict, frozen: dict) -> TrainState:
        if branches:
            return init_branches(trained, frozen, optimizer, branches)
        return init_state(trained, frozen, optimizer)

    shapes = jax.eval_shape(make_state, trained, frozen)
    try:
        shardings = sharding.state_shardings(shapes, mesh, rules, bool(branches))
    except sharding.ShardingError as error:
        raise UserError(str(error), "set --config.mesh.* to fit the model") from error
    state = jax.tree.map(lambda leaf, place: leaf.update(sharding=place), shapes, shardings)
    step = make_step(plan.loss_fn, optimizer, plan.bias_rate, plan.accumulate, plan.tasks)
    if branches:
        with mesh_context.use(mesh):
            step = make_branch_step(step, shapes, rules.branch)
    return Program(
        mesh=mesh,
        state=state,
        rows=sharding.batch_sharding(mesh, rules, bool(branches)),
        make_state=jax.jit(make_state, out_shardings=shardings),
        step=jax.jit(step, donate_argnums=0, out_shardings=(shardings, None)),
    )


def split(params: dict, plan: Plan) -> tuple[dict, dict]:
    """(trained, frozen) parameters of a plan.

    Raises:
      UserError: learning rates that fit no group.
    """
    try:
        return partition.split(multitask.attach(params, plan.tasks), plan.optim.learning_rates)
    except ValueError as error:
        raise UserError(str(error), "mend the learning rates in the config") from error


def check_rows(num_rows: int, program: Program, name: str, accumulate: int = 1) -> None:
    """Holds the rows of a batch (of one branch), or of each of its microbatches, against the mesh.

    Raises:
      UserError: they don't divide; names the key and the nearest numbers that do.
    """
    spec = program.rows.spec
    axes = spec[-1] or ()
    ways = math.prod(program.mesh.shape[axis] for axis in axes)
    least = ways * accumulate
    if num_rows % least:
        below = num_rows // least * least
        near = f"{below} or {below + least}" if below else f"{least}"
        parts = f" in {accumulate} microbatches" if accumulate > 1 else ""
        raise UserError(
            f"{name}={num_rows} rows do not divide over {ways} devices ({' x '.join(axes)} of the mesh){parts}",
            f"set --config.{name} to {near}",
        )
