"""All stages in one process, from text to the report.

    python -m launch.pipeline --config=experiments/demo.py --workdir=runs/demo [--stages=a,b] [--dry_run]

What is complete is skipped and what is not goes on where it was; a second run only says that all is complete,
and does so without loading JAX or TensorFlow.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import NoReturn

from absl import flags

from launch import cli
from launch import stage as stage_lib
from launch import stages as stages_lib
from launch.errors import CheckFailed, UserError
from launch.progress import Progress
from launch.stages import STAGES, Stages

_REPORT = "report"


def select(wanted: Sequence[str], stages: Stages = STAGES) -> list[str]:
    """The wanted stages in the order in which they run; all but the optional ones when none is named.

    Raises:
      UserError: a name is no stage's.
    """
    for name in wanted:
        stages_lib.get(name, stages)
    return [name for name, spec in stages.items() if (name in wanted if wanted else not spec.is_optional)]


def plan(invocation: cli.Invocation, names: Sequence[str]) -> None:
    """Prints what would be done; writes nothing."""
    print(cli.describe(invocation.config))
    config, workdir, stages = invocation.config, invocation.workdir, invocation.stages
    states = {name: stage_lib.stage_state(name, config, workdir, stages)[0] for name in names}
    print("stages: " + ", ".join(f"{name} {state}" for name, state in states.items()))


def print_summary(invocation: cli.Invocation) -> None:
    """Prints the short table and the path of the report, once there is one."""
    spec = invocation.stages[_REPORT]
    page = invocation.workdir.folder(spec.folder) / "index.html"
    if page.is_file():
        for line in importlib.import_module(spec.module).summary_lines(invocation.workdir):
            print(line)
        print(f"report: {page}")


def run(invocation: cli.Invocation, names: Sequence[str]) -> None:
    """Runs the named stages in order.

    Raises:
      UserError: a stage cannot run or failed a check of its own; later stages are not started.
    """
    workdir, config, stages = invocation.workdir, invocation.config, invocation.stages
    with workdir.lock():
        known = workdir.read_run()
        for name in (*select((), stages), *names):
            if name not in known:
                workdir.update_run(name, status="pending", started=None, finished=None, config_hash=None)
        # All configs are held against the workdir before the first stage may spend an hour.
        states = [stage_lib.stage_state(name, config, workdir, stages)[0] for name in names]
        failure: CheckFailed | None = None
        with Progress(names) as progress:
            for name in names:
                try:
                    stage_lib.run_stage(name, config, workdir, progress, stages, invocation.flags)
                except CheckFailed as error:
                    failure = error
                    break
    if all(state == "complete" for state in states):
        print(
            f"{workdir}: {'all ' if list(names) == select((), stages) else ''}{len(names)} stages are complete, nothing to do"
        )
    if _REPORT in names:
        print_summary(invocation)
    if failure is not None:
        raise failure


def main(stages: Stages = STAGES) -> NoReturn:
    """Parses the command line, runs and exits."""
    wanted = flags.DEFINE_list("stages", [], f"Run only these stages, of: {', '.join(stages)}.")

    def body(invocation: cli.Invocation) -> None:
        try:
            names = select(wanted.value, invocation.stages)
        except UserError as error:
            raise UserError(f"--stages: {error.message}", error.fix) from error
        (plan if invocation.dry_run else run)(invocation, names)

    cli.main(body, stages)


if __name__ == "__main__":
    main()
