"""Stage `seed`: the dense Mistral that is branched, trained on all domains from random weights or from imported ones.

python -m launch.train_seed --config=experiments/demo.py --workdir=runs/demo
"""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import jax
import ml_collections

from launch import cli
from launch import corpora
from launch import models
from launch import saved_models
from launch import task_weights
from launch import training_run
from launch.errors import UserError
from launch.feeds import SingleFeed
from launch.stage import StageContext, StageOutcome
from mistral_moe import sharding
from mistral_moe.checkpoint import digest
from mistral_moe.models.config import MistralConfig
from mistral_moe.models.mistral import init_params
from mistral_moe.training.flops import training_flops
from mistral_moe.training.losses import language_model_loss


INITS = ("random", "imported")
# What decides a model's shapes and what it computes; the rest of its config is how it is run.
_SAME = (
    *("vocab_size", "d_model", "num_layers", "num_heads", "num_kv_heads", "head_dim", "d_ff", "experts"),
    *("rope_theta", "norm_eps", "sliding_window"),
)


def imported_params(
    context: StageContext, model: MistralConfig, mesh: jax.sharding.Mesh
) -> tuple[dict, dict[str, Any]]:
    """Parameters and lineage of the model that was imported into the workdir, in the config's dtype.

    Raises:
      UserError: nothing was imported, or it is another model than the config describes.
    """
    saved = saved_models.find(context.workdir, saved_models.IMPORT)
    for name in _SAME:
        theirs, ours = getattr(saved.config, name), getattr(model, name)
        if theirs != ours:
            fix = f"set --config.model.{name}={theirs}" if name != "experts" else "import a dense Mistral"
            raise UserError(f"the imported model has {name}={theirs!r} and the config {ours!r}", fix)
    # Straight into the run's dtype: the files hold what they hold, and are streamed.
    params = dataclasses.replace(saved, config=dataclasses.replace(saved.config, param_dtype=model.param_dtype)).load(
        mesh
    )
    facts = {"tokenizer_sha256": corpora.tokenizer_sha256(context), "files": saved.manifest["path"]}
    config_hash = saved.manifest["config_hash"]
    return params, models.run_lineage(params, params, None, saved_models.IMPORT, config_hash, facts)


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
    config, model = context.config, models.dense_config(context.config)
    if config.seed_stage.init not in INITS:
        raise UserError(f"unknown seed_stage.init {config.seed_stage.init!r}", f"it is one of {', '.join(INITS)}")
    facts = {"tokenizer_sha256": corpora.tokenizer_sha256(context)}
    mesh, rules = training_run.mesh_and_rules(config)
    parent = None
    if config.seed_stage.init == "imported":
        start, parent = imported_params(context, model, mesh)
        facts["parent_digest"] = digest(start)

    def lineage(params: dict, trained: dict) -> dict:
        return models.run_lineage(params, trained, parent, "seed", context.config_hash, facts)

    if parent is not None and not int(config.seed_stage.steps):
        nothing = dict.fromkeys(("steps", "tokens", "flops_per_token", "flops"), 0)
        return StageOutcome(outputs=models.save(context.folder, start, lineage(start, {})), extra={"training": nothing})
    plan, flops, _ = plan_of(config)
    if parent is None:
        shardings = sharding.tree_shardings(models.abstract_params(model), mesh, rules)
        init = jax.jit(functools.partial(init_params, model), out_shardings=shardings)
        start = init(jax.random.key(int(config.seed)))
    state, _ = training_run.fit(
        config,
        context.folder,
        plan,
        start,
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
