"""A run of a tiny mixture of one expert, as the joint phase leaves it: tokens of few texts, and a model; and a toy task."""

import functools
import json
import random

import jax
import pytest

from data import records, tokenizer as tokenizer_lib
from data.document import Document
from data.domains import LEVELS, SPLITS
from data.tokens import encode_split
from data.verifiable import tasks
from data.verifiable.problem import Problem
from experiments.base import base_config
from launch import models, stages
from launch.progress import NullProgress
from launch.stage import StageContext
from launch.tuning import examples
from launch.workdir import Workdir, atomic_write_json

LENGTH = 48


def toy_config():
    """A model that learns small tasks in seconds, and iterations of a few steps."""
    config = base_config()
    config.domains = ("math",)
    config.model.update(
        vocab_size=400,
        d_model=32,
        num_layers=1,
        num_heads=4,
        num_kv_heads=2,
        head_dim=8,
        d_ff=64,
        rope_theta=10_000.0,
        top_k=1,
        router_hidden=8,
        reasoning_steps=0,
        dtype="float32",
        remat="none",
        scan_unroll=1,
        moe_backend="dense",
    )
    config.train.update(
        seq_len=LENGTH, batch_size=8, loss_chunk=0, checkpoint_every=2, log_every=5, prefetch=0, warmup_fraction=0.1
    )
    teaching = dict(
        tasks=("toy",),
        max_steps=4,
        rehearsal=0.25,
        batch_size=4,
        experts_lr=3e-3,
        trunk_lr=3e-3,
        check_problems=8,
        check_samples=2,
        max_tokens=16,
        heldout_rows=2,
    )
    config.improve.update(**teaching, iterations=2, prompts=24, samples=2, epochs=9.0, pass_k=2, max_loss_rise=10.0)
    config.sft.update(**teaching, demonstrations=24, epochs=99.0)
    return config


def _draws(rng):
    """The answer to `say a` is 1 and to `say b` 2, whatever the number between."""
    while True:
        number, letter = rng.randint(100, 999), rng.choice("ab")
        answer = str("ab".index(letter) + 1)
        key = f"{number} {letter}"
        asked = f"Item {number}: say {letter}."
        meta = {"solution": f"Answer: {answer}"}
        yield (
            key,
            lambda key=key, asked=asked, answer=answer, meta=meta: Problem(
                f"toy/{key}", "toy", ("", "[INST]", asked, "[/INST]", ""), answer, meta
            ),
        )


@pytest.fixture(autouse=True)
def toy_task(monkeypatch):
    """The task "toy"."""
    monkeypatch.setitem(tasks.TASKS, "toy", _draws)
    monkeypatch.setitem(examples.DOMAINS, "toy", "math")


class Interrupted(Exception):
    """In place of a kill."""


def interrupt(monkeypatch, owner, name, call, after=False):
    """Lets the `call`-th call of a function raise, before or after it does what it does."""
    real, calls = getattr(owner, name), []

    def wrapped(*arguments, **named):
        calls.append(1)
        if len(calls) == call and not after:
            raise Interrupted
        result = real(*arguments, **named)
        if len(calls) == call:
            raise Interrupted
        return result

    monkeypatch.setattr(owner, name, wrapped)


@pytest.fixture(scope="module")
def compiled_once(tmp_path_factory):
    """Programs compiled by one run are read by the next: one that is started again would compile all of its own."""
    from jax.experimental.compilation_cache import compilation_cache

    settings = {
        "jax_compilation_cache_dir": str(tmp_path_factory.mktemp("compiled")),
        "jax_persistent_cache_min_compile_time_secs": 0.0,
        "jax_persistent_cache_min_entry_size_bytes": -1,
    }
    before = {name: getattr(jax.config, name) for name in settings}
    for values in (settings, before):
        for name, value in values.items():
            jax.config.update(name, value)
        compilation_cache.reset_cache()
        if values is settings:
            yield


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """Folder of the tokenizer, the tokens and the model."""
    folder = tmp_path_factory.mktemp("made")
    rng = random.Random(0)
    texts = [f"{rng.randint(0, 999)} is a number, and {rng.randint(0, 999)} is another.\n" for _ in range(64)]
    solved = [p.parts[2] + "\n" + p.meta["solution"] for p in tasks.problems("remainders", 200, 1, "train")]
    path = folder / "tokenizer" / "tokenizer.model"
    tokenizer = tokenizer_lib.train(texts + solved, path, 400)
    for level in LEVELS["math"]:
        for split in SPLITS:
            documents = [Document(text, "math", f"t:{n}", "MIT", level) for n, text in enumerate(texts)]
            records.write_documents(records.shard_path(folder / "data", "math", level, split), documents)
            encode_split(
                folder / "data", folder / "tokenizer" / "tokens", tokenizer, "math", level, split, 1, {"causal_lm": 1.0}
            )
    manifest = {"stage": "tokenizer", "config_hash": "", "config": {}, "inputs": {}, "outputs": {}}
    (folder / "tokenizer" / "manifest.json").write_text(json.dumps(manifest | {"tokenizer_sha256": tokenizer.sha256}))
    model = models.mixture_config(toy_config(), reasoning=True)
    params = jax.jit(functools.partial(models.init_params, model))(jax.random.key(0))
    outputs = models.save(folder / "joint", params, {})
    atomic_write_json(folder / "joint" / "manifest.json", manifest | {"stage": "joint", "outputs": outputs})
    return folder


@pytest.fixture
def context_in(made):
    """make(folder, config, stage="improve") -> the context of a stage, its outputs in `folder`."""

    def make(folder, config, stage="improve"):
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("tokenizer", "joint"):
            if not (folder / name).exists():
                (folder / name).symlink_to(made / name)
        own = folder / stage
        own.mkdir(exist_ok=True)
        with NullProgress([stage]).stage(stage) as stage_progress:
            table = stages.resolved(config)
            return StageContext(config, Workdir(folder), own, stage_progress, {}, table[stage], table)

    return make
