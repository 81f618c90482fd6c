"""SWE-bench's own scorer, which runs the repositories' tests in docker, for where docker and `swebench` are there."""

from __future__ import annotations

import importlib.util
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

from data.execution import pools

RUN_ID = "evaluation"
_DOCKER_SECONDS = 60


class HarnessError(RuntimeError):
    """The harness ended without a report; the message holds the end of what it said."""


def missing() -> str:
    """What the harness lacks on this machine; "" where it can run."""
    if shutil.which("docker") is None:
        return "docker isn't installed"
    try:
        answer = subprocess.run(["docker", "info"], capture_output=True, timeout=_DOCKER_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return "docker doesn't answer"
    if answer.returncode:
        return "docker doesn't answer"
    if importlib.util.find_spec("swebench") is None:
        return "the package swebench isn't installed"
    return ""


def resolved(rows: Sequence[Mapping[str, Any]], predictions: Sequence[Mapping[str, str]]) -> set[str]:
    """Instances whose tests pass with the predicted patch.

    Args:
      rows: of the data set, all of its columns.
      predictions: rows of the predictions file, of one model.

    Raises:
      HarnessError: there is no report.
    """
    with tempfile.TemporaryDirectory(prefix="swebench-") as name:
        folder = pathlib.Path(name)
        for file, lines in (("dataset.jsonl", rows), ("predictions.jsonl", predictions)):
            text = "".join(json.dumps(line, default=str) + "\n" for line in lines)
            (folder / file).write_text(text, encoding="utf-8")
        command = [sys.executable, "-m", "swebench.harness.run_evaluation"]
        command += ["--dataset_name", str(folder / "dataset.jsonl"), "--split", "test"]
        command += ["--predictions_path", str(folder / "predictions.jsonl")]
        command += ["--run_id", RUN_ID, "--max_workers", str(pools.cores())]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", env=_environment())
        reports = sorted(folder.glob(f"**/*.{RUN_ID}.json"))
        if done.returncode or not reports:
            said = " ".join((done.stderr or done.stdout).split())[-300:]
            raise HarnessError(f"swebench's harness ended with exit code {done.returncode} and no report: {said}")
        try:
            return set(json.loads(reports[0].read_text(encoding="utf-8"))["resolved_ids"])
        except (ValueError, LookupError, TypeError) as error:
            raise HarnessError(f"the report of swebench's harness has no resolved_ids: {error!r}") from error


def _environment() -> dict[str, str]:
    """It finds the packages that this process does, in a folder that isn't this one's."""
    paths = [os.path.abspath(path) for path in sys.path if path]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
