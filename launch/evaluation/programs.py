"""Completions of problems of code, and what becomes of them: what the benchmarks that run programs have in common."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from data.execution import pools
from data.execution.limits import Limits
from data.execution.pool import Pool
from data.execution.result import Refused
from launch.evaluation.benchmark import Options, Unavailable, mean_and_stderr
from mistral_moe.evaluation.language_model import Generated, LanguageModel, Prompt, in_order
from mistral_moe.evaluation.pass_at_k import estimates

TAIL = 1000  # characters of stderr that a sample keeps
T = TypeVar("T")
R = TypeVar("R")


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What a completion came to.

    Attributes:
      status: of `data.execution.result`, or "wrong" for a program that ended well with the wrong output.
      stderr: the end of what it said.
    """

    status: str
    stderr: str

    @property
    def passed(self) -> bool:
        return self.status == "passed"


def completions(
    model: LanguageModel, prompts: Sequence[str], options: Options, max_tokens: int, stop: tuple[str, ...]
) -> list[list[Generated]]:
    """`options.attempts` completions of each prompt: one is greedy, several are drawn, each of a seed of its own."""
    temperature = options.temperature if options.attempts > 1 else 0.0
    asked = [
        Prompt(text, max_tokens, stop, temperature, seed=options.seed + attempt)
        for text in prompts
        for attempt in range(options.attempts)
    ]
    drawn = in_order(model.generate(asked))
    return [drawn[start : start + options.attempts] for start in range(0, len(drawn), options.attempts)]


def in_sandbox(
    items: Sequence[T],
    work: Callable[[Pool, T], R],
    options: Options,
    part: str,
    limits: Limits = Limits(),
) -> list[R]:
    """What `work` makes of each item with a pool of the sandbox, one pool a core.

    Raises:
      Unavailable: this machine can't isolate in the way that was asked for.
    """
    try:
        return pools.each(
            items,
            work,
            options.isolation,
            limits,
            progress=lambda done: options.progress(part, done, len(items)),
        )
    except Refused as refusal:
        raise Unavailable("no_sandbox", str(refusal)) from refusal


def estimated(verdicts: Iterable[Sequence[Verdict]], attempts: int) -> tuple[float, float, dict[str, dict[str, Any]]]:
    """pass@1, its standard error over problems, and the other pass@k that the attempts allow, as parts of a score."""
    found = estimates([sum(verdict.passed for verdict in of_one) for of_one in verdicts], attempts)
    parts = {}
    for name, values in found.items():
        value, stderr = mean_and_stderr(values)
        parts[name] = {"value": value, "stderr": stderr, "n": len(values)}
    first = parts.pop("pass@1")
    return first["value"], first["stderr"], parts


def samples(
    ids: Sequence[str],
    prompts: Sequence[str],
    drawn: Sequence[Sequence[Generated]],
    verdicts: Sequence[Sequence[Verdict]],
) -> list[dict[str, Any]]:
    """One record a completion."""
    return [
        {
            "id": name,
            "attempt": attempt,
            "prompt": prompt,
            "output": generated.text,
            "score": float(verdict.passed),
            "status": verdict.status,
            "stderr": verdict.stderr[-TAIL:],
            "ends": generated.ends,
        }
        for name, prompt, of_one, found in zip(ids, prompts, drawn, verdicts, strict=True)
        for attempt, (generated, verdict) in enumerate(zip(of_one, found, strict=True))
    ]


def counted(
    drawn: Iterable[Sequence[Generated]], verdicts: Iterable[Sequence[Verdict]], duplicates: int
) -> Mapping[str, int]:
    """Outcomes that must not go unseen; those that didn't occur are left out."""
    every = [generated for of_one in drawn for generated in of_one]
    counts = Counter(verdict.status for of_one in verdicts for verdict in of_one)
    found = {
        "duplicates": duplicates,
        "empty_outputs": sum(not generated.text.strip() for generated in every),
        "truncated_prompts": sum(generated.truncated > 0 for generated in every),
        "timeouts": counts["timeout"],
        "killed": counts["killed"],
    }
    return {name: count for name, count in found.items() if count}
