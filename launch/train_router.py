"""Stage `router`: teaches the router which expert is best, from the measured loss of every expert.

python -m launch.train_router --config=experiments/demo.py --workdir=runs/demo
"""

from __future__ import annotations

import functools

import ml_collections

from launch import cli
from launch import corpora
from launch import models
from launch import training_run
from launch.feeds import SingleFeed
from launch.stage import StageContext, StageOutcome
from mistral_moe.checkpoint import digest
from mistral_moe.models.config import MistralConfig
from mistral_moe.training.flops import router_training_flops
from mistral_moe.training.losses import RouterTerms, router_loss


def plan_of(config: ml_collections.ConfigDict) -> tuple[training_run.Plan, float, MistralConfig]:
    """The stage's plan, its FLOPs per token, and its model."""
    mixture, section = models.mixture_config(config, reasoning=False), config.router
    rates = {"router": section.router_lr}
    steps, rows, seq_len = int(section.steps), int(section.batch_size), int(config.train.seq_len)
    terms = RouterTerms(
        balance=section.balance, z=section.z, window=int(section.window), temperature=section.temperature
    )
    plan = training_run.Plan(
        loss_fn=functools.partial(router_loss, mixture, terms=terms),
        optim=training_run.optim_config(config.train, rates, steps),
        tokens_per_step=rows * seq_len,
        accumulate=training_run.accumulation(config, "router.batch_size"),
    )
    return plan, router_training_flops(mixture, seq_len), mixture


def run(context: StageContext) -> StageOutcome:
    """Trains the router alone; everything else is frozen."""
    config = context.config
    plan, flops, mixture = plan_of(config)
    recorded = context.input_manifest("mix")["outputs"][models.CHECKPOINTS]
    params, parent = models.load(context.input_folder("mix"), mixture, recorded)
    facts = {"tokenizer_sha256": corpora.tokenizer_sha256(context), "parent_digest": recorded}

    def lineage(params: dict, trained: dict) -> dict:
        return models.run_lineage(params, trained, parent, "router", context.config_hash, facts)

    state, _ = training_run.fit(
        config,
        context.folder,
        plan,
        params,
        SingleFeed(corpora.all_domains_loader(context, int(config.router.batch_size), "router")),
        context.progress,
        lineage=lineage,
    )
    return StageOutcome(
        outputs={models.CHECKPOINTS: digest(state.all_params)},
        extra={"training": training_run.account(plan, flops)},
    )


if __name__ == "__main__":
    cli.main("router")
