"""Kills a pipeline with SIGKILL at random moments, starts it again each time, and compares it with an unbroken run.

    python -m benchmarks.kills --config=experiments/demo.py --unbroken=runs/demo --workdir=runs/killed --kills=10

The unbroken run is made first where it isn't there. Prints each kill and the verdict as JSON; exits 1 when one output of
any stage differs. `report/` is compared by its checks alone: its page shows times.
"""

from __future__ import annotations

import json
import pathlib
import random
import subprocess
import sys
import time

from absl import app, flags

from launch import config_file, pipeline, stages

_CONFIG = flags.DEFINE_string("config", "experiments/tiny.py", "Config of both runs.")
_UNBROKEN = flags.DEFINE_string("unbroken", None, "Workdir of the unbroken run.", required=True)
_WORKDIR = flags.DEFINE_string("workdir", None, "Workdir of the killed run.", required=True)
_KILLS = flags.DEFINE_integer("kills", 10, "Kills before the run may end.", lower_bound=1)
_SEED = flags.DEFINE_integer("seed", 0, "Of the moments.")
_TELLS_TIMES = "report/index.html"


def command(workdir: str) -> list[str]:
    """The command line of a run."""
    return [sys.executable, "-m", "launch.pipeline", f"--config={_CONFIG.value}", f"--workdir={workdir}"]


def manifests(workdir: str) -> dict[str, dict]:
    """What each stage of a complete run wrote of itself."""
    table = stages.resolved(config_file.load(_CONFIG.value))
    folders = {name: pathlib.Path(workdir) / table[name].folder for name in pipeline.select((), table)}
    return {name: json.loads((folder / "manifest.json").read_text()) for name, folder in folders.items()}


def outputs(workdir: str) -> dict[str, str]:
    """Digest of every output of every stage, by `stage/path`."""
    found = {}
    for name, manifest in manifests(workdir).items():
        found |= {f"{name}/{path}": digest for path, digest in manifest["outputs"].items()}
    return {path: digest for path, digest in found.items() if path != _TELLS_TIMES}


def running_stage(workdir: str) -> str:
    """The stage that a killed run was in."""
    path = pathlib.Path(workdir) / "run.json"
    run = json.loads(path.read_text()) if path.exists() else {}
    return next((name for name, entry in run.items() if entry["status"] == "running"), "between stages")


def main(argv: list[str]) -> None:
    """Runs, kills, compares."""
    del argv
    began = time.monotonic()
    subprocess.run(command(_UNBROKEN.value), check=True, stdout=subprocess.DEVNULL)
    # A complete run tells how long its stages took; a fresh one has just taken that long.
    seconds = sum(manifest["seconds"] for manifest in manifests(_UNBROKEN.value).values())
    rng = random.Random(_SEED.value)
    moments = sorted(rng.uniform(0, seconds) for _ in range(_KILLS.value))
    kills = []
    for previous, moment in zip([0.0, *moments], moments, strict=False):
        process = subprocess.Popen(command(_WORKDIR.value), stdout=subprocess.DEVNULL)
        try:
            # Starting takes a while, in which nothing new is done.
            process.wait(timeout=10 + moment - previous)
            break
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            kills.append(running_stage(_WORKDIR.value))
            print(f"kill {len(kills)} in {kills[-1]}", flush=True)
    subprocess.run(command(_WORKDIR.value), check=True, stdout=subprocess.DEVNULL)
    wanted, found = outputs(_UNBROKEN.value), outputs(_WORKDIR.value)
    different = sorted(path for path in wanted.keys() | found.keys() if wanted.get(path) != found.get(path))
    verdict = {
        "kills": kills,
        "outputs": len(wanted),
        "different": different,
        "seconds": round(time.monotonic() - began),
    }
    print(json.dumps(verdict))
    sys.exit(1 if different else 0)


if __name__ == "__main__":
    app.run(main)
