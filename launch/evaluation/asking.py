"""What benchmarks have in common that ask a model and keep a record of each answer."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from launch.evaluation.benchmark import Options
from mistral_moe.evaluation.language_model import (
    Continuation,
    Generated,
    LanguageModel,
    LogLikelihood,
    Prompt,
    in_order,
)

T = TypeVar("T")


def drawn(documents: Sequence[T], options: Options) -> list[T]:
    """At most `options.limit` documents, in their order.

    They are drawn from the whole: files are often sorted by subject, and the first of them would be of one subject.
    """
    if options.limit is None or options.limit >= len(documents):
        return list(documents)
    kept = random.Random(options.seed).sample(range(len(documents)), options.limit)
    return [documents[index] for index in sorted(kept)]


def generate(model: LanguageModel, prompts: Sequence[Prompt]) -> list[Generated]:
    """The completion of each prompt."""
    return in_order(model.generate(prompts))


def log_likelihoods(model: LanguageModel, requests: Sequence[Continuation]) -> list[LogLikelihood]:
    """The likelihood of each continuation."""
    return in_order(model.log_likelihoods(requests))


@dataclasses.dataclass(frozen=True)
class Choice:
    """The likeliest of some choices.

    Attributes:
      answer: the first of the likeliest.
      is_tied: whether there were others as likely.
      is_truncated: whether the context was cut for one of them.
    """

    answer: str
    is_tied: bool
    is_truncated: bool


def choose(model: LanguageModel, contexts: Sequence[str], choices: Sequence[str]) -> list[Choice]:
    """For each context the likeliest choice; of equal ones the first, as in lm-eval."""
    requests = [Continuation(context, f" {choice}") for context in contexts for choice in choices]
    answers = log_likelihoods(model, requests)
    found = []
    for start in range(0, len(answers), len(choices)):
        likely = answers[start : start + len(choices)]
        nats = [one.nats for one in likely]
        best = nats.index(max(nats))
        found.append(Choice(choices[best], nats.count(nats[best]) > 1, any(one.truncated for one in likely)))
    return found


def grouped_mean_and_stderr(values: Sequence[float], groups: Sequence[Hashable]) -> tuple[float, float]:
    """Mean and its standard error where samples of a group are not independent (Miller 2024, arXiv:2411.00640).

    A model that sees no image gives one answer to a question, however many images it is asked about. With groups of one
    sample it is the usual error; of a single group it is 0.
    """
    n = len(values)
    mean = sum(values) / n
    deviations: dict[Hashable, float] = {}
    for value, group in zip(values, groups):
        deviations[group] = deviations.get(group, 0.0) + value - mean
    if len(deviations) < 2:
        return mean, 0.0
    scale = len(deviations) / (len(deviations) - 1)
    return mean, (scale * sum(deviation**2 for deviation in deviations.values())) ** 0.5 / n


def part(values: Sequence[float], groups: Sequence[Hashable] | None = None, **more: Any) -> dict[str, Any]:
    """A part of a score: mean, standard error and number of per-sample scores."""
    value, stderr = grouped_mean_and_stderr(values, range(len(values)) if groups is None else groups)
    return {"value": value, "stderr": stderr, "n": len(values), **more}


def parts_by(samples: Iterable[Mapping[str, Any]], field: str) -> dict[str, dict[str, Any]]:
    """Parts by the value of a sample's field, sorted; samples without one are in none."""
    groups: dict[str, list[float]] = {}
    for sample in samples:
        if sample[field]:
            groups.setdefault(sample[field], []).append(float(sample["score"]))
    return {name: part(groups[name]) for name in sorted(groups)}


def counted(**outcomes: int) -> dict[str, int]:
    """Outcomes that happened."""
    return {name: number for name, number in outcomes.items() if number}


def no_examples(options: Options) -> str:
    """What to say where examples were asked for and a benchmark has none to show; else ""."""
    return f"{options.fewshot} examples were asked for and there are none to show" if options.fewshot else ""


def reason(*sentences: str) -> str:
    """Those that aren't empty, as one text."""
    return "; ".join(sentence for sentence in sentences if sentence)
