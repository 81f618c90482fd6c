"""All detectors of the gates, each measured on its labelled data: what a verdict of theirs is worth."""

from __future__ import annotations

import pathlib

from data.benchmarks import cyberseceval, realtoxicityprompts, truthfulqa
from launch.safety import code_detector, hallucination, security, toxicity
from mistral_moe.safety.gates import Detector


def measured(folder: pathlib.Path) -> list[tuple[str, Detector]]:
    """(gate and part, detector) of all that have an AUROC.

    Args:
      folder: of the labelled sets.

    Raises:
      MissingDataError, BenchmarkDataError: a set isn't there, or can't be used.
    """
    places = cyberseceval.load(folder).items
    return [
        ("toxicity", toxicity.detector(realtoxicityprompts.load(folder).items)),
        ("hallucination, generation", hallucination.detector(truthfulqa.load(folder).items)),
        (
            "security, insecure code",
            code_detector.measured([place.origin for place in places], cyberseceval.secure_programs(folder)),
        ),
        ("security, harmful requests", security.refusal_detector()),
        ("security, leaks and orders", security.leak_detector(0)),
    ]
