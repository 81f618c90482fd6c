"""The binaries as users meet them: exit codes, one line for each mistake, and silence otherwise."""

import json
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
FAKE_RUN = pathlib.Path(__file__).with_name("fake_run.py")
CONFIG = """
import ml_collections

def get_config(arg=None):
    config = ml_collections.ConfigDict()
    config.seed = 5 if arg == "five" else 1
    config.alpha = ml_collections.ConfigDict(dict(steps=2, crash=False, rate=0.5, sizes=(1, 2), nothing=None, many=[1]))
    config.beta = ml_collections.ConfigDict(dict(times=2))
    config.report = ml_collections.ConfigDict(dict(fail=False))
    return config
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "tiny.py").write_text(CONFIG)
    (tmp_path / "raises.py").write_text("def get_config():\n    return {}['model']\n")
    (tmp_path / "broken.py").write_text("def get_config(:\n")
    (tmp_path / "empty.py").write_text("x = 1\n")
    (tmp_path / "nothing.py").write_text("def get_config():\n    pass\n")
    (tmp_path / "fixed.py").write_text(CONFIG.replace("arg=None", "").replace('5 if arg == "five" else 1', "1"))
    return tmp_path


def launch(folder, *arguments):
    return subprocess.run(
        [sys.executable, str(FAKE_RUN), *arguments], cwd=folder, capture_output=True, text=True, timeout=60
    )


def snapshot(path):
    return {str(p.relative_to(path)): p.read_bytes() for p in path.rglob("*") if p.is_file()}


@pytest.mark.parametrize(
    "arguments, code, words",
    [
        ("--config=tiny.py --config.alpha.step=1", 1, ["--config.alpha.step;", "--config.alpha.steps"]),
        ("--config=tiny.py --config.steps=1", 1, ["--config.alpha.steps"]),
        ("--config=tiny.py --config.alpha.qqqq=1", 1, ["--config.alpha.qqqq", "config.alpha has", "steps"]),
        ("--config=tiny.py --config.seed.x=1", 1, ["--config.seed.x"]),
        ("--config=tiny.py --config.alpha.steps=many", 1, ["--config.alpha.steps takes an int, not 'many'"]),
        ("--config=tiny.py --config.alpha.steps=1.5", 1, ["--config.alpha.steps takes an int, not '1.5'"]),
        ("--config=tiny.py --config.alpha.rate=fast", 1, ["takes a float, not 'fast'"]),
        ("--config=tiny.py --config.alpha.crash=maybe", 1, ["takes a bool, not 'maybe'"]),
        ("--config=tiny.py --config.alpha.sizes=(1,'a')", 1, ["--config.alpha.sizes", "int", "'a'"]),
        ("--config=tiny.py --config.alpha.nothing=1", 1, ["--config.alpha.nothing is None", "placeholder"]),
        ("--config=tiny.py --config.alpha.many=[2]", 1, ["--config.alpha.many is a list", "tuple"]),
        ("--config=tiny.py --config.alpha={}", 1, ["--config.alpha is a section", "crash, many"]),
        ("--config=tini.py", 1, ["'tini.py' does not exist", "tiny.py"]),
        ("--config=raises.py", 1, ["raises.py, line 2, raised KeyError: 'model'"]),
        ("--config=broken.py", 1, ["broken.py, line 1, raised SyntaxError"]),
        ("--config=empty.py", 1, ["empty.py has no function get_config"]),
        ("--config=nothing.py", 1, ["returned a NoneType"]),
        ("--config=fixed.py:five", 1, ["takes no argument", "--config=fixed.py"]),
        ("--config=tiny.py", 1, ["--workdir is missing"]),
        ("--workdir=w", 1, ["--config is missing"]),
        ("--config.seed=2 --workdir=w", 1, ["--config.seed", "--config=FILE"]),
        ("--config=tiny.py --workdir=tiny.py", 1, ["not a folder"]),
        ("--config=tiny.py --workdir=w --stages=betta", 1, ["betta", "the nearest: beta"]),
        (
            "--config=tiny.py --workdir=w --stages=beta",
            1,
            ["needs stage alpha", "python -m fake_run --config=tiny.py --workdir=w"],
        ),
        ("--config=tiny.py --workdr=w", 2, ["unknown flag --workdr", "--workdir"]),
        ("--config=tiny.py --workdir=w stray", 2, ["'stray'"]),
        ("--config=tiny.py --workdir", 2, ["workdir"]),
        ("--flagfile=none", 2, ["none"]),
    ],
)
def test_a_mistake_is_one_line_and_an_exit_code(folder, arguments, code, words):
    done = launch(folder, *arguments.split())
    assert done.returncode == code, done.stderr
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1, done.stderr
    for word in words:
        assert word in done.stderr
    assert not [path for path in (folder / "w").glob("*/*")]


def test_a_whole_run_then_a_no_op_then_another_config(folder):
    first = launch(folder, "--config=tiny.py:five", "--workdir=w", "--config.alpha.steps=3")
    assert first.returncode == 0 and first.stderr == "", first.stderr
    assert "[1/3] alpha: started" in first.stdout and "[3/3] report: complete in" in first.stdout
    assert first.stdout.endswith("a table about w\nreport: w/report/index.html\n")
    assert (folder / "w" / "alpha" / "checkpoints" / "2.txt").read_text() == "5 2"
    before = snapshot(folder / "w")
    again = launch(folder, "--config=tiny.py:five", "--workdir=w", "--config.alpha.steps=3")
    assert again.returncode == 0 and "all 3 stages are complete, nothing to do" in again.stdout
    other = launch(folder, "--config=tiny.py", "--workdir=w", "--config.alpha.steps=3")
    assert other.returncode == 1
    assert other.stderr.startswith(
        "error: stage alpha in w was made with another config (seed: 5 -> 1); choose another --workdir"
    )
    after = snapshot(folder / "w")
    assert {p: b for p, b in after.items() if p != ".lock"} == {p: b for p, b in before.items() if p != ".lock"}


def test_one_stage_runs_alone(folder):
    flags = ["--config=tiny.py", "--workdir=w"]
    early = launch(folder, "beta", *flags)
    assert early.returncode == 1 and "needs stage alpha, which has not run in w" in early.stderr
    assert launch(folder, "alpha", *flags).returncode == 0
    assert launch(folder, "beta", *flags).returncode == 0
    status = json.loads((folder / "w" / "run.json").read_text())
    assert {name: entry["status"] for name, entry in status.items()} == {"alpha": "complete", "beta": "complete"}
    rest = launch(folder, *flags)
    assert "[2/3] beta: already complete" in rest.stdout and rest.returncode == 0


AFTER = """
    config.gamma = ml_collections.ConfigDict(dict(init="beta"))
    config.post_training = ("gamma",)
    return config
"""


def test_the_config_says_which_optional_stages_belong_to_the_run(folder):
    (folder / "after.py").write_text(CONFIG.replace("\n    return config\n", AFTER))
    flags = ["--config=after.py", "--workdir=w"]
    for wrong, told in (
        ("gamma.init=delta", "config.gamma.init is 'delta'"),
        ("post_training=('beta',)", "name some of"),
    ):
        done = launch(folder, *flags, f"--config.{wrong}")
        assert done.returncode == 1 and told in done.stderr and done.stderr.count("\n") == 1
    # The stage alone, in the pipeline of a run that it does not belong to, and in that of one that it does.
    early = launch(folder, "gamma", *flags)
    assert early.returncode == 1 and "stage gamma needs stage alpha" in early.stderr
    without = launch(folder, *flags, "--config.post_training=()")
    assert "[3/3] report: complete in" in without.stdout and not (folder / "w" / "gamma").exists()
    other = launch(folder, *flags)
    assert other.returncode == 1 and 'post_training: [] -> ["gamma"]' in other.stderr
    whole = launch(folder, "--config=after.py", "--workdir=v")
    assert "[3/4] gamma: complete in" in whole.stdout, whole.stderr
    assert (folder / "v" / "gamma" / "from.txt").read_text() == "beta: 1"
    assert "told of alpha, beta, gamma" in (folder / "v" / "report" / "index.html").read_text()
    assert "all 4 stages are complete" in launch(folder, "--config=after.py", "--workdir=v").stdout


def test_a_dry_run_writes_nothing(folder):
    for command in ([], ["beta"]):
        done = launch(folder, *command, "--config=tiny.py", "--workdir=w", "--dry_run")
        assert done.returncode == 0 and done.stdout.startswith("plan with seed 1\n"), done.stderr
        assert "pending" in done.stdout
    assert not (folder / "w").exists()


def test_a_failed_check_has_its_report_and_exit_code_1(folder):
    flags = ["--config=tiny.py", "--workdir=w", "--config.report.fail"]
    for _ in range(2):  # and runs again at the next start
        done = launch(folder, *flags)
        assert done.returncode == 1
        assert done.stderr == "error: stage report failed 1 of its own checks: the mixture is worse than its seed\n"
        assert "[3/3] report: failed" in done.stdout and "report: w/report/index.html" in done.stdout
    assert json.loads((folder / "w" / "run.json").read_text())["report"]["status"] == "failed"


def test_an_unexpected_exception_keeps_its_traceback(folder):
    done = launch(folder, "--config=tiny.py", "--workdir=w", "--config.alpha.crash")
    assert done.returncode == 1
    assert "Traceback" in done.stderr and "RuntimeError: alpha broke" in done.stderr
    assert json.loads((folder / "w" / "run.json").read_text())["alpha"]["status"] == "failed"


@pytest.mark.parametrize("command", [["-m", "launch.pipeline"], [str(FAKE_RUN), "alpha"]])
def test_help_lists_the_flags_and_is_no_failure(command):
    done = subprocess.run([sys.executable, *command, "--helpshort"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == ""
    for flag in ("--config:", "--workdir:", "dry_run:", *(["--stages:"] if "launch.pipeline" in command else [])):
        assert flag in done.stdout


def test_a_reader_that_goes_away_does_not_stop_the_run(folder):
    process = subprocess.Popen(
        [sys.executable, str(FAKE_RUN), "--config=tiny.py", "--workdir=w"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(timeout=60) == 0
    assert (folder / "w" / "report" / "manifest.json").exists()


def test_ctrl_c_says_how_to_go_on(folder):
    script = f"""
import os, signal, sys
sys.path.insert(0, {str(ROOT)!r})
from launch import cli
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs start with it ignored
cli.main(lambda invocation: os.kill(os.getpid(), signal.SIGINT))
"""
    done = subprocess.run(
        [sys.executable, "-c", script, "--config=tiny.py", "--workdir=w"], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 130 and done.stderr == "interrupted: the same command goes on from here\n"


def test_a_complete_run_needs_neither_jax_nor_tensorflow(folder):
    assert launch(folder, "--config=tiny.py", "--workdir=w").returncode == 0
    script = f"""
import atexit, runpy, sys
atexit.register(lambda: print(sorted({{"jax", "tensorflow", "numpy", "seqio"}} & set(sys.modules))))
sys.argv = [{str(FAKE_RUN)!r}, "--config=tiny.py", "--workdir=w"]
sys.path.insert(0, {str(FAKE_RUN.parent)!r})
runpy.run_path(sys.argv[0], run_name="__main__")
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=folder, capture_output=True, text=True)
    assert "nothing to do" in done.stdout and done.stdout.endswith("\n[]\n"), done.stdout + done.stderr


def test_the_start_up_notices_of_tensorflow_are_held_back_and_nothing_else():
    script = f"""
import os, sys
sys.path.insert(0, {str(ROOT)!r})
from launch.quiet_tensorflow import notices_dropped
with notices_dropped():
    os.write(2, b"WARNING: All log messages before absl::InitializeLog() is called are written to STDERR\\n")
    os.write(2, b"I0000 00:00:1795368996.087340    6709 cudart_stub.cc:31] Could not find cuda drivers\\n")
    os.write(2, b"E0000 00:00:1795368996.087340    6709 cuda_platform.cc:52] failed call to cuInit: INTERNAL\\n")
    os.write(2, b"E0000 00:00:1795368996.087340    6709 cuda_platform.cc:52] failed call to cuInit: INTERNAL\\n")
    os.write(2, b"E0000 00:00:1795368996.087340    6709 x.cc:31] kept\\n")
print("after", file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stderr == "E0000 00:00:1795368996.087340    6709 x.cc:31] kept\nafter\n"
