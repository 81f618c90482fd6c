"""Our reinforcement learning beside TRL's on one toy task: answers drawn until a given pass@1, and how fast.

    python3 -m venv TRL && TRL/bin/pip install trl torch==2.13.0
    python -m benchmarks.rl_peer --workdir=runs/demo --start=START --peer_python=TRL/bin/python

The sides begin with the very same weights (`benchmarks.rl_start`; made once in START from the run's dense model, then
read there): a Mixtral that solves a fifth of the remainders when it draws. They are asked the same problems in the
same order, as many answers to each, are rewarded by the same verifier (right, and .1 for the form), and make the same
updates: AdamW with one constant rate, clipped gradients, the same clip, KL, epochs and minibatches; the router is
frozen on both. The draws differ, and TRL divides the rows into minibatches once an iteration, not once an epoch; its
deviation of a group is the sample's. `--sides` also has our PPO with a critic, which TRL 1.16 has no more. pass@1 is
of answers to held-out problems drawn at temperature 1; the time for measuring it is not counted, that for compiling
is.

The peer is TRL's GRPOTrainer with the `generate` of transformers, float32 on the CPU, with the implementation of the
experts that a short probe finds fastest. tunix, the other candidate, trains flax.nnx models of its own, and has no
Mixtral among them (Gemma, Llama, Qwen and DeepSeek, as of 2026): one would have to be written for it first. A dense
start could pass as its Llama; not tried.
"""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import statistics
import sys
from typing import Any

from absl import app
from absl import flags
import jax

from benchmarks import learning_curves, results, rl_ours, rl_peer_process, rl_start
from benchmarks.rl_ours import PROMPT_TOKENS, TASK, Exam, Terms, ours
from benchmarks.rl_peer_process import peer
from data.tokenizer import Tokenizer
from data.verifiable.verify import Verifier
from launch import models
from launch.rl import prompts as prompts_lib
from mistral_moe.models.config import MistralConfig
from mistral_moe.training.flops import parameter_count

NAMES = {"grpo": "ours, GRPO", "ppo": "ours, PPO", "trl": "TRL, GRPO"}
# Above the level at the start, in shares of problems.
GAINS = (0.05, 0.1, 0.2, 0.3, 0.4)

_WORKDIR = flags.DEFINE_string("workdir", "runs/demo", "A finished run: its dense model and tokenizer make the start.")
_START = flags.DEFINE_string("start", None, "Folder of the model that both begin with; made where it is missing.")
_PEER_PYTHON = flags.DEFINE_string("peer_python", sys.executable, "An interpreter that has trl.")
_SIDES = flags.DEFINE_multi_enum("sides", ["grpo", "trl"], list(NAMES), "What to run; once a side.")
_SEEDS = flags.DEFINE_list("seeds", ["0"], "Of problems, answers and updates.")
_LEVEL = flags.DEFINE_float("level", 0.2, "Share of solved problems at which the start's teaching ends.", 0.0, 1.0)
_ITERATIONS = flags.DEFINE_integer("iterations", 50, "Of each side.", lower_bound=1)
_PROMPTS = flags.DEFINE_integer("prompts", 32, "Of an iteration.", lower_bound=1)
_SAMPLES = flags.DEFINE_integer("samples", 8, "Answers to each.", lower_bound=2)
_MINIBATCH = flags.DEFINE_integer("minibatch", 64, "Answers of an update.", lower_bound=1)
_EPOCHS = flags.DEFINE_integer("epochs", 2, "Times that answers are learned from.", lower_bound=1)
_RATE = flags.DEFINE_float("rate", 5e-4, "Learning rate.", lower_bound=0.0)
_BETA = flags.DEFINE_float("beta", 0.01, "Price of the KL.", lower_bound=0.0)
_CLIP = flags.DEFINE_float("clip", 0.2, "Of the ratio, both ways.", lower_bound=0.0)
_EVERY = flags.DEFINE_integer("every", 5, "Iterations between two measurements.", lower_bound=1)
_HELD_OUT = flags.DEFINE_integer("held_out", 160, "Problems that are measured on.", lower_bound=1)
_JSON = flags.DEFINE_string("json", None, "File for the figures.")
_MARKDOWN = flags.DEFINE_string("markdown", None, "File for the tables that are also printed.")


def _speed_table(sides: dict[str, dict]) -> str:
    heads = "all | first iteration | the others, median | of it drawing | of the processor | answers/s"
    lines = [f"| | {heads} |", "|---" * 7 + "|"]
    for name, side in sides.items():
        median, drawing, processor = (
            statistics.median(side[clock][1:] or side[clock]) for clock in ("iterations", "rollout", "processor")
        )
        lines.append(
            f"| {name} | {sum(side['iterations']):.0f} s | {side['iterations'][0]:.1f} s | {median:.2f} s "
            f"| {drawing:.2f} s | {processor:.2f} s | {_PROMPTS.value * _SAMPLES.value / median:.1f} |"
        )
    return "\n".join(lines)


def _versions(start: rl_start.Start, sides: dict[str, dict]) -> str:
    parameters = parameter_count(start.config)["total"]
    lines = [f"{parameters:,} parameters, {len(os.sched_getaffinity(0))} cores, jax {jax.__version__}"]
    for side in sides.values():
        if "versions" in side:
            lines += [f"{name} {version}" for name, version in side["versions"].items()]
            lines.append(f"experts by {side['experts']}, weights agree to {side['apart']:.0e} nats")
    return "; ".join(lines)


def _terms() -> Terms:
    return Terms(
        iterations=_ITERATIONS.value,
        prompts=_PROMPTS.value,
        samples=_SAMPLES.value,
        minibatch=_MINIBATCH.value,
        epochs=_EPOCHS.value,
        rate=_RATE.value,
        beta=_BETA.value,
        clip=_CLIP.value,
        every=_EVERY.value,
        held_out=_HELD_OUT.value,
    )


def _start(model: MistralConfig, verifier: Verifier) -> rl_start.Start:
    folder = pathlib.Path(_START.value)
    if rl_start.read(folder, model.experts) is None:

        def measure_with(tokenizer: Tokenizer) -> rl_start.Measure:
            exam = Exam(tokenizer, verifier, _HELD_OUT.value)
            return lambda params: exam.solved_by(model, params, 0)

        rl_start.make(_WORKDIR.value, folder, model, TASK, _LEVEL.value, measure_with)
    return rl_start.read(folder, model.experts)


def main(argv: list[str]) -> None:
    """Runs the sides, one after the other, and prints what they came to."""
    if len(argv) > 1:
        raise app.UsageError(f"unknown argument {argv[1]!r}")
    if not _START.value:
        raise app.UsageError("--start=DIR is missing: where the model lies that both sides begin with")
    if "trl" in _SIDES.value:
        if lacks := rl_peer_process.what_lacks(_PEER_PYTHON.value):
            raise app.UsageError(f"{lacks}, or leave it out with --sides=grpo")
    tables, figures = [], []
    with Verifier() as verifier:
        start = _start(models.mixture_config(rl_ours.config_of(_terms(), "grpo", 0), reasoning=True), verifier)
        exam = Exam(start.tokenizer, verifier, _HELD_OUT.value)
        for seed in map(int, _SEEDS.value):
            train, _ = prompts_lib.load(start.tokenizer, TASK, 1500, seed, "train", PROMPT_TOKENS)
            sides = {}
            for side in _SIDES.value:
                if side == "trl":
                    sides[NAMES[side]] = peer(_terms(), seed, start, train, exam, verifier, _PEER_PYTHON.value)
                else:
                    sides[NAMES[side]] = ours(_terms(), side, seed, start, train, exam, verifier)
            curves = {name: side["curve"] for name, side in sides.items()}
            began = statistics.fmean(curve[0].solved for curve in curves.values())
            tables += [
                f"Seed {seed}; {_versions(start, sides)}\n",
                learning_curves.table(curves) + "\n",
                learning_curves.levels_table(curves, [began + gain for gain in GAINS]) + "\n",
                _speed_table(sides) + "\n",
            ]
            figures.append({"seed": seed, "sides": sides})
    text = "\n".join(tables)
    print(f"\n{text}")
    results.save(_document(start, figures), text, _JSON.value, _MARKDOWN.value)


def _document(start: rl_start.Start, figures: list[dict]) -> dict[str, Any]:
    settings = {"task": TASK, **dataclasses.asdict(_terms())}
    plain = json.loads(json.dumps(figures, default=lambda point: vars(point)))
    return {"settings": settings, "jax": jax.__version__, "start": start.facts, "seeds": plain}


if __name__ == "__main__":
    app.run(main)
