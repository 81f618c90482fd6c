"""The workdir: atomic files, the lock, and clear words about files that cannot be read."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

from launch import workdir as workdir_lib
from launch.errors import UserError
from launch.workdir import Workdir

ROOT = pathlib.Path(__file__).parents[2]


def test_making_the_object_touches_nothing(tmp_path):
    Workdir(tmp_path / "w")
    assert list(tmp_path.iterdir()) == []


def test_json_replaces_whole_files_only(tmp_path):
    path = tmp_path / "a" / "x.json"
    workdir_lib.atomic_write_json(path, {"n": 1, "path": tmp_path})
    with pytest.raises(TypeError):
        workdir_lib.atomic_write_json(path, {"n": object()})
    with pytest.raises(ValueError):
        workdir_lib.atomic_write_json(path, {"n": float("nan")})
    assert json.loads(path.read_text()) == {"n": 1, "path": str(tmp_path)}
    assert [p.name for p in path.parent.iterdir()] == ["x.json"]


def test_sha256_follows_the_contents(tmp_path):
    file = tmp_path / "f"
    file.write_bytes(b"abc")
    assert workdir_lib.sha256_file(file) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    file.write_bytes(b"abcd")
    assert workdir_lib.hash_files(tmp_path, "*", "f") == {"f": workdir_lib.sha256_file(file)}
    assert workdir_lib.sha256_file(file).startswith("88d4266f")


def test_only_one_process_writes(tmp_path):
    holder = """
import sys, time
from launch.workdir import Workdir
with Workdir(sys.argv[1]).lock():
    print('held', flush=True)
    time.sleep(60)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", holder, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    try:
        assert process.stdout.readline() == "held\n"
        with pytest.raises(UserError, match=f"in use by process {process.pid}; wait for it"):
            with Workdir(tmp_path).lock():
                pass
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    with Workdir(tmp_path).lock():
        assert (tmp_path / ".lock").read_text() == f"{os.getpid()}\n"


def test_a_worker_that_outlives_a_killed_run_does_not_keep_the_lock(tmp_path):
    script = """
import os, signal, sys, time
from launch.workdir import Workdir
with Workdir(sys.argv[1]).lock():
    child = os.fork()
    if child == 0:
        time.sleep(60)
    print(child, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    worker = int(process.stdout.readline())
    process.wait()
    time.sleep(0.2)  # the fork's own handler has surely run
    try:
        os.kill(worker, 0)
        with Workdir(tmp_path).lock():
            assert (tmp_path / ".lock").read_text() == f"{os.getpid()}\n"
    finally:
        os.kill(worker, signal.SIGKILL)
        process.stdout.close()


def test_the_lock_may_be_nested(tmp_path):
    workdir = Workdir(tmp_path)
    with workdir.lock():
        with workdir.lock():
            pass
        with pytest.raises(UserError, match="in use"):
            with Workdir(tmp_path).lock():
                pass


def test_a_workdir_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written to .*choose another --workdir"):
        with Workdir(tmp_path / "file" / "w").lock():
            pass


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"stage": 3}', "\x00"])
def test_a_corrupt_manifest_is_named_with_its_mend(tmp_path, text):
    (tmp_path / "seed").mkdir()
    path = tmp_path / "seed" / "manifest.json"
    path.write_text(text)
    with pytest.raises(UserError) as error:
        Workdir(tmp_path).read_manifest("seed")
    assert str(path) in error.value.message
    assert "delete this file" in error.value.fix
    assert path.read_text() == text


def test_run_json_keeps_other_stages(tmp_path):
    workdir = Workdir(tmp_path)
    workdir.update_run("a", status="running")
    workdir.update_run("b", status="pending")
    workdir.update_run("a", status="complete")
    assert workdir.read_run() == {"a": {"status": "complete"}, "b": {"status": "pending"}}
    (tmp_path / "run.json").write_text("nonsense")
    with pytest.raises(UserError, match="run.json cannot be read.*delete it"):
        workdir.read_run()
