"""The quality controller: judges batches of documents on diversity, complexity, accuracy and toxicity, each in [0, 1].

Every score is an estimate of a property of the source that the batch was drawn from, so that a threshold means the
same for batches of eight and of eight thousand documents; larger batches only have less noise.

- diversity: how little documents repeat themselves and each other; see `data.quality.diversity`.
- complexity: mean over documents of the share of a reference corpus that is less complex; see
  `data.quality.complexity`.
- accuracy: share of documents that are right, of those that can be checked; see `data.quality.accuracy`.
- toxicity: estimated share of toxic documents; see `data.quality.toxic`. Detectors differ in what that is worth, so
  that the report names the detector and its area under the ROC curve.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from data.document import Document
from data.quality import accuracy, complexity, diversity, toxic
from data.quality.accuracy import Accuracy, Checker
from data.quality.diversity import Diversity
from data.quality.toxic import Detector


@dataclasses.dataclass(frozen=True)
class Thresholds:
    """Beyond which a batch is rejected.

    Attributes:
      diversity: least that is accepted.
      toxicity: most that is accepted.
      complexity, accuracy: least that is accepted; of accuracy the lower end of its interval, and only of batches of
        which any document can be checked. At 0 nothing is rejected.
    """

    diversity: float = 0.7
    toxicity: float = 0.1
    complexity: float = 0.0
    accuracy: float = 0.0


@dataclasses.dataclass(frozen=True)
class BatchReport:
    """What the controller found.

    Attributes:
      documents: how many were judged.
      diversity, complexity, accuracy, toxicity: the scores.
      detector, detector_auroc: what told toxicity, and what it is worth.
      thresholds: what was asked.
      reasons: names of the scores that reject the batch, in the order above.
      evidence: the same for a person, in words.
    """

    documents: int
    diversity: Diversity
    complexity: float
    accuracy: Accuracy
    toxicity: float
    detector: str
    detector_auroc: dict[str, float]
    thresholds: Thresholds
    reasons: tuple[str, ...]
    evidence: tuple[str, ...]

    @property
    def accepted(self) -> bool:
        """Whether no score rejects the batch."""
        return not self.reasons

    def to_json(self) -> dict[str, Any]:
        """The report as plain values; `scores` holds the four, None where nothing could be checked."""
        rounded = {
            "diversity": self.diversity.value,
            "complexity": self.complexity,
            "accuracy": self.accuracy.value,
            "toxicity": self.toxicity,
        }
        return {
            "documents": self.documents,
            "scores": {name: None if value is None else round(value, 6) for name, value in rounded.items()},
            "diversity": {name: _rounded(value) for name, value in dataclasses.asdict(self.diversity).items()},
            "accuracy": {name: _rounded(value) for name, value in dataclasses.asdict(self.accuracy).items()},
            "detector": self.detector,
            "detector_auroc": dict(self.detector_auroc),
            "thresholds": dataclasses.asdict(self.thresholds),
            "accepted": self.accepted,
            "reasons": list(self.reasons),
            "evidence": list(self.evidence),
        }


def _rounded(value: float | None) -> float | None:
    return round(value, 6) if isinstance(value, float) else value


def judge(
    batch: Sequence[Document],
    thresholds: Thresholds,
    detector: Detector | None = None,
    executor: Checker | None = None,
) -> BatchReport:
    """Scores a batch and says whether it is accepted.

    Args:
      batch: documents of any domains.
      thresholds: beyond which it is rejected.
      detector: of toxicity; None: `toxic.default_detector()`.
      executor: runs programs and says whether they do what they should, None where it can't say; None: they need only
        parse.

    Raises:
      ValueError: an empty batch.
    """
    if not batch:
        raise ValueError("a batch without documents has no quality")
    detector = detector or toxic.default_detector()
    diverse = diversity.measure(batch)
    complex_ = sum(map(complexity.score, batch)) / len(batch)
    right = accuracy.measure(batch, executor)
    toxicity = toxic.measure([document.text for document in batch], detector)
    rejected = {}
    if diverse.value < thresholds.diversity:
        rejected["diversity"] = f"diversity {diverse.value:.3f}, kept at least {thresholds.diversity:g}"
    if complex_ < thresholds.complexity:
        rejected["complexity"] = f"complexity {complex_:.3f}, kept at least {thresholds.complexity:g}"
    if right.checked and right.lower < thresholds.accuracy:
        rejected["accuracy"] = (
            f"accuracy {right.value:.3f} of {right.checked}, at least {right.lower:.3f}, kept at least "
            f"{thresholds.accuracy:g}"
        )
    if toxicity > thresholds.toxicity:
        rejected["toxicity"] = f"toxicity {toxicity:.3f} by {detector.name}, kept at most {thresholds.toxicity:g}"
    return BatchReport(
        documents=len(batch),
        diversity=diverse,
        complexity=complex_,
        accuracy=right,
        toxicity=toxicity,
        detector=detector.name,
        detector_auroc=dict(detector.auroc),
        thresholds=thresholds,
        reasons=tuple(rejected),
        evidence=tuple(rejected.values()),
    )
