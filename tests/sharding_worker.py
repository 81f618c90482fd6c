"""Runs on 8 simulated CPU devices, in a process of its own, and prints what it measured as one line of JSON.

    XLA_FLAGS=--xla_force_host_platform_device_count=8 JAX_PLATFORMS=cpu python tests/sharding_worker.py WHAT FOLDER

WHAT is `meshes` (then a JSON list of mesh shapes), `branches` or `restore`; tests/test_sharding.py reads the answer.
"""

import functools
import json
import math
import pathlib
import sys

import flax.traverse_util
import jax
import numpy as np

from mistral_moe import mesh_context
from mistral_moe.checkpoint import CheckpointStore, abstract, digest
from mistral_moe.models.config import MistralConfig
from mistral_moe.models.mistral import init_params
from mistral_moe.sharding import ShardingRules, batch_sharding, branch_rules, make_mesh, state_shardings, tree_shardings
from mistral_moe.training.losses import RouterTerms, language_model_loss
from mistral_moe.training.optim import OptimConfig, make_optimizer
from mistral_moe.training.partition import split
from mistral_moe.training.step import init_branches, init_state, make_branch_step, make_step

ROWS, LENGTH = 8, 16


def config_of(num_experts):
    """Every dimension that a mesh axis may hold divides by 8."""
    return MistralConfig(
        vocab_size=32,
        d_model=16,
        num_layers=2,
        num_heads=8,
        num_kv_heads=8,
        head_dim=2,
        d_ff=16,
        experts=tuple(f"e{index}" for index in range(num_experts)),
        top_k=2 if num_experts > 1 else 1,
    )


def batch_of(seed, rows=ROWS):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(4, 12, rows)
    places = np.broadcast_to(np.arange(LENGTH), (rows, LENGTH))
    second = places >= lengths[:, None]
    return {
        "tokens": rng.integers(1, 32, (rows, LENGTH)).astype(np.int32),
        "targets": rng.integers(1, 32, (rows, LENGTH)).astype(np.int32),
        "segment_ids": (second + 1).astype(np.int32),
        "positions": np.where(second, places - lengths[:, None], places).astype(np.int32),
        "loss_weights": np.ones((rows, LENGTH), np.float32),
    }


def relative_error(found, expected):
    """Largest difference of a leaf over the largest value of the leaf; NaN counts as infinite."""
    found, expected = np.asarray(found, np.float64), np.asarray(expected, np.float64)
    error = np.abs(found - expected).max() / max(np.abs(expected).max(), 1e-6)
    return float(error) if math.isfinite(error) else math.inf


def worst_leaf(found, expected):
    """(error, path) of the leaf that differs most."""
    flat, other = (flax.traverse_util.flatten_dict(tree, sep="/") for tree in (found, expected))
    return max((relative_error(flat[path], other[path]), path) for path in other)


def loss_and_gradients(config):
    terms = RouterTerms(balance=0.1, z=0.01)

    def run(params, batch):
        (_, metrics), gradients = jax.value_and_grad(
            lambda tree: language_model_loss(config, tree, batch, terms), has_aux=True
        )(params)
        return metrics["loss"], gradients

    return run


@functools.cache
def one_device(num_experts):
    """Parameters, loss and gradients without a mesh."""
    config = config_of(num_experts)
    params = jax.device_get(jax.jit(functools.partial(init_params, config))(jax.random.key(0)))
    return params, *jax.device_get(jax.jit(loss_and_gradients(config))(params, batch_of(1)))


def compare_meshes(shapes):
    """mesh -> relative error of the loss and of the worst gradient against one device."""
    rules, report = ShardingRules(), {}
    for shape in shapes:
        sizes = dict(zip(("data", "fsdp", "expert", "tensor"), shape))
        num_experts = 8 if sizes["expert"] == 8 else 4
        params, loss, gradients = one_device(num_experts)
        mesh = make_mesh(sizes, jax.devices()[: math.prod(shape)])
        shardings = tree_shardings(params, mesh, rules)
        rows = batch_sharding(mesh, rules)
        step = jax.jit(
            loss_and_gradients(config_of(num_experts)), in_shardings=(shardings, rows), out_shardings=(None, shardings)
        )
        with mesh_context.use(mesh):
            found_loss, found = step(params, batch_of(1))
        spread = {len(leaf.sharding.device_set) for leaf in jax.tree.leaves(found)}
        error, path = worst_leaf(jax.device_get(found), gradients)
        report["x".join(map(str, shape))] = {
            "loss": relative_error(found_loss, loss),
            "gradient": error,
            "worst": path,
            "devices": sorted(spread),
        }
    return report


@functools.cache
def branch_program(trained_groups):
    """(trained, frozen, optimiser, step, the step compiled for one branch on one device)."""
    config, rates = config_of(0), {group: 1e-2 for group in trained_groups}
    params = jax.device_get(jax.jit(functools.partial(init_params, config))(jax.random.key(0)))
    # A large epsilon: Adam's first step is the sign of the gradient, which would blow rounding up.
    optimizer = make_optimizer(OptimConfig(rates, num_steps=10, eps=1e-3))
    step = make_step(functools.partial(language_model_loss, config), optimizer)
    return *split(params, rates), optimizer, step, jax.jit(step)


def moves(params, start):
    """How far each parameter moved: against the parameter itself two small steps would be nothing."""
    return jax.tree.map(lambda leaf, before: np.asarray(leaf) - np.asarray(before), params, start)


def train_branches(sizes, num_branches, trained_groups):
    """Two branch-parallel steps on the mesh: their HLO, and the worst leaf against each branch alone on one device."""
    trained, frozen, optimizer, step, alone = branch_program(trained_groups)
    batches = [batch_of(10 + branch) for branch in range(num_branches)]
    stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *batches)

    mesh = make_mesh(sizes)
    rules = branch_rules() if num_branches % mesh.shape["data"] == 0 else ShardingRules()
    state = init_branches(trained, frozen, optimizer, num_branches)
    shardings = state_shardings(state, mesh, rules, branches=True)
    state = jax.device_put(state, shardings)
    stacked = jax.device_put(stacked, batch_sharding(mesh, rules, branches=True))
    with mesh_context.use(mesh):
        together = make_branch_step(step, state, rules.branch)
        compiled = jax.jit(together, out_shardings=(shardings, None)).lower(state, stacked).compile()
    for _ in range(2):
        state, _ = compiled(state, stacked)
    together = jax.device_get(state.params)

    errors = []
    for branch, batch in enumerate(batches):
        single = init_state(trained, frozen, optimizer)
        for _ in range(2):
            single, _ = alone(single, batch)
        mine = jax.tree.map(lambda leaf, branch=branch: leaf[branch], together)
        errors.append(worst_leaf(moves(mine, trained), moves(single.params, trained)))
    return compiled.as_text(), max(errors)


def compare_branches(folder):
    """Layout -> file of the compiled HLO, devices of one branch shard, and the worst parameter after two steps."""
    report = {}
    for name, sizes, num_branches, groups in (
        ("4 branches on 4x2, all trained", {"data": 4, "fsdp": 2}, 4, ("experts", "trunk")),
        ("4 branches on 4x2, experts trained", {"data": 4, "fsdp": 2}, 4, ("experts",)),
        ("4 branches on 2x4 over tensor, experts trained", {"data": 2, "fsdp": 2, "tensor": 2}, 4, ("experts",)),
        ("8 branches on 8, experts trained", {"data": 8}, 8, ("experts",)),
        ("3 branches on 2x2 over tensor, which do not divide", {"data": 2, "fsdp": 2, "tensor": 2}, 3, ("experts",)),
    ):
        text, (error, path) = train_branches(sizes, num_branches, groups)
        file = folder / f"{len(report)}.hlo"
        file.write_text(text)
        devices = 8 // sizes["data"] if num_branches % sizes["data"] == 0 else 8
        report[name] = {"hlo": str(file), "devices": devices, "error": error, "worst": path}
    return report


def restore_elsewhere(folder):
    """A checkpoint that was saved from one mesh and is restored onto others, by digest."""
    config, rules = config_of(4), ShardingRules()
    params = jax.jit(functools.partial(init_params, config))(jax.random.key(0))
    saved_on = make_mesh({"fsdp": 4, "tensor": 2})
    with CheckpointStore(folder / "checkpoints") as store:
        store.save(1, {"params": jax.device_put(params, tree_shardings(params, saved_on, rules))})
    report = {"saved": digest(params)}
    for sizes in ({"data": 8}, {"data": 2, "expert": 4}, {"tensor": 8}):
        shardings = tree_shardings(params, make_mesh(sizes), rules)
        target = jax.tree.map(
            lambda leaf, where: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=where), params, shardings
        )
        with CheckpointStore(folder / "checkpoints") as store:
            restored = store.restore({"params": abstract(target)})["params"]
        placed = all(
            leaf.sharding.is_equivalent_to(where, leaf.ndim)
            for leaf, where in zip(jax.tree.leaves(restored), jax.tree.leaves(shardings))
        )
        report[str(sizes)] = {"digest": digest(restored), "placed": placed}
    return report


def main():
    assert jax.device_count() == 8, "start this with XLA_FLAGS=--xla_force_host_platform_device_count=8"
    what, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    if what == "meshes":
        report = compare_meshes(json.loads(sys.argv[3]))
    else:
        report = {"branches": compare_branches, "restore": restore_elsewhere}[what](folder)
    print(json.dumps(report))


if __name__ == "__main__":
    main()
