"""Four small stages, one of them optional, and a pipeline over them, which tests run in processes of their own.

python tests/launch/fake_run.py [alpha|beta|gamma] --config=... --workdir=...
"""

import os
import sys
import types

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, ROOT)

from launch import cli, pipeline, stages, workdir  # noqa: E402
from launch.stage import StageOutcome  # noqa: E402

TABLE = stages.table(
    stages.StageSpec("alpha", "alpha", (), ("seed", "alpha"), "fake_run"),
    stages.StageSpec("beta", "b", ("alpha",), ("beta",), "fake_run"),
    stages.StageSpec(
        "gamma", "gamma", ("alpha",), ("gamma",), "fake_run", is_optional=True, starts_from=("alpha", "beta")
    ),
    stages.StageSpec("report", "report", ("alpha", "beta"), ("report",), "fake_run", tells_of=("gamma",)),
)


def run(context):
    name, config = context.spec.name, context.config
    if name == "alpha":
        for step in range(config.alpha.steps):
            path = context.folder / "checkpoints" / f"{step}.txt"
            if not path.exists():  # resumes where it was
                workdir.atomic_write_text(path, f"{config.seed} {step}")
            context.progress.update(step + 1, config.alpha.steps, loss=1.0 / (step + 1))
        if config.alpha.crash:
            raise RuntimeError("alpha broke")
        records = {"in": 5, "out": 3, "dropped": {"short": 1}, "quarantined": {"bad_utf8": 1}}
        return StageOutcome(context.hash_outputs("checkpoints/*"), {"flops": 12}, records=records)
    if name == "beta":
        parts = sorted((context.input_folder("alpha") / "checkpoints").iterdir())
        text = "|".join(part.read_text() for part in parts)
        workdir.atomic_write_text(context.folder / "sum.txt", text * config.beta.times)
        return StageOutcome(context.hash_outputs("sum.txt"))
    if name == "gamma":
        init = config.gamma.init
        workdir.atomic_write_text(
            context.folder / "from.txt", f"{init}: {len(context.input_manifest(init)['outputs'])}"
        )
        return StageOutcome(context.hash_outputs("from.txt"))
    workdir.atomic_write_text(context.folder / "index.html", f"<p>done, told of {', '.join(context.spec.needs)}</p>")
    failed = ["the mixture is worse than its seed"] if config.report.fail else []
    return StageOutcome(context.hash_outputs("index.html"), failed_checks=failed)


def summary_lines(directory):
    return [f"a table about {directory}"]


if __name__ == "__main__":
    sys.modules["fake_run"] = sys.modules["__main__"]
    sys.modules["launch.plan_text"] = types.SimpleNamespace(describe=lambda config: f"plan with seed {config.seed}")
    if len(sys.argv) > 1 and sys.argv[1] in TABLE:
        cli.main(sys.argv.pop(1), TABLE)
    pipeline.main(TABLE)
