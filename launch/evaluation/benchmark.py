"""What a benchmark is to the runner: something that a model is handed and that returns a score, or says why there is none."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mistral_moe.evaluation.language_model import LanguageModel

CATEGORIES = ("code", "math", "reasoning", "language", "multimodal")
# Why a benchmark has no score: the word that a reason begins with.
REASONS = ("data_missing", "data_invalid", "no_tests", "no_grader", "no_images", "no_sandbox", "no_network")


class Unavailable(Exception):
    """A benchmark can't be scored faithfully here.

    Args:
      kind: one of REASONS.
      why: what is missing, and what to do about it.
    """

    def __init__(self, kind: str, why: str):
        if kind not in REASONS:
            raise ValueError(f"unknown reason {kind!r}; there are {', '.join(REASONS)}")
        super().__init__(f"{kind}: {why}")
        self.kind = kind


@dataclasses.dataclass(frozen=True)
class Options:
    """What the user asked for.

    Attributes:
      data_dir: folder of the benchmarks' files; None reads them from the hub.
      limit: most samples of each task of a benchmark; None: all.
      fewshot: examples in front of each question; None: the benchmark's own number.
      attempts: completions of each problem of code, for pass@k.
      temperature: of them where there is more than one; 0 with one.
      isolation: of the sandbox, "bubblewrap" or "process".
      seed: of all that is drawn.
      model_name: what files for other programs call the model.
      progress: told (benchmark's part, done, total) where a benchmark does something that takes time beside the model.
    """

    data_dir: pathlib.Path | None = None
    limit: int | None = None
    fewshot: int | None = None
    attempts: int = 1
    temperature: float = 0.8
    isolation: str = "bubblewrap"
    seed: int = 0
    model_name: str = "mistral_moe"
    progress: Callable[[str, int, int], None] = lambda part, done, total: None


@dataclasses.dataclass(frozen=True)
class Score:
    """What a benchmark found.

    Attributes:
      metric: name of the official metric.
      value: of it.
      stderr: its standard error.
      n: samples it is of.
      floor: what the best trivial strategy scores on the benchmark's whole data (always yes, the longest answer, ...).
      floor_name: of that strategy.
      fewshot: examples in front of each question.
      samples: one JSON object a sample for review: `id`, `prompt`, `output`, `score`, and what else helps.
      parts: other metrics, and the scores of parts, by name: {"value", "stderr", "n", ...}.
      counted: outcomes that are no score and must not go unseen: {"duplicates": 3, ...}.
      reason: what a reader must know of how it was scored; "" where nothing.
      files: rows of further .jsonl files for other programs, by name ("swe_bench_predictions.jsonl").
    """

    metric: str
    value: float
    stderr: float
    n: int
    floor: float
    floor_name: str
    fewshot: int
    samples: Sequence[Mapping[str, Any]]
    parts: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)
    counted: Mapping[str, int] = dataclasses.field(default_factory=dict)
    reason: str = ""
    files: Mapping[str, Sequence[Mapping[str, Any]]] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Benchmark:
    """One of the twenty.

    Attributes:
      name: what users and results call it.
      category: one of CATEGORIES.
      run: scores a model. Raises Unavailable, `rows.MissingDataError` (which the runner tells as data_missing) or
        `rows.BenchmarkDataError` (data_invalid).
    """

    name: str
    category: str
    run: Callable[[LanguageModel, Options], Score]


def mean_and_stderr(values: Sequence[float]) -> tuple[float, float]:
    """Mean of per-sample scores and its standard error (sample variance, n - 1); the error of one sample is 0."""
    n = len(values)
    mean = sum(values) / n
    if n < 2:
        return mean, 0.0
    variance = sum((value - mean) ** 2 for value in values) / (n - 1)
    return mean, (variance / n) ** 0.5
