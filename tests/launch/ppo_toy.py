"""A run of stage ppo without text: a tiny mixture is asked to say one token and end."""

import functools
import types

import jax

import numpy as np

from data.loader import MixtureLoader
from data.memory_documents import MemoryDocuments
from data.packing import PackedRows
from data.verifiable.problem import Problem
from experiments.base import base_config
from launch.progress import NullProgress
from launch.rl import plan as plan_lib
from launch.rl.learner import Learner
from launch.rl.loop import Loop
from launch.rl.prompts import Asked
from launch.rl.scoring import Scorer, Weights
from mistral_moe.models.mistral import init_params

EOS, WANTED = 2, 5


class ToyTokenizer:
    """Text is ids with spaces between."""

    eos_id = EOS

    def decode(self, ids):
        return " ".join(map(str, ids))


class ToyVerifier:
    """Right is what begins with the wanted token."""

    def score(self, problem, completion):
        right = completion.split(" ")[0] == str(WANTED)
        return types.SimpleNamespace(correct=float(right), format=1.0, detail="")


def toy_config(**changes):
    """Config of a run of seconds; keyword arguments change its section ppo."""
    config = base_config()
    config.domains = ("a", "b", "c")
    config.model.update(
        vocab_size=12,
        d_model=16,
        num_layers=1,
        num_heads=2,
        num_kv_heads=1,
        head_dim=8,
        d_ff=16,
        router_hidden=0,
        dtype="float32",
        remat="none",
        moe_backend="dense",
        top_k=2,
    )
    config.mesh.update(data=-1, fsdp=1)
    config.train.update(loss_chunk=0, seq_len=16)
    config.ppo.update(
        iterations=6,
        prompts=8,
        samples=4,
        max_prompt_tokens=3,
        max_tokens=4,
        engine_rows=16,
        epochs=2,
        minibatch_size=16,
        experts_lr=2e-2,
        trunk_lr=2e-2,
        reasoning_lr=2e-2,
        critic_lr=2e-2,
        value_model="head",
        warmup_updates=0,
        final_fraction=1.0,
        format_weight=0.0,
        kl_coefficient=0.01,
        kl_target=None,
        early_stop_kl=None,
        evaluate_every=3,
        checkpoint_every=2,
    )
    config.ppo.update(changes)
    return config


@functools.cache
def _params(model):
    return init_params(model, jax.random.key(1))


def toy_learner(config, kind=Learner):
    """(learner, model) at the start of a run."""
    plan, _, model = plan_lib.plan_of(config)
    return kind(config, plan, model, _params(model)), model


def toy_text(rows, length):
    """A loader of text beside the answers, of tokens that no answer has."""
    source = MemoryDocuments([np.full(5 + count % 4, 3 + count % 2) for count in range(40)])
    return MixtureLoader({"a.text": PackedRows(source, length, seed=0)}, {"a.text": 1.0}, rows)


def toy_loop(config, kind=Learner, scorer=None):
    """(loop, learner) of a run; `scorer` replaces the config's."""
    learner, model = toy_learner(config, kind)
    section = config.ppo
    problems = [
        Asked(Problem(f"toy/{first}{second}", "toy", ("",), str(WANTED)), (1, first, second))
        for first in range(6, 12)
        for second in range(6, 12)
    ]
    if scorer is None:
        scorer = Scorer(ToyVerifier(), section.reward, Weights(1.0, section.format_weight), int(section.max_tokens))
    with NullProgress(["ppo"]).stage("ppo") as progress:
        text = toy_text(int(section.rehearsal_rows), int(config.train.seq_len)) if section.rehearsal_rows else None
        loop = Loop(config, learner, scorer, ToyTokenizer(), problems[:28], problems[28:], model, progress, text)
    return loop, learner


def no_lineage(params, trained):
    return {}
