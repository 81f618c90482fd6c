"""What benchmarks have in common that ask a model and keep a record of each answer."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from launch.evaluation.benchmark import Options, mean_and_stderr
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
    """The completion of each prompt; equal prompts are asked once."""
    distinct = list(dict.fromkeys(prompts))
    answers = dict(zip(distinct, in_order(model.generate(distinct))))
    return [answers[prompt] for prompt in prompts]


def log_likelihoods(model: LanguageModel, requests: Sequence[Continuation]) -> list[LogLikelihood]:
    """The likelihood of each continuation; equal ones are asked once."""
    distinct = list(dict.fromkeys(requests))
    answers = dict(zip(distinct, in_order(model.log_likelihoods(distinct))))
    return [answers[request] for request in requests]


def choose(
    model: LanguageModel, contexts: Sequence[str], choices: Sequence[str]
) -> list[tuple[str | None, list[LogLikelihood]]]:
    """For each context the likeliest of the choices, None where the first place is shared, and how likely each is."""
    requests = [Continuation(context, f" {choice}") for context in contexts for choice in choices]
    answers = log_likelihoods(model, requests)
    found = []
    for start in range(0, len(answers), len(choices)):
        likely = answers[start : start + len(choices)]
        best = max(one.nats for one in likely)
        first = [choice for choice, one in zip(choices, likely) if one.nats == best]
        found.append((first[0] if len(first) == 1 else None, likely))
    return found


def part(values: Sequence[float], **more: Any) -> dict[str, Any]:
    """A part of a score: mean, standard error and number of per-sample scores."""
    value, stderr = mean_and_stderr(values)
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
