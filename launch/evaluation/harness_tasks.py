"""lm-eval's own tasks, hundreds of them, as benchmarks: `--benchmarks=lm_eval:arc_easy,lm_eval:lambada_openai`.

Their data comes from where the tasks say, mostly the hub. --lm_eval_tasks=DIR adds a folder of tasks of one's own, which may
`include` the shipped ones and read local files:

    include: gsm8k.yaml
    task: gsm8k_local
    dataset_path: json
    dataset_name: null
    dataset_kwargs: {data_files: {test: /data/gsm8k/test.jsonl}}
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from typing import Any

from launch.errors import UserError
from launch.evaluation.benchmark import Benchmark, Options, Score, Unavailable
from launch.evaluation.registry import HARNESS
from mistral_moe.evaluation.language_model import LanguageModel

_BOOTSTRAP = 1000
# The field's habit: what a task is known by comes first.
_MAIN = ("acc_norm", "exact_match", "acc", "f1", "word_perplexity")


@functools.lru_cache(maxsize=4)
def _manager(task_dir: str | None) -> Any:
    """lm-eval's index of tasks; it reads thousands of files."""
    from lm_eval.tasks import TaskManager

    return TaskManager(include_path=task_dir)


def benchmark(task: str, task_dir: str | None = None) -> Benchmark:
    """A task, tag or group of lm-eval.

    Args:
      task: its name.
      task_dir: folder of further tasks.

    Raises:
      UserError: lm-eval has no such task.
    """
    manager = _manager(task_dir)
    if task not in manager.all_tasks:
        raise UserError(f"lm-eval has no task {task!r}", "`lm_eval ls tasks` lists its tasks")

    def run(model: LanguageModel, options: Options) -> Score:
        return _run(task, manager, model, options)

    return Benchmark(task, HARNESS, run)


def _run(task: str, manager: Any, model: LanguageModel, options: Options) -> Score:
    from lm_eval import evaluator

    from launch.evaluation.lm import HarnessLM

    lm = HarnessLM(model)
    try:
        found = evaluator.simple_evaluate(
            lm,
            tasks=[task],
            task_manager=manager,
            num_fewshot=options.fewshot,
            limit=options.limit,
            bootstrap_iters=_BOOTSTRAP,
            log_samples=True,
            random_seed=options.seed,
            fewshot_random_seed=options.seed,
            verbosity=None,
        )
    except (ConnectionError, FileNotFoundError) as error:
        raise Unavailable("no_network", f"the data of lm-eval's {task} can't be fetched ({error})") from error
    parts = {
        f"{name} {metric}": {"value": value, "stderr": stderr, "n": len(found["samples"].get(name, ())) or None}
        for name, row in found["results"].items()
        for metric, value, stderr in _metrics(row)
    }
    metric, value, stderr = _main(found["results"].get(task) or next(iter(found["results"].values())))
    samples = [
        {
            "id": f"{name}/{sample['doc_id']}",
            "prompt": sample["arguments"][0][0],
            "output": sample["filtered_resps"],
            "target": sample["target"],
            "score": {key: sample[key] for key in sample.get("metrics", ()) if key in sample},
        }
        for name, rows in found["samples"].items()
        for sample in rows
    ]
    chances = [1 / len(s["arguments"]) for rows in found["samples"].values() for s in rows if len(s["arguments"]) > 1]
    floor = sum(chances) / len(samples) if samples else 0.0
    shots = max((int(n) for n in found.get("n-shot", {}).values() if n is not None), default=0)
    named = "chance" if chances else "nothing right"
    return Score(metric, value, stderr, len(samples), floor, named, shots, samples, parts, dict(lm.counted))


def _metrics(row: Mapping[str, Any]) -> list[tuple[str, float, float]]:
    """(metric, value, stderr) of a task's row of results."""
    found = []
    for key, value in row.items():
        metric, _, name = key.partition(",")
        if not name or metric.endswith("_stderr") or not isinstance(value, (int, float)) or not math.isfinite(value):
            continue
        stderr = row.get(f"{metric}_stderr,{name}")
        is_known = isinstance(stderr, (int, float)) and math.isfinite(stderr)
        found.append(
            (metric if name == "none" else f"{metric} ({name})", float(value), float(stderr) if is_known else 0.0)
        )
    return found


def _main(row: Mapping[str, Any]) -> tuple[str, float, float]:
    found = _metrics(row)
    if not found:
        raise Unavailable("data_invalid", "lm-eval returned no figure for this task")
    rank = {name: place for place, name in enumerate(_MAIN)}
    return min(found, key=lambda item: rank.get(item[0].split(" ")[0], len(rank)))
