"""What the sandbox takes, and whether its verdicts hold: HumanEval's and MBPP's own solutions, idle and under load.

    python -m benchmarks.sandbox --benchmarks=../shared/benchmarks

Prints programs a second through one pool and through one a core, how many of the 164 and 500 solutions pass and in how
many seconds, and the same while every core is kept busy by `--load` loops.
"""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import subprocess
import sys
import time
from collections.abc import Iterator

from absl import app, flags

from benchmarks import text_corpora
from data.benchmarks import humaneval, mbpp
from data.execution import pools

_BENCHMARKS = flags.DEFINE_string("benchmarks", "", "Folder of the sets; empty for benchmarks/ in the samples' folder.")
_LOAD = flags.DEFINE_integer("load", 2, "Loops a core of the runs under load.", lower_bound=0)
_COUNT = flags.DEFINE_integer("count", 200, "Small programs of the throughput.", lower_bound=1)
_JSON = flags.DEFINE_string("json", "", "File that the figures are written to.")
TIMEOUT = 10.0


@contextlib.contextmanager
def busy(loops: int) -> Iterator[None]:
    """Keeps the machine busy by that many endless loops."""
    running = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(loops)]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


def solutions(folder: pathlib.Path) -> dict[str, list[str]]:
    """Name -> programs that are right."""
    return {
        "humaneval": [problem.program(problem.canonical_solution) for problem in humaneval.problems(folder)[0]],
        "mbpp": [problem.program(problem.code) for problem in mbpp.problems(folder)[0]],
    }


def measure(programs: list[str], count: int) -> dict[str, float]:
    """Programs that pass and seconds, through `count` pools."""
    started = time.perf_counter()
    passed = sum(result.status == "passed" for result in pools.run(programs, TIMEOUT, count=count))
    seconds = time.perf_counter() - started
    return {"programs": len(programs), "passed": passed, "seconds": seconds, "per_second": len(programs) / seconds}


def main(argv: list[str]) -> None:
    """Prints a row a measurement."""
    folder = pathlib.Path(_BENCHMARKS.value or text_corpora.samples_folder() / "benchmarks")
    cores = len(os.sched_getaffinity(0))
    small = [f"assert sum(range({n})) == {n * (n - 1) // 2}" for n in range(_COUNT.value)]
    work = {"small": small} | solutions(folder)
    rows = []
    for load in sorted({0, _LOAD.value}):
        with busy(load * cores):
            for name, programs in work.items():
                for count in sorted({1, cores}):
                    row = {"programs_of": name, "loops_a_core": load, "pools": count} | measure(programs, count)
                    rows.append(row)
                    print(
                        f"{name:<10} {load} loops a core, {count} pools: {row['passed']}/{row['programs']} passed, "
                        f"{row['seconds']:.1f} s, {row['per_second']:.0f} programs/s",
                        flush=True,
                    )
    if _JSON.value:
        pathlib.Path(_JSON.value).write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    app.run(main)
