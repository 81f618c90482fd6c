"""GRPO (Shao et al. 2024, arXiv:2402.03300): PPO's surrogate with advantages of groups, and the KL in the loss."""

from __future__ import annotations

import jax

from mistral_moe.rl import kl
from mistral_moe.rl.advantages import per_token
from mistral_moe.rl.masked import loss_mean
from mistral_moe.rl.ppo_loss import PolicyTerms, policy_loss


def grpo_loss(
    log_probs: jax.Array,
    old_log_probs: jax.Array,
    reference_log_probs: jax.Array,
    advantages: jax.Array,
    mask: jax.Array,
    beta: float = 0.04,
    terms: PolicyTerms = PolicyTerms(over="sequence"),
) -> tuple[jax.Array, dict[str, jax.Array]]:
    """The clipped surrogate plus beta times k3 of the policy from its reference.

    Variants are choices of the terms: the paper's own is the default; Dr. GRPO is `over="constant"` with advantages
    that are not divided by the group's deviation; DAPO is `over="token"` with `clip=(0.8, 1.28)` and beta 0.

    Args:
      log_probs: [B, T] nats of the policy that is trained.
      old_log_probs: [B, T] nats of the policy that drew the tokens.
      reference_log_probs: [B, T] nats; not read where beta is 0.
      advantages: [B], of whole answers (`advantages.group_advantages`).
      mask: [B, T], true for the completion's tokens of rows that are learned from.
      beta: price of the KL.
      terms: of the surrogate; the KL is a mean over the same.

    Returns:
      The float32 scalar and the statistics of `policy_loss`, with a beta also `kl_loss`, nats a token before beta.
    """
    loss, statistics = policy_loss(log_probs, old_log_probs, per_token(advantages, mask), mask, terms)
    if not beta:
        return loss, statistics
    apart = kl.log_ratio(log_probs, jax.lax.stop_gradient(reference_log_probs), mask)
    kl_loss = loss_mean(kl.k3(apart), mask, terms.over, terms.constant)
    return loss + beta * kl_loss, statistics | {"kl_loss": jax.lax.stop_gradient(kl_loss)}
