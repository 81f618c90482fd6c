"""From rollouts and their scores to what PPO's epochs read: rewards, advantages and returns, in the one right order."""

from __future__ import annotations

import dataclasses
from typing import Literal

import flax.struct
import jax

from mistral_moe.rl import kl
from mistral_moe.rl.advantages import gae, whiten
from mistral_moe.rl.masked import masked_mean, real_values
from mistral_moe.rl.rewards import (
    ScoreScale,
    normalise,
    penalise_missing_eos,
    token_rewards,
    update_scale,
    usable_rows,
)
from mistral_moe.rl.rollout import Rollout


@dataclasses.dataclass(frozen=True)
class Shaping:
    """How scores become advantages.

    Attributes:
      normalise: divides scores by their running deviation. Off for verifiers, whose 0 and 1 mean something.
      score_clip: largest absolute score; None is none.
      missing_eos_penalty: 0 or more, on the scale of normalised scores.
      missing_eos: whether it replaces the score or is subtracted.
      leave_out_truncated: leaves answers without an end out instead.
      whiten_rewards: divides the tokens' rewards by their deviation, keeping the mean.
      whiten_advantages: over the whole batch.
      gamma, lam: of GAE.
    """

    normalise: bool = False
    score_clip: float | None = 5.0
    missing_eos_penalty: float = 1.0
    missing_eos: Literal["replace", "subtract"] = "replace"
    leave_out_truncated: bool = False
    whiten_rewards: bool = False
    whiten_advantages: bool = True
    gamma: float = 1.0
    lam: float = 0.95


@flax.struct.dataclass
class Experience:
    """A rollout batch as minibatches are taken from it; every leaf is [B, ...], float32 where it is per token.

    Attributes:
      rollout: the tokens.
      mask: [B, T] bool, completion tokens of the rows that are learned from.
      log_probs: [B, T] nats before the first update.
      values: [B, T] likewise.
      advantages: [B, T], whitened if asked.
      returns: [B, T], what the critic learns.
    """

    rollout: Rollout
    mask: jax.Array
    log_probs: jax.Array
    values: jax.Array
    advantages: jax.Array
    returns: jax.Array


def make_experience(
    rollout: Rollout,
    scores: jax.Array,
    log_probs: jax.Array,
    reference_log_probs: jax.Array,
    values: jax.Array,
    beta: jax.Array | float,
    scale: ScoreScale,
    shaping: Shaping = Shaping(),
) -> tuple[Experience, ScoreScale, dict[str, jax.Array]]:
    """One rollout batch, ready to be learned from.

    Args:
      rollout: B answers.
      scores: [B] of whole answers; NaN and infinite ones are counted and left out.
      log_probs: [B, T] nats of the drawn tokens by the training forward pass, before the first update.
      reference_log_probs: [B, T] nats by the frozen reference.
      values: [B, T] of the critic, each on the token that was chosen in the state.
      beta: price of a nat from the reference (`kl_control.KLControl.coefficient`).
      scale: of scores, seen before.
      shaping: how.

    Returns:
      The experience, the scale with this batch in it, and scalars: `score` (mean of usable scores as they came),
      `reward` (mean sum of an answer's token rewards, the KL's price among them), `kl`, `kl_k1`, `kl_k2`, `kl_k3`
      (`kl.KL`), `length` (mean tokens an answer, usable or not), `truncated` (share of answers without an end) and
      `rows/<name>` (`rewards.Usable.counts`).
    """
    usable = usable_rows(scores, rollout, shaping.leave_out_truncated)
    mask = rollout.is_completion & usable.valid[:, None]
    scale = update_scale(scale, usable.scores, usable.valid)
    shaped = usable.scores
    if shaping.normalise:
        shaped = normalise(scale, shaped, None)
    if shaping.score_clip is not None:
        shaped = shaped.clip(-shaping.score_clip, shaping.score_clip)
    shaped = penalise_missing_eos(shaped, rollout.ends_with_eos, shaping.missing_eos_penalty, shaping.missing_eos)
    rewards = token_rewards(shaped, log_probs, reference_log_probs, mask, beta)
    away = kl.estimates(log_probs, reference_log_probs, mask)
    statistics = {
        "score": masked_mean(usable.scores, usable.valid),
        "reward": masked_mean(rewards.sum(axis=1), usable.valid),
        "kl": away.of_sequence,
        "kl_k1": away.k1,
        "kl_k2": away.k2,
        "kl_k3": away.k3,
        "length": masked_mean(rollout.completion_lengths, rollout.is_row),
        "truncated": masked_mean(~rollout.ends_with_eos, rollout.is_row),
    } | {f"rows/{name}": count for name, count in usable.counts.items()}
    if shaping.whiten_rewards:
        rewards = whiten(rewards, mask, keep_mean=True)
    advantages, returns = gae(rewards, values, mask, shaping.gamma, shaping.lam)
    if shaping.whiten_advantages:
        advantages = whiten(advantages, mask)
    experience = Experience(
        rollout=rollout,
        mask=mask,
        log_probs=real_values(log_probs, mask),
        values=real_values(values, mask),
        advantages=advantages,
        returns=returns,
    )
    return jax.lax.stop_gradient((experience, scale, statistics))
