"""`launch.evaluate --benchmarks` as users call it: on a run's model, from files, twice, and on broken ones."""

import json
import pathlib
import subprocess
import sys

import jax
import pytest

from data import tokenizer as tokenizer_lib
from experiments.tiny import get_config
from launch import models
from launch.workdir import atomic_write_json
from mistral_moe.models.mistral import init_params

ROOT = pathlib.Path(__file__).parents[3]


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    """A workdir with a complete seed, untrained."""
    workdir = tmp_path_factory.mktemp("run")
    config = get_config()
    path = workdir / "tokenizer" / "tokenizer.model"
    path.parent.mkdir()
    path.write_bytes(tokenizer_lib.mistral_path("v3").read_bytes())
    config.model.vocab_size = tokenizer_lib.load(path).vocab_size
    outputs = models.save(workdir / "seed", init_params(models.dense_config(config), jax.random.key(0)), {})
    manifest = {"stage": "seed", "status": "complete", "config_hash": "", "inputs": {}, "outputs": outputs}
    atomic_write_json(workdir / "seed" / "manifest.json", manifest | {"config": json.loads(config.to_json())})
    return workdir


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    """Three benchmarks' files: one good, one without tests, one broken."""
    folder = tmp_path_factory.mktemp("data")
    for name in ("arc", "code_contests", "piqa"):
        (folder / name).mkdir()
    rows = [{"query": f"Question: what is {n}?", "choices": ["one", "two", "three"], "gold": n % 3} for n in range(6)]
    rows[4]["query"] += " word" * 900
    (folder / "arc" / "arc_easy_test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    problem = {"task_id": "CodeContests/0", "prompt": "'''Add.'''", "test": "", "entry_point": "solution"}
    (folder / "code_contests" / "CodeContests_zeroshot.jsonl").write_text(json.dumps(problem) + "\n")
    (folder / "piqa" / "validation.jsonl").write_text('{"goal_renamed": "x", "choices": ["a", "b"], "gold": 0}\n')
    return folder


def evaluate(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "launch.evaluate", "--config=experiments/tiny.py", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_scores_reasons_and_files(workdir, data_dir):
    done = evaluate(f"--workdir={workdir}", f"--data_dir={data_dir}", "--benchmarks=ARC,code_contests,logiqa")
    assert done.returncode == 0, done.stderr
    results = json.loads((workdir / "eval" / "results.json").read_text())
    assert results["benchmarks_model"] == "seed"
    found = {name: entry for entries in results["benchmarks"].values() for name, entry in entries.items()}
    arc = found["arc"]
    assert arc["status"] == "scored" and 0 <= arc["value"] <= 1 and arc["n"] == 6 and arc["stderr"] >= 0
    assert arc["floor_name"] and arc["counted"]["truncated_prompts"] == 1
    assert found["code_contests"]["reason"].startswith("no_tests: ")
    assert found["logiqa"]["reason"].startswith("data_missing: ")
    assert "arc" in done.stdout and "no_tests" in done.stdout
    folder = workdir / "eval" / "benchmarks" / "seed"
    samples = [json.loads(line) for line in (folder / "samples" / "arc.jsonl").read_text().splitlines()]
    assert len(samples) == 6 and {"id", "prompt", "output", "score"} <= samples[0].keys()
    kept = (folder / "answers" / "arc.jsonl").read_bytes()
    again = evaluate(f"--workdir={workdir}", f"--data_dir={data_dir}", "--benchmarks=arc")
    assert again.returncode == 0 and (folder / "answers" / "arc.jsonl").read_bytes() == kept
    later = json.loads((workdir / "eval" / "results.json").read_text())["benchmarks"]
    assert later["reasoning"]["arc"]["value"] == arc["value"] and "code_contests" in later["code"]


def test_a_broken_file_is_named_after_the_others_have_run(workdir, data_dir):
    done = evaluate(f"--workdir={workdir}", f"--data_dir={data_dir}", "--benchmarks=arc,piqa")
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("error: piqa could not be scored") and "validation.jsonl:1" in last
    assert "Traceback" not in done.stderr
    entry = json.loads((workdir / "eval" / "results.json").read_text())["benchmarks"]["reasoning"]["piqa"]
    assert entry["status"] == "unavailable" and entry["reason"].startswith("data_invalid: ") and entry["value"] is None


@pytest.mark.parametrize(
    "arguments, told",
    [
        (["--benchmarks=arcc"], "did you mean arc"),
        (["--benchmarks=arc", "--data_dir=/no/such/folder"], "is not a folder"),
        (["--benchmarks=arc", "--stage=joint"], "stage joint is not complete"),
    ],
)
def test_what_is_wrong_is_one_line(workdir, arguments, told):
    done = evaluate(f"--workdir={workdir}", *arguments)
    assert done.returncode == 1 and told in done.stderr and "Traceback" not in done.stderr
