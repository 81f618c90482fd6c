"""Compiles the step of a training stage for a TPU pod on a machine without one, and says what it would take there.

python -m launch.compile_for_tpu --config=experiments/enhanced_mistral_5x7b.py --topology=v5p:4x8x8 --stage=joint \
    [--phase=end_to_end] [--output=FILE.json] [--compare=OTHER_CONFIG.py]

Prints markdown: memory per chip and whether it fits, FLOPs against the formula, bytes exchanged by mesh axis, and a
modelled step time, which no real one can be under (docs/performance.md). Exit codes: 0 compiled, or too large for the
memory, which is an answer; 1 a stage, topology, mesh or batch that can't be; 2 usage.
"""

from __future__ import annotations

from launch import tpu_compiler

if __name__ == "__main__":
    tpu_compiler.prepare()  # before JAX is loaded

import dataclasses  # noqa: E402
import math  # noqa: E402
import pathlib  # noqa: E402
import time  # noqa: E402
from typing import Any  # noqa: E402

from absl import flags  # noqa: E402
import jax  # noqa: E402
from jax.experimental import topologies  # noqa: E402
import jaxlib  # noqa: E402
import ml_collections  # noqa: E402
from ml_collections import config_flags  # noqa: E402

from launch import cli, config_file, stage_programs, tpu_tables, training_program  # noqa: E402
from launch.errors import UserError  # noqa: E402
from launch.workdir import atomic_write_json  # noqa: E402
from mistral_moe import mesh_context  # noqa: E402
from mistral_moe.aot import audit, chips  # noqa: E402


def _define_flags() -> None:
    cli.define_config()
    flags.DEFINE_string("topology", "v5p:4x8x8", f"Generation ({', '.join(chips.CHIPS)}) and extents of a slice.")
    flags.DEFINE_string("stage", "joint", f"One of {', '.join(stage_programs.STAGES)}.")
    flags.DEFINE_string("phase", "end_to_end", "Of stage joint.")
    flags.DEFINE_string("output", None, "File to write as JSON.")
    flags.DEFINE_string("compare", None, "Second config file, to be set beside the first.")


def devices_of(topology: chips.Topology) -> list[jax.Device]:
    """The chips of a topology, as devices that can only be compiled for.

    Raises:
      UserError: the TPU's compiler is missing, or knows no such topology.
    """
    if not tpu_compiler.is_installed():
        raise UserError("the TPU's compiler (libtpu) is not installed", tpu_compiler.INSTALL)
    try:
        described = topologies.get_topology_desc(platform="tpu", topology_name=str(topology))
    except jax.errors.JaxRuntimeError as error:
        raise UserError(f"topology {topology}: {error}", "give a slice that the generation is sold in") from error
    return list(described.devices)


@dataclasses.dataclass(frozen=True)
class Prepared:
    """A stage laid on a topology, held against all that can be told before compiling."""

    stage: stage_programs.StageProgram
    topology: chips.Topology
    program: training_program.Program
    batch: Any


def prepare(
    config: ml_collections.ConfigDict, topology: chips.Topology, stage: str, phase: str = "end_to_end"
) -> Prepared:
    """Lays a stage's step on a topology.

    Raises:
      UserError: a stage, mesh or batch that can't be.
    """
    made = stage_programs.of_stage(config, stage, phase)
    mesh, rules = training_program.mesh_and_rules(config, len(made.plan.branches), devices_of(topology))
    program = training_program.build(made.plan, made.abstract_params(), mesh, rules)
    training_program.check_rows(made.rows, program, made.rows_key, made.plan.accumulate)
    return Prepared(made, topology, program, stage_programs.batch_shapes(made, program))


def compile_stage(prepared: Prepared) -> dict[str, Any]:
    """Compiles a stage's step and audits it.

    Raises:
      UserError: a kernel that takes no such shapes.
    """
    made, topology, program = prepared.stage, prepared.topology, prepared.program
    mesh, batch = program.mesh, prepared.batch
    ideal = {
        part: {way: flops * made.plan.tokens_per_step / mesh.size for way, flops in ways.items()}
        for part, ways in made.flops.items()
    }
    report = {
        "stage": made.name,
        "topology": str(topology),
        "mesh": {axis: size for axis, size in mesh.shape.items() if size > 1},
        "tokens_per_step": made.plan.tokens_per_step,
        "argument_bytes": argument_bytes(program, batch),
        "versions": {"jax": jax.__version__, "jaxlib": jaxlib.__version__, "libtpu": tpu_compiler.version()},
    }
    began = time.monotonic()
    try:
        with mesh_context.use(mesh):
            lowered = program.step.lower(program.state, batch)
    except ValueError as error:
        raise UserError(f"stage {made.name} can't be built for {topology}: {error}") from error
    report["lower_seconds"] = time.monotonic() - began
    began = time.monotonic()
    try:
        compiled = lowered.compile()
    except jax.errors.JaxRuntimeError as error:
        sizes = audit.out_of_memory(str(error))
        if sizes is None:
            raise
        return report | too_large(report["argument_bytes"], ideal, *sizes)
    report["compile_seconds"] = time.monotonic() - began
    ways = math.prod(mesh.shape[axis] for axis in program.rows.spec[-1] or ())
    return report | audit.of_step(
        compiled.as_text(),
        compiled.memory_analysis(),
        ideal,
        local_tokens=made.rows * made.seq_len // ways // made.plan.accumulate,
        window=made.model.sliding_window,
        mesh_shape=dict(mesh.shape),
        topology=topology,
        coordinates=[tuple(device.coords) for device in mesh.devices.flat],
    )


def argument_bytes(program: training_program.Program, batch: Any) -> dict[str, int]:
    """Bytes on a chip of what a step is given, by kind."""

    def size(tree: Any) -> int:
        return sum(
            math.prod(leaf.sharding.shard_shape(leaf.shape)) * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree)
        )

    state = program.state
    parts = {
        "trained": state.params,
        "frozen": state.frozen,
        "optimiser": (state.opt_state, state.step),
        "batch": batch,
    }
    return {name: size(tree) for name, tree in parts.items()}


def too_large(arguments: dict[str, int], ideal: dict[str, dict[str, float]], used: int, limit: int) -> dict[str, Any]:
    """The report of a program that the compiler refused for its memory."""
    given = sum(arguments.values())
    return {
        "fits": False,
        "bytes_per_chip": {
            "arguments": given,
            "outputs": None,
            "temporaries": used - given,
            "total": used,
            "limit": limit,
            "over": used - limit,
        },
        "flops": {"compiled": None, "ideal": sum(sum(ways.values()) for ways in ideal.values()), "ratio": None},
        "collectives": {},
        "modelled_step_seconds": None,
        "modelled_mfu": None,
    }


def run() -> None:
    """Compiles what the flags ask for and prints it."""
    values = flags.FLAGS
    if values["config"].value is None:
        raise UserError("--config is missing", "add --config=FILE, for example --config=experiments/demo.py")
    if values.output is not None and not pathlib.Path(values.output).absolute().parent.is_dir():
        raise UserError(f"--output={values.output}: there is no such folder", "make it first")
    try:
        topology = chips.topology(values.topology)
    except chips.TopologyError as error:
        raise UserError(str(error)) from error
    changed = config_flags.get_override_values(values["config"])
    named = " ".join([values["config"].config_filename, *(f"{key}={value}" for key, value in changed.items())])
    configs = {named: values.config}
    if values.compare is not None:
        if values.compare == named:
            raise UserError("--compare names the very config of --config", "name another, or change a key of the first")
        configs[values.compare] = config_file.load(values.compare)
    every = {name: prepare(config, topology, values.stage, values.phase) for name, config in configs.items()}
    reports = {name: compile_stage(prepared) for name, prepared in every.items()}
    first = next(iter(reports.values()))
    print(tpu_tables.one(first) if len(reports) == 1 else tpu_tables.side_by_side(reports))
    if values.output is not None:
        atomic_write_json(pathlib.Path(values.output), first if len(reports) == 1 else reports)


if __name__ == "__main__":
    _define_flags()
    cli.command(run)
