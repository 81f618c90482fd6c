"""Stage `seed`: trains one dense Mistral on all domains, the model that is branched.

python -m launch.train_seed --config=experiments/demo.py --workdir=runs/demo
"""

from __future__ import annotations

import functools

import jax
import ml_collections

from launch import cli
from launch import corpora
from launch import models
from launch import task_weights
from launch import training_run
from launch.feeds import SingleFeed
from launch.stage import StageContext, StageOutcome
from mistral_moe import sharding
from mistral_moe.checkpoint import digest
from mistral_moe.models.config import MistralConfig
from mistral_moe.models.mistral import init_params
from mistral_moe.training.flops import training_flops
from mistral_moe.training.losses import language_model_loss


def plan_of(config: ml_collections.ConfigDict) -> tuple[training_run.Plan, float, MistralConfig]:
    """The stage's plan, its FLOPs per token, and its model."""
    model = models.dense_config(config)
    tasks = task_weights.task_terms(config)
    model_rates = {"trunk": config.seed_stage.trunk_lr, "experts": config.seed_stage.experts_lr}
    rates = task_weights.with_task_rate(config, tasks, model_rates)
    steps, rows, seq_len = int(config.seed_stage.steps), int(config.train.batch_size), int(config.train.seq_len)
    plan = training_run.Plan(
        loss_fn=functools.partial(language_model_loss, model, chunk=int(config.train.loss_chunk), tasks=tasks),
        optim=training_run.optim_config(config.train, rates, steps),
        tokens_per_step=rows * seq_len,
        tasks=tasks,
        accumulate=training_run.accumulation(config, "train.batch_size"),
    )
    return plan, training_flops(model, seq_len, model_rates), model


def run(context: StageContext) -> StageOutcome:
    """Trains the seed; a dense next-token run over all domains, each drawn alike."""
    config = context.config
    plan, flops, model = plan_of(config)
    mesh, rules = training_run.mesh_and_rules(config)
    shardings = sharding.tree_shardings(models.abstract_params(model), mesh, rules)
    init = jax.jit(functools.partial(init_params, model), out_shardings=shardings)
    facts = {"tokenizer_sha256": corpora.tokenizer_sha256(context)}

    def lineage(params: dict, trained: dict) -> dict:
        return models.run_lineage(params, trained, None, "seed", context.config_hash, facts)

    state, _ = training_run.fit(
        config,
        context.folder,
        plan,
        init(jax.random.key(int(config.seed))),
        SingleFeed(corpora.all_domains_loader(context, int(config.train.batch_size), "seed")),
        context.progress,
        lineage=lineage,
    )
    return StageOutcome(
        outputs={models.CHECKPOINTS: digest(state.all_params)},
        extra={"training": training_run.account(plan, flops)},
    )


if __name__ == "__main__":
    cli.main("seed")
