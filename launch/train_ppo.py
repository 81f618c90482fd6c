"""Stage `ppo`: reinforcement learning of the model of `ppo.init` on problems that a program can check.

python -m launch.train_ppo --config=experiments/demo.py --workdir=runs/demo

Answers are drawn by the engine that decodes with continuous batching, scored, and learned from with PPO, or with GRPO or
RLOO (`ppo.algorithm`). The run says what its monitors see, and stops when the KL from the reference runs away. See
docs/rlhf.md.
"""

from __future__ import annotations

import collections
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from data import tokenizer as tokenizer_lib
from data.verifiable.verify import Verifier
from launch import cli
from launch import corpora
from launch import models
from launch.rl import learned as learned_lib
from launch.rl import plan as plan_lib
from launch.rl import prompts as prompts_lib
from launch.rl.learner import Learner
from launch.rl.loop import History, Loop
from launch.rl.prompts import Asked
from launch.rl.scoring import Scorer, Weights
from launch.stage import StageContext, StageOutcome
from launch.train_tokenizer import MODEL_FILE
from mistral_moe.checkpoint import digest
from mistral_moe.evaluation import held_out
from mistral_moe.models.config import MistralConfig


def held_out_batches(context: StageContext) -> dict[str, list[dict[str, np.ndarray]]]:
    """The held-out rows of each domain that the language loss is measured on."""
    section = context.config.ppo
    rows, size = int(section.held_out_rows_per_level), int(section.held_out_batch_size)
    return {
        domain: [corpora.model_batch(batch) for batch in corpora.held_out(context, domain, rows, size)]
        for domain in context.config.domains
    }


def held_out_loss(model: MistralConfig, params: dict, batches: Mapping[str, Any]) -> dict[str, float]:
    """Nats a token by domain."""
    sums_of = held_out.jitted_batch_sums(model)
    sums = {domain: held_out.total(sums_of, params, of_domain) for domain, of_domain in batches.items()}
    return {domain: float(found["nats"] / found["tokens"]) for domain, found in sums.items()}


def constant_floor(asked: Sequence[Asked]) -> float:
    """The share of problems that the one best answer to all of them solves: below it nothing of the task is learned."""
    counts = collections.Counter(one.problem.answer for one in asked)
    return counts.most_common(1)[0][1] / len(asked)


def facts_of(history: History, before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, Any]:
    """What the manifest says of a run."""
    last = history.observations[-1]
    measured = list(history.pass_at_1.items())
    sampled = list(history.sampled_pass_at_1.values())
    means = [float(np.mean(list(losses.values()))) for losses in (before, after)]
    return {
        "pass_at_1_before": measured[0][1],
        "pass_at_1_after": measured[-1][1],
        "sampled_pass_at_1_before": sampled[0],
        "sampled_pass_at_1_after": sampled[-1],
        "pass_at_1": [
            {"iteration": iteration, "value": value, "sampled": drawn}
            for (iteration, value), drawn in zip(measured, sampled)
        ],
        "kl": last.kl,
        "first_ratio_error": history.first_ratio_error,
        "held_out_loss_before": dict(before),
        "held_out_loss_after": dict(after),
        "held_out_loss_change": means[1] / means[0] - 1,
        "iterations": history.iterations,
        "answers": {"drawn": history.answers, "unusable": dict(history.unusable)},
        "iterations_without_update": history.skipped,
        "early_stops": history.early_stops,
        "stopped": history.stopped,
        "findings": [
            {"name": finding.name, "message": finding.message, "figures": dict(finding.figures)}
            for finding in history.findings.values()
        ],
        "seconds_by_kind": {kind: round(seconds, 3) for kind, seconds in history.seconds.items()},
    }


def run(context: StageContext) -> StageOutcome:
    """Trains the model by its rewards."""
    config, section = context.config, context.config.ppo
    plan, flops, model = plan_lib.plan_of(config)
    recorded = context.input_manifest(section.init)["outputs"][models.CHECKPOINTS]
    params, parent = models.load(context.input_folder(section.init), model, recorded)
    tokenizer = tokenizer_lib.load(context.input_folder("tokenizer") / MODEL_FILE)
    sizes = {"train": int(section.problems), "heldout": int(section.held_out_problems)}
    asked, dropped = {}, {}
    for split, count in sizes.items():
        asked[split], reasons = prompts_lib.load(
            tokenizer, section.task, count, int(section.seed), split, int(section.max_prompt_tokens)
        )
        for reason, number in reasons.items():
            dropped[reason] = dropped.get(reason, 0) + number
    batches = held_out_batches(context)
    before = held_out_loss(model, params, batches)
    learner = Learner(config, plan, model, params)
    facts = {"tokenizer_sha256": corpora.tokenizer_sha256(context), "parent_digest": recorded}

    def lineage(params: dict, trained: dict) -> dict[str, Any]:
        return models.run_lineage(params, trained, parent, "ppo", context.config_hash, facts)

    with Verifier() as verifier:
        weights = Weights(float(section.verifiable_weight), float(section.format_weight), float(section.learned_weight))
        learned, reward_digest = None, ""
        if weights.learned:
            learned, reward_digest = learned_lib.load(context, plan_lib.length_of(section), int(section.minibatch_size))
        scorer = Scorer(verifier, section.reward, weights, int(section.max_tokens), learned)
        rehearsal = None
        if section.rehearsal_rows:
            rehearsal = corpora.all_domains_loader(context, int(section.rehearsal_rows), "ppo")
        loop = Loop(
            config, learner, scorer, tokenizer, asked["train"], asked["heldout"], model, context.progress, rehearsal
        )
        history = loop.run(context.folder, lineage)
    after = held_out_loss(model, learner.params, batches)
    told = facts_of(history, before, after) | {"pass_at_1_floor": constant_floor(asked["heldout"])}
    context.progress.note(
        f"held-out pass@1 {told['pass_at_1_before']:.1%} -> {told['pass_at_1_after']:.1%} (one answer to all: "
        f"{told['pass_at_1_floor']:.1%}), drawn at random {told['sampled_pass_at_1_before']:.1%} -> "
        f"{told['sampled_pass_at_1_after']:.1%}, at a KL of {told['kl']:.2f} "
        f"nats an answer; held-out loss {told['held_out_loss_change']:+.2%}"
    )
    updates = int(learner.state.step)
    total = sum(sizes.values())
    return StageOutcome(
        outputs={models.CHECKPOINTS: digest(learner.params)},
        extra=told
        | ({"reward_model": reward_digest} if reward_digest else {})
        | {
            "training": {
                "steps": updates,
                "tokens": updates * plan.tokens_per_step,
                "flops_per_token": flops,
                "flops": updates * plan.tokens_per_step * flops,
            }
        },
        records={"in": total, "out": total - sum(dropped.values()), "dropped": dropped, "quarantined": {}},
    )


if __name__ == "__main__":
    cli.main("ppo")
