"""One training step as a pure function, and the same step for many branches at once."""

from __future__ import annotations

from collections.abc import Callable

import flax.struct
import flax.traverse_util
import jax
import jax.numpy as jnp
from jax.sharding import PartitionSpec
import optax

from mistral_moe import mesh_context
from mistral_moe.routing.balance import update_selection_bias
from mistral_moe.training.accumulation import accumulated_gradients
from mistral_moe.training.multitask import TaskTerms
from mistral_moe.training.partition import group_of, merge

LossFn = Callable[[dict, dict], tuple[jax.Array, dict]]


@flax.struct.dataclass
class TrainState:
    """All that a step changes, and what it reads without changing.

    Attributes:
      step: int32 scalar, steps done.
      params: the trained part of the parameters.
      frozen: the rest; bit-identical after any number of steps.
      opt_state: the optimiser's state, for `params` alone.
    """

    step: jax.Array
    params: dict
    frozen: dict
    opt_state: optax.OptState

    @property
    def all_params(self) -> dict:
        return merge(self.params, self.frozen)


def init_state(trained: dict, frozen: dict, optimizer: optax.GradientTransformation) -> TrainState:
    """A fresh state at step 0."""
    return TrainState(step=jnp.zeros((), jnp.int32), params=trained, frozen=frozen, opt_state=optimizer.init(trained))


def _rebalance(params: dict, load: jax.Array, rate: float) -> dict:
    """Applies the selection-bias rule to every router in the tree. load [L, E]; a shared router takes the mean."""
    flat = flax.traverse_util.flatten_dict(params, sep="/")
    for path, leaf in flat.items():
        if group_of(path) == "balance":
            seen = load if leaf.ndim == 2 else load.mean(axis=0)
            flat[path] = update_selection_bias(leaf, seen, rate)
    return flax.traverse_util.unflatten_dict(flat, sep="/")


def make_step(
    loss_fn: LossFn,
    optimizer: optax.GradientTransformation,
    bias_rate: float = 0.0,
    accumulate: int = 1,
    tasks: TaskTerms | None = None,
) -> Callable[[TrainState, dict], tuple[TrainState, dict]]:
    """Builds the step.

    Args:
      loss_fn: (all parameters, batch) -> (scalar, metrics).
      optimizer: of the trained parameters.
      bias_rate: step of balancing by selection bias, when the `balance` group is trained; 0 is off.
      accumulate: microbatches that a batch is read in, one after the other (`training.accumulation`).
      tasks: whose weights `loss_fn` uses; read where microbatches are weighed.

    Returns:
      step(state, batch) -> (state, metrics); metrics gain `grad_norm`. Pure: jit it with donation.
    """

    def step(state: TrainState, batch: dict) -> tuple[TrainState, dict]:
        def loss_of(trained: dict, batch: dict) -> tuple[jax.Array, dict]:
            return loss_fn(merge(trained, state.frozen), batch)

        grads, metrics = accumulated_gradients(loss_of, state.params, batch, accumulate, tasks)
        updates, opt_state = optimizer.update(grads, state.opt_state, state.params)
        params = optax.apply_updates(state.params, updates)
        if bias_rate:
            params = _rebalance(params, metrics["load"], bias_rate)
        metrics = metrics | {"grad_norm": optax.global_norm(grads)}
        return state.replace(step=state.step + 1, params=params, opt_state=opt_state), metrics

    return step


def branch_axes(state: TrainState) -> TrainState:
    """vmap axes of a state of many branches: all of it has a leading branch axis but the frozen part, which is shared."""
    mapped = jax.tree.map(lambda _: 0, state)
    return mapped.replace(frozen=jax.tree.map(lambda _: None, state.frozen))


def init_branches(
    trained: dict, frozen: dict, optimizer: optax.GradientTransformation, num_branches: int
) -> TrainState:
    """`num_branches` states that start from one model: trained leaves gain a leading branch axis [P, ...]."""
    repeated = jax.tree.map(lambda leaf: jnp.repeat(leaf[None], num_branches, axis=0), trained)
    return TrainState(
        step=jnp.zeros((num_branches,), jnp.int32),
        params=repeated,
        frozen=frozen,
        opt_state=jax.vmap(optimizer.init)(repeated),
    )


def make_branch_step(
    step: Callable[[TrainState, dict], tuple[TrainState, dict]], state: TrainState, mesh_axis: str | None = None
) -> Callable[[TrainState, dict], tuple[TrainState, dict]]:
    """The branch-parallel step: `step` mapped over the leading axis of states and batches [P, B, T].

    Args:
      step: of one branch.
      state: of all branches, arrays or shapes.
      mesh_axis: the axis of the mesh in context (`mesh_context.use`) that branches lie on. Each of its devices then
        runs a program of its own branches alone, so that no collective can cross them. None: every device works on all
        branches.

    Returns:
      step(states, batches) -> (states, metrics).
    """
    axes = branch_axes(state)
    together = jax.vmap(step, in_axes=(axes, 0), out_axes=(axes, 0))
    if mesh_axis is None or mesh_context.axis_sizes().get(mesh_axis, 1) == 1:
        return together
    specs = jax.tree.map(lambda _: PartitionSpec(mesh_axis), state)
    specs = specs.replace(frozen=jax.tree.map(lambda _: PartitionSpec(), state.frozen))
    rows = PartitionSpec(mesh_axis)
    return jax.shard_map(
        together, in_specs=(specs, rows), out_specs=(specs, rows), axis_names={mesh_axis}, check_vma=False
    )
