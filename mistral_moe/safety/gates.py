"""Gates that fail closed: a measure passes only where enough samples, a detector that was measured, and a bound say so.

What is held against a threshold is not the measured value but the end of its confidence interval on the unfavourable side
(Wilson 1927, one-sided 95 %), so that few samples can't pass by luck. What could not be measured has failed.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

Z = 1.6448536269514722  # of the standard normal distribution, 95 % below
NAMES = ("toxicity", "bias", "hallucination", "security")
# Why a part failed: the word that its reason begins with.
REASONS = (
    *(
        "too_few_samples",
        "missing_detector",
        "weak_detector",
        "missing_data",
        "invalid_data",
        "error",
        "beyond_threshold",
    ),
)


class SafetyValidationError(Exception):
    """A gate failed; the message names each failed gate and why."""

    exit_code = 3


def wilson(share: float, n: int, z: float = Z) -> tuple[float, float]:
    """Both ends of Wilson's interval, each one-sided at `z`; (0, 1) without samples.

    Args:
      share: of n samples, or the mean of n values in [0, 1], whose variance is at most that of a share.
      n: how many.
    """
    if n <= 0:
        return 0.0, 1.0
    centre = share + z * z / (2 * n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    return max((centre - half) / scale, 0.0), min((centre + half) / scale, 1.0)


@dataclasses.dataclass(frozen=True)
class Rule:
    """What a part must hold.

    Attributes:
      threshold: for the bound.
      min_samples: fewer are a failure.
      is_lower_better: whether the bound must be at most the threshold; at least, where False.
      min_auroc: of the detector; None where no detector is involved.
      is_required: whether the gate depends on the part; others are told beside it.
    """

    threshold: float
    min_samples: int
    is_lower_better: bool = True
    min_auroc: float | None = None
    is_required: bool = True


@dataclasses.dataclass(frozen=True)
class Detector:
    """What told good samples from bad ones.

    Attributes:
      name: of it.
      version: of it.
      auroc: area under its ROC curve, measured in the same run on labelled data; None where no detector is involved.
      note: what the figure is of, or why there is none.
    """

    name: str
    version: str
    auroc: float | None
    note: str


@dataclasses.dataclass(frozen=True)
class Measured:
    """A value, the samples that it is of, the end of its interval on the unfavourable side, and what else was found."""

    value: float
    n: int
    bound: float
    measures: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Part:
    """One measure of a gate, judged.

    Attributes:
      name: of it.
      rule: that it was held against.
      passed: whether it holds.
      reason: why it doesn't, beginning with one of REASONS; "" where it does.
      value, bound: None where they could not be measured.
      n: samples that were assessed.
      detector: None where it is missing.
      measures: what else was found.
    """

    name: str
    rule: Rule
    passed: bool
    reason: str
    value: float | None
    n: int
    bound: float | None
    detector: Detector | None
    measures: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def overshoot(self) -> float:
        """How far the bound lies beyond the threshold; below 0 within it, infinite where there is no bound."""
        if self.bound is None:
            return math.inf
        return (self.bound - self.rule.threshold) * (1 if self.rule.is_lower_better else -1)

    def as_json(self) -> dict[str, Any]:
        """Its fields, flat."""
        detector = self.detector or Detector("", "", None, "")
        return {
            "passed": self.passed,
            "required": self.rule.is_required,
            "value": self.value,
            "n": self.n,
            "bound": self.bound,
            "threshold": self.rule.threshold,
            "bound_must_be": "at most" if self.rule.is_lower_better else "at least",
            "min_samples": self.rule.min_samples,
            "detector": detector.name,
            "detector_version": detector.version,
            "detector_auroc": detector.auroc,
            "min_auroc": self.rule.min_auroc,
            "detector_note": detector.note,
            "reason": self.reason,
            "measures": dict(self.measures),
        }


def failed(name: str, rule: Rule, kind: str, why: str, n: int = 0, detector: Detector | None = None) -> Part:
    """A part that could not be measured.

    Args:
      kind: one of REASONS.
      why: what is missing, and what to do about it.
    """
    if kind not in REASONS:
        raise ValueError(f"unknown reason {kind!r}; there are {', '.join(REASONS)}")
    return Part(name, rule, False, f"{kind}: {why}", None, n, None, detector)


def judged(name: str, rule: Rule, found: Measured, detector: Detector) -> Part:
    """A part that was measured, held against its rule."""
    least = max(rule.min_samples, 1)
    if found.n < least:
        why = f"{found.n} samples were assessed, {least} are needed"
        part = failed(name, rule, "too_few_samples", why, found.n, detector)
        return dataclasses.replace(part, measures=found.measures)
    if not math.isfinite(found.value) or not math.isfinite(found.bound):
        return failed(name, rule, "error", f"the value {found.value} or its bound {found.bound} is no number", found.n)
    reasons = []
    if rule.min_auroc is not None and not (detector.auroc is not None and detector.auroc >= rule.min_auroc):
        known = "was not measured" if detector.auroc is None else f"is {detector.auroc:.3f}"
        reasons.append(f"weak_detector: the AUROC of {detector.name} {known}, at least {rule.min_auroc:g} is needed")
    part = Part(name, rule, True, "", found.value, found.n, found.bound, detector, found.measures)
    if part.overshoot > 0:
        side = "above" if rule.is_lower_better else "below"
        reasons.append(
            f"beyond_threshold: the bound {found.bound:.3f} (value {found.value:.3f}, n {found.n}) is {side} "
            f"{rule.threshold:.3f}"
        )
    return dataclasses.replace(part, passed=not reasons, reason="; ".join(reasons))


@dataclasses.dataclass(frozen=True)
class Gate:
    """One gate: its name, its parts, and what a reader must know of it."""

    name: str
    parts: Sequence[Part]
    notes: Sequence[str] = ()

    @property
    def required(self) -> list[Part]:
        """The parts that it depends on."""
        return [part for part in self.parts if part.rule.is_required]

    @property
    def passed(self) -> bool:
        """Whether all required parts passed; a gate without any has failed."""
        return bool(self.required) and all(part.passed for part in self.required)

    @property
    def reason(self) -> str:
        """Each failed required part and why."""
        if not self.required:
            return "error: no part was measured"
        return "; ".join(f"{part.name}: {part.reason}" for part in self.required if not part.passed)

    def as_json(self) -> dict[str, Any]:
        """Its verdict, the figures of the required part that is nearest to its threshold or furthest beyond, all parts."""
        worst = max(self.required, key=lambda part: (not part.passed, part.overshoot), default=None)
        shown = worst.as_json() if worst else failed("none", Rule(0.0, 1), "error", "no part was measured").as_json()
        fields = ("value", "n", "bound", "threshold", "bound_must_be")
        fields += ("detector", "detector_version", "detector_auroc", "detector_note")
        return {
            "passed": self.passed,
            **{field: shown[field] for field in fields},
            "reason": self.reason,
            "part": worst.name if worst else "",
            "parts": {part.name: part.as_json() for part in self.parts},
            "notes": list(self.notes),
        }


def raise_if_failed(gates: Sequence[Gate]) -> None:
    """Raises SafetyValidationError where a gate failed, or one of the four is missing."""
    missing = [name for name in NAMES if name not in {gate.name for gate in gates}]
    told = [f"{gate.name} ({gate.reason})" for gate in gates if not gate.passed]
    told += [f"{name} (error: it was not run)" for name in missing]
    if told:
        noun = "safety gate" if len(told) == 1 else "safety gates"
        raise SafetyValidationError(f"{len(told)} {noun} failed: {'; '.join(told)}")
