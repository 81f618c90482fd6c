"""Ways out of the sandbox, ways to harm it, and ways to be called right: each is tried, none may work.

A program says what it achieved: it prints ESCAPED where it got what it must not have. After each a reference program
has to pass in the same pool, so that what one leaves behind would be seen. All of it runs as the user of the tests and,
where that is root, once more as a user without rights.
"""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile

import pytest

from data.execution import isolation
from data.execution.limits import Limits
from data.execution.pool import Pool
from data.execution.result import Refused
from tests.data.execution.attempts import PRELUDE
from tests.data.execution.ways_in import FORGERIES, HOGS, LINGERING
from tests.data.execution.ways_out import FILES, NETWORK, RIGHTS

ROOT = pathlib.Path(__file__).resolve().parents[3]
LIMITS = Limits(memory=256 << 20, processes=16, file_size=1 << 20, disk=4 << 20, output=4096)
REFERENCE = """
import os, resource, tempfile, threading
assert sorted(os.listdir("/tmp")) == ["job"] and os.listdir(".") == []
assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 64 and os.getpriority(os.PRIO_PROCESS, os.getppid()) == BASE
assert len(os.sched_getaffinity(os.getppid())) == CORES
with tempfile.TemporaryFile() as file:
    file.write(bytes(1 << 19))
thread = threading.Thread(target=bytearray, args=(64 << 20,))
thread.start()
thread.join()
child = os.fork()
if child == 0:
    os._exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
print(sorted("cab"))
"""
ATTEMPTS = NETWORK + FILES + RIGHTS + HOGS + LINGERING + FORGERIES


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    """What an attempt would reach: a listening socket of each kind, a file that all may read, a secret."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="escapes-"))
    folder.chmod(0o755)
    (folder / "secret").write_text("sesame")
    (folder / "secret").chmod(0o644)
    name = f"escapes-{os.getpid()}"
    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_UNIX) as path:
        with socket.socket(socket.AF_UNIX) as abstract:
            path.bind(str(folder / "socket"))
            (folder / "socket").chmod(0o777)
            abstract.bind("\0" + name)
            path.listen()
            abstract.listen()
            yield {
                "HOST_PORT": tcp.getsockname()[1],
                "HOST_NAME": name,
                "HOST_SOCKET": str(folder / "socket"),
                "HOST_FILE": str(folder / "secret"),
                "BASE": os.getpriority(os.PRIO_PROCESS, 0),
                "CORES": len(os.sched_getaffinity(0)),
            }
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def pool():
    os.environ["ESCAPES_TOKEN"] = "sesame"
    try:
        opened = Pool("bubblewrap", LIMITS)
    except Refused as refusal:
        pytest.skip(str(refusal))
    finally:
        del os.environ["ESCAPES_TOKEN"]
    with opened:
        yield opened


def _values(host):
    return "".join(f"{name} = {value!r}\n" for name, value in host.items())


def test_the_attempts_are_many_and_their_names_differ():
    names = [case.id for case in ATTEMPTS]
    assert len(names) >= 40 and len(set(names)) == len(names)


@pytest.mark.parametrize(("program", "allowed", "seconds"), ATTEMPTS)
def test_an_attempt_is_contained_and_the_next_program_is_as_well_off(pool, host, program, allowed, seconds):
    result = pool.run(_values(host) + PRELUDE + program, stdin="x\n", timeout=seconds)
    assert result.status in allowed, result
    assert "ESCAPED" not in result.stdout, result.stdout
    assert len(result.stdout.encode()) <= 4 * LIMITS.output and len(result.stderr) <= LIMITS.output + 100
    after = pool.run(_values(host) + REFERENCE, timeout=20)
    assert (after.status, after.stdout) == ("passed", "['a', 'b', 'c']\n"), after.stderr


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
def test_all_attempts_of_a_user_without_rights_are_contained(host):
    python = _interpreter_of_all()
    code = pathlib.Path(host["HOST_SOCKET"]).parent
    shutil.copytree(ROOT / "data" / "execution", code / "data" / "execution")
    os.system(f"chmod -R a+rX {code}")
    cases = [{"program": _values(host) + PRELUDE + case.values[0], "seconds": case.values[2]} for case in ATTEMPTS]
    limits = {name: getattr(LIMITS, name) for name in ("memory", "processes", "file_size", "disk", "output")}
    work = json.dumps({"limits": limits, "reference": _values(host) + REFERENCE, "cases": cases})
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
