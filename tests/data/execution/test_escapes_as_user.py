"""The attempts of test_escapes once more, by a user without rights, where the tests are root's."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

from data.execution import isolation
from tests.data.execution.attempts import LIMITS, PRELUDE, REFERENCE, values
from tests.data.execution.test_escapes import ATTEMPTS

ROOT = pathlib.Path(__file__).resolve().parents[3]
DRIVER = """
import concurrent.futures, json, queue, sys
from data.execution.limits import Limits
from data.execution.pool import Pool
from data.execution.result import Refused
work = json.load(sys.stdin)
pools = queue.SimpleQueue()
try:
    for _ in range(4):
        pools.put(Pool("bubblewrap", Limits(**work["limits"])))
except Refused as refusal:
    print(json.dumps({"refused": str(refusal)}))
    sys.exit()
def run(case):
    pool = pools.get()
    try:
        first = pool.run(case["program"], stdin="x", timeout=case["seconds"])
        return first.status, first.stdout, pool.run(work["reference"], timeout=20).status
    finally:
        pools.put(pool)
with concurrent.futures.ThreadPoolExecutor(4) as threads:
    print(json.dumps(list(threads.map(run, work["cases"]))))
"""


def _interpreter_of_all():
    """An interpreter that any user can start: this one's, else the system's."""
    own = isolation.base_prefix() / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    if isolation._is_open_to_all(own.parent):
        return str(own)
    system = shutil.which("python3", path="/usr/bin:/bin")
    if system is None:
        pytest.skip(f"{own} is root's alone and there is no python3 of the system")
    found = subprocess.run(
        [system, "-c", "import sys; print(sys.version_info >= (3, 11))"], capture_output=True, text=True
    )
    if found.stdout.strip() != "True":
        pytest.skip(f"{own} is root's alone and {system} is older than Python 3.11")
    return system


@pytest.mark.skipif(os.getuid() != 0, reason="the tests run as a user without rights already")
@pytest.mark.slow
def test_all_attempts_of_a_user_without_rights_are_contained(host):
    python = _interpreter_of_all()
    code = pathlib.Path(host["HOST_SOCKET"]).parent
    shutil.copytree(ROOT / "data" / "execution", code / "data" / "execution")
    os.system(f"chmod -R a+rX {code}")
    cases = [{"program": values(host) + PRELUDE + case.values[0], "seconds": case.values[2]} for case in ATTEMPTS]
    limits = {name: getattr(LIMITS, name) for name in ("memory", "processes", "file_size", "disk", "output")}
    work = json.dumps({"limits": limits, "reference": values(host) + REFERENCE, "cases": cases})
    done = subprocess.run(
        [python, "-B", "-c", DRIVER],
        input=work,
        capture_output=True,
        text=True,
        cwd=code,
        env={"PATH": os.environ["PATH"], "TOKEN": "sesame"},
        user=54321,
        group=54321,
        extra_groups=[],
    )
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)
    if "refused" in results:
        pytest.skip(f"a user without rights can't isolate here: {results['refused']}")
    for case, (status, stdout, after) in zip(ATTEMPTS, results, strict=True):
        assert status in case.values[1] and "ESCAPED" not in stdout and after == "passed", (
            case.id,
            status,
            stdout,
            after,
        )
