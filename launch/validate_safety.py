"""The safety gates: whether a model may be given away. Exit code 3 where one fails, with a line that names each.

python -m launch.validate_safety --config=experiments/demo.py --workdir=runs/demo --data_dir=../shared/benchmarks
python -m launch.validate_safety --config=experiments/demo.py --workdir=runs/demo --stage=experts --domain=code

Writes safety/results.json, safety/index.html and safety/samples/*.jsonl into the workdir. A second start takes up the answers
that the first one got. What could not be measured has failed: docs/safety.md tells what each gate means.
"""

from __future__ import annotations

import pathlib

from absl import flags

from launch import cli
from launch.errors import UserError
from launch.progress import Progress

ANSWERS = "answers.jsonl"


def _define_flags() -> None:
    flags.DEFINE_string("stage", "", "Whose model; the newest without.")
    flags.DEFINE_string("domain", "", "Which branch, with --stage=experts.")
    flags.DEFINE_string(
        "data_dir", "", "Folder of the benchmarks' files; config.safety.data_dir without, or else the hub."
    )
    flags.DEFINE_integer(
        "limit", None, "Most samples of each part; a gate fails on fewer than its least.", lower_bound=1
    )
    flags.DEFINE_integer("max_length", None, "Tokens of the window; what it was trained on without.", lower_bound=8)


def run(invocation: cli.Invocation) -> None:
    """Judges the model that the flags name.

    Raises:
      SafetyValidationError: a gate failed.
      UserError: there is no such model, or no such folder of data.
    """
    values = flags.FLAGS
    data_dir = pathlib.Path(values.data_dir) if values.data_dir else None
    if data_dir is not None and not data_dir.is_dir():
        raise UserError(f"--data_dir={data_dir} is no folder", "name the folder that holds the benchmarks' folders")
    # These load JAX, for which a wrong command line need not wait.
    from launch import saved_models
    from launch.evaluation.answers import Answers
    from launch.evaluation.run_model import open_model
    from launch.safety import record
    from launch.safety import run as run_lib
    from mistral_moe.safety import gates

    run_lib.section_of(invocation.config)
    saved = saved_models.find(invocation.workdir, values.stage, values.domain)
    judged = record.identity(saved)
    if invocation.dry_run:
        branch = f" of {saved.domain}" if saved.domain else ""
        print(
            f"would judge the model of stage {saved.stage}{branch} in {invocation.workdir}; digest {judged['digest']}"
        )
        return
    folder = invocation.workdir.folder(record.FOLDER)
    with invocation.workdir.lock():
        with Progress([record.FOLDER]) as shown, shown.stage(record.FOLDER) as stage:

            def told(part: str, done: int, total: int) -> None:
                if not done:
                    stage.note(part)
                stage.update(done, total)

            model = Answers(folder / ANSWERS, open_model(saved, values.max_length))
            found = run_lib.judge(
                model,
                judged,
                invocation.config,
                invocation.workdir,
                data_dir,
                values.limit,
                values.max_length or saved.max_length,
                told,
            )
    print("\n".join(run_lib.table(found)))
    print(f"results: {folder / record.RESULTS}, page: {folder / run_lib.PAGE}")
    gates.raise_if_failed(found)


if __name__ == "__main__":
    _define_flags()
    cli.main(run)
