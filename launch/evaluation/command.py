"""`launch.evaluate --benchmarks=...`: a model of a workdir on the benchmarks that the user names."""

from __future__ import annotations

import dataclasses
import pathlib
from typing import Any

from absl import flags

from launch import cli, provenance
from launch.errors import UserError
from launch.evaluation import registry, results, table
from launch.evaluation.benchmark import Benchmark, Options
from launch.progress import Progress
from launch.workdir import Workdir

_NAMES = flags.DEFINE_list(
    "benchmarks", [], "all, categories (code, math, reasoning, language, multimodal), names, or lm_eval:TASK."
)
_DATA_DIR = flags.DEFINE_string("data_dir", None, "Folder of the benchmarks' files; the hub without it.")
_TASKS = flags.DEFINE_string("lm_eval_tasks", None, "Folder of further tasks for lm_eval:TASK, in lm-eval's YAML.")
_LIMIT = flags.DEFINE_integer("limit", None, "Most samples of each task of a benchmark.", lower_bound=1)
_FEWSHOT = flags.DEFINE_integer(
    "fewshot", None, "Examples before each question; the benchmark's own number without it.", lower_bound=0
)
_STAGE = flags.DEFINE_string("stage", "", "Stage whose model it is; the newest whole model without it.")
_DOMAIN = flags.DEFINE_string("domain", "", "Branch of --stage=experts.")
_ATTEMPTS = flags.DEFINE_integer("attempts", 1, "Completions of each problem of code, for pass@k.", lower_bound=1)
_TEMPERATURE = flags.DEFINE_float("temperature", 0.8, "Of several attempts; one is greedy.", lower_bound=0.0)
_ISOLATION = flags.DEFINE_enum(
    "isolation", "bubblewrap", ["bubblewrap", "process"], "How programs that the model writes are kept apart."
)
_MAX_LENGTH = flags.DEFINE_integer("max_length", None, "Tokens of the window; what it was trained on without it.", 1)
_INT8 = flags.DEFINE_boolean("int8", False, "Keeps the weights in eight bits.")


def is_wanted() -> bool:
    """Whether the command line names benchmarks."""
    return bool(_NAMES.value)


def _options() -> Options:
    data_dir = pathlib.Path(_DATA_DIR.value) if _DATA_DIR.value else None
    if data_dir is not None and not data_dir.is_dir():
        raise UserError(f"--data_dir={data_dir} is not a folder", "name the folder that holds arc/, mmlu/, gsm8k/, ...")
    return Options(
        data_dir=data_dir,
        limit=_LIMIT.value,
        fewshot=_FEWSHOT.value,
        attempts=_ATTEMPTS.value,
        temperature=_TEMPERATURE.value,
        isolation=_ISOLATION.value,
    )


def run(invocation: cli.Invocation) -> None:
    """Runs the benchmarks, keeps what they find in `eval/`, and shows it.

    Raises:
      UserError: an unknown benchmark, no such model, or data that is there and broken, told after all others have run.
    """
    chosen = registry.choose(_NAMES.value)
    options = _options()
    from launch import saved_models  # loads JAX, for which a wrong command line need not wait

    saved = saved_models.find(invocation.workdir, _STAGE.value, _DOMAIN.value)
    name = results.model_name(saved)
    if invocation.dry_run:
        print(f"{name} of {invocation.workdir} on {', '.join(one.name for one in chosen)}")
        return
    benchmarks = [one.load(_TASKS.value) for one in chosen]
    from launch.evaluation.run_model import model_digest, open_model
    from launch.evaluation.runner import run as run_all

    workdir, digest = invocation.workdir, model_digest(saved)
    with workdir.lock():
        kept = results.read(workdir, name)
        # Figures of other weights don't stand beside these.
        found: dict[str, dict[str, Any]] = kept.get("benchmarks", {}) if kept.get("digest") == digest else {}

        def done(benchmark: Benchmark, entry: dict[str, Any]) -> None:
            found.setdefault(benchmark.category, {})[benchmark.name] = entry
            results.write(workdir, name, digest, provenance.now(), found)

        with Progress([benchmark.name for benchmark in benchmarks]) as progress:
            model = open_model(saved, _MAX_LENGTH.value, _INT8.value)
            options = dataclasses.replace(options, model_name=name)
            run_all(benchmarks, model, options, results.folder_of(workdir, name), progress, done)
        _refresh_report(workdir)
    asked: dict[str, dict[str, Any]] = {}
    for benchmark in benchmarks:
        asked.setdefault(benchmark.category, {})[benchmark.name] = found[benchmark.category][benchmark.name]
    table.show(asked, name)
    print(f"results: {workdir.folder(results.FOLDER) / results.RESULTS_FILE}")
    _complain(asked)


def _complain(asked: dict[str, dict[str, Any]]) -> None:
    entries = {name: entry for of_category in asked.values() for name, entry in of_category.items()}
    broken = {name: entry["reason"] for name, entry in entries.items() if entry.get("reason_kind") == "data_invalid"}
    if broken:
        name, reason = next(iter(broken.items()))
        more = f" (and {len(broken) - 1} more: {', '.join(list(broken)[1:])})" if len(broken) > 1 else ""
        raise UserError(f"{name} could not be scored{more}: {reason.removeprefix('data_invalid: ')}")
    if all(entry["status"] != "scored" for entry in entries.values()):
        name, entry = next(iter(entries.items()))
        where = "--data_dir=DIR" if _DATA_DIR.value is None else f"files under {_DATA_DIR.value}"
        raise UserError(f"no benchmark could be scored; {name}: {entry['reason']}", f"check {where}")


def _refresh_report(workdir: Workdir) -> None:
    from launch import report

    report.refresh(workdir)
