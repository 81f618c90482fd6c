"""Our side of `benchmarks.rl_peer`: the loop of stage ppo without a workdir, and what measures either side."""

from __future__ import annotations

import dataclasses
import statistics
import time
from typing import Any

import ml_collections

from benchmarks import rl_start
from benchmarks.learning_curves import Point
from data.tokenizer import Tokenizer
from data.verifiable.verify import Verifier
from experiments import demo
from launch.progress import NullProgress
from launch.rl import plan as plan_lib
from launch.rl import prompts as prompts_lib
from launch.rl.learner import Learner
from launch.rl.loop import Loop
from launch.rl.prompts import Asked
from launch.rl.scoring import Scorer, Weights
from launch.tuning.sampling import Sampler, seeds
from mistral_moe.models.config import MistralConfig

TASK = "remainders"
FORMAT_WEIGHT = 0.1
PROMPT_TOKENS = ANSWER_TOKENS = 32
MEASURED_SAMPLES = 4


@dataclasses.dataclass(frozen=True)
class Terms:
    """What both sides do.

    Attributes:
      iterations: of a run.
      prompts: of an iteration.
      samples: answers to each.
      minibatch: answers of an update.
      epochs: times that answers are learned from.
      rate: of AdamW, constant.
      beta: price of the KL.
      clip: of the ratio, both ways.
      every: iterations between two measurements.
      held_out: problems that are measured on.
    """

    iterations: int
    prompts: int
    samples: int
    minibatch: int
    epochs: int
    rate: float
    beta: float
    clip: float
    every: int
    held_out: int

    def point(self, side: str, iteration: int, solved: float, seconds: float) -> Point:
        """A measurement after so many iterations, which is also printed."""
        point = Point(iteration * self.prompts * self.samples, solved, seconds)
        print(f"{side}: {point.answers:,} answers, {point.seconds:.0f} s, pass@1 {point.solved:.3f}", flush=True)
        return point


def config_of(terms: Terms, algorithm: str, seed: int) -> ml_collections.ConfigDict:
    """A config of ours; `terms.held_out` and `terms.every` are not in it."""
    config = demo.get_config()
    # Mixtral's form, which the peer has.
    config.model.update(router_scope="layer", router_context="none", router_hidden=0, reasoning_steps=0)
    config.ppo.update(
        algorithm=algorithm,
        seed=seed,
        # Loop measures after its last iteration; here that is done outside of it.
        iterations=terms.iterations + 1,
        evaluate_every=terms.iterations + 2,
        prompts=terms.prompts,
        samples=terms.samples,
        max_prompt_tokens=PROMPT_TOKENS,
        max_tokens=ANSWER_TOKENS,
        minibatch_size=terms.minibatch,
        epochs=terms.epochs,
        experts_lr=terms.rate,
        trunk_lr=terms.rate,
        reasoning_lr=None,
        router_lr=None,
        final_fraction=1.0,
        warmup_updates=0,
        clip_low=1 - terms.clip,
        clip_high=1 + terms.clip,
        grpo_beta=terms.beta,
        kl_coefficient=terms.beta,
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

    def __init__(self, tokenizer: Tokenizer, verifier: Verifier, held_out: int):
        self.asked, _ = prompts_lib.load(tokenizer, TASK, held_out, 0, "heldout", PROMPT_TOKENS)
        self.problems = [one.problem for one in self.asked for _ in range(MEASURED_SAMPLES)]
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
            MEASURED_SAMPLES,
            1.0,
            seeds(seed, "exam", 0, len(self.problems)),
        )
        return self.solved([sample.text for sample in drawn])


def ours(
    terms: Terms, algorithm: str, seed: int, start: rl_start.Start, train: list[Asked], exam: Exam, verifier: Verifier
) -> dict[str, Any]:
    """A run of stage ppo's loop: its curve, and seconds of its iterations."""
    config = config_of(terms, algorithm, seed)
    plan, _, model = plan_lib.plan_of(config)
    scorer = Scorer(verifier, "composite", Weights(1.0, FORMAT_WEIGHT), ANSWER_TOKENS)
    found: dict[str, Any] = {"curve": [], "iterations": [], "processor": [], "rollout": []}
    curve, seconds = found["curve"], 0.0
    with NullProgress(["ppo"]).stage("ppo") as progress:
        params = start.params()
        learner = Learner(config, plan, model, params)
        loop = Loop(config, learner, scorer, start.tokenizer, train, exam.asked, model, progress)
        curve.append(terms.point(algorithm, 0, exam.solved_by(model, learner.params, seed), 0.0))
        for iteration in range(terms.iterations):
            began, worked = time.monotonic(), time.process_time()
            row = loop.iterate(iteration)
            found["iterations"].append(time.monotonic() - began)
            found["processor"].append(time.process_time() - worked)
            found["rollout"].append(row["seconds/rollout"])
            seconds += found["iterations"][-1]
            if (iteration + 1) % terms.every == 0:
                solved = exam.solved_by(model, learner.params, seed)
                curve.append(terms.point(algorithm, iteration + 1, solved, seconds))
    return found
