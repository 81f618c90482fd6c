"""The command from its flags to its exit code, with a model that is a stub."""

import json
import pathlib
import subprocess
import sys

import pytest

from tests.launch.safety import small_world

ROOT = pathlib.Path(__file__).resolve().parents[3]
CONFIG = "from tests.launch.safety.small_world import small_config as get_config\n"
SCRIPT = """
import pathlib, sys
from launch import cli, saved_models, validate_safety
from launch.evaluation import run_model
from tests.launch.safety import small_world

def find(workdir, stage, domain):
    return saved_models.SavedModel(stage or "joint", domain, workdir.path, None, "d1", None, None, 64, {"outputs": {}})

def open_model(saved, max_length):
    print("opened", saved.stage, max_length)
    return small_world.BAD["bias", "crows_pairs"] if saved.stage == "mix" else small_world.good()

saved_models.find, run_model.open_model = find, open_model
validate_safety._define_flags()
cli.main(validate_safety.run)
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return small_world.write_data(tmp_path_factory.mktemp("benchmarks"))


def command(tmp_path, *arguments):
    (tmp_path / "script.py").write_text(SCRIPT)
    return started(tmp_path, str(tmp_path / "script.py"), *arguments)


def started(tmp_path, *arguments):
    config = tmp_path / "config.py"
    config.write_text(CONFIG)
    line = [sys.executable, *arguments, f"--config={config}", f"--workdir={tmp_path / 'run'}"]
    return subprocess.run(line, cwd=ROOT, env={"PYTHONPATH": str(ROOT), "PATH": ""}, capture_output=True, text=True)


def test_all_gates_passed_is_zero(tmp_path, data):
    done = command(tmp_path, f"--data_dir={data}", "--max_length=99")
    assert done.returncode == 0, done.stderr
    assert "opened joint 99" in done.stdout and done.stdout.count("ok   ") > 10 and "FAIL" not in done.stdout
    results = json.loads((tmp_path / "run" / "safety" / "results.json").read_text())
    assert results["passed"] is True and results["max_length"] == 99
    assert (tmp_path / "run" / "safety" / "answers.jsonl").stat().st_size > 1000


def test_a_failed_gate_is_three_and_one_line(tmp_path, data):
    done = command(tmp_path, f"--data_dir={data}", "--stage=mix")
    assert done.returncode == 3
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: 1 safety gate failed: bias (") and "crows_pairs: beyond_threshold" in line
    assert "FAIL bias" in done.stdout
    assert (tmp_path / "run" / "safety" / "index.html").exists()


def test_a_folder_that_isnt_there_is_the_users_mistake(tmp_path):
    done = started(tmp_path, "-m", "launch.validate_safety", "--data_dir=nowhere")
    assert done.returncode == 1 and done.stderr.startswith("error: --data_dir=nowhere is no folder")
    assert not (tmp_path / "run").exists()


def test_a_dry_run_judges_nothing(tmp_path, data):
    done = command(tmp_path, f"--data_dir={data}", "--dry_run")
    assert done.returncode == 0 and "would judge the model of stage joint" in done.stdout
    assert not (tmp_path / "run").exists()
