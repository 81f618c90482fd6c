"""What the kernels become when they are compiled for a TPU, on this machine, which has none."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

from launch import tpu_compiler

ROOT = pathlib.Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(
    not tpu_compiler.is_installed(), reason=f"needs libtpu, the TPU's compiler: {tpu_compiler.INSTALL}"
)


def found(what, topology="v5e:2x2"):
    """What tests/kernels/tpu_worker.py found."""
    command = [sys.executable, str(ROOT / "tests" / "kernels" / "tpu_worker.py"), what, topology]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_each_direction_of_grouped_matmul_is_one_kernel_of_the_ideal_flops():
    for direction, facts in found("grouped_matmul", "v5p:2x2x1").items():
        assert facts["kernels"] == 1, direction
        assert 0.99 < facts["ratio"] <= 1.05, direction
        assert facts["ratio_of_tiles"] <= 1.05, direction


@pytest.mark.slow
def test_the_experts_of_the_full_size_are_nine_kernels_of_the_ideal_flops():
    facts = found("feed_forward")
    assert facts["kernels"] == 9
    assert 0.99 < facts["ratio"] <= 1.05


@pytest.mark.slow
def test_training_in_eight_bits_multiplies_int8():
    """The product and the gradient of its input; that of the weights stays as it is."""
    assert found("quantized_product") == {"none": {"all": 3, "int8": 0}, "int8": {"all": 3, "int8": 2}}


def test_attention_is_splash_and_builds_no_mask():
    for name, facts in found("attention").items():
        assert facts["kernels"] == 3, name  # Forward, gradient of the queries, gradient of keys and values.
        assert not facts["has_a_square"], name


@pytest.mark.slow
def test_a_step_on_a_mesh_of_chips_runs_the_kernels_on_each():
    """By remat policy: what is kept is not computed again."""
    report = found("step")
    # Attention forward and twice backward; three matmuls of the experts, and two gradients of each.
    needed = 3 + 9
    again = {"minimal": 0, "attention": 3}
    assert {policy: report[policy]["kernels"] - needed for policy in again} == again
    assert {policy for policy, facts in report.items() if facts["uses_host_memory"]} == {"offload"}
