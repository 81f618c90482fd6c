"""Reward models: what they learn from pairs, and how well they say what people prefer."""

from __future__ import annotations

from collections.abc import Sequence
import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from mistral_moe.evaluation.label_metrics import spearman
from mistral_moe.rl.masked import masked_mean, real_values


def bradley_terry_loss(
    chosen: jax.Array, rejected: jax.Array, valid: jax.Array, margins: jax.Array | None = None
) -> tuple[jax.Array, dict[str, jax.Array]]:
    """-log sigmoid(chosen - rejected - margin) (Bradley and Terry 1952; Ouyang et al. 2022, arXiv:2203.02155).

    Args:
      chosen: [B] scores of the preferred answers.
      rejected: [B] scores of the others.
      valid: [B] bool; other pairs count for nothing.
      margins: [B], how much better a label says the chosen one is, 0 or more (Touvron et al. 2023, Llama 2,
        arXiv:2307.09288); None is 0.

    Returns:
      The float32 scalar, a mean over valid pairs, and `accuracy` (a tie is half) and `margin`, float32 scalars.
    """
    apart = real_values(chosen.astype(jnp.float32) - rejected.astype(jnp.float32), valid)
    wanted = 0.0 if margins is None else jax.lax.stop_gradient(real_values(margins, valid))
    statistics = {"accuracy": masked_mean((jnp.sign(apart) + 1) / 2, valid), "margin": masked_mean(apart, valid)}
    return masked_mean(-jax.nn.log_sigmoid(apart - wanted), valid), jax.lax.stop_gradient(statistics)


def reference_shift(scores: jax.Array, valid: jax.Array) -> jax.Array:
    """What a reward model's scores are lowered by, so that reference samples have mean 0 (Stiennon et al. 2020,
    arXiv:2009.01325): a float32 scalar. A pair's loss leaves the zero open, and a penalty or a clip needs one.

    Args:
      scores: [B] of the reference samples.
      valid: [B] bool.
    """
    return masked_mean(scores, valid)


@dataclasses.dataclass(frozen=True)
class Bin:
    """Pairs of like confidence.

    Attributes:
      low, high: bounds of the confidence, in [0.5, 1]; the upper one is part of the last bin alone.
      pairs: how many lie in it.
      confidence: their mean confidence, NaN where there are none.
      accuracy: share of them that the model gets right, NaN where there are none.
    """

    low: float
    high: float
    pairs: int
    confidence: float
    accuracy: float


@dataclasses.dataclass(frozen=True)
class PreferenceReport:
    """How a reward model does on held-out pairs.

    Attributes:
      pairs: that were counted.
      not_finite: pairs left out since a score was NaN or infinite.
      accuracy: share in which the chosen answer scores higher; a tie is half.
      stderr: of the accuracy.
      loss: nats a pair, Bradley-Terry without margins.
      calibration: the curve, least confident bin first.
      calibration_error: expected calibration error, mean |accuracy - confidence| over pairs (Guo et al. 2017,
        arXiv:1706.04599).
      length_correlation: Spearman's, of scores and lengths over all answers. Near 1 the model has learned to count.
      longer_chosen: share of pairs whose chosen answer is the longer (a tie is half): what length alone would reach.
    """

    pairs: int
    not_finite: int
    accuracy: float
    stderr: float
    loss: float
    calibration: tuple[Bin, ...]
    calibration_error: float
    length_correlation: float
    longer_chosen: float


def calibration_curve(margins: np.ndarray, bins: int = 10) -> tuple[Bin, ...]:
    """Confidence max(p, 1 - p) with p = sigmoid(margin), against how often the model is right.

    Args:
      margins: [N] score of the chosen minus score of the rejected answer.
      bins: of equal width over [0.5, 1].
    """
    margins = np.asarray(margins, np.float64)
    confidence, right = 1 / (1 + np.exp(-np.abs(margins))), (np.sign(margins) + 1) / 2
    place = np.minimum(((confidence - 0.5) * 2 * bins).astype(int), bins - 1)
    edges = 0.5 + np.arange(bins + 1) / (2 * bins)
    rows = []
    for index in range(bins):
        inside = place == index
        means = (float(x[inside].mean()) if inside.any() else float("nan") for x in (confidence, right))
        rows.append(Bin(float(edges[index]), float(edges[index + 1]), int(inside.sum()), *means))
    return tuple(rows)


def preference_report(
    chosen: Sequence[float],
    rejected: Sequence[float],
    chosen_lengths: Sequence[int],
    rejected_lengths: Sequence[int],
    bins: int = 10,
) -> PreferenceReport:
    """Measures a reward model on held-out pairs, on the host and in float64.

    Args:
      chosen: scores of the preferred answers.
      rejected: scores of the others.
      chosen_lengths: tokens of the preferred answers.
      rejected_lengths: tokens of the others.
      bins: of the calibration curve.

    Raises:
      ValueError: arguments of unlike length, or no pair of finite scores.
    """
    columns = [np.asarray(x, np.float64) for x in (chosen, rejected, chosen_lengths, rejected_lengths)]
    if len({column.shape for column in columns}) != 1:
        raise ValueError(f"scores and lengths of pairs don't pair up: {[len(column) for column in columns]}")
    finite = np.isfinite(columns[0]) & np.isfinite(columns[1])
    if not finite.any():
        raise ValueError(f"none of {len(finite)} pairs has two finite scores")
    better, worse, longer, shorter = (column[finite] for column in columns)
    margins = better - worse
    right = (np.sign(margins) + 1) / 2
    curve = calibration_curve(margins, bins)
    off = sum(row.pairs * abs(row.accuracy - row.confidence) for row in curve if row.pairs)
    return PreferenceReport(
        pairs=len(margins),
        not_finite=int((~finite).sum()),
        accuracy=float(right.mean()),
        stderr=float(right.std(ddof=1) / np.sqrt(len(right))) if len(right) > 1 else 0.0,
        loss=float(np.logaddexp(0, -margins).mean()),
        calibration=curve,
        calibration_error=off / len(margins),
        length_correlation=spearman(np.concatenate([better, worse]), np.concatenate([longer, shorter])),
        longer_chosen=float(((np.sign(longer - shorter) + 1) / 2).mean()),
    )
