"""The loss that one update minimises, by algorithm: PPO with a critic, or GRPO and RLOO with groups instead of one."""

from __future__ import annotations

import dataclasses
from typing import Literal

import flax.struct
import jax
import jax.numpy as jnp

from mistral_moe.models.config import MistralConfig
from mistral_moe.rl import kl
from mistral_moe.rl.advantages import group_advantages, per_token
from mistral_moe.rl.experience import Experience, Shaping
from mistral_moe.rl.grpo_loss import grpo_loss
from mistral_moe.rl.masked import masked_mean, real_values
from mistral_moe.rl.policy import Reading, detach_critic, read
from mistral_moe.rl.ppo_loss import PolicyTerms, policy_loss, ppo_loss, value_loss
from mistral_moe.rl.rewards import penalise_missing_eos, usable_rows
from mistral_moe.rl.rollout import Rollout
from mistral_moe.training.losses import RouterTerms, language_model_loss

Algorithm = Literal["ppo", "grpo", "rloo"]
ALGORITHMS: tuple[str, ...] = ("ppo", "grpo", "rloo")
REHEARSAL_FIELDS = ("tokens", "targets", "segment_ids", "positions", "loss_weights")


@dataclasses.dataclass(frozen=True)
class UpdateTerms:
    """How an update's loss is made.

    Attributes:
      algorithm: `ppo`, with a critic; `grpo`, groups and a KL in the loss; `rloo`, groups and the KL in the reward.
      policy: the surrogate.
      temperature: of the rollouts.
      value_clip: largest change of a value; None is none.
      value_coefficient: of the critic's loss.
      entropy_coefficient: of the entropy, which is rewarded.
      loss_beta: of GRPO's KL.
      balance, z: of the router's losses; they matter where the router is trained.
      rehearsal: of the loss on text that the model was trained on before, which keeps what the reward doesn't ask for
        (PPO-ptx; Ouyang et al. 2022, arXiv:2203.02155).
      chunk: tokens whose logits exist at a time.
    """

    algorithm: Algorithm = "ppo"
    policy: PolicyTerms = PolicyTerms()
    temperature: float = 1.0
    value_clip: float | None = 0.2
    value_coefficient: float = 0.1
    entropy_coefficient: float = 0.0
    loss_beta: float = 0.04
    balance: float = 0.0
    z: float = 0.0
    rehearsal: float = 0.0
    chunk: int = 0

    def __post_init__(self) -> None:
        if self.algorithm not in ALGORITHMS:
            raise ValueError(f"the algorithms are {', '.join(ALGORITHMS)}, not {self.algorithm!r}")


@flax.struct.dataclass
class Minibatch:
    """Rows that one update is made from; leaves are [B, ...].

    Attributes:
      experience: what they were and what they are worth. Values and returns are zeros without a critic.
      reference_log_probs: [B, T] nats.
      rehearsal: text beside it, a batch of `training.losses.language_model_loss` of leaves [N, S], or None.
    """

    experience: Experience
    reference_log_probs: jax.Array
    rehearsal: dict[str, jax.Array] | None = None


def minibatch_shapes(rows: int, length: int, rehearsal_rows: int = 0, seq_len: int = 0) -> Minibatch:
    """Shapes of a minibatch of so many rows of so many tokens, and of the text beside it."""

    def of(dtype: type, *shape: int) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct(shape, jnp.dtype(dtype))

    of_rows, whole = of(jnp.int32, rows), of(jnp.float32, rows, length)
    rollout = Rollout(of(jnp.int32, rows, length), of_rows, of_rows, of(bool, rows))
    mask = of(bool, rows, length)
    rehearsal = None
    if rehearsal_rows:
        rehearsal = {name: of(jnp.int32, rehearsal_rows, seq_len) for name in REHEARSAL_FIELDS}
        rehearsal["loss_weights"] = of(jnp.float32, rehearsal_rows, seq_len)
    return Minibatch(Experience(rollout, mask, whole, whole, whole, whole), whole, rehearsal)


def group_experience(
    rollout: Rollout,
    scores: jax.Array,
    groups: jax.Array,
    log_probs: jax.Array,
    reference_log_probs: jax.Array,
    algorithm: Algorithm,
    beta: jax.Array | float,
    shaping: Shaping = Shaping(),
    divide_by_std: bool = True,
) -> tuple[Experience, dict[str, jax.Array]]:
    """`experience.make_experience` without a critic: each answer against the others to its prompt.

    Args:
      rollout: B answers.
      scores: [B]; NaN and infinite ones are counted and left out.
      groups: [B] int32 in [0, B), the prompt of each.
      log_probs: [B, T] nats before the first update.
      reference_log_probs: [B, T] nats.
      algorithm: `grpo`, or `rloo`, which takes beta times the answer's KL from its score (Ahmadian et al. 2024,
        arXiv:2402.14740).
      beta: that price; GRPO has its own in the loss.
      shaping: of scores; what it says of values, rewards and GAE is not read.
      divide_by_std: of GRPO (`advantages.group_advantages`).

    Returns:
      The experience and the statistics of `make_experience`.
    """
    usable = usable_rows(scores, rollout, shaping.leave_out_truncated)
    mask = rollout.is_completion & usable.valid[:, None]
    shaped = usable.scores
    if shaping.score_clip is not None:
        shaped = shaped.clip(-shaping.score_clip, shaping.score_clip)
    shaped = penalise_missing_eos(shaped, rollout.ends_with_eos, shaping.missing_eos_penalty, shaping.missing_eos)
    away = kl.log_ratio(log_probs, reference_log_probs, mask).sum(axis=1)
    rewards = shaped - beta * away if algorithm == "rloo" else shaped
    if algorithm == "rloo":
        advantages = group_advantages(rewards, groups, usable.valid, False, "leave_one_out")
    else:
        advantages = group_advantages(rewards, groups, usable.valid, divide_by_std)
    estimates = kl.estimates(log_probs, reference_log_probs, mask)
    statistics = {
        "score": masked_mean(usable.scores, usable.valid),
        "reward": masked_mean(rewards, usable.valid),
        "kl": estimates.of_sequence,
        "kl_k1": estimates.k1,
        "kl_k2": estimates.k2,
        "kl_k3": estimates.k3,
        "length": masked_mean(rollout.completion_lengths, rollout.is_row),
        "truncated": masked_mean(~rollout.ends_with_eos, rollout.is_row),
    } | {f"rows/{name}": count for name, count in usable.counts.items()}
    zeros = jnp.zeros(mask.shape, jnp.float32)
    experience = Experience(
        rollout=rollout,
        mask=mask,
        log_probs=real_values(log_probs, mask),
        values=zeros,
        advantages=per_token(advantages, mask),
        returns=zeros,
    )
    return jax.lax.stop_gradient((experience, statistics))


def _of_algorithm(terms: UpdateTerms, reading: Reading, batch: Minibatch) -> tuple[jax.Array, dict[str, jax.Array]]:
    experience, mask = batch.experience, batch.experience.mask
    if terms.algorithm == "grpo":
        # An answer's advantage is the same on all of its tokens.
        of_rows = jnp.where(mask.any(axis=1), experience.advantages.sum(axis=1) / jnp.maximum(mask.sum(axis=1), 1), 0.0)
        return grpo_loss(
            reading.log_probs,
            experience.log_probs,
            batch.reference_log_probs,
            of_rows,
            mask,
            terms.loss_beta,
            terms.policy,
        )
    policy = policy_loss(reading.log_probs, experience.log_probs, experience.advantages, mask, terms.policy)
    if terms.algorithm == "rloo":
        return policy
    value = value_loss(
        reading.values,
        experience.values,
        experience.returns,
        mask,
        terms.value_clip,
        terms.policy.over,
        terms.policy.constant,
    )
    return ppo_loss(policy, value, reading.entropy, mask, terms.value_coefficient, 0.0)


def update_loss(
    config: MistralConfig, terms: UpdateTerms, params: dict, batch: Minibatch
) -> tuple[jax.Array, dict[str, jax.Array]]:
    """The loss of one minibatch: a `training.step.LossFn` once config and terms are bound.

    Args:
      config: the model's.
      terms: how.
      params: the model's, with a critic for `ppo` (`policy.attach_critic`).
      batch: its rows.

    Returns:
      The scalar, and the statistics of the algorithm's losses with `loss` and `entropy`; of a mixture also `balance`, `z`
      and `load` [L, E]; `rehearsal_loss` in nats a token where there is text.
    """
    reading = read(config, params, batch.experience.rollout, terms.temperature, terms.chunk)
    loss, statistics = _of_algorithm(terms, reading, batch)
    entropy = masked_mean(reading.entropy, batch.experience.mask)
    loss = loss - terms.entropy_coefficient * entropy
    if reading.router:
        loss = loss + terms.balance * reading.router["balance"] + terms.z * reading.router["z"]
    if batch.rehearsal is not None:
        no_terms = RouterTerms(balance=0.0, z=0.0, domain=0.0)
        language, _ = language_model_loss(config, detach_critic(params), batch.rehearsal, no_terms, chunk=terms.chunk)
        loss = loss + terms.rehearsal * language
        statistics = statistics | {"rehearsal_loss": language}
    told = statistics | reading.router | {"loss": loss, "entropy": entropy}
    return loss, jax.lax.stop_gradient(told)
