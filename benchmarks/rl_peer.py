"""Our reinforcement learning beside TRL's on one toy task: answers drawn until a given pass@1, and how fast they are drawn.

    python3 -m venv TRL && TRL/bin/pip install trl torch==2.13.0
    python -m benchmarks.rl_peer --workdir=runs/demo --start=START --peer_python=TRL/bin/python

The sides begin with the very same weights (`benchmarks.rl_start`; made once in START from the run's dense model, then read
there): a Mixtral that solves a fifth of the remainders when it draws. They are asked the same problems in the same order, as
many answers to each, are rewarded by the same verifier (right, and .1 for the form), and make the same updates: AdamW with one
constant rate, clipped gradients, the same clip, KL, epochs and minibatches; the router is frozen on both. The draws differ,
and TRL divides the rows into minibatches once an iteration, not once an epoch; its deviation of a group is the sample's. Also shown
is our PPO with a critic, which TRL no longer has. pass@1 is of answers to held-out problems drawn at temperature 1; the time for
measuring it is not counted, that for compiling is.

The peer is TRL's GRPOTrainer with the `generate` of transformers, float32 on the CPU, with the implementation of the experts
that a short probe finds fastest. tunix, the other candidate, trains flax.nnx models of its own, and has no Mixtral among them (Gemma,
Llama, Qwen and DeepSeek, as of 2026): one would have to be written for it first. A dense start could pass as its Llama; not tried.
"""

from __future__ import annotations

import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any

from absl import app
from absl import flags
import jax
import ml_collections
import numpy as np

from benchmarks import learning_curves, results, rl_start
from benchmarks.learning_curves import Point
from data.tokenizer import Tokenizer
from data.verifiable.problem import Problem
from data.verifiable.verify import Verifier
from experiments import demo
from launch import models
from launch.progress import NullProgress
from launch.rl import plan as plan_lib
from launch.rl import prompts as prompts_lib
from launch.rl.learner import Learner
from launch.rl.loop import Loop
from launch.rl.prompts import Asked
from launch.rl.scoring import Scorer, Weights
from launch.tuning.sampling import Sampler, seeds
from mistral_moe.models.config import MistralConfig
from mistral_moe.rl import policy
from mistral_moe.rl.rollout import make_rollout
from mistral_moe.training.flops import parameter_count

TASK = "remainders"
FORMAT_WEIGHT = 0.1
PROMPT_TOKENS = ANSWER_TOKENS = 32
# Above the level at the start, in shares of problems.
GAINS = (0.1, 0.2, 0.3, 0.4)
_PEER = pathlib.Path(__file__).with_name("rl_trl.py")
_MODULES = ("trl", "torch", "transformers", "datasets")

_WORKDIR = flags.DEFINE_string("workdir", "runs/demo", "A finished run: its dense model and tokenizer make the start.")
_START = flags.DEFINE_string("start", None, "Folder of the model that both begin with; made where it is missing.")
_PEER_PYTHON = flags.DEFINE_string("peer_python", sys.executable, "An interpreter that has trl.")
_SIDES = flags.DEFINE_multi_enum("sides", ["grpo", "ppo", "trl"], ["grpo", "ppo", "trl"], "What to run.")
_SEEDS = flags.DEFINE_list("seeds", ["0"], "Of problems, answers and updates.")
_LEVEL = flags.DEFINE_float("level", 0.2, "Share of solved problems at which the start's teaching ends.", 0.0, 1.0)
_ITERATIONS = flags.DEFINE_integer("iterations", 30, "Of each side.", lower_bound=1)
_PROMPTS = flags.DEFINE_integer("prompts", 32, "Of an iteration.", lower_bound=1)
_SAMPLES = flags.DEFINE_integer("samples", 8, "Answers to each.", lower_bound=2)
_MINIBATCH = flags.DEFINE_integer("minibatch", 64, "Answers of an update.", lower_bound=1)
_EPOCHS = flags.DEFINE_integer("epochs", 2, "Times that answers are learned from.", lower_bound=1)
_RATE = flags.DEFINE_float("rate", 3e-4, "Learning rate.", lower_bound=0.0)
_BETA = flags.DEFINE_float("beta", 0.01, "Price of the KL.", lower_bound=0.0)
_CLIP = flags.DEFINE_float("clip", 0.2, "Of the ratio, both ways.", lower_bound=0.0)
_EVERY = flags.DEFINE_integer("every", 5, "Iterations between two measurements.", lower_bound=1)
_HELD_OUT = flags.DEFINE_integer("held_out", 160, "Problems that are measured on.", lower_bound=1)
_JSON = flags.DEFINE_string("json", None, "File for the figures.")
_MARKDOWN = flags.DEFINE_string("markdown", None, "File for the tables that are also printed.")

_MEASURED_SAMPLES = 4


def _config(algorithm: str, seed: int) -> ml_collections.ConfigDict:
    config = demo.get_config()
    # Mixtral's form, which the peer has.
    config.model.update(router_scope="layer", router_context="none", router_hidden=0, reasoning_steps=0)
    config.ppo.update(
        algorithm=algorithm,
        seed=seed,
        # Loop measures after its last iteration; here that is done outside of it.
        iterations=_ITERATIONS.value + 1,
        evaluate_every=_ITERATIONS.value + 2,
        prompts=_PROMPTS.value,
        samples=_SAMPLES.value,
        max_prompt_tokens=PROMPT_TOKENS,
        max_tokens=ANSWER_TOKENS,
        minibatch_size=_MINIBATCH.value,
        epochs=_EPOCHS.value,
        experts_lr=_RATE.value,
        trunk_lr=_RATE.value,
        reasoning_lr=None,
        router_lr=None,
        final_fraction=1.0,
        warmup_updates=0,
        clip_low=1 - _CLIP.value,
        clip_high=1 + _CLIP.value,
        grpo_beta=_BETA.value,
        kl_coefficient=_BETA.value,
        kl_target=None,
        kl_limit=1e9,
        early_stop_kl=None,
        loss_over="sequence",
        missing_eos="subtract",
        missing_eos_penalty=0.0,
        score_clip=None,
        rehearsal_rows=0,
        rehearsal_weight=0.0,
    )
    return config


class Exam:
    """Held-out problems, and how many answers to them are right."""

    def __init__(self, tokenizer: Tokenizer, verifier: Verifier):
        self.asked, _ = prompts_lib.load(tokenizer, TASK, _HELD_OUT.value, 0, "heldout", PROMPT_TOKENS)
        self.problems = [one.problem for one in self.asked for _ in range(_MEASURED_SAMPLES)]
        self._tokenizer, self._verifier = tokenizer, verifier

    def solved(self, texts: list[str]) -> float:
        """The share of right answers; `texts` are those to `problems`."""
        pairs = zip(self.problems, texts, strict=True)
        return statistics.fmean(self._verifier.score(problem, text).correct for problem, text in pairs)

    def solved_by(self, model: MistralConfig, params: dict, seed: int) -> float:
        """The share that a model of ours solves."""
        sampler = Sampler(model, self._tokenizer, PROMPT_TOKENS + ANSWER_TOKENS, ANSWER_TOKENS)
        drawn = sampler.sample(
            params,
            [one.problem for one in self.asked],
            _MEASURED_SAMPLES,
            1.0,
            seeds(seed, "exam", 0, len(self.problems)),
        )
        return self.solved([sample.text for sample in drawn])


def ours(
    algorithm: str, seed: int, start: rl_start.Start, train: list[Asked], exam: Exam, verifier: Verifier
) -> dict[str, Any]:
    """A run of stage ppo's loop: its curve, and seconds of its iterations."""
    config = _config(algorithm, seed)
    plan, _, model = plan_lib.plan_of(config)
    scorer = Scorer(verifier, "composite", Weights(1.0, FORMAT_WEIGHT), ANSWER_TOKENS)
    found: dict[str, Any] = {"curve": [], "iterations": [], "processor": [], "rollout": []}
    curve, seconds = found["curve"], 0.0
    with NullProgress(["ppo"]).stage("ppo") as progress:
        params = start.params()
        learner = Learner(config, plan, model, params)
        loop = Loop(config, learner, scorer, start.tokenizer, train, exam.asked, model, progress)
        curve.append(Point(0, exam.solved_by(model, learner.params, seed), 0.0))
        for iteration in range(_ITERATIONS.value):
            began, worked = time.monotonic(), time.process_time()
            row = loop.iterate(iteration)
            found["iterations"].append(time.monotonic() - began)
            found["processor"].append(time.process_time() - worked)
            found["rollout"].append(row["seconds/rollout"])
            seconds += found["iterations"][-1]
            if (iteration + 1) % _EVERY.value == 0:
                solved = exam.solved_by(model, learner.params, seed)
                curve.append(_point(iteration + 1, solved, seconds))
                _tell(algorithm, curve[-1])
    return found


def _point(iteration: int, solved: float, seconds: float) -> Point:
    return Point(iteration * _PROMPTS.value * _SAMPLES.value, solved, seconds)


def _tell(side: str, point: Point) -> None:
    print(f"{side}: {point.answers:,} answers, {point.seconds:.0f} s, pass@1 {point.solved:.3f}", flush=True)


def probes(start: rl_start.Start, problems: list[Problem]) -> list[dict[str, list]]:
    """What our model thinks of some solutions, for the peer to check that it has the same weights."""
    found, read = [], jax.jit(policy.read, static_argnums=0)
    params = start.params()
    for problem in problems:
        solution = [*start.tokenizer.encode(problem.meta["solution"]).tolist(), start.tokenizer.eos_id]
        ids = [*prompts_lib.encode(start.tokenizer, problem.parts), *solution]
        rollout = make_rollout([ids[:1]], [ids[1:]], [True], len(ids))
        log_probs = read(start.config, params, rollout).log_probs
        found.append({"ids": ids, "log_probs": np.asarray(log_probs)[0, 1:].tolist()})
    return found


def peer(seed: int, start: rl_start.Start, train: list[Asked], exam: Exam, verifier: Verifier) -> dict[str, Any]:
    """The same with TRL."""
    order = [
        train[index]
        for iteration in range(_ITERATIONS.value)
        for index in prompts_lib.of_iteration(len(train), _PROMPTS.value, seed, iteration)
    ]
    tokenizer = start.tokenizer
    settings = {
        "model": str(start.folder.resolve()),
        "seed": seed,
        "threads": len(os.sched_getaffinity(0)),
        "probes": probes(start, [one.problem for one in train[:4]]),
        "train": [one.ids for one in order],
        "held_out": [one.ids for one in exam.asked],
        "held_out_samples": _MEASURED_SAMPLES,
        "bos": tokenizer.bos_id,
        "eos": tokenizer.eos_id,
        "max_tokens": ANSWER_TOKENS,
        "iterations": _ITERATIONS.value,
        "prompts": _PROMPTS.value,
        "samples": _SAMPLES.value,
        "minibatch": _MINIBATCH.value,
        "epochs": _EPOCHS.value,
        "rate": _RATE.value,
        "beta": _BETA.value,
        "clip": _CLIP.value,
        "every": _EVERY.value,
    }
    found: dict[str, Any] = {"curve": []}
    ends = {"seconds": [0.0], "processor": [0.0], "rollout": [0.0]}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "settings.json").write_text(json.dumps(settings))
        with (folder / "log").open("w") as log:
            process = subprocess.Popen(
                [_PEER_PYTHON.value, str(_PEER), name],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
            kind = ""
            for line in process.stdout:
                message = json.loads(line)
                kind, reply = message["kind"], None
                if kind == "reward":
                    reply = _rewards(message, order, tokenizer, verifier)
                elif kind == "iteration":
                    for name, clock in ends.items():
                        clock.append(message[name])
                elif kind == "measured":
                    solved = exam.solved([tokenizer.decode(ids) for ids in message["answers"]])
                    found["curve"].append(_point(message["iteration"], solved, message["seconds"]))
                    _tell("trl", found["curve"][-1])
                elif kind == "started":
                    found |= {name: message[name] for name in ("versions", "experts", "apart")}
                process.stdin.write(json.dumps(reply) + "\n")
                process.stdin.flush()
            process.wait()
        if kind != "done":
            raise RuntimeError(f"TRL's side ended early:\n{(folder / 'log').read_text()[-4000:]}")
    seconds, processor, rollout = (np.diff(clock).tolist() for clock in ends.values())
    return found | {"iterations": seconds, "processor": processor, "rollout": rollout}


def _rewards(message: dict, order: list[Asked], tokenizer: Tokenizer, verifier: Verifier) -> list[float]:
    verdicts = [
        verifier.score(order[index].problem, tokenizer.decode(ids))
        for index, ids in zip(message["index"], message["answers"], strict=True)
    ]
    return [verdict.correct + FORMAT_WEIGHT * verdict.format for verdict in verdicts]


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


def _check_peer() -> None:
    wanted = ", ".join(_MODULES)
    try:
        done = subprocess.run([_PEER_PYTHON.value, "-c", f"import {wanted}"], capture_output=True, text=True)
        wrong = done.stderr.strip().splitlines()[-1:] if done.returncode else []
    except OSError as error:
        wrong = [str(error)]
    if wrong:
        raise app.UsageError(
            f"--peer_python={_PEER_PYTHON.value} can't import {wanted} ({wrong[0]}): python3 -m venv TRL && "
            "TRL/bin/pip install trl torch==2.13.0, then --peer_python=TRL/bin/python; or leave it out with --sides=grpo"
        )


def _name(side: str) -> str:
    return {"grpo": "ours, GRPO", "ppo": "ours, PPO", "trl": "TRL, GRPO"}[side]


def _start(model: MistralConfig, verifier: Verifier) -> rl_start.Start:
    folder = pathlib.Path(_START.value)
    if rl_start.read(folder, model.experts) is None:

        def measure_with(tokenizer: Tokenizer) -> rl_start.Measure:
            exam = Exam(tokenizer, verifier)
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
        _check_peer()
    tables, figures = [], []
    with Verifier() as verifier:
        start = _start(models.mixture_config(_config("grpo", 0), reasoning=True), verifier)
        exam = Exam(start.tokenizer, verifier)
        for seed in map(int, _SEEDS.value):
            train, _ = prompts_lib.load(start.tokenizer, TASK, 1500, seed, "train", PROMPT_TOKENS)
            sides = {}
            for side in _SIDES.value:
                arguments = seed, start, train, exam, verifier
                sides[_name(side)] = peer(*arguments) if side == "trl" else ours(side, *arguments)
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
    settings = {flag.name: flag.value for flag in flags.FLAGS.get_key_flags_for_module(sys.argv[0])}
    plain = json.loads(json.dumps(figures, default=lambda point: vars(point)))
    return {"settings": settings, "jax": jax.__version__, "start": start.facts, "seeds": plain}


if __name__ == "__main__":
    app.run(main)
