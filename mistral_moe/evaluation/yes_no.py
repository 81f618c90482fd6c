"""How well yes and no are told apart, and how often yes is said: POPE's metrics (Li et al. 2023)."""

from __future__ import annotations

from collections.abc import Sequence
import dataclasses


@dataclasses.dataclass(frozen=True)
class YesNo:
    """Of predictions; an answer that is neither is wrong, and no "yes".

    Attributes:
      accuracy: share of right answers.
      precision: share of "yes" that are right; 0 where there is none.
      recall: share of what is "yes" that was told; 0 where there is none.
      f1: harmonic mean of the two.
      yes_rate: share of "yes" among all predictions.
      neither: predictions that are neither.
      n: predictions.
    """

    accuracy: float
    precision: float
    recall: float
    f1: float
    yes_rate: float
    neither: int
    n: int


def measure(predictions: Sequence[bool | None], labels: Sequence[bool]) -> YesNo:
    """The metrics.

    Args:
      predictions: True for "yes", None for neither.
      labels: what is right.

    Raises:
      ValueError: there is none, or lengths differ.
    """
    if not labels or len(predictions) != len(labels):
        raise ValueError(f"{len(predictions)} predictions for {len(labels)} labels")
    n = len(labels)
    said = sum(prediction is True for prediction in predictions)
    hits = sum(prediction is True and label for prediction, label in zip(predictions, labels))
    right = sum(prediction is label for prediction, label in zip(predictions, map(bool, labels)))
    precision = hits / said if said else 0.0
    recall = hits / sum(map(bool, labels)) if any(labels) else 0.0
    return YesNo(
        accuracy=right / n,
        precision=precision,
        recall=recall,
        f1=2 * precision * recall / (precision + recall) if hits else 0.0,
        yes_rate=said / n,
        neither=sum(prediction is None for prediction in predictions),
        n=n,
    )


def read(answer: str) -> bool | None:
    """Whether a text says yes: by its first word that is one of the two; None for neither."""
    for word in answer.lower().split():
        bare = word.strip(".,;:!?\"'()*")
        if bare in ("yes", "no"):
            return bare == "yes"
    return None
