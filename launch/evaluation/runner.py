"""Runs benchmarks on a model, one after the other; what each found is on disk before the next one starts."""

from __future__ import annotations

import dataclasses
import json
import math
import pathlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from data.benchmarks.rows import BenchmarkDataError, MissingDataError
from launch.evaluation.answers import Answers
from launch.evaluation.benchmark import Benchmark, Options, Score, Unavailable
from launch.progress import Progress, StageProgress
from launch.workdir import atomic_write_text
from mistral_moe.evaluation.language_model import LanguageModel

SCORED, UNAVAILABLE = "scored", "unavailable"


def write_rows(path: pathlib.Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """JSON lines, replaced at once."""
    atomic_write_text(path, "".join(json.dumps(row, ensure_ascii=False, default=_plain) + "\n" for row in rows))


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def _entry(score: Score, seconds: float, options: Options) -> dict[str, Any]:
    figures = (score.value, score.stderr, score.floor)
    if not all(map(math.isfinite, figures)) or score.n < 1:
        raise ValueError(
            f"{score.metric} is no score: {score.value} ± {score.stderr} of {score.n}, floor {score.floor}"
        )
    return {
        "status": SCORED,
        "metric": score.metric,
        "value": float(score.value),
        "n": score.n,
        "stderr": float(score.stderr),
        "floor": float(score.floor),
        "floor_name": score.floor_name,
        "fewshot": score.fewshot,
        "seconds": round(seconds, 3),
        "reason": score.reason,
        "limit": options.limit,
        "counted": {name: int(n) for name, n in score.counted.items() if n},
        "parts": {name: dict(part) for name, part in score.parts.items()},
    }


def _unavailable(kind: str, reason: str, seconds: float, options: Options) -> dict[str, Any]:
    empty = dict.fromkeys(("metric", "value", "stderr", "floor", "floor_name", "fewshot"))
    return {
        "status": UNAVAILABLE,
        **empty,
        "n": 0,
        "seconds": round(seconds, 3),
        "reason": reason,
        "reason_kind": kind,
        "limit": options.limit,
    }


def run_one(
    benchmark: Benchmark, model: LanguageModel, options: Options, folder: pathlib.Path, progress: StageProgress
) -> dict[str, Any]:
    """One benchmark's entry of the results.

    Args:
      benchmark: which.
      model: who is asked; its answers are kept in `folder`, so that a run that was cut off asks only for the rest.
      options: the user's.
      folder: of the model's evaluation; gets `answers/NAME.jsonl`, `samples/NAME.jsonl` and what else the benchmark writes.
      progress: the display's line.

    Returns:
      `{status, metric, value, n, stderr, floor, floor_name, fewshot, seconds, reason, ...}`.
    """
    started = time.perf_counter()
    told = lambda done, total: progress.update(done, total)  # noqa: E731
    options = dataclasses.replace(options, progress=lambda part, done, total: progress.update(done, total))
    try:
        answers = Answers(folder / "answers" / f"{benchmark.name}.jsonl", model, told)
        score = benchmark.run(answers, options)
    except Unavailable as error:
        return _unavailable(error.kind, str(error), time.perf_counter() - started, options)
    except MissingDataError as error:
        return _unavailable("data_missing", f"data_missing: {error}", time.perf_counter() - started, options)
    except BenchmarkDataError as error:
        return _unavailable("data_invalid", f"data_invalid: {error}", time.perf_counter() - started, options)
    write_rows(folder / "samples" / f"{benchmark.name}.jsonl", score.samples)
    for name, rows in score.files.items():
        write_rows(folder / name, rows)
    return _entry(score, time.perf_counter() - started, options)


def run(
    benchmarks: Sequence[Benchmark],
    model: LanguageModel,
    options: Options,
    folder: pathlib.Path,
    progress: Progress,
    done: Callable[[Benchmark, dict[str, Any]], None],
) -> None:
    """Runs benchmarks; `done` is told each one's entry as soon as it is there."""
    for benchmark in benchmarks:
        with progress.stage(benchmark.name) as stage:
            entry = run_one(benchmark, model, options, folder, stage)
            if entry["status"] == SCORED:
                stage.update(stage.step, **{entry["metric"].replace(" ", "_"): entry["value"]})
            else:
                stage.note(entry["reason"])
        done(benchmark, entry)
