"""What share of a batch's documents is toxic, from a detector that is never sure.

A detector's mean probability is no share: this one gives clean prose a few hundredths and insults hardly more than a
half, and the longer a text, the further the sum over its words drifts. So documents are cut into pieces about as long
as the comments that the detector learned from, and the mean over pieces and documents is put on the line between what
clean texts have on average (CLEAN) and what toxic ones have (TOXIC): scaled probability average (Bella et al. 2010,
quantification by probability estimators), an estimate of the share of toxic documents whatever the batch's size.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence

PIECE_CHARACTERS = 400
MAX_PIECES = 24  # of one document, spread evenly over it


@dataclasses.dataclass(frozen=True)
class Detector:
    """What tells toxic texts.

    Attributes:
      name: what reports call it.
      scores: probability of each text, in [0, 1].
      clean, toxic: mean score of texts that people call clean, and of those that they call toxic.
      auroc: area under the ROC curve by labelled set; 0.5 is chance.
    """

    name: str
    scores: Callable[[Sequence[str]], list[float]]
    clean: float = 0.0
    toxic: float = 1.0
    auroc: Mapping[str, float] = dataclasses.field(default_factory=dict)


# On RealToxicityPrompts (Gehman et al. 2020), toxic from Perspective's 0.5 on; `benchmarks/quality_calibration.py`
# prints the means, `benchmarks/toxicity_auroc.py` the area.
CLEAN, TOXIC = 0.072, 0.509
_AUROC = {"realtoxicityprompts": 0.888}


def default_detector() -> Detector:
    """alt-profanity-check's model, English only."""
    from data.processors import toxicity

    return Detector("alt-profanity-check", toxicity.scores, CLEAN, TOXIC, _AUROC)


def pieces(text: str) -> list[str]:
    """A text in one or more pieces of about PIECE_CHARACTERS, cut at white space; of long texts MAX_PIECES."""
    count = max(-(-len(text) // PIECE_CHARACTERS), 1)
    size = -(-len(text) // count)
    found = []
    for number in range(count) if count <= MAX_PIECES else _spread(count):
        start, end = number * size, (number + 1) * size
        # A word belongs to the piece that it begins in.
        if 0 < start < len(text) and not text[start - 1].isspace():
            start = next((at for at in range(start, min(start + 50, len(text))) if text[at].isspace()), start)
        if end < len(text) and not text[end - 1].isspace():
            end = next((at for at in range(end, min(end + 50, len(text))) if text[at].isspace()), end)
        found.append(text[start:end])
    return found


def _spread(count: int) -> list[int]:
    return [number * count // MAX_PIECES for number in range(MAX_PIECES)]


def mean_scores(texts: Sequence[str], detector: Detector) -> list[float]:
    """The detector's mean over the pieces of each text."""
    cut = [pieces(text) for text in texts]
    scores = iter(detector.scores([piece for parts in cut for piece in parts]))
    return [sum(next(scores) for _ in parts) / len(parts) for parts in cut]


def measure(texts: Sequence[str], detector: Detector) -> float:
    """Estimated share of toxic texts, in [0, 1].

    Args:
      texts: at least one.
      detector: any.
    """
    mean = sum(mean_scores(texts, detector)) / len(texts)
    return min(max((mean - detector.clean) / (detector.toxic - detector.clean), 0.0), 1.0)
