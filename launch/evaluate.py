"""Stage `evaluate`: held-out loss of every model of the run, the oracles, and sample completions; and benchmarks.

python -m launch.evaluate --config=experiments/demo.py --workdir=runs/demo
python -m launch.evaluate --config=experiments/demo.py --workdir=runs/demo --benchmarks=all --data_dir=DIR [--limit=50]
python -m launch.evaluate --config=experiments/demo.py --workdir=runs/demo --stage=seed --benchmarks=arc,mmlu,lm_eval:boolq

With --benchmarks one model of the workdir, the newest or that of --stage, is scored on them. docs/evaluation.md has the
twenty, their data and their metrics.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import ml_collections
import numpy as np

from data import tokenizer as tokenizer_lib
from data.domains import LEVELS, task_name
from launch import cli
from launch import corpora
from launch import models
from launch import stages as stages_lib
from launch.errors import UserError
from launch.evaluation import results as results_lib
from launch.stage import StageContext, StageOutcome
from launch.train_tokenizer import MODEL_FILE
from launch.workdir import atomic_write_json
from mistral_moe.evaluation import held_out
from mistral_moe.evaluation.checks import mean_loss
from mistral_moe.inference import serve
from mistral_moe.models.config import MistralConfig

SAMPLED_MODELS = ("seed", "own expert", "dense_equal_flops", "mixture_after_joint")
_POST_TRAINED = ("sft", "ppo", "improve")  # of the stages after the joint phase, those that leave a language model


def _entries(config: ml_collections.ConfigDict) -> list[tuple[str, str, str, MistralConfig]]:
    """(name in the results, stage, folder in the stage's, shape) of every model of a run."""
    dense = models.dense_config(config)
    plain, full = models.mixture_config(config, reasoning=False), models.mixture_config(config, reasoning=True)
    entries = [("seed", "seed", "", dense)]
    entries += [(f"expert_{domain}", "experts", f"{domain}/", dense) for domain in config.domains]
    entries += [("dense_equal_flops", "dense", "", dense)]
    entries += [("mixture_after_mix", "mix", "", plain), ("mixture_after_router", "router", "", plain)]
    entries.append(("mixture_after_joint", "joint", "", full))
    after = [stage for stage in config.get(stages_lib.POST_TRAINING, ()) if stage in _POST_TRAINED]
    return [*entries, *((f"mixture_after_{stage}", stage, "", full) for stage in after)]


def model_of(config: ml_collections.ConfigDict, name: str) -> tuple[MistralConfig, str, str]:
    """(shape, stage, folder in the stage's) of a model by its name in the results.

    Raises:
      UserError: a run of this config has no such model.
    """
    found = {entry[0]: entry for entry in _entries(config)}
    if name not in found:
        raise UserError(f"a run has no model {name!r}", f"its models are {', '.join(found)}")
    _, stage, prefix, model = found[name]
    return model, stage, prefix


def run_models(context: StageContext) -> Iterator[tuple[str, str, MistralConfig, dict]]:
    """(name in the results, stage, shape, parameters) of every model of the run, one at a time."""
    for name, stage, prefix, model in _entries(context.config):
        recorded = context.input_manifest(stage)["outputs"][f"{prefix}{models.CHECKPOINTS}"]
        params, _ = models.load(context.input_folder(stage) / prefix, model, recorded)
        yield name, stage, model, params


def prompts(context: StageContext) -> dict[str, list[list[int]]]:
    """Beginnings of held-out documents, by domain: the first of the middle levels upwards."""
    wanted, length = int(context.config.evaluate.samples), int(context.config.evaluate.prompt_tokens)
    result = {}
    for domain in context.config.domains:
        rows = corpora.level_rows(context, domain, "heldout", int(context.config.train.seq_len), "heldout")
        starts = []
        for level in LEVELS[domain]:
            row = rows[task_name(domain, level)].row(0)
            segment = row["tokens"][row["segment_ids"] == 1]
            starts.append(segment[:length].tolist())
        result[domain] = starts[1 : 1 + wanted]
    return result


def completions(
    context: StageContext,
    model: MistralConfig,
    params: dict,
    tokenizer: tokenizer_lib.Tokenizer,
    starts: dict[str, list[list[int]]],
    domains: list[str],
) -> dict[str, list[str]]:
    """Greedy completions of the prompts of some domains, as text."""
    flat = [(domain, prompt) for domain in domains for prompt in starts[domain]]
    tokens = int(context.config.evaluate.sample_tokens)
    requests = [serve.Request(prompt, tokens, stop=(tokenizer.eos_id,)) for _, prompt in flat]
    done = serve.generate(model, params, requests)
    result: dict[str, list[str]] = {domain: [] for domain in domains}
    for (domain, _), new in zip(flat, done):
        result[domain].append(tokenizer.decode(new.text_tokens))
    return result


def run(context: StageContext) -> StageOutcome:
    """Evaluates all models on the same held-out rows."""
    config, section = context.config, context.config.evaluate
    domains, window = list(config.domains), int(section.window)
    tokenizer = tokenizer_lib.load(context.input_folder("tokenizer") / MODEL_FILE)
    batches = {
        domain: [
            corpora.model_batch(batch)
            for batch in corpora.held_out(context, domain, int(section.rows_per_level), int(section.batch_size))
        ]
        for domain in domains
    }
    starts = prompts(context)
    results: dict[str, Any] = {
        "held_out_loss": {},
        "held_out_accuracy": {},
        "held_out_tokens": {},
        "oracle_regret": {f"window_{window}": {}, "token": {}},
        "expert_names": domains,
        "expert_utilisation": {},
        "forced_expert_loss": {},
    }
    told: dict[str, dict[str, list[str]]] = {}
    total = len(_entries(config)) * len(domains)
    done = 0
    for name, stage, model, params in run_models(context):
        sums_of = held_out.jitted_batch_sums(model)
        for domain in domains:
            sums = held_out.total(sums_of, params, batches[domain])
            results["held_out_loss"].setdefault(name, {})[domain] = float(sums["nats"] / sums["tokens"])
            results["held_out_accuracy"].setdefault(name, {})[domain] = float(sums["correct"] / sums["tokens"])
            results["held_out_tokens"][domain] = int(sums["tokens"])
            if model.experts:
                shares = sums["assignments"] / sums["assignments"].sum(axis=-1, keepdims=True)
                results["expert_utilisation"].setdefault(name, {})[domain] = shares.tolist()
                # What a router could gain is a question to the road that made it.
                if stage not in _POST_TRAINED:
                    add_oracle(results, name, domain, model, params, batches[domain], window)
            done += 1
            context.progress.update(done, total)
        if name in SAMPLED_MODELS:
            told[name] = completions(context, model, params, tokenizer, starts, domains)
        elif name.startswith("expert_"):
            own = name.removeprefix("expert_")
            told.setdefault("own expert", {}).update(completions(context, model, params, tokenizer, starts, [own]))
    order = [name for name in results["held_out_loss"] if name != "oracle"] + ["oracle"]
    results["held_out_loss"] = {name: results["held_out_loss"][name] for name in order}
    results["held_out_loss_mean"] = {name: mean_loss(losses) for name, losses in results["held_out_loss"].items()}
    results["samples"] = [
        {
            "domain": domain,
            "prompt": tokenizer.decode(prompt[1:]),
            "completions": {name: told[name][domain][index] for name in SAMPLED_MODELS},
        }
        for domain in domains
        for index, prompt in enumerate(starts[domain])
    ]
    trained = ("seed", "experts", "router", "joint", *_POST_TRAINED, "dense")
    spent = {stage: context.input_manifest(stage)["training"] for stage in trained if stage in context.spec.needs}
    results["training_flops"] = {stage: account["flops"] for stage, account in spent.items()}
    results["training_tokens"] = {stage: account["tokens"] for stage, account in spent.items()}
    atomic_write_json(context.folder / results_lib.HELD_OUT_FILE, results)
    results_lib.merge(context.workdir)
    return StageOutcome(
        outputs=context.hash_outputs(results_lib.HELD_OUT_FILE), extra={"held_out_tokens": results["held_out_tokens"]}
    )


def add_oracle(
    results: dict[str, Any],
    name: str,
    domain: str,
    model: MistralConfig,
    params: dict,
    batches: list[dict[str, np.ndarray]],
    window: int,
) -> None:
    """Adds what each forced expert and the two oracles of one mixture pay on one domain.

    `oracle` in the results is the windowed oracle of the last mixture evaluated.
    """
    sums = held_out.total(held_out.jitted_oracle_sums(model, window), params, batches)
    tokens, loss = sums["tokens"], results["held_out_loss"][name][domain]
    forced = results["forced_expert_loss"].setdefault(name, {})
    for expert, nats in zip(model.experts, sums["expert_nats"]):
        forced.setdefault(expert, {})[domain] = float(nats / tokens)
    regret = results["oracle_regret"]
    regret[f"window_{window}"].setdefault(name, {})[domain] = loss - float(sums["window_nats"] / tokens)
    regret["token"].setdefault(name, {})[domain] = loss - float(sums["token_nats"] / tokens)
    results["held_out_loss"].setdefault("oracle", {})[domain] = float(sums["window_nats"] / tokens)


def main() -> None:
    """The stage, or with --benchmarks those."""
    from launch.evaluation import command  # defines its flags

    def run_either(invocation: cli.Invocation) -> None:
        if command.is_wanted():
            command.run(invocation)
        else:
            cli.run_stage("evaluate", invocation)

    cli.main(run_either)


if __name__ == "__main__":
    main()
