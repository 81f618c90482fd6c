"""The whole pipeline on a toy: it runs, a second start does nothing, and kill -9 changes no checkpoint."""

import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

import pytest

ROOT = pathlib.Path(__file__).parents[2]
STAGE_FOLDERS = (
    "data",
    "tokenizer",
    "seed",
    "experts",
    "mix",
    "router",
    "joint",
    "sft",
    "reward",
    "ppo",
    "improve",
    "dense",
    "eval",
    "report",
)


def command(workdir):
    return [sys.executable, "-m", "launch.pipeline", "--config=experiments/tiny.py", f"--workdir={workdir}"]


def finish(workdir):
    return subprocess.run(command(workdir), cwd=ROOT, capture_output=True, text=True, check=False)


def outputs(workdir):
    """Stage -> {path: hash} as the manifests recorded them, without the page, which tells times."""
    found = {}
    for folder in STAGE_FOLDERS:
        manifest = json.loads((workdir / folder / "manifest.json").read_text())
        found[folder] = {path: value for path, value in manifest["outputs"].items() if not path.endswith(".html")}
    return found


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    workdir = tmp_path_factory.mktemp("unbroken")
    done = finish(workdir)
    assert done.returncode == 0, done.stdout + done.stderr
    return workdir, done


@pytest.mark.slow
def test_a_run_makes_every_stage_and_ends_with_the_table(unbroken):
    workdir, done = unbroken
    results = json.loads((workdir / "eval" / "results.json").read_text())
    domains = ["code", "math", "language", "reasoning", "multimodal"]
    models = ["seed", *(f"expert_{d}" for d in domains), "dense_equal_flops"]
    models += [f"mixture_after_{stage}" for stage in ("mix", "router", "joint", "sft", "ppo", "improve")] + ["oracle"]
    assert list(results["held_out_loss"]) == models
    assert all(set(losses) == set(domains) for losses in results["held_out_loss"].values())
    assert "oracle_regret" in results
    assert str(workdir / "report" / "index.html") in done.stdout
    assert "mixture_after_joint" in done.stdout
    balance = json.loads((workdir / "data" / "manifest.json").read_text())["records"]
    assert balance["in"] == balance["out"] + sum(balance["dropped"].values()) + sum(balance["quarantined"].values())


@pytest.mark.slow
def test_mixing_frozen_branches_loses_nothing(unbroken):
    """The mixture forced to one expert has, on that expert's domain, the loss of that branch."""
    results = json.loads((unbroken[0] / "eval" / "results.json").read_text())
    forced = results["forced_expert_loss"]["mixture_after_mix"]
    for domain, losses in forced.items():
        for held_out, loss in losses.items():
            assert loss == pytest.approx(results["held_out_loss"][f"expert_{domain}"][held_out], rel=1e-5)


@pytest.mark.slow
def test_a_second_start_does_nothing(unbroken):
    workdir, _ = unbroken
    before = {path: path.stat().st_mtime_ns for path in workdir.rglob("*") if path.is_file()}
    again = finish(workdir)
    assert again.returncode == 0 and "complete" in again.stdout
    after = {path: path.stat().st_mtime_ns for path in workdir.rglob("*") if path.is_file()}
    assert {p: t for p, t in after.items() if p.name != ".lock"} == {
        p: t for p, t in before.items() if p.name != ".lock"
    }


@pytest.mark.slow
def test_killed_runs_end_with_the_same_hashes(unbroken, tmp_path):
    """kill -9 at moments drawn by a fixed seed: anywhere, mid-stage or in the middle of a checkpoint."""
    moments = random.Random(20)
    kills = 0
    for _ in range(4):
        process = subprocess.Popen(
            command(tmp_path), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        time.sleep(moments.uniform(8, 35))
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            kills += 1
        process.wait()
    done = finish(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert kills
    assert outputs(tmp_path) == outputs(unbroken[0])
