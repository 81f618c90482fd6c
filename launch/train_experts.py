"""Stage `experts`: branches the seed once per domain and trains all branches in one program, each on its curriculum.

python -m launch.train_experts --config=experiments/demo.py --workdir=runs/demo
"""

from __future__ import annotations

from collections.abc import Callable
import functools

import jax
import jax.numpy as jnp
import ml_collections
import numpy as np

from data.curriculum import Curriculum, CurriculumError
from data.domains import LEVELS, task_name
from launch import cli
from launch import corpora
from launch import models
from launch import task_weights
from launch import training_run
from launch.errors import UserError
from launch.feeds import BranchFeed
from launch.stage import StageContext, StageOutcome
from launch.workdir import atomic_write_json
from mistral_moe.checkpoint import digest
from mistral_moe.kernels.cross_entropy import token_cross_entropy
from mistral_moe.models.config import MistralConfig
from mistral_moe.models.mistral import Mistral
from mistral_moe.training import partition
from mistral_moe.training.flops import training_flops
from mistral_moe.training.losses import language_model_loss

CURRICULUM_FILE = "curriculum.json"


def level_scorer(context: StageContext, model: MistralConfig, frozen: dict) -> Callable[[dict], np.ndarray]:
    """Held-out token accuracy of every branch at every level of its domain.

    Returns:
      A function from the branches' trained parameters [P, ...] to accuracies [P, 5].
    """
    rows = int(context.config.experts.curriculum.eval_rows)
    batches = []
    for domain in context.config.domains:
        parts = corpora.level_rows(context, domain, "heldout", int(context.config.train.seq_len), "heldout")
        # Exactly `rows` rows a level, repeating what there is, so that rows reshape to levels.
        chosen = [
            parts[task_name(domain, level)].row(i % len(parts[task_name(domain, level)]))
            for level in LEVELS[domain]
            for i in range(rows)
        ]
        batches.append({name: np.stack([row[name] for row in chosen]) for name in corpora.MODEL_FIELDS})
    batch = {name: np.stack([b[name] for b in batches]) for name in corpora.MODEL_FIELDS}

    def one_branch(trained: dict, frozen: dict, batch: dict) -> jax.Array:
        params = partition.merge(trained, frozen)
        out = Mistral(model).apply({"params": params}, batch["tokens"], batch["segment_ids"], batch["positions"])
        _, correct = token_cross_entropy(out.hidden, params["lm_head"], batch["targets"])
        weights = batch["loss_weights"]
        hits, tokens = (jnp.sum(x.reshape(5, -1), axis=1) for x in (correct * weights, weights))
        return hits / jnp.maximum(tokens, 1.0)

    scored = jax.jit(jax.vmap(one_branch, in_axes=(0, None, 0)))
    return lambda trained: np.asarray(scored(trained, frozen, batch))


def salt_of(config: ml_collections.ConfigDict) -> str:
    """What the branches' order of documents is drawn from; another `experts.data_seed` draws another order."""
    seed = int(config.experts.data_seed)
    return f"experts/{seed}" if seed else "experts"


def curriculum_of(config: ml_collections.ConfigDict) -> Curriculum:
    """The rule that all branches climb by.

    Raises:
      UserError: an option outside its range.
    """
    settings = config.experts.curriculum.to_dict()
    del settings["eval_every"], settings["eval_rows"]
    try:
        return Curriculum(**settings, total_steps=int(config.experts.steps))
    except CurriculumError as error:
        raise UserError(str(error), "mend the section experts.curriculum of the config") from error


def plan_of(config: ml_collections.ConfigDict) -> tuple[training_run.Plan, float, MistralConfig]:
    """The stage's plan, its FLOPs per token, and the model of a branch."""
    domains, model = tuple(config.domains), models.dense_config(config)
    tasks = task_weights.task_terms(config)
    model_rates = branch_rates(config)
    rates = task_weights.with_task_rate(config, tasks, model_rates)
    steps, rows, seq_len = int(config.experts.steps), int(config.experts.batch_size), int(config.train.seq_len)
    plan = training_run.Plan(
        loss_fn=functools.partial(language_model_loss, model, chunk=int(config.train.loss_chunk), tasks=tasks),
        optim=training_run.optim_config(config.train, rates, steps),
        tokens_per_step=len(domains) * rows * seq_len,
        branches=domains,
        tasks=tasks,
        accumulate=training_run.accumulation(config, "experts.batch_size"),
    )
    return plan, training_flops(model, seq_len, model_rates), model


def branch_rates(config: ml_collections.ConfigDict) -> dict[str, float | None]:
    """Learning rates of the groups of a branch."""
    return {"experts": config.experts.experts_lr, "trunk": config.experts.trunk_lr}


def run(context: StageContext) -> StageOutcome:
    """Trains the branches and writes each as a model of its own."""
    config = context.config
    plan, flops, model = plan_of(config)
    domains, rows = plan.branches, int(config.experts.batch_size)
    seed_digest = context.input_manifest("seed")["outputs"][models.CHECKPOINTS]
    seed_params, seed_lineage = models.load(context.input_folder("seed"), model, seed_digest)
    curriculum = curriculum_of(config)
    _, frozen = partition.split(seed_params, branch_rates(config))
    feed = BranchFeed(
        {domain: corpora.domain_loader(context, domain, rows, salt_of(config)) for domain in domains},
        curriculum,
        {domain: [task_name(domain, level) for level in LEVELS[domain]] for domain in domains},
        level_scorer(context, model, frozen),
        int(config.experts.curriculum.eval_every),
    )
    facts = {"tokenizer_sha256": corpora.tokenizer_sha256(context), "seed_digest": seed_digest}

    def lineage(params: dict, trained: dict, stage: str = "experts") -> dict:
        return models.run_lineage(params, trained, seed_lineage, stage, context.config_hash, facts)

    state, curricula = training_run.fit(
        config,
        context.folder,
        plan,
        seed_params,
        feed,
        context.progress,
        lineage=lineage,
        metrics_folders={domain: context.folder / domain / "metrics" for domain in domains},
    )
    outputs = {models.CHECKPOINTS: digest(state.all_params)}
    for index, domain in enumerate(domains):
        trained = jax.tree.map(lambda leaf: leaf[index], state.params)
        params = partition.merge(trained, state.frozen)
        saved = models.save(context.folder / domain, params, lineage(params, trained, f"experts/{domain}"))
        outputs |= {f"{domain}/{path}": value for path, value in saved.items()}
    atomic_write_json(context.folder / CURRICULUM_FILE, {domain: curricula[domain]["history"] for domain in domains})
    return StageOutcome(
        outputs=outputs | context.hash_outputs(CURRICULUM_FILE),
        extra={"training": training_run.account(plan, flops)},
    )


if __name__ == "__main__":
    cli.main("experts")
