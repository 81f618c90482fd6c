"""Whether an iteration has made a model worse: on problems it was not taught, or on the language it had."""

from __future__ import annotations

from collections.abc import Sequence
import math


def paired_difference(before: Sequence[float], after: Sequence[float]) -> tuple[float, float]:
    """(mean, standard error) of what each of N problems gained.

    The same problems are asked each time: what makes one harder than another drops out of the noise.

    Raises:
      ValueError: other problems, or fewer than two of them, from which no noise can be told.
    """
    if len(before) != len(after) or len(before) < 2:
        raise ValueError(f"{len(before)} and {len(after)} scores; the same two or more problems are scored each time")
    gains = [late - early for early, late in zip(before, after)]
    mean = math.fsum(gains) / len(gains)
    variance = math.fsum((gain - mean) ** 2 for gain in gains) / (len(gains) - 1)
    return mean, math.sqrt(variance / len(gains))


def why_worse(
    best: Sequence[float],
    now: Sequence[float],
    tolerance: float,
    loss_at_start: float,
    loss: float,
    max_loss_rise: float,
) -> str:
    """Why a model must be rolled back, "" where it need not be.

    Args:
      best: score of each held-out problem under the best model so far, so that many small steps down are seen as well.
      now: likewise under the new model.
      tolerance: standard errors of the paired difference by which the mean may fall.
      loss_at_start: held-out nats per token before the first iteration.
      loss: now.
      max_loss_rise: share by which the loss may have risen.
    """
    if not math.isfinite(loss):
        return f"the held-out loss is {loss}"
    limit = loss_at_start * (1.0 + max_loss_rise)
    if loss > limit:
        return f"the held-out loss rose from {loss_at_start:.4f} to {loss:.4f} nats a token, beyond {limit:.4f}"
    mean, stderr = paired_difference(best, now)
    if mean < -tolerance * stderr:
        return f"held-out pass@1 fell by {-mean:.4f}, beyond {tolerance:g} standard errors of {stderr:.4f}"
    return ""
