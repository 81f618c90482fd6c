"""From the section `ppo` of a config to what a run of it does: model, update, shaping of rewards, limits."""

from __future__ import annotations

from collections.abc import Callable
import dataclasses
import functools
from typing import Any, TypeVar

import jax
import ml_collections

from launch import models
from launch.errors import UserError
from launch.training_program import Plan
from mistral_moe.models.config import MistralConfig
from mistral_moe.rl import kl_control, policy
from mistral_moe.rl.experience import Shaping
from mistral_moe.rl.monitors import Limits
from mistral_moe.rl.ppo_loss import PolicyTerms
from mistral_moe.rl.update import UpdateTerms, update_loss
from mistral_moe.training.flops import training_flops
from mistral_moe.training.optim import OptimConfig

T = TypeVar("T")
TRUNCATED = ("penalise", "mask")
POLICY_GROUPS = ("experts", "router", "trunk", "reasoning")


def learning_rates(section: ml_collections.ConfigDict) -> dict[str, float | None]:
    """Group -> rate; groups have a critic only where the algorithm has one."""
    rates = {group: section[f"{group}_lr"] for group in POLICY_GROUPS}
    return rates | ({"critic": section.critic_lr} if section.algorithm == "ppo" else {})


def rows_of(section: ml_collections.ConfigDict) -> int:
    """Answers of an iteration."""
    return int(section.prompts) * int(section.samples)


def length_of(section: ml_collections.ConfigDict) -> int:
    """T: the longest prompt and the longest answer."""
    return int(section.max_prompt_tokens) + int(section.max_tokens)


def updates_of(section: ml_collections.ConfigDict) -> int:
    """Updates of an iteration, if none is left out."""
    return int(section.epochs) * (rows_of(section) // int(section.minibatch_size))


def check(section: ml_collections.ConfigDict) -> None:
    """Holds the numbers of the section against each other.

    Raises:
      UserError: one that can't be, with its key.
    """
    rows, size = rows_of(section), int(section.minibatch_size)
    for key in ("iterations", "prompts", "samples", "epochs", "minibatch_size", "max_tokens", "max_prompt_tokens"):
        if int(section[key]) < 1:
            raise UserError(f"ppo.{key}={section[key]}", f"set --config.ppo.{key} to 1 or more")
    if rows % size:
        raise UserError(
            f"ppo.minibatch_size={size} does not divide the {rows} answers of an iteration",
            "set --config.ppo.minibatch_size to a divisor of prompts x samples",
        )
    if (section.rehearsal_weight > 0) != (section.rehearsal_rows > 0) or section.rehearsal_weight < 0:
        raise UserError(
            f"ppo.rehearsal_weight={section.rehearsal_weight} with ppo.rehearsal_rows={section.rehearsal_rows}",
            "set both above 0, or both to 0",
        )
    if section.algorithm != "ppo" and section.critic_alone_updates:
        raise UserError(
            f"{section.algorithm} has no critic, and ppo.critic_alone_updates={section.critic_alone_updates}",
            "set --config.ppo.critic_alone_updates=0",
        )
    if section.truncated not in TRUNCATED:
        raise UserError(f"ppo.truncated={section.truncated!r}", f"it is one of {', '.join(TRUNCATED)}")
    if section.missing_eos not in ("replace", "subtract"):
        raise UserError(f"ppo.missing_eos={section.missing_eos!r}", "it is one of replace, subtract")
    if section.algorithm != "ppo" and int(section.samples) < 2:
        raise UserError(
            f"{section.algorithm} holds the answers to one prompt against each other, and ppo.samples={section.samples}",
            "set --config.ppo.samples to 2 or more",
        )


def _built(make: Callable[[], T]) -> T:
    try:
        return make()
    except ValueError as error:
        raise UserError(str(error), "mend the section ppo of the config") from error


def terms_of(config: ml_collections.ConfigDict) -> UpdateTerms:
    """The update's loss."""
    section = config.ppo

    def make() -> UpdateTerms:
        return UpdateTerms(
            algorithm=section.algorithm,
            policy=PolicyTerms(
                clip=(float(section.clip_low), float(section.clip_high)),
                dual_clip=section.dual_clip,
                over=section.loss_over,
                constant=int(section.max_tokens),
            ),
            temperature=float(section.temperature),
            value_clip=section.value_clip,
            value_coefficient=float(section.value_coefficient),
            entropy_coefficient=float(section.entropy_coefficient),
            loss_beta=float(section.grpo_beta),
            balance=float(section.balance),
            z=float(section.z),
            rehearsal=float(section.rehearsal_weight),
            chunk=int(config.train.loss_chunk),
        )

    return _built(make)


def shaping_of(section: ml_collections.ConfigDict) -> Shaping:
    """How scores become advantages."""
    return Shaping(
        normalise=bool(section.normalise_scores),
        score_clip=section.score_clip,
        missing_eos_penalty=float(section.missing_eos_penalty),
        missing_eos=section.missing_eos,
        leave_out_truncated=section.truncated == "mask",
        whiten_rewards=bool(section.whiten_rewards),
        gamma=float(section.gamma),
        lam=float(section.lam),
    )


def control_of(section: ml_collections.ConfigDict) -> kl_control.KLControl:
    """The KL's price at the start."""
    if section.kl_target is None:
        return _built(lambda: kl_control.fixed(float(section.kl_coefficient)))
    return _built(
        lambda: kl_control.adaptive(float(section.kl_coefficient), float(section.kl_target), float(section.kl_horizon))
    )


def limits_of(section: ml_collections.ConfigDict) -> Limits:
    """When the monitors speak; a runaway of the KL also stops the run."""
    return dataclasses.replace(Limits(), window=int(section.monitor_window), kl=float(section.kl_limit))


def plan_of(config: ml_collections.ConfigDict) -> tuple[Plan, float, MistralConfig]:
    """The update as a training plan, its FLOPs per token, and its model.

    Raises:
      UserError: numbers that can't be.
    """
    section = config.ppo
    check(section)
    rates = learning_rates(section)
    model = models.mixture_config(config, reasoning=True)
    if not model.reasoning_steps:
        rates.pop("reasoning")
    optim = _built(
        lambda: OptimConfig(
            learning_rates=rates,
            num_steps=int(section.iterations) * updates_of(section),
            warmup_steps=int(section.warmup_updates),
            delays=dict.fromkeys(POLICY_GROUPS, int(section.critic_alone_updates)),
            final_fraction=float(section.final_fraction),
            weight_decay=0.0,
            clip_norm=float(section.clip_norm),
            b1=0.9,
            b2=0.999,
            # Of the optimiser that PPO's published settings were found with (Huang et al. 2024, arXiv:2403.17031).
            eps=1e-5,
        )
    )
    rows, length = int(section.minibatch_size), length_of(section)
    terms = terms_of(config)
    of_model = {group: rate for group, rate in rates.items() if group != "critic"}
    flops = training_flops(model, length, of_model)
    if section.algorithm == "ppo" and section.value_model == "copy":
        flops += training_flops(model, length, dict.fromkeys(POLICY_GROUPS, 1.0))
    text_length, text_rows = int(config.train.seq_len), int(section.rehearsal_rows)
    tokens, text = rows * length, text_rows * text_length
    # What a token costs depends on the length of its row.
    flops = (tokens * flops + text * training_flops(model, text_length, of_model)) / (tokens + text)
    plan = Plan(
        loss_fn=functools.partial(update_loss, model, terms),
        optim=optim,
        tokens_per_step=tokens + text,
    )
    return plan, flops, model


def start_params(config: ml_collections.ConfigDict, params: Any) -> Any:
    """A model's parameters (arrays or shapes) with the critic that the algorithm needs."""
    if config.ppo.algorithm != "ppo":
        return params
    kind = config.ppo.value_model
    if isinstance(params["embedding"], jax.ShapeDtypeStruct):
        return jax.eval_shape(functools.partial(policy.attach_critic, kind=kind), params)
    return _built(lambda: policy.attach_critic(params, kind))
