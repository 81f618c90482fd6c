"""Every training stage compiled ahead of time for TPU pods: memory, FLOPs, exchanges and modelled speed in one table.

    python -m benchmarks.tpu_compile                                  # v5e:16x16, v6e:16x16, v5p:4x8x8, all stages
    python -m benchmarks.tpu_compile --topologies=v5p:4x8x8 --stages=joint --folder=out

No TPU is needed. Each is compiled in a process of its own (`launch.compile_for_tpu`), one after the other; what lies in
--folder already is not compiled again. A step time is what the chip's data sheet allows, and an MFU an upper bound
(docs/performance.md).
"""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys

from absl import app, flags

from launch import tpu_tables

_ROOT = pathlib.Path(__file__).parents[1]

_CONFIG = flags.DEFINE_string(
    "config", "experiments/enhanced_mistral_5x7b.py:{chip}", "Config file; {chip} stands for the generation."
)
_TOPOLOGIES = flags.DEFINE_list("topologies", ["v5e:16x16", "v6e:16x16", "v5p:4x8x8"], "Which slices.")
_STAGES = flags.DEFINE_list("stages", ["seed", "experts", "router", "joint"], "Which stages; dense is seed's program.")
_FOLDER = flags.DEFINE_string("folder", "runs/tpu_compile", "Where the reports go, one JSON file a stage and slice.")


def report_of(config: str, topology: str, stage: str, folder: pathlib.Path) -> dict:
    """The report of one stage on one slice, compiled unless its file is there.

    Raises:
      RuntimeError: it can't be compiled; the message is the compiler's.
    """
    config = config.replace("{chip}", topology.partition(":")[0])
    file = folder / f"{pathlib.Path(config.partition(':')[0]).stem}-{topology.replace(':', '-')}-{stage}.json"
    if not file.exists():
        command = [sys.executable, "-m", "launch.compile_for_tpu", f"--config={config}", f"--topology={topology}"]
        done = subprocess.run(
            [*command, f"--stage={stage}", f"--output={file.absolute()}"],
            cwd=_ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{stage} on {topology}: {done.stderr.strip()[-2000:]}")
    return json.loads(file.read_text())


def main(argv: list[str]) -> None:
    """Compiles what is missing and prints the table."""
    del argv
    folder = pathlib.Path(_FOLDER.value)
    folder.mkdir(parents=True, exist_ok=True)
    print(tpu_tables.row_heading(), flush=True)
    for topology in _TOPOLOGIES.value:
        for stage in _STAGES.value:
            print(tpu_tables.row(report_of(_CONFIG.value, topology, stage, folder)), flush=True)


if __name__ == "__main__":
    app.run(main)
