"""Rules by name here; meshes of 8 simulated devices, collectives and restores in a process of their own."""

import itertools
import json
import math
import os
import pathlib
import re
import subprocess
import sys

import jax
from jax.sharding import AbstractMesh
import numpy as np
import pytest

from mistral_moe.sharding import (
    MESH_AXES,
    ShardingError,
    ShardingRules,
    branch_rules,
    logical_axes,
    make_mesh,
    param_spec,
)

ROOT = pathlib.Path(__file__).parents[1]
SHAPES = [shape for shape in itertools.product((1, 2, 4, 8), repeat=4) if math.prod(shape) == 8]
# Each axis with others, one mesh on half of the devices; the slow test takes them all.
COVERING = [(1, 2, 2, 2), (4, 1, 2, 1), (2, 2, 1, 1)]


def worker(what, folder, *arguments):
    """What tests/sharding_worker.py measured on 8 simulated devices."""
    flags = "--xla_force_host_platform_device_count=8"
    # Compiling is all that takes time here: half of it goes without LLVM's optimisations.
    flags += " --xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
    environment = os.environ | {
        "XLA_FLAGS": flags,
        "JAX_PLATFORMS": "cpu",
        "PYTHONPATH": str(ROOT),
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    command = [sys.executable, str(ROOT / "tests" / "sharding_worker.py"), what, str(folder), *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def assert_meshes_agree(shapes, folder):
    report = worker("meshes", folder, json.dumps(shapes))
    assert len(report) == len(shapes)
    wrong = {name: row for name, row in report.items() if not (row["loss"] < 1e-5 and row["gradient"] < 1e-4)}
    assert not wrong
    for shape in shapes:
        assert report["x".join(map(str, shape))]["devices"] == [math.prod(shape)]


@pytest.mark.slow
def test_meshes_give_the_loss_and_gradients_of_one_device(tmp_path):
    assert_meshes_agree(COVERING, tmp_path)


@pytest.mark.slow
def test_all_meshes_give_the_loss_and_gradients_of_one_device(tmp_path):
    assert len(SHAPES) == 20
    assert_meshes_agree(SHAPES, tmp_path)


def iota_groups(shape, dims, permutation):
    """`[4,2]<=[2,4]T(1,0)`: the devices counted up, seen as dims, transposed, and cut into groups."""
    ids = np.arange(math.prod(dims)).reshape(dims)
    return (ids.transpose(permutation) if permutation else ids).reshape(shape).tolist()


def numbers(text):
    return [int(number) for number in re.findall(r"\d+", text)]


IOTA = r"\[([\d,]+)\](?:<=\[([\d,]+)\](?:T\(([\d,]+)\))?)?"


def mesh_groups(sizes, device_ids, axes):
    """`mesh['x'=4,'y'=2] {'y'}`: groups along the named axes, all other axes held."""
    names, counts = re.findall(r"'([^']+)'=", sizes), [int(size) for size in re.findall(r"=(\d+)", sizes)]
    ids = np.arange(math.prod(counts))
    if device_ids:
        # `([4,2]T(1,0))` is `[8]<=[4,2]T(1,0)`; a plain list names the devices one by one.
        dims, permutation = re.fullmatch(r"\[([\d,]+)\](?:T\(([\d,]+)\))?", device_ids).groups()
        ids = np.array(iota_groups([-1], numbers(dims), numbers(permutation or "")))
    along = [names.index(name) for name in re.findall(r"'([^']+)'", axes)]
    assert not re.search(r"'\s*:", axes), f"a part of an axis is not understood: {axes}"
    held = [axis for axis in range(len(names)) if axis not in along]
    return ids.reshape(counts).transpose(held + along).reshape(-1, math.prod(counts[a] for a in along)).tolist()


KINDS = "all-reduce|all-gather|reduce-scatter|all-to-all|ragged-all-to-all|collective-permute|collective-broadcast"
COLLECTIVE = re.compile(rf" ({KINDS})(?:-start)?\(")


def collectives(hlo, num_devices=8):
    """[(kind, groups of devices that exchange something)] of a compiled program, in each notation that XLA prints."""
    found = []
    for line in hlo.splitlines():
        if not (match := COLLECTIVE.search(line)):
            continue
        rest = line[match.end() :]
        if pairs := re.search(r"source_target_pairs=\{((?:\{\d+,\d+\},?)*)\}", rest):
            groups = [numbers(pair) for pair in re.findall(r"\{(\d+,\d+)\}", pairs[1])]
        elif mesh := re.search(r"replica_groups=mesh\[([^\]]*)\](?:,\s*device_ids=\(([^{]*)\))?\s*(\{[^}]*\})", rest):
            groups = mesh_groups(*mesh.groups())
        elif iota := re.search(rf"replica_groups={IOTA}", rest):
            shape, dims, permutation = (numbers(part or "") for part in iota.groups())
            groups = iota_groups(shape, dims or [math.prod(shape)], permutation)
        elif listed := re.search(r"replica_groups=\{((?:\{[\d,]*\},?)*)\}", rest):
            groups = [numbers(group) for group in re.findall(r"\{([\d,]*)\}", listed[1])] or [list(range(num_devices))]
        else:
            raise AssertionError(f"a collective in a notation that this test cannot read: {line.strip()[:300]}")
        found.append((match[1], groups))
    return found


def crossing(found, devices_of_a_branch):
    """The collectives with a group whose devices belong to more than one branch."""
    return [(k, g) for k, groups in found for g in groups if len({d // devices_of_a_branch for d in g}) > 1]


@pytest.mark.parametrize(
    "attributes, groups",
    [
        ("replica_groups={{0,1},{2,3}}, x", [[0, 1], [2, 3]]),
        ("replica_groups={}, x", [[0, 1, 2, 3, 4, 5, 6, 7]]),
        ("replica_groups=[4,2]<=[8], x", [[0, 1], [2, 3], [4, 5], [6, 7]]),
        ("replica_groups=[2,4]<=[4,2]T(1,0), x", [[0, 2, 4, 6], [1, 3, 5, 7]]),
        ("replica_groups=[4,2]<=[2,2,2]T(2,1,0), x", [[0, 4], [2, 6], [1, 5], [3, 7]]),
        ("source_target_pairs={{0,0},{4,2}}, x", [[0, 0], [4, 2]]),
        ("replica_groups=mesh['a'=4,'b'=2] {'b'}, x", [[0, 1], [2, 3], [4, 5], [6, 7]]),
        ("replica_groups=mesh['a'=4,'b'=2] {'a'}, x", [[0, 2, 4, 6], [1, 3, 5, 7]]),
        ("replica_groups=mesh['a'=2,'b'=1,'c'=4], device_ids=([4,2]T(1,0)) {'a'}, x", [[0, 1], [2, 3], [4, 5], [6, 7]]),
        ("replica_groups=mesh['a'=2,'b'=2,'c'=2] {'a','c'}, x", [[0, 1, 4, 5], [2, 3, 6, 7]]),
    ],
)
def test_the_reader_of_collectives_knows_each_notation(attributes, groups):
    line = f"  %r = f32[2]{{0}} all-reduce-start(%p), channel_id=1, {attributes}, to_apply=%add"
    assert collectives(line) == [("all-reduce", groups)]
    assert crossing(collectives(line), 8) == []


def test_the_reader_refuses_a_notation_that_it_does_not_know():
    with pytest.raises(AssertionError, match="cannot read"):
        collectives("  %r = f32[2]{0} all-gather(%p), replica_groups=@somewhere")
    assert collectives("  %r = f32[2]{0} add(%all-reduce.1, %p), replica_groups=none") == []


@pytest.mark.slow
def test_branches_together_are_branches_alone_and_no_collective_crosses_them(tmp_path):
    report = worker("branches", tmp_path)
    assert len(report) == 5
    for name, row in report.items():
        assert row["error"] < 1e-3, (name, row)
        found = collectives(pathlib.Path(row["hlo"]).read_text())
        assert crossing(found, row["devices"]) == [], name
        within = [kind for kind, groups in found if any(len(set(group)) > 1 for group in groups)]
        # A branch on several devices must talk among them, or this test could not fail; one on a single device is silent.
        assert ("all-reduce" in within and "all-gather" in within) if row["devices"] > 1 else not within, name


@pytest.mark.slow
def test_a_checkpoint_is_restored_onto_any_mesh(tmp_path):
    report = worker("restore", tmp_path)
    saved = report.pop("saved")
    assert len(report) == 3 and all(row == {"digest": saved, "placed": True} for row in report.values())


def abstract_mesh(**sizes):
    return AbstractMesh(tuple(sizes.get(axis, 1) for axis in MESH_AXES), MESH_AXES)


@pytest.mark.parametrize(
    "path, shape, sizes, message",
    [
        (
            "layers/experts/gate",
            (2, 5, 16, 24),
            dict(expert=2),
            r"layers/experts/gate: dimension 1 \(expert, 5\).*'expert' of size 2",
        ),
        ("layers/attention/key", (2, 16, 2, 4), dict(tensor=4), r"layers/attention/key: dimension 2 \(kv_heads, 2\)"),
        ("lm_head", (16, 30), dict(tensor=4), r"lm_head: dimension 1 \(vocab, 30\)"),
        ("layers/ffn/down", (2, 12, 24), dict(fsdp=8), r"layers/ffn/down: dimension 1 \(mlp_rows, 12\)"),
    ],
)
def test_a_dimension_that_does_not_divide_is_refused_by_name(path, shape, sizes, message):
    with pytest.raises(ShardingError, match=message):
        param_spec(path, shape, abstract_mesh(**sizes), ShardingRules())


def test_five_experts_fit_where_the_expert_axis_is_one():
    spec = param_spec("layers/experts/gate", (2, 5, 16, 24), abstract_mesh(fsdp=4, tensor=2), ShardingRules())
    assert tuple(spec) == (None, "expert", "fsdp", "tensor")


def test_branches_that_do_not_divide_are_refused_by_name():
    with pytest.raises(ShardingError, match=r"layers/ffn/gate: dimension 0 \(branch, 5\)"):
        param_spec("layers/ffn/gate", (5, 2, 16, 24), abstract_mesh(data=2), branch_rules(), branches=True)


def test_a_parameter_without_a_rule_is_refused_by_name():
    with pytest.raises(ShardingError, match="no sharding rule for parameter 'layers/attention/sink'"):
        logical_axes("layers/attention/sink", 2)


@pytest.mark.parametrize("changes", (dict(), dict(router_scope="layer", router_hidden=4)))
def test_every_parameter_of_every_model_has_a_rule(tiny_config, tiny_params, changes):
    for experts in (0, 4):
        params = tiny_params(tiny_config(experts=experts, has_reasoning=True, **changes))
        for path, leaf in jax.tree_util.tree_leaves_with_path(params):
            name = "/".join(key.key for key in path)
            assert len(param_spec(name, leaf.shape, abstract_mesh(), ShardingRules())) == leaf.ndim


@pytest.mark.parametrize(
    "sizes, message",
    [
        ({"model": 2}, "unknown mesh axis 'model'; the axes are data, fsdp, expert, context, tensor"),
        ({"data": 3}, "needs 3 devices, there are 8"),
        ({"data": 4, "tensor": 4}, "needs 16 devices, there are 8"),
        ({"data": 3, "fsdp": -1}, "8 devices are no multiple of 3"),
        ({"data": -1, "fsdp": -1}, "only one mesh axis may be -1"),
    ],
)
def test_a_mesh_that_does_not_fit_is_refused(sizes, message):
    with pytest.raises(ShardingError, match=message):
        make_mesh(sizes, jax.devices()[:1] * 8)


def test_rules_that_collide_or_name_no_axis_are_refused():
    with pytest.raises(ShardingError, match="rule embed='model'"):
        ShardingRules(embed="model")
    with pytest.raises(ShardingError, match="mesh axis 'data' holds the branches"):
        ShardingRules(branch="data")
    assert branch_rules().branch == "data"


def test_hidden_units_lie_on_rows_over_tensor_and_then_fsdp():
    spec = param_spec("layers/experts/down", (2, 5, 16, 24), abstract_mesh(fsdp=4, tensor=2), ShardingRules())
    assert tuple(spec) == (None, "expert", ("tensor", "fsdp"), None)
