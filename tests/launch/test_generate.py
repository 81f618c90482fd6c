"""launch.generate prints what the model says, and tells what is wrong in one line before weights are read."""

import json
import pathlib
import subprocess
import sys

import jax
import numpy as np
import pytest

from data import tokenizer as tokenizer_lib
from experiments.tiny import get_config
from launch import generate, models
from launch.errors import UserError
from launch.generate import Prompt, read_prompts_file, request_of
from launch.workdir import atomic_write_json
from mistral_moe.inference import serve
from mistral_moe.models.mistral import init_params

ROOT = pathlib.Path(__file__).parents[2]
DEFAULTS = {"max_tokens": None, "temperature": 0.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0, "seed": 0}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """(workdir, config, params, tokenizer) of a run with a complete seed; its joint stage has only begun."""
    workdir = tmp_path_factory.mktemp("run")
    config = get_config()
    tokenizer_path = workdir / "tokenizer" / "tokenizer.model"
    tokenizer_path.parent.mkdir()
    tokenizer_path.write_bytes(tokenizer_lib.mistral_path("v3").read_bytes())
    tokenizer = tokenizer_lib.load(tokenizer_path)
    config.model.vocab_size = tokenizer.vocab_size
    dense = models.dense_config(config)
    params = init_params(dense, jax.random.key(0))
    outputs = models.save(workdir / "seed", params, {})
    manifest = {"stage": "seed", "status": "complete", "config_hash": "", "inputs": {}, "outputs": outputs}
    atomic_write_json(workdir / "seed" / "manifest.json", manifest | {"config": json.loads(config.to_json())})
    (workdir / "joint" / "checkpoints").mkdir(parents=True)
    return workdir, dense, params, tokenizer


def command(*arguments, stdin=None):
    return subprocess.run(
        [sys.executable, "-m", "launch.generate", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        input=stdin,
    )


def test_json_rows_are_what_the_engine_says_and_a_single_prompt_is_printed_as_text(run):
    workdir, config, params, tokenizer = run
    texts = ["Hello", "two plus two is"]
    done = command(f"--workdir={workdir}", *(f"--prompt={text}" for text in texts), "--max_tokens=5", "--json")
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    requests = [serve.Request(tokenizer.encode(text, bos=True).tolist(), 5, stop=(tokenizer.eos_id,)) for text in texts]
    for row, text, expected in zip(rows, texts, serve.generate(config, params, requests)):
        assert row["prompt"] == text and row["ends"] == expected.ends
        assert row["tokens"] == expected.tokens
        np.testing.assert_allclose(row["log_probs"], expected.log_probs, atol=1e-4)
    done = command(f"--workdir={workdir}", f"--prompt={texts[0]}", "--max_tokens=5", "--stage=seed")
    assert done.returncode == 0, done.stderr
    assert done.stdout == rows[0]["text"] + "\n"


@pytest.mark.slow
def test_interactive_prompts_are_lines_and_a_wrong_one_does_not_end_it(run):
    workdir = run[0]
    lines = f"Hello\n\n{'long ' * 40}\nHello\n"
    done = command(f"--workdir={workdir}", "--interactive", "--max_tokens=3", "--json", "--int8", stdin=lines)
    assert done.returncode == 0, done.stderr
    first, second = (json.loads(line) for line in done.stdout.splitlines())
    assert first["tokens"] == second["tokens"] and len(first["tokens"]) == 3
    assert "the prompt has 42 tokens, and the model takes 32" in done.stderr


@pytest.mark.parametrize(
    "arguments, code, message",
    [
        (["--prompt=x"], 2, "--workdir is missing"),
        (["--workdir=RUN"], 2, "there is no prompt"),
        (["--workdir=RUN", "--prompt=x", "--interactive"], 2, "give one of"),
        (["--workdir=RUN", "--prompt=x", "--top_p=2"], 2, "top_p"),
        (["--workdir=RUN", "--prompt=x", "--stage=joint"], 1, "stage joint is not complete"),
        (["--workdir=RUN", "--prompt="], 1, "--prompt 1 is empty"),
    ],
)
def test_what_is_wrong_is_one_line(run, arguments, code, message):
    done = command(*(argument.replace("RUN", str(run[0])) for argument in arguments))
    assert done.returncode == code and done.stdout == ""
    errors = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert len(errors) == 1 and message in errors[0]


def test_a_request_takes_what_fits_and_no_more(run):
    tokenizer = run[3]
    prompt = Prompt("one two three", {}, "--prompt 1")
    length = len(tokenizer.encode(prompt.text, bos=True))

    def ask(prompt, max_length, **changes):
        return request_of(prompt, DEFAULTS | changes, tokenizer, tokenizer.vocab_size, max_length)

    assert ask(prompt, 32).max_tokens == 32 - length
    assert ask(prompt, 4096).max_tokens == 128
    assert ask(prompt, 32, max_tokens=3).max_tokens == 3
    assert ask(Prompt(prompt.text, {"max_tokens": 2, "seed": 7}, ""), 32, max_tokens=3).seed == 7
    with pytest.raises(UserError, match=f"--prompt 1 has {length} tokens, which leave {32 - length} of 32"):
        ask(prompt, 32, max_tokens=32)
    with pytest.raises(UserError, match=f"has {length} tokens, and the model takes {length} with the completion"):
        ask(prompt, length)
    with pytest.raises(UserError, match="top_p outside"):
        ask(Prompt("x", {"top_p": 0.0}, "prompts.jsonl:2"), 32)


def test_a_prompts_file_holds_lines_or_json(tmp_path):
    path = tmp_path / "prompts.txt"
    path.write_text('{ not json\n\n"quoted"\n')
    assert [prompt.text for prompt in read_prompts_file(str(path))] == ["{ not json", '"quoted"']
    separators = tmp_path / "separators.jsonl"
    separators.write_bytes('"one\u2028two"\r\n"three\u0085four"\n'.encode())
    assert [prompt.text for prompt in read_prompts_file(str(separators))] == ["one\u2028two", "three\u0085four"]
    path = tmp_path / "prompts.jsonl"
    path.write_text('"a\\nb"\n{"prompt": "c", "seed": 3, "temperature": 1}\n')
    first, second = read_prompts_file(str(path))
    assert first.text == "a\nb" and second.settings == {"seed": 3, "temperature": 1}
    for line, message in (
        ("{", "prompts.jsonl:1 is no JSON"),
        ("3", "prompts.jsonl:1 holds no prompt"),
        ('{"prompt": "a", "heat": 1}', "unknown key 'heat'"),
        ('{"prompt": "a", "top_k": 1.5}', "top_k is 1.5; give int"),
        ('{"prompt": "a", "seed": true}', "seed is True; give int"),
    ):
        path.write_text(line)
        with pytest.raises(UserError, match=message):
            read_prompts_file(str(path))
    with pytest.raises(UserError, match="can't be read"):
        read_prompts_file(str(tmp_path / "none"))


def test_a_stop_string_ends_the_text_and_frees_the_row(run, monkeypatch):
    """Stopped in the middle, beside a request that goes on."""
    workdir, config, params, tokenizer = run

    class Saved:
        def __init__(self):
            self.config, self.load = config, lambda: params

    requests = [serve.Request(tokenizer.encode(text, bos=True).tolist(), 12) for text in ("Hello", "two")]
    whole = generate.Session(Saved(), tokenizer, (), int8=False)
    whole.prepare(2, 64)
    texts = {index: result["text"] for index, _, result in whole.run(requests) if result}
    stop = texts[0][len(texts[0]) // 2 :][:4]
    session = generate.Session(Saved(), tokenizer, (stop,), int8=False)
    session.prepare(1, 64)
    results = {index: result for index, _, result in session.run(requests) if result}
    assert results[0]["ends"] == "stop" and results[0]["text"] == texts[0].split(stop)[0]
    assert results[1]["text"] == texts[1].split(stop)[0]
