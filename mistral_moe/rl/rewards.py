"""From scores of whole answers to rewards of tokens.

In this order: rows whose score can't be used are set apart (`usable_rows`), scores are normalised and clipped
(`normalise`), answers without an end are penalised (`penalise_missing_eos`; on the normalised scale, so that the
penalty means the same all along), and the score is laid on the last real token beside the per-token price of leaving
the reference (`token_rewards`).
"""

from __future__ import annotations

from typing import Literal

import flax.struct
import jax
import jax.numpy as jnp

from mistral_moe.rl.masked import real_values
from mistral_moe.rl.rollout import Rollout, last_of


@flax.struct.dataclass
class Usable:
    """Which rows are learned from.

    Attributes:
      scores: [B] float32, 0 in rows that are not.
      valid: [B] bool.
      counts: int32 scalars: `rows` that are no padding, `used` of them, and why the others are not, each counted under
        its first reason: `not_finite`, `empty`, `cut_off`. And `finished`, rows that ended by themselves.
    """

    scores: jax.Array
    valid: jax.Array
    counts: dict[str, jax.Array]


def usable_rows(scores: jax.Array, rollout: Rollout, leave_out_truncated: bool = False) -> Usable:
    """Sets apart rows whose score is NaN or infinite, that drew nothing, and, if asked, that were cut off.

    Args:
      scores: [B], of whole answers.
      rollout: the answers.
      leave_out_truncated: leaves out answers without an end, as they may have been on their way to a right one (Yu et
        al. 2025, DAPO, arXiv:2503.14476: overlong filtering). Otherwise they stay, and are penalised.
    """
    scores = scores.astype(jnp.float32)
    left = rollout.is_row
    counts = {"rows": left.sum(), "finished": (left & rollout.ends_with_eos).sum()}
    reasons = {"not_finite": ~jnp.isfinite(scores), "empty": rollout.completion_lengths <= 0}
    reasons["cut_off"] = ~rollout.ends_with_eos if leave_out_truncated else jnp.zeros_like(left)
    for reason, is_bad in reasons.items():
        counts[reason] = (left & is_bad).sum()
        left = left & ~is_bad
    counts["used"] = left.sum()
    return Usable(real_values(scores, left), left, counts)


@flax.struct.dataclass
class ScoreScale:
    """Running mean and variance of scores, kept in checkpoints.

    Attributes:
      count: float32, scores seen.
      mean: float32.
      variance: float32, of the population.
    """

    count: jax.Array
    mean: jax.Array
    variance: jax.Array


def new_scale() -> ScoreScale:
    """Nothing seen yet."""
    return ScoreScale(*(jnp.zeros((), jnp.float32) for _ in range(3)))


def update_scale(scale: ScoreScale, scores: jax.Array, valid: jax.Array) -> ScoreScale:
    """Adds a batch's valid scores [B] (Chan et al. 1983: the merge of two samples' moments)."""
    count = valid.astype(bool).sum().astype(jnp.float32)
    mean = real_values(scores, valid).sum() / jnp.maximum(count, 1.0)
    variance = real_values((scores - mean) ** 2, valid).sum() / jnp.maximum(count, 1.0)
    share = count / jnp.maximum(scale.count + count, 1.0)
    apart = mean - scale.mean
    return ScoreScale(
        count=scale.count + count,
        mean=scale.mean + share * apart,
        variance=(1 - share) * scale.variance + share * variance + share * (1 - share) * apart**2,
    )


def normalise(scale: ScoreScale, scores: jax.Array, clip: float | None = 5.0, centre: bool = True) -> jax.Array:
    """Scores in deviations from the running mean, clipped (Zheng et al. 2023, Secrets of RLHF, arXiv:2307.04964).

    Normalising alone leaves an outlier in charge of the gradient.

    Args:
      scale: what was seen; as long as that is fewer than two scores, they stay as they are but for the clip, and where
        all were equal they are not divided: their deviation is rounding.
      scores: [B].
      clip: largest absolute value; None is none.
      centre: takes the mean away. A reward model that is normalised on reference samples has its 0 already.

    Returns:
      [B] float32.
    """
    known = scale.count > 1
    mean = jnp.where(known & centre, scale.mean, 0.0)
    deviation = jnp.sqrt(scale.variance)
    deviation = jnp.where(known & (deviation > 1e-5 * jnp.abs(scale.mean)), deviation, 1.0)
    scores = (scores.astype(jnp.float32) - mean) / deviation
    return scores if clip is None else jnp.clip(scores, -clip, clip)


def penalise_missing_eos(
    scores: jax.Array, ends_with_eos: jax.Array, penalty: float, how: Literal["replace", "subtract"] = "replace"
) -> jax.Array:
    """The score of answers that never ended.

    Args:
      scores: [B].
      ends_with_eos: [B] bool, of the completion alone: an end of sequence in the prompt is none.
      penalty: 0 or more.
      how: `replace`, the score becomes -penalty, so that a good beginning is worth nothing without an end (Huang et al.
        2024, arXiv:2403.17031, with 1); `subtract`, it is lower by the penalty.

    Returns:
      [B] float32.

    Raises:
      ValueError: a negative penalty, or an unknown way.
    """
    if penalty < 0:
        raise ValueError(f"a penalty of {penalty} would reward answers without an end; it is 0 or more")
    if how not in ("replace", "subtract"):
        raise ValueError(f"a missing end can 'replace' the score or 'subtract' from it, not {how!r}")
    scores = scores.astype(jnp.float32)
    penalised = -penalty if how == "replace" else scores - penalty
    return jnp.where(ends_with_eos, scores, penalised)


def token_rewards(
    scores: jax.Array, log_probs: jax.Array, reference_log_probs: jax.Array, mask: jax.Array, beta: jax.Array | float
) -> jax.Array:
    """-beta (log pi - log pi_ref) at each token, and the score at the last real one (Ziegler et al. 2019,
    arXiv:1909.08593; Ouyang et al. 2022, arXiv:2203.02155).

    Args:
      scores: [B], any dtype; fractions survive, since all is summed in float32.
      log_probs: [B, T] nats of the policy that drew the tokens.
      reference_log_probs: [B, T] nats.
      mask: [B, T], true for the completion's tokens of rows that are learned from.
      beta: price of a nat, in units of the score.

    Returns:
      [B, T] float32 without gradient, 0 outside the mask.
    """
    away = log_probs.astype(jnp.float32) - reference_log_probs.astype(jnp.float32)
    at_end = jnp.where(last_of(mask), scores.astype(jnp.float32)[:, None], 0.0)
    return jax.lax.stop_gradient(real_values(at_end - beta * away, mask))
