"""Every training stage as a program that compiles without a workdir: its plan, its model and the shapes it reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
import ml_collections

from launch import models, train_dense, train_experts, train_joint, train_router, train_seed
from launch.corpora import MODEL_FIELDS
from launch.errors import UserError
from launch.rl import plan as rl_plan
from launch.training_program import Plan, Program
from mistral_moe.aot import ideal
from mistral_moe.models.config import MistralConfig
from mistral_moe.rl.update import minibatch_shapes

STAGES = ("seed", "experts", "router", "joint", "dense", "ppo")
_ROWS = {
    "experts": ("experts", "batch_size"),
    "router": ("router", "batch_size"),
    "ppo": ("ppo", "minibatch_size"),
}


@dataclasses.dataclass(frozen=True)
class StageProgram:
    """What a stage compiles.

    Attributes:
      name: `seed`, `joint/end_to_end`.
      plan: its training run.
      model: its model.
      rows: of a global batch, of one branch.
      rows_key: the config's key for them.
      seq_len: T.
      flops: of a token, forward and backward, by formula: part -> direction -> FLOPs.
      rehearsal: rows of text beside the batch, and their length; of ppo alone.
      start: a model's parameters -> those that are trained with what is trained beside them; shapes in, shapes out.
    """

    name: str
    plan: Plan
    model: MistralConfig
    rows: int
    rows_key: str
    seq_len: int
    flops: Mapping[str, Mapping[str, float]]
    rehearsal: tuple[int, int] = (0, 0)
    start: Callable[[Any], Any] = lambda params: params

    def abstract_params(self) -> dict:
        """Shapes of all parameters at the start."""
        return self.start(models.abstract_params(self.model))


def of_stage(config: ml_collections.ConfigDict, stage: str, phase: str = "end_to_end") -> StageProgram:
    """The program of a stage; of `joint`, of one of its phases.

    Raises:
      UserError: no such stage or phase, a config that describes none, or a phase without steps.
    """
    if stage not in STAGES:
        raise UserError(f"stage {stage!r} trains nothing that can be compiled", f"the stages are {', '.join(STAGES)}")
    if stage == "joint" and phase not in train_joint.PHASES:
        raise UserError(f"stage joint has no phase {phase!r}", f"its phases are {', '.join(train_joint.PHASES)}")
    seq_len = int(config.train.seq_len)
    if stage == "joint":
        plan, per_token, model = train_joint.phase_plan(config, phase)
    elif stage == "dense":
        # How many steps its budget buys changes nothing in one of them.
        plan, per_token, model = train_dense.plan_of(config, flops_budget=1.0)
    elif stage == "ppo":
        plan, per_token, model = rl_plan.plan_of(config)
        seq_len = rl_plan.length_of(config.ppo)
    else:
        made = {"seed": train_seed, "experts": train_experts, "router": train_router}[stage]
        plan, per_token, model = made.plan_of(config)
    if stage == "router" or (stage == "joint" and phase == "router"):
        flops = ideal.router_step_flops(model, seq_len)
    else:
        flops = ideal.step_flops(model, seq_len, plan.optim.learning_rates)
    rest = per_token - sum(sum(part.values()) for part in flops.values())
    if rest > 1e-6 * per_token:
        flops = flops | {"critic" if stage == "ppo" else "router's oracle": {"forward": rest}}
    section, key = _ROWS.get(stage, ("train", "batch_size"))
    name = f"joint/{phase}" if stage == "joint" else stage
    made = StageProgram(name, plan, model, int(config[section][key]), f"{section}.{key}", seq_len, flops)
    if stage != "ppo":
        return made
    rehearsal = (int(config.ppo.rehearsal_rows), int(config.train.seq_len))
    return dataclasses.replace(made, start=functools.partial(rl_plan.start_params, config), rehearsal=rehearsal)


def batch_shapes(stage: StageProgram, program: Program) -> Any:
    """Shapes of a batch, [B, T] or [P, B, T], with their sharding: a dict by field, of ppo an `rl.update.Minibatch`."""
    if stage.name == "ppo":
        shapes = minibatch_shapes(stage.rows, stage.seq_len, *stage.rehearsal)
        return jax.tree.map(lambda leaf: leaf.update(sharding=program.rows), shapes)
    leading = (len(stage.plan.branches),) if stage.plan.branches else ()
    fields = (*MODEL_FIELDS, "domains")
    return {
        name: jax.ShapeDtypeStruct(
            (*leading, stage.rows, stage.seq_len),
            jnp.float32 if name == "loss_weights" else jnp.int32,
            sharding=program.rows,
        )
        for name in fields
    }
