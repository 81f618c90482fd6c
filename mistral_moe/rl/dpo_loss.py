"""DPO (Rafailov et al. 2023, arXiv:2305.18290): preferences without a reward model and without rollouts."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from mistral_moe.rl.masked import masked_mean, real_values


def answer_log_probs(log_probs: jax.Array, mask: jax.Array, length_normalised: bool = False) -> jax.Array:
    """[B, T] nats of tokens -> [B] float32 nats of answers: their sum, or their mean; 0 for an empty answer."""
    total = real_values(log_probs, mask).sum(axis=1)
    return total / jnp.maximum(mask.astype(bool).sum(axis=1), 1) if length_normalised else total


def dpo_loss(
    chosen: jax.Array,
    rejected: jax.Array,
    reference_chosen: jax.Array,
    reference_rejected: jax.Array,
    valid: jax.Array,
    beta: float = 0.1,
    label_smoothing: float = 0.0,
) -> tuple[jax.Array, dict[str, jax.Array]]:
    """-log sigmoid of beta times how much further than its reference the policy puts the chosen above the rejected.

    Args:
      chosen: [B] nats of the answers under the policy (`answer_log_probs`). Length-normalised DPO (Lambert et al. 2024,
        Tulu 3, arXiv:2411.15124) takes means over tokens, of policy and reference alike, and a beta as much larger as
        answers are long.
      rejected: [B] likewise.
      reference_chosen: [B] nats under the reference.
      reference_rejected: [B] likewise.
      valid: [B] bool; other pairs count for nothing.
      beta: the smaller, the further the policy may go.
      label_smoothing: how likely a label is the wrong way round, in [0, 0.5) (Mitchell 2023, conservative DPO).

    Returns:
      The float32 scalar, a mean over valid pairs, and as float32 scalars: `accuracy`, the share of pairs whose chosen
      answer gained more (a tie is half); `margin`, mean difference of the implied rewards; `chosen_reward` and
      `rejected_reward`, beta * log(pi / pi_ref).

    Raises:
      ValueError: a beta that is not above 0, or a smoothing outside [0, 0.5).
    """
    if not beta > 0:
        raise ValueError(f"DPO's beta is above 0, not {beta}")
    if not 0 <= label_smoothing < 0.5:
        raise ValueError(f"a label smoothing of {label_smoothing} would believe the opposite; it lies in [0, 0.5)")
    gains = [
        beta * real_values(of_policy.astype(jnp.float32) - jax.lax.stop_gradient(of_reference), valid)
        for of_policy, of_reference in ((chosen, reference_chosen), (rejected, reference_rejected))
    ]
    margin = gains[0] - gains[1]
    losses = -(1 - label_smoothing) * jax.nn.log_sigmoid(margin) - label_smoothing * jax.nn.log_sigmoid(-margin)
    statistics = {
        "accuracy": masked_mean((jnp.sign(margin) + 1) / 2, valid),
        "margin": masked_mean(margin, valid),
        "chosen_reward": masked_mean(gains[0], valid),
        "rejected_reward": masked_mean(gains[1], valid),
    }
    return masked_mean(losses, valid), jax.lax.stop_gradient(statistics)
