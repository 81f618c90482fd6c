"""From a model's answers to a task to the task's official metric, its error and its floor."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from launch.evaluation.benchmark import mean_and_stderr
from launch.evaluation.lm_eval_tasks import Answer
from mistral_moe.evaluation import floors, label_metrics
from mistral_moe.evaluation.floors import Document, Floor


@dataclasses.dataclass(frozen=True)
class TaskScore:
    """A task's score.

    Attributes:
      value, stderr, n: as of Score.
      floor: of the task's whole data.
      others: the metrics that `value` is the mean of, and others, by name.
      samples: one JSON object a document.
      values: each document's own part of the score, where the score is their mean; else empty.
    """

    value: float
    stderr: float
    n: int
    floor: Floor
    others: Mapping[str, float]
    samples: Sequence[Mapping[str, Any]]
    values: Sequence[float] = ()


def score(name: str, metric: str, documents: Sequence[Document], answers: Sequence[Answer]) -> TaskScore:
    """The score of a task.

    Args:
      name: of the task, for its samples.
      metric: a key of METRICS.
      documents: all of its data, which the floor is of.
      answers: to all or some of them.
    """
    return METRICS[metric](name, documents, answers)


def _samples(name: str, answers: Sequence[Answer], values: Sequence[float], rule: str = "acc") -> list[dict[str, Any]]:
    found = []
    for answer, value in zip(answers, values, strict=True):
        document, record = answer.document, {"id": answer.document["id"], "task": name, "prompt": answer.prompt}
        if answer.nats:
            record |= {
                "output": document["choices"][answer.chosen[rule]],
                "target": document["choices"][document["gold"]],
                "score": value,
                "choices": list(document["choices"]),
                "nats": [round(nats, 4) for nats in answer.nats],
            }
        else:
            record |= {"output": answer.output, "target": document["continuation"], "score": value}
        found.append(record)
    return found


def _accuracy(rule: str) -> Callable[..., TaskScore]:
    """lm-eval's `acc` (the likeliest choice) or `acc_norm` (of most nats per character)."""

    def scored(name: str, documents: Sequence[Document], answers: Sequence[Answer]) -> TaskScore:
        values = [answer.values[rule] for answer in answers]
        value, stderr = mean_and_stderr(values)
        others = {key: mean_and_stderr([answer.values[key] for answer in answers])[0] for key in ("acc", "acc_norm")}
        samples = _samples(name, answers, values, rule)
        return TaskScore(value, stderr, len(values), floors.best(documents), others, samples, values)

    return scored


def _credit(name: str, documents: Sequence[Document], answers: Sequence[Answer]) -> TaskScore:
    """Mean of what the likeliest choices earn (BIG-bench's multiple_choice_grade)."""
    values = [floors.credit(answer.document, answer.chosen["acc"]) for answer in answers]
    value, stderr = mean_and_stderr(values)
    return TaskScore(value, stderr, len(values), floors.best(documents), {}, _samples(name, answers, values), values)


def _record(name: str, documents: Sequence[Document], answers: Sequence[Answer]) -> TaskScore:
    """ReCoRD: mean of exact match and F1 of the likeliest entity."""

    def graded(document: Document, metric: Callable[[str, Sequence[str]], float]) -> list[float]:
        return [metric(entity, document["answers_given"]) for entity in document["entities"]]

    def credited(document: Document) -> dict[str, Any]:
        exact, words = graded(document, label_metrics.squad_exact), graded(document, label_metrics.squad_f1)
        return {**document, "credits": [(one + other) / 2 for one, other in zip(exact, words)]}

    credits = [dataclasses.replace(answer, document=credited(answer.document)) for answer in answers]
    found = _credit(name, [credited(document) for document in documents], credits)
    picked = [
        (answer.document["answers_given"], answer.document["entities"][answer.chosen["acc"]]) for answer in answers
    ]
    others = {
        "em": sum(label_metrics.squad_exact(entity, given) for given, entity in picked) / len(picked),
        "f1": sum(label_metrics.squad_f1(entity, given) for given, entity in picked) / len(picked),
    }
    return dataclasses.replace(found, others=others)


def _exact_match(name: str, documents: Sequence[Document], answers: Sequence[Answer]) -> TaskScore:
    values = [answer.values["exact_match"] for answer in answers]
    value, stderr = mean_and_stderr(values)
    floor = floors.most_common_text([document["continuation"] for document in documents])
    return TaskScore(value, stderr, len(values), floor, {}, _samples(name, answers, values), values)


LabelMetric = Callable[[Sequence[int], Sequence[int]], float]


def _macro_f1(golds: Sequence[int], predictions: Sequence[int]) -> float:
    return label_metrics.macro_f1(golds, predictions, 3)


def _of_labels(metrics: Mapping[str, LabelMetric]) -> Callable[..., TaskScore]:
    """Mean of metrics that are of all labels together, with an error by resampling."""

    def joint(golds: Sequence[int], predictions: Sequence[int]) -> float:
        return sum(metric(golds, predictions) for metric in metrics.values()) / len(metrics)

    def scored(name: str, documents: Sequence[Document], answers: Sequence[Answer]) -> TaskScore:
        golds = np.array([answer.document["gold"] for answer in answers])
        predictions = np.array([answer.chosen["acc"] for answer in answers])
        stderr = label_metrics.bootstrap_stderr(lambda drawn: joint(golds[drawn], predictions[drawn]), len(golds))
        names = documents[0]["choices"]
        floor = floors.best_constant([document["gold"] for document in documents], names, joint)
        others = {key: metric(golds, predictions) for key, metric in metrics.items()}
        samples = _samples(name, answers, [answer.values["acc"] for answer in answers])
        return TaskScore(joint(golds, predictions), stderr, len(golds), floor, others, samples)

    return scored


def _multirc(name: str, documents: Sequence[Document], answers: Sequence[Answer]) -> TaskScore:
    """MultiRC: mean of the F1 over all answers and the share of questions all of whose answers are judged right."""

    def joint(groups: Sequence[str], golds: Sequence[int], predictions: Sequence[int]) -> float:
        exact = label_metrics.all_right(groups, golds, predictions)
        return (label_metrics.f1(golds, predictions) + sum(exact) / len(exact)) / 2

    def labels(of: Sequence[Document]) -> tuple[list[str], list[int]]:
        return [document["group"] for document in of], [document["gold"] for document in of]

    groups, golds = labels([answer.document for answer in answers])
    predictions = [answer.chosen["acc"] for answer in answers]
    members: dict[str, list[int]] = {}
    for place, group in enumerate(groups):
        members.setdefault(group, []).append(place)
    questions = list(members.values())

    def resampled(drawn: np.ndarray) -> float:
        # Answers to one question aren't independent: whole questions are drawn, each draw one of its own.
        places = [(copy, place) for copy, question in enumerate(drawn) for place in questions[question]]
        return joint([copy for copy, _ in places], [golds[p] for _, p in places], [predictions[p] for _, p in places])

    exact = label_metrics.all_right(groups, golds, predictions)
    all_groups, all_golds = labels(documents)
    return TaskScore(
        joint(groups, golds, predictions),
        label_metrics.bootstrap_stderr(resampled, len(questions)),
        len(answers),
        floors.best_constant(all_golds, ("no", "yes"), lambda gold, predicted: joint(all_groups, gold, predicted)),
        {"f1a": label_metrics.f1(golds, predictions), "em": sum(exact) / len(exact)},
        _samples(name, answers, [answer.values["acc"] for answer in answers]),
    )


def expected_rating(nats: Sequence[float]) -> float:
    """Mean of the ratings 0, 1, 2, ... under the softmax of their likelihoods."""
    top = max(nats)
    weights = [math.exp(value - top) for value in nats]
    return sum(rating * weight for rating, weight in enumerate(weights)) / sum(weights)


def _similarity(name: str, documents: Sequence[Document], answers: Sequence[Answer]) -> TaskScore:
    """STS-B: mean of Pearson's and Spearman's correlation of the expected rating with the annotators' mean.

    A constant answer has no correlation, so that the floor is 0.
    """
    # Prompts with a rating for gold alone have no finer one.
    golds = np.array([answer.document.get("similarity", answer.document["gold"]) for answer in answers], np.float64)
    ratings = np.array([expected_rating(answer.nats) for answer in answers])

    def joint(drawn: np.ndarray) -> float:
        first, second = golds[drawn], ratings[drawn]
        return (label_metrics.pearson(first, second) + label_metrics.spearman(first, second)) / 2

    everything = np.arange(len(golds))
    others = {
        "pearson": label_metrics.pearson(golds, ratings),
        "spearman": label_metrics.spearman(golds, ratings),
    }
    samples = [
        {**sample, "output": rating, "target": gold, "score": -abs(rating - gold)}
        for sample, rating, gold in zip(_samples(name, answers, ratings), ratings.tolist(), golds.tolist())
    ]
    stderr = label_metrics.bootstrap_stderr(joint, len(golds))
    return TaskScore(joint(everything), stderr, len(golds), Floor(0.0, "any constant"), others, samples)


METRICS: dict[str, Callable[..., TaskScore]] = {
    "acc": _accuracy("acc"),
    "acc_norm": _accuracy("acc_norm"),
    "credit": _credit,
    "exact_match": _exact_match,
    "record": _record,
    "multirc": _multirc,
    "mcc": _of_labels({"mcc": label_metrics.matthews}),
    "acc_and_f1": _of_labels({"acc": label_metrics.accuracy, "f1": label_metrics.f1}),
    "acc_and_macro_f1": _of_labels({"acc": label_metrics.accuracy, "f1": _macro_f1}),
    "pearson_and_spearman": _similarity,
}
