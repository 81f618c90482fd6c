"""What a threshold on quality is worth: how many of the completions above it are right."""

from __future__ import annotations

from collections.abc import Sequence
import math

THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)


def at_thresholds(
    quality: Sequence[float], correct: Sequence[bool], thresholds: Sequence[float] = THRESHOLDS
) -> list[dict[str, float | int | None]]:
    """Precision and recall of keeping what is above each threshold.

    Args:
      quality: of each completion, 0 to 1.
      correct: whether each is right, by a verifier that had no part in the quality (else the precision is 1 by
        construction).
      thresholds: ascending or not.

    Returns:
      For each threshold `threshold`, `kept`, `correct` (of the kept), `precision` and its `stderr` (None where nothing
      is kept) and `recall` (None where nothing is correct).

    Raises:
      ValueError: as many verdicts as qualities are needed.
    """
    if len(quality) != len(correct):
        raise ValueError(f"{len(quality)} qualities and {len(correct)} verdicts; each completion has both")
    total = sum(map(bool, correct))
    rows = []
    for threshold in thresholds:
        kept = [bool(right) for value, right in zip(quality, correct) if value > threshold]
        right = sum(kept)
        share = right / len(kept) if kept else None
        rows.append(
            {
                "threshold": threshold,
                "kept": len(kept),
                "correct": right,
                "precision": share,
                "stderr": math.sqrt(share * (1 - share) / len(kept)) if kept else None,
                "recall": right / total if total else None,
            }
        )
    return rows
