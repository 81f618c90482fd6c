"""What `--dry_run` prints: parameters, bytes per device, FLOPs per token and the plan of the stages."""

from __future__ import annotations

import math

import jax
import ml_collections

from launch import models
from launch import training_run
from launch.errors import UserError
from launch.train_joint import phase_plan, phases
from mistral_moe import sharding
from mistral_moe.models.config import MistralConfig
from mistral_moe.report import wording
from mistral_moe.training.flops import forward_flops, parameter_count, router_training_flops, training_flops


def bytes_per_device(
    model: MistralConfig, mesh: jax.sharding.Mesh | jax.sharding.AbstractMesh, rules: sharding.ShardingRules
) -> int:
    """Bytes that a model's parameters take on one device of the mesh."""
    shapes = models.abstract_params(model)
    placed = sharding.tree_shardings(shapes, mesh, rules)
    sizes = jax.tree.map(
        lambda leaf, place: math.prod(place.shard_shape(leaf.shape)) * leaf.dtype.itemsize, shapes, placed
    )
    return sum(jax.tree.leaves(sizes))


def describe(config: ml_collections.ConfigDict) -> str:
    """The plan of a run as text.

    Raises:
      UserError: the config describes no possible model, or one that doesn't fit the mesh.
    """
    seq_len = int(config.train.seq_len)
    shapes = {
        "dense (seed, branch, peer)": models.dense_config(config),
        "mixture": models.mixture_config(config, reasoning=True),
    }
    mesh, rules, where = _mesh(config)
    lines = ["model                       parameters      active   bytes/device  + AdamW   forward FLOPs/token"]
    for name, model in shapes.items():
        count = parameter_count(model)
        try:
            placed = bytes_per_device(model, mesh, rules)
        except sharding.ShardingError as error:
            raise UserError(str(error)) from error
        flops = sum(forward_flops(model, seq_len).values())
        lines.append(
            f"{name:26}{wording.count(count['total']):>12}{wording.count(count['active']):>12}{wording.size(placed):>15}"
            f"{wording.size(3 * placed):>9}{wording.count(flops):>22}"
        )
    lines += ["", f"mesh {dict(mesh.shape)} on {where}", ""]
    lines.append(f"{'stage':18}{'steps':>8}{'tokens':>10}{'FLOPs/token':>13}{'FLOPs':>10}")
    rows = _training_rows(config, seq_len)
    for name, steps, tokens, flops in rows:
        lines.append(_training_line(name, steps, tokens, flops))
    spent = sum(tokens * flops for name, _, tokens, flops in rows if name != "seed")
    rates = {"trunk": config.dense.trunk_lr, "experts": config.dense.experts_lr}
    per_token = training_flops(shapes["dense (seed, branch, peer)"], seq_len, rates)
    steps = math.ceil(spent / (per_token * int(config.train.batch_size) * seq_len))
    tokens = steps * int(config.train.batch_size) * seq_len
    lines.append(_training_line("dense", steps, tokens, per_token))
    return "\n".join(lines)


def _mesh(config: ml_collections.ConfigDict) -> tuple[jax.sharding.Mesh, sharding.ShardingRules, str]:
    """The run's mesh and rules, and where it lies: on the devices here, or for a pod's config on the fewest it fits."""
    here = f"{jax.device_count()} {jax.devices()[0].platform} device(s)"
    try:
        return *training_run.mesh_and_rules(config), here
    except UserError as error:
        sizes = {axis: max(int(size), 1) for axis, size in config.mesh.items()}
        if not isinstance(error.__cause__, sharding.ShardingError) or math.prod(sizes.values()) <= jax.device_count():
            raise
        shape = tuple(sizes.get(axis, 1) for axis in sharding.MESH_AXES)
        mesh = jax.sharding.AbstractMesh(shape, sharding.MESH_AXES)
        return mesh, sharding.ShardingRules(), f"{mesh.size} devices or a multiple; here are {here}"


def _training_line(name: str, steps: int, tokens: int, flops: float) -> str:
    return f"{name:18}{steps:>8,}{wording.count(tokens):>10}{wording.count(flops):>13}{tokens * flops:>10.2e}"


def _training_rows(config: ml_collections.ConfigDict, seq_len: int) -> list[tuple[str, int, int, float]]:
    """(stage, steps, tokens, training FLOPs per token) of every training run but the dense peer's."""
    dense, plain = models.dense_config(config), models.mixture_config(config, reasoning=False)
    rows = int(config.train.batch_size)
    seed_rates = {"trunk": config.seed_stage.trunk_lr, "experts": config.seed_stage.experts_lr}
    branch_rates = {"trunk": config.experts.trunk_lr, "experts": config.experts.experts_lr}
    branch_rows = int(config.experts.batch_size) * len(config.domains)
    planned = [
        ("seed", config.seed_stage.steps, rows, training_flops(dense, seq_len, seed_rates)),
        ("experts", config.experts.steps, branch_rows, training_flops(dense, seq_len, branch_rates)),
        ("router", config.router.steps, config.router.batch_size, router_training_flops(plain, seq_len)),
    ]
    for name in phases(config):
        planned.append((f"joint/{name}", config.joint[name].steps, rows, phase_plan(config, name)[1]))
    return [(name, int(steps), int(steps) * int(batch) * seq_len, flops) for name, steps, batch, flops in planned]
