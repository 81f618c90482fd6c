"""Stage `dense`: the peer. The seed trained on, dense, for the FLOPs that experts, router and joint phase took together.

python -m launch.train_dense --config=experiments/demo.py --workdir=runs/demo
"""

from __future__ import annotations

import functools
import math

import ml_collections

from launch import cli
from launch import corpora
from launch import models
from launch import task_weights
from launch import training_run
from launch.feeds import SingleFeed
from launch.stage import StageContext, StageOutcome
from mistral_moe.checkpoint import digest
from mistral_moe.models.config import MistralConfig
from mistral_moe.training.flops import training_flops
from mistral_moe.training.losses import language_model_loss


def plan_of(config: ml_collections.ConfigDict, flops_budget: float) -> tuple[training_run.Plan, float, MistralConfig]:
    """The plan that spends a budget of FLOPs, its FLOPs per token, and its model."""
    model = models.dense_config(config)
    tasks = task_weights.task_terms(config)
    model_rates = {"trunk": config.dense.trunk_lr, "experts": config.dense.experts_lr}
    rates = task_weights.with_task_rate(config, tasks, model_rates)
    rows, seq_len = int(config.train.batch_size), int(config.train.seq_len)
    flops = training_flops(model, seq_len, model_rates)
    steps = math.ceil(flops_budget / (flops * rows * seq_len))
    plan = training_run.Plan(
        loss_fn=functools.partial(language_model_loss, model, chunk=int(config.train.loss_chunk), tasks=tasks),
        optim=training_run.optim_config(config.train, rates, steps),
        tokens_per_step=rows * seq_len,
        tasks=tasks,
        accumulate=training_run.accumulation(config, "train.batch_size"),
    )
    return plan, flops, model


def run(context: StageContext) -> StageOutcome:
    """Trains the dense model of equal FLOPs."""
    config = context.config
    budget = sum(context.input_manifest(stage)["training"]["flops"] for stage in ("experts", "router", "joint"))
    plan, flops, model = plan_of(config, budget)
    recorded = context.input_manifest("seed")["outputs"][models.CHECKPOINTS]
    params, parent = models.load(context.input_folder("seed"), model, recorded)
    facts = {"tokenizer_sha256": corpora.tokenizer_sha256(context), "parent_digest": recorded}

    def lineage(params: dict, trained: dict) -> dict:
        return models.run_lineage(params, trained, parent, "dense", context.config_hash, facts)

    state, _ = training_run.fit(
        config,
        context.folder,
        plan,
        params,
        SingleFeed(corpora.all_domains_loader(context, int(config.train.batch_size), "dense")),
        context.progress,
        lineage=lineage,
    )
    return StageOutcome(
        outputs={models.CHECKPOINTS: digest(state.all_params)},
        extra={"training": training_run.account(plan, flops), "flops_budget": budget},
    )


if __name__ == "__main__":
    cli.main("dense")
