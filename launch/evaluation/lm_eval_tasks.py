"""Questions as tasks of EleutherAI's lm-eval, and their answers by a model.

What lm-eval decides: how prompts, few-shot examples and choices are joined, what is asked of the model, and which choice counts
as chosen. Documents come from data.benchmarks and metrics of whole tasks from task_scores, so that neither a hub nor lm-eval's
own data sets are needed.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import logging
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mistral_moe.evaluation import label_metrics
from mistral_moe.evaluation.language_model import LanguageModel

_MAX_TOKENS = 128  # lm-eval's own for BIG-bench
_SPARE_TOKENS = 8
# "Q:" begins another question of BBH's form; most answers are one line.
_STOP = ("\n\n", "\n", "Q:")


@dataclasses.dataclass(frozen=True)
class Job:
    """One task to run.

    Attributes:
      name: of the task.
      documents: to answer; with `choices` or with `context`, all alike.
      examples: that stand in front of each question, in this order.
      description: text before them.
    """

    name: str
    documents: Sequence[Mapping[str, Any]]
    examples: Sequence[Mapping[str, Any]] = ()
    description: str = ""


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a model made of one document.

    Attributes:
      document: the question.
      prompt: all of it that the model read.
      output: the text generated, or "" where a choice was asked for.
      nats: of each choice.
      values: lm-eval's metrics of it: `acc` and `acc_norm`, or `exact_match`.
      chosen: the likeliest choice, and by `acc_norm`'s rule (nats per character).
    """

    document: Mapping[str, Any]
    prompt: str
    output: str
    nats: Sequence[float]
    values: Mapping[str, float]
    chosen: Mapping[str, int]


def sample(documents: Sequence[Any], limit: int | None, seed: int, name: str) -> list[Any]:
    """`limit` documents drawn by a seed of the task's own, in their order in the file; all where None.

    lm-eval takes the first ones, which of a file that is sorted by label or source stand for nothing. A smaller sample is part
    of a larger one, so that earlier answers are of use when the limit is raised.
    """
    if limit is None or limit >= len(documents):
        return list(documents)
    order = list(range(len(documents)))
    random.Random(f"{seed}:{name}").shuffle(order)
    return [documents[place] for place in sorted(order[:limit])]


def run(model: LanguageModel, jobs: Sequence[Job]) -> tuple[dict[str, list[Answer]], collections.Counter[str]]:
    """Answers of a model by task, in the order of its documents.

    Args:
      model: the model.
      jobs: tasks, of different names.

    Returns:
      The answers, and what the model's side counted: truncated_prompts, empty_outputs.
    """
    import lm_eval.evaluator

    from launch.evaluation.lm import HarnessLM

    harness = HarnessLM(model)
    with _quiet():
        tasks = {job.name: _task(job) for job in jobs}
        # bootstrap_iters=0: the errors are task_scores' part.
        results = lm_eval.evaluator.evaluate(lm=harness, task_dict=tasks, log_samples=True, bootstrap_iters=0)
    answers = {}
    for job in jobs:
        records = sorted(results["samples"][job.name], key=lambda record: record["doc_id"])
        answers[job.name] = [_answer(job, record) for record in records]
    return answers, collections.Counter(harness.counted)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without lm-eval's messages and bars: warnings of how the tasks are made are of no use to who runs them."""
    import lm_eval.api.task

    logger, bar = logging.getLogger("lm_eval"), lm_eval.api.task.tqdm
    level = logger.level
    logger.setLevel(logging.ERROR)
    lm_eval.api.task.tqdm = lambda iterable, **_: iterable
    try:
        yield
    finally:
        logger.setLevel(level)
        lm_eval.api.task.tqdm = bar


def _task(job: Job) -> Any:
    import datasets
    from lm_eval.api.task import ConfigurableTask

    # lm-eval's data set holds places in this list alone: Arrow would give all documents one set of columns and types.
    everything = [*job.documents, *job.examples]
    places = {
        "test": datasets.Dataset.from_dict({"place": list(range(len(job.documents)))}),
        "examples": datasets.Dataset.from_dict({"place": list(range(len(job.documents), len(everything)))}),
    }
    config = {
        "task": job.name,
        "custom_dataset": lambda **_: places,
        "test_split": "test",
        "description": job.description,
        "num_fewshot": len(job.examples),
        "metadata": {"version": 1.0},
    }
    if job.examples:
        config |= {"fewshot_split": "examples", "fewshot_config": {"sampler": "first_n"}}
    if "choices" in everything[0]:
        config |= {
            "output_type": "multiple_choice",
            "doc_to_text": lambda doc: everything[doc["place"]]["query"],
            "doc_to_choice": lambda doc: list(everything[doc["place"]]["choices"]),
            "doc_to_target": lambda doc: everything[doc["place"]]["gold"],
            "metric_list": [_mean_of("acc"), _mean_of("acc_norm")],
        }
    else:
        targets = [target for document in job.documents for target in document["targets"]]
        longest = max(len(target.encode()) for target in targets)

        def score(doc: Mapping[str, Any], outputs: Sequence[str]) -> dict[str, float]:
            return {"exact_match": label_metrics.exact_match(outputs[0], everything[doc["place"]]["targets"])}

        config |= {
            "output_type": "generate_until",
            "doc_to_text": lambda doc: everything[doc["place"]]["context"],
            "doc_to_target": lambda doc: everything[doc["place"]]["continuation"],
            "process_results": score,
            "metric_list": [_mean_of("exact_match")],
            "generation_kwargs": {
                "until": [stop for stop in _STOP if not any(stop in target for target in targets)],
                "do_sample": False,
                "temperature": 0.0,
                # A token is a byte at least: what is longer than the longest answer is no answer.
                "max_gen_toks": min(_MAX_TOKENS, longest + _SPARE_TOKENS),
            },
        }
    return ConfigurableTask(config=config)


def _mean_of(metric: str) -> dict[str, Any]:
    return {"metric": metric, "aggregation": "mean", "higher_is_better": True}


def _answer(job: Job, record: Mapping[str, Any]) -> Answer:
    document = job.documents[record["doc_id"]]
    prompt = record["arguments"][0][0]
    if "choices" not in document:
        output = str(record["filtered_resps"][0])
        return Answer(document, prompt, output, (), {"exact_match": float(record["exact_match"])}, {})
    nats = [float(response[0]) for response in record["filtered_resps"]]
    # The rule of lm-eval's `acc_norm`; the first of equal ones, as there.
    relative = [value / len(choice) for value, choice in zip(nats, document["choices"], strict=True)]
    chosen = {"acc": nats.index(max(nats)), "acc_norm": relative.index(max(relative))}
    values = {metric: float(record[metric]) for metric in ("acc", "acc_norm")}
    return Answer(document, prompt, "", nats, values, chosen)
