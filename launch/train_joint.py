"""Stage `joint`: experts, router and reasoning module in turn, then everything end to end, each group at its own rate.

python -m launch.train_joint --config=experiments/demo.py --workdir=runs/demo
"""

from __future__ import annotations

import functools

import ml_collections

from launch import cli
from launch import corpora
from launch import models
from launch import task_weights
from launch import training_run
from launch.errors import UserError
from launch.feeds import SingleFeed
from launch.stage import StageContext, StageOutcome
from mistral_moe.models.config import MistralConfig
from mistral_moe.training.flops import router_training_flops, training_flops
from mistral_moe.training.losses import RouterTerms, joint_loss, router_loss

PHASES = ("experts", "router", "reasoning", "end_to_end")


def learning_rates(phase: ml_collections.ConfigDict) -> dict[str, float | None]:
    """Group -> rate of one phase of the config: its keys `<group>_lr`."""
    return {key.removesuffix("_lr"): value for key, value in phase.items() if key.endswith("_lr")}


def phase_plan(config: ml_collections.ConfigDict, name: str) -> tuple[training_run.Plan, float, MistralConfig]:
    """Plan of one phase, its FLOPs per token, and the shape that its pass has."""
    section, rows, seq_len = config.joint[name], int(config.train.batch_size), int(config.train.seq_len)
    rates = model_rates = learning_rates(section)
    tasks = task_weights.task_terms(config) if name != "router" else None
    # The reasoning block's gate is zero until its phase: leaving it out of the pass before then changes nothing.
    model = models.mixture_config(config, reasoning=name in ("reasoning", "end_to_end"))
    if config.joint.bias_rate and name == "end_to_end":
        rates["balance"] = 1.0
    routed = name == "end_to_end" and rates.get("router") is not None
    accumulate = training_run.accumulation(config, "train.batch_size")
    oracle_rows = int(config.joint.oracle_rows) if routed else 0
    if oracle_rows % accumulate:
        raise UserError(
            f"train.accumulate={accumulate} microbatches don't divide joint.oracle_rows={oracle_rows}",
            "set --config.joint.oracle_rows to a multiple, or to 0",
        )
    terms = RouterTerms(
        balance=config.joint.balance,
        z=config.joint.z,
        window=int(config.router.window),
        temperature=config.router.temperature,
        oracle_rows=oracle_rows // accumulate,
        domain=config.joint.domain if routed else 0.0,
    )
    if name == "router":
        loss_fn = functools.partial(router_loss, model, terms=terms)
        flops = router_training_flops(model, seq_len)
    else:
        loss_fn = functools.partial(joint_loss, model, terms=terms, chunk=int(config.train.loss_chunk), tasks=tasks)
        measured = router_training_flops(model, seq_len, model.reasoning_steps) * oracle_rows / rows
        flops = training_flops(model, seq_len, model_rates) + measured
        rates = task_weights.with_task_rate(config, tasks, rates)
    plan = training_run.Plan(
        loss_fn=loss_fn,
        optim=training_run.optim_config(config.train, rates, int(section.steps)),
        tokens_per_step=rows * seq_len,
        bias_rate=config.joint.bias_rate if "balance" in rates else 0.0,
        fields={"phase": name},
        tasks=tasks,
        accumulate=accumulate,
    )
    return plan, flops, model


def phases(config: ml_collections.ConfigDict) -> list[str]:
    """Phases that have steps, in order; the reasoning phase only where there is a reasoning block."""
    return [
        name
        for name in PHASES
        if int(config.joint[name].steps) and (name != "reasoning" or int(config.model.reasoning_steps))
    ]


def run(context: StageContext) -> StageOutcome:
    """Runs the phases, each from the end of the one before."""
    config = context.config
    recorded = context.input_manifest("router")["outputs"][models.CHECKPOINTS]
    mixture = models.mixture_config(config, reasoning=False)
    params, lineage = models.load(context.input_folder("router"), mixture, recorded)
    facts = {"tokenizer_sha256": corpora.tokenizer_sha256(context), "parent_digest": recorded}
    names = phases(config)
    plans = {name: phase_plan(config, name) for name in names}
    total = sum(plan.optim.num_steps for plan, _, _ in plans.values())
    accounts, done = {}, 0
    for name in names:
        plan, flops, _ = plans[name]
        stage = f"joint/{name}"

        def of_phase(params: dict, trained: dict, parent: dict = lineage, stage: str = stage) -> dict:
            return models.run_lineage(params, trained, parent, stage, context.config_hash, facts)

        loader = corpora.all_domains_loader(context, int(config.train.batch_size), stage)
        state, _ = training_run.fit(
            config,
            context.folder / "phases" / name,
            plan,
            params,
            SingleFeed(loader, corpora.domain_of_components(context, loader)),
            context.progress,
            lineage=of_phase,
            metrics_folders={"": context.folder / "metrics"},
            done_before=done,
            total_steps=total,
        )
        params, lineage = state.all_params, of_phase(state.all_params, state.params)
        accounts[name] = training_run.account(plan, flops)
        done += plan.optim.num_steps
    return StageOutcome(
        outputs=models.save(context.folder, params, lineage),
        extra={
            "training": {
                "steps": done,
                "tokens": sum(account["tokens"] for account in accounts.values()),
                "flops": sum(account["flops"] for account in accounts.values()),
                "phases": accounts,
            }
        },
    )


if __name__ == "__main__":
    cli.main("joint")
