"""Official metrics of GLUE, SuperGLUE and BIG-bench, of labels and short texts; no file, no model."""

from __future__ import annotations

import collections
import re
import string
from collections.abc import Callable, Hashable, Sequence

import numpy as np

_BOOTSTRAP_DRAWS = 500
_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)
_IGNORED = re.compile(r'[,\n\\"]')


def accuracy(golds: Sequence[int], predictions: Sequence[int]) -> float:
    """Share of equal labels."""
    return float(np.mean(np.asarray(golds) == np.asarray(predictions)))


def f1(golds: Sequence[int], predictions: Sequence[int], positive: int = 1) -> float:
    """F1 of one label; 0 where it is neither there nor predicted."""
    is_gold, is_predicted = np.asarray(golds) == positive, np.asarray(predictions) == positive
    both, either = np.sum(is_gold & is_predicted), np.sum(is_gold) + np.sum(is_predicted)
    return float(2 * both / either) if either else 0.0


def macro_f1(golds: Sequence[int], predictions: Sequence[int], labels: int) -> float:
    """Unweighted mean of the labels' F1 (CommitmentBank)."""
    return sum(f1(golds, predictions, label) for label in range(labels)) / labels


def matthews(golds: Sequence[int], predictions: Sequence[int]) -> float:
    """Matthews' correlation of two labels (CoLA); 0 where either side is constant."""
    return pearson(golds, predictions)


def pearson(first: Sequence[float], second: Sequence[float]) -> float:
    """Pearson's correlation; 0 where either side is constant.

    Of two labels, 0 and 1, it is Matthews' (Matthews 1975).
    """
    first, second = (np.asarray(values, np.float64) for values in (first, second))
    first, second = first - first.mean(), second - second.mean()
    scale = np.sqrt(np.sum(first**2) * np.sum(second**2))
    # Constant values may keep a rest of rounding.
    return float(np.sum(first * second) / scale) if scale > 1e-12 * len(first) else 0.0


def spearman(first: Sequence[float], second: Sequence[float]) -> float:
    """Spearman's correlation: Pearson's of the ranks, equal values having their mean rank."""
    return pearson(_ranks(first), _ranks(second))


def _ranks(values: Sequence[float]) -> np.ndarray:
    _, place, counts = np.unique(np.asarray(values, np.float64), return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[place]


def all_right(groups: Sequence[Hashable], golds: Sequence[int], predictions: Sequence[int]) -> list[float]:
    """For each group 1 where all of its predictions are right, else 0 (MultiRC's exact match by question)."""
    right: dict[Hashable, bool] = {}
    for group, gold, prediction in zip(groups, golds, predictions, strict=True):
        right[group] = right.get(group, True) and gold == prediction
    return [float(value) for value in right.values()]


def plain_answer(text: str) -> str:
    """Text as SQuAD compares it: lower case, without punctuation, articles and further spaces."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def squad_exact(prediction: str, answers: Sequence[str]) -> float:
    """1 where a prediction is one of the answers as SQuAD compares them."""
    return float(any(plain_answer(prediction) == plain_answer(answer) for answer in answers))


def squad_f1(prediction: str, answers: Sequence[str]) -> float:
    """The best F1 of words with any of the answers, as SQuAD counts it."""

    def one(answer: str) -> float:
        words, wanted = plain_answer(prediction).split(), plain_answer(answer).split()
        if not words or not wanted:
            return float(words == wanted)
        common = sum((collections.Counter(words) & collections.Counter(wanted)).values())
        return 2 * common / (len(words) + len(wanted))

    return max(one(answer) for answer in answers)


def plain_output(text: str) -> str:
    """Text as BBH's exact match compares it: lower case, no space at either end, no commas, quotes, final full stop."""
    return _IGNORED.sub("", text.strip().lower()).strip().removesuffix(".").strip()


def exact_match(output: str, targets: Sequence[str]) -> float:
    """1 where an output is one of the targets."""
    return float(plain_output(output) in {plain_output(target) for target in targets})


def bootstrap_stderr(metric: Callable[[np.ndarray], float], n: int, seed: int = 0) -> float:
    """Standard error of a metric of a whole sample (Efron 1979): its deviation over resamples of a fixed seed.

    Args:
      metric: of the indices of the samples that it is to be of, [n] ints.
      n: samples.
      seed: of the resamples.
    """
    if n < 2:
        return 0.0
    rng = np.random.default_rng(seed)
    return float(np.std([metric(rng.integers(0, n, n)) for _ in range(_BOOTSTRAP_DRAWS)], ddof=1))
