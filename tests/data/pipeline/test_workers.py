"""Workers of a build: they end with the process that started them, however that ends."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import time

import pytest

ROOT = pathlib.Path(__file__).parents[3]
_HANGS = """
import os, pathlib, time

def work(folder, number):
    pathlib.Path(folder, str(os.getpid())).touch()
    time.sleep(600)
"""
_MAIN = """
import sys
import hangs
from data.pipeline.runners import ProcessPool

list(ProcessPool(2).map(hangs.work, sys.argv[1], [0, 1]))
"""


def _is_running(pid: int) -> bool:
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="looks for processes in /proc")
def test_workers_do_not_outlive_a_build_that_is_killed(tmp_path):
    started = tmp_path / "started"
    started.mkdir()
    (tmp_path / "hangs.py").write_text(_HANGS)
    path = os.pathsep.join([str(ROOT), str(tmp_path)])
    build = subprocess.Popen([sys.executable, "-c", _MAIN, str(started)], env=os.environ | {"PYTHONPATH": path})
    while len(list(started.iterdir())) < 2:
        assert build.poll() is None
        time.sleep(0.1)
    build.kill()
    build.wait()
    workers = [int(entry.name) for entry in started.iterdir()]
    for _ in range(600):
        if not any(map(_is_running, workers)):
            return
        time.sleep(0.1)
    pytest.fail(f"workers {workers} live on")
