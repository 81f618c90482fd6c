"""Stage `report`: the run's own checks, and one self-contained page that tells the run.

python -m launch.report --config=experiments/demo.py --workdir=runs/demo
"""

from __future__ import annotations

import dataclasses
import json
import pathlib
from typing import Any

import ml_collections

from data import records
from data.domains import LEVELS
from launch import cli
from launch import stages as stages_lib
from launch.evaluation.results import HELD_OUT_FILE, by_model
from launch.progress import NullProgress
from launch.stage import StageContext, StageOutcome
from launch.stages import STAGES, Stages
from launch.workdir import MANIFEST_FILE, Workdir, atomic_write_json, atomic_write_text
from mistral_moe.evaluation.checks import Check, against_dense, mixture_checks

PAGE_FILE = "index.html"
CHECKS_FILE = "checks.json"


def read_json(path: pathlib.Path) -> Any:
    """The content of a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def data_tables(data_dir: pathlib.Path, domains: list[str]) -> tuple[dict[str, Any], dict[str, dict[str, int]]]:
    """(domain -> level -> counts, domain -> reason -> documents dropped) from the data stage's manifests."""
    table: dict[str, Any] = {}
    dropped = {}
    for domain in domains:
        manifest = read_json(data_dir / domain / "manifest.json")
        dropped[domain] = manifest["records"]["dropped"]
        table[domain] = {}
        for level in LEVELS[domain]:
            row = read_json(data_dir / domain / level / "manifest.json")
            table[domain][level] = {
                "documents": row["records"],
                "bytes": row["bytes"],
                "heldout_documents": row["splits"]["heldout"]["records"],
                "licences": row["licences"],
            }
    return table, dropped


def sample_images(data_dir: pathlib.Path, count: int) -> list[tuple[str, bytes]]:
    """(first line of the caption, PNG bytes) of the first held-out pictures of the multimodal levels, in turn."""
    levels = LEVELS["multimodal"]
    pictures = []
    for index in range(count):
        documents = records.read_split(data_dir, "multimodal", levels[index % len(levels)], "heldout")
        for place, document in enumerate(documents):
            if place == index // len(levels):
                pictures.append((document.text.splitlines()[0], document.media))
                break
    return pictures


def model_card(config, workdir: Workdir) -> dict[str, str]:
    """Facts of the model, label -> text."""
    from launch import models
    from mistral_moe.report import wording
    from mistral_moe.training.flops import parameter_count

    dense, mixture = models.dense_config(config), models.mixture_config(config, reasoning=True)
    counted = parameter_count(mixture)
    return {
        "Dense parameters": wording.count(parameter_count(dense)["total"]),
        "Mixture parameters": f"{wording.count(counted['total'])}, {wording.count(counted['active'])} active a token",
        "Layers": f"{mixture.num_layers} of width {mixture.d_model}, feed-forward {mixture.d_ff}",
        "Attention": f"{mixture.num_heads} heads, {mixture.num_kv_heads} of them for keys and values",
        "Experts": f"{', '.join(mixture.experts)}; top {mixture.top_k}",
        "Router": f"one decision a {mixture.router_scope}, context {mixture.router_context}",
        "Reasoning steps": str(mixture.reasoning_steps),
        "Vocabulary": wording.count(mixture.vocab_size),
        "Sequence length": str(config.train.seq_len),
    }


def _write_page(context: StageContext) -> tuple[dict[str, Any], list[Check]]:
    """Writes the page; returns the results that it tells, and the run's own checks."""
    from launch.metrics import METRICS_FILE, read_rows
    from mistral_moe.report.inputs import ReportInput
    from mistral_moe.report.page import render

    config, domains = context.config, list(context.config.domains)
    results = read_json(context.input_folder("evaluate") / HELD_OUT_FILE)
    results["benchmarks_by_model"] = {name: kept["benchmarks"] for name, kept in by_model(context.workdir).items()}
    checks = mixture_checks(results["held_out_loss"], config.checks.own_expert_margin)
    results["checks"] = [dataclasses.asdict(check) for check in checks]
    sources = {name: context.input_folder(name) for name in ("seed", "router", "joint", "dense")}
    # Optional stages are told where they have run, as benchmarks are, whether or not they belong to the run.
    folders = {name: context.stages[name].folder for name in context.spec.tells_of}
    after = {name: context.workdir.read_manifest(folder) or {} for name, folder in folders.items()}
    sources |= {name: context.workdir.folder(folders[name]) for name in ("sft", "ppo")}
    sources |= {f"experts/{domain}": context.input_folder("experts") / domain for domain in domains}
    data_dir = context.input_folder("data")
    data, dropped = data_tables(data_dir, domains)
    manifests = {name: context.input_manifest(name) for name in context.spec.needs}
    fields = ("seconds", "started", "finished", "peak_rss_bytes")
    page = render(
        ReportInput(
            config_name=config.report.title,
            config_hash=context.config_hash,
            command=config.report.command,
            results=results,
            metrics={name: read_rows(folder / "metrics" / METRICS_FILE) for name, folder in sources.items()},
            curriculum=read_json(context.input_folder("experts") / "curriculum.json"),
            level_names={domain: LEVELS[domain] for domain in domains},
            stages={name: {field: manifest.get(field) for field in fields} for name, manifest in manifests.items()},
            data=data,
            dropped=dropped,
            versions=manifests["evaluate"]["versions"],
            model_card=model_card(config, context.workdir),
            post_training=after,
            images=sample_images(data_dir, int(config.report.images)) if "multimodal" in domains else (),
        )
    )
    atomic_write_text(context.folder / PAGE_FILE, page)
    return results, checks


def run(context: StageContext) -> StageOutcome:
    """Makes the checks and writes the page; a failed check fails the stage, which still leaves the page."""
    config = context.config
    results, checks = _write_page(context)
    beside = against_dense(results["held_out_loss"])
    atomic_write_json(context.folder / CHECKS_FILE, {"checks": results["checks"], "against_dense": beside})
    return StageOutcome(
        outputs=context.hash_outputs(PAGE_FILE, CHECKS_FILE),
        failed_checks=[
            f"{check.name}: it does not ({check.detail})"
            for check in checks
            if config.checks.required and not check.passed
        ],
    )


def refresh(workdir: Workdir, stages: Stages = STAGES) -> bool:
    """Writes the page again after benchmarks have run; whether there is one.

    Where the stage is not complete nothing is written: it takes the benchmarks in when it runs.
    """
    manifest = workdir.read_manifest(stages["report"].folder)
    made = manifest is not None and manifest.get("status") == "complete"
    if not made or not (workdir.folder(stages["evaluate"].folder) / HELD_OUT_FILE).is_file():
        return False
    recorded = ml_collections.ConfigDict(manifest["config"])
    stages = stages_lib.resolved(recorded, stages)
    spec = stages["report"]
    with NullProgress(["report"]) as progress, progress.stage("report") as shown:
        folder = workdir.folder(spec.folder)
        context = StageContext(recorded, workdir, folder, shown, manifest["inputs"], spec, stages)
        _write_page(context)
        manifest["outputs"] |= context.hash_outputs(PAGE_FILE)
    atomic_write_json(folder / MANIFEST_FILE, manifest)
    return True


def summary_lines(workdir: Workdir) -> list[str]:
    """The short table that ends a run: held-out loss of every model on every domain, the checks, the dense peer."""
    results = read_json(workdir.folder("eval") / HELD_OUT_FILE)
    told = read_json(workdir.folder("report") / CHECKS_FILE)
    losses = results["held_out_loss"]
    domains = results["expert_names"]
    width = max(map(len, losses))
    lines = ["held-out loss, nats per token", " " * width + "".join(f"{name:>12}" for name in (*domains, "mean"))]
    for model, row in losses.items():
        values = [*(row[domain] for domain in domains), results["held_out_loss_mean"][model]]
        lines.append(model.ljust(width) + "".join(f"{value:12.3f}" for value in values))
    lines += ["", *(f"{'ok  ' if c['passed'] else 'FAIL'} {c['name']}: {c['detail']}" for c in told["checks"])]
    return [*lines, f"     beside it: {told['against_dense']}"]


if __name__ == "__main__":
    cli.main("report")
