"""`launch.sandbox`: one line of JSON for a program, one line of words for what can't be run."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]


def _run(*arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "launch.sandbox", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("program", "status", "stdout"),
    [
        ("print('two\\nlines')", "passed", "two\nlines\n"),
        ("assert False", "failed", ""),
        ("import os\nos._exit(0)", "failed", ""),
        ("while True: pass", "timeout", ""),
    ],
)
def test_prints_how_the_program_ended_and_exits_0(tmp_path, program, status, stdout):
    path = tmp_path / "program.py"
    path.write_text(program)
    timeout = "0.5" if status == "timeout" else "60"
    done = _run(str(path), f"--timeout={timeout}", "--isolation=process")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("\n") == 1
    line = json.loads(done.stdout)
    assert list(line) == ["status", "stdout", "stderr", "seconds"]
    assert (line["status"], line["stdout"]) == (status, stdout)


def test_the_default_is_bubblewrap_or_a_refusal(tmp_path):
    path = tmp_path / "program.py"
    path.write_text("open('/etc/passwd')")
    done = _run(str(path), "--timeout=60")
    line = json.loads(done.stdout)
    assert done.returncode == 0 and line["status"] in ("failed", "refused")
    assert ("No such file" if line["status"] == "failed" else "bubblewrap") in line["stderr"]


def test_a_file_that_cannot_be_read_is_told_in_one_line(tmp_path):
    (tmp_path / "latin.py").write_bytes(b"x = '\xe9'\n")
    for name, said in (("none.py", "No such file"), ("", "Is a directory"), ("latin.py", "byte 5 is not UTF-8")):
        done = _run(str(tmp_path / name))
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1 and said in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("a.py", "b.py"),
        ("a.py", "--isolation=none"),
        ("a.py", "--timeout=soon"),
        ("a.py", "--timeout=nan"),
        ("--no",),
    ],
)
def test_a_command_line_that_makes_no_sense_is_told_in_one_line(arguments):
    done = _run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1


def test_help_is_no_failure():
    done = _run("--helpshort")
    assert done.returncode == 0 and "--timeout:" in done.stdout and "isolation" in done.stdout
