"""launch.collect_feedback as users start it: clear errors, a clean end, and a real model that writes the pairs."""

import json
import pathlib
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import jax
import pytest

from data import records
from data import tokenizer as tokenizer_lib
from data.document import Document
from data.domains import LEVELS
from experiments.tiny import get_config
from launch import models
from launch.feedback.pairs import Pair
from launch.feedback.prompts import Drawing, held_out
from launch.feedback.store import PREFERENCES_FILE, UNDECIDED_FILE
from launch.workdir import Workdir, atomic_write_json
from mistral_moe.models.mistral import init_params

ROOT = pathlib.Path(__file__).parents[3]
PAIRS = [Pair(f"prompt {n}", f"first {n}", f"second {n}") for n in range(3)]


def command(*arguments):
    whole = [sys.executable, "-m", "launch.collect_feedback", *map(str, arguments)]
    return subprocess.run(whole, cwd=ROOT, capture_output=True, text=True, check=False)


def told(url, path="api/state", token=None, **body):
    headers = {"Content-Type": "application/json", "X-Feedback-Token": token or ""}
    data = json.dumps(body).encode() if body else None
    with urllib.request.urlopen(urllib.request.Request(url + path, data, headers)) as response:
        return json.load(response)


def press(url, choice):
    state = told(url)
    return told(url, "api/answer", state["token"], id=state["pair"]["id"], choice=choice, key="k")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Workdir with a complete seed and a few held-out documents."""
    workdir = tmp_path_factory.mktemp("run")
    config = get_config()
    path = workdir / "tokenizer" / "tokenizer.model"
    path.parent.mkdir()
    path.write_bytes(tokenizer_lib.mistral_path("v3").read_bytes())
    config.model.vocab_size = tokenizer_lib.load(path).vocab_size
    params = init_params(models.dense_config(config), jax.random.key(0))
    manifest = {"status": "complete", "config_hash": "", "inputs": {}, "config": json.loads(config.to_json())}
    outputs = models.save(workdir / "seed", params, {})
    atomic_write_json(workdir / "seed" / "manifest.json", manifest | {"stage": "seed", "outputs": outputs})
    for level in LEVELS["math"]:
        documents = [
            Document(f"What is {n} + {level}?\nIt is {n}.", "math", "test", "MIT", level, meta={"prompt_end": 24})
            for n in range(100, 104)
        ]
        target = records.shard_path(workdir / "data", "math", level, "heldout")
        target.parent.mkdir(parents=True)
        records.write_documents(target, documents)
    data = {"stage": "data", "outputs": {}, "config": {"domains": ["math"]}}
    atomic_write_json(workdir / "data" / "manifest.json", manifest | data)
    return workdir


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_cleanly_and_says_what_was_kept(start, pairs_file, tmp_path, how):
    path = pairs_file([pair.as_row for pair in PAIRS] + [{"prompt": "p", "a": "x", "b": "x"}])
    binary = start(f"--workdir={tmp_path}", f"--pairs_file={path}", "--port=0", "--labeller=kim", "--count=2")
    assert f"left out: {path}:4: both sides are the same" in "".join(binary.lines)
    assert "0 of 2 answered" in binary.lines[-1] and binary.url.startswith("http://127.0.0.1:")
    assert press(binary.url, "A")["answered"] == 1
    assert press(binary.url, "tie")["status"] == "done"
    assert binary.end(how) == 0
    assert "2 of 2 answered; in all 1 preferences" in binary.lines[-1] and "Traceback" not in "".join(binary.lines)
    row = json.loads((tmp_path / "feedback" / PREFERENCES_FILE).read_text())
    assert row["labeller"] == "kim" and row["chosen"].startswith("\n\nHuman: prompt 0\n\nAssistant: ")
    again = start(f"--workdir={tmp_path}", f"--pairs_file={path}", "--port=0")
    assert "2 of 3 answered" in again.lines[-1]
    assert told(again.url)["pair"]["prompt"] == "prompt 2"


def test_other_machines_are_let_in_only_with_a_warning(start, pairs_file, tmp_path):
    path = pairs_file([pair.as_row for pair in PAIRS])
    binary = start(f"--workdir={tmp_path}", f"--pairs_file={path}", "--port=0", "--host=0.0.0.0")
    assert "warning: --host=0.0.0.0 lets every machine" in "".join(binary.lines)


@pytest.mark.slow
def test_a_wrong_command_line_is_told_in_one_line(run, pairs_file, tmp_path):
    good = pairs_file([pair.as_row for pair in PAIRS])
    bad, none = tmp_path / "bad.jsonl", tmp_path / "none.jsonl"
    bad.write_text('{"prompt": "p", "a": "x", "b": "y"}\n{"prompt": "p"}\n')
    none.write_text("")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for arguments, code, words in [
            ((f"--pairs_file={good}",), 2, "--workdir is missing"),
            (
                (f"--workdir={tmp_path}", f"--pairs_file={good}", "--stage=joint"),
                2,
                "--stage is for pairs that a model",
            ),
            ((f"--workdir={tmp_path}", f"--pairs_file={good}", f"--port={port}"), 1, f"--port={port} "),
            ((f"--workdir={tmp_path}", f"--pairs_file={bad}"), 1, "bad.jsonl:2 is no pair: it has no 'a'"),
            ((f"--workdir={tmp_path}", f"--pairs_file={none}"), 1, "has nothing to compare"),
            ((f"--workdir={tmp_path / 'no'}", "--port=0"), 1, "there is no workdir"),
            ((f"--workdir={run}", "--port=0", "--stage=joint"), 1, "stage joint is not complete"),
            ((f"--workdir={run}", "--port=0", "--temperature=0"), 1, "always the same"),
            ((f"--workdir={run}", "--port=0", "--against=mix"), 1, "stage mix is not complete"),
        ]:
            done = command(*arguments)
            assert done.returncode == code and words in done.stderr, done.stderr
            assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
    assert not (tmp_path / "no").exists()


def test_held_out_prompts_are_instructions_that_the_window_holds(run):
    tokenizer = tokenizer_lib.load(run / "tokenizer" / "tokenizer.model")
    drawing = Drawing(4, 1.0, 1.0, 32, is_plain=False)
    asks = held_out(Workdir(run), drawing, tokenizer, 10, 0)
    assert len(asks) == 10 == len({ask.prompt for ask in asks})
    assert all(ask.prompt.startswith("What is 10") and ask.max_tokens == 4 for ask in asks)
    assert (
        held_out(Workdir(run), drawing, tokenizer, 10, 0) == asks != held_out(Workdir(run), drawing, tokenizer, 10, 1)
    )


@pytest.mark.slow
def test_a_model_writes_the_pairs_and_a_killed_run_goes_on_with_the_same_ones(run, start):
    arguments = (f"--workdir={run}", "--port=0", "--count=3", "--max_tokens=4")
    binary = start(*arguments)

    def wait(url):
        while (state := told(url))["status"] == "drawing":
            time.sleep(0.05)
        return state

    assert wait(binary.url)["status"] == "ask"
    press(binary.url, "A")
    shown = wait(binary.url)["pair"]
    binary.end(signal.SIGKILL)
    again = start(*arguments)
    state = wait(again.url)
    assert state["answered"] == 1 and state["pair"] == shown
    press(again.url, "skip")
    wait(again.url)
    assert press(again.url, "B")["status"] == "done"
    assert again.end() == 0
    folder = run / "feedback"
    kept = [json.loads(line) for line in (folder / PREFERENCES_FILE).read_text(encoding="utf-8").splitlines()]
    for row in kept:
        assert set(row["models"].values()) == {row["models"]["chosen"]} and row["models"]["chosen"].startswith("seed@")
        assert row["seeds"]["chosen"] != row["seeds"]["rejected"]
    assert len(kept) == 2 and len((folder / UNDECIDED_FILE).read_text(encoding="utf-8").splitlines()) == 1
