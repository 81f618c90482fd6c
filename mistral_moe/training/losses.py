"""The losses that train seeds, branches, routers and mixtures. Each returns its terms apart."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp

from mistral_moe.models.config import MistralConfig
from mistral_moe.models.vocabulary import head_cross_entropy
from mistral_moe.models.mistral import Mistral
from mistral_moe.routing.balance import expert_load, load_balance_loss, router_z_loss
from mistral_moe.routing.oracle import forced_losses, oracle_losses, oracle_posterior
from mistral_moe.training import multitask, partition
from mistral_moe.training.multitask import TaskTerms


@dataclasses.dataclass(frozen=True)
class RouterTerms:
    """Weights of the router's terms.

    Attributes:
      balance: of the load-balance loss.
      z: of the z-loss.
      oracle: of the cross-entropy to the oracle's posterior (router stage).
      window: tokens per window of the oracle.
      temperature: of the oracle's posterior, in nats.
      oracle_rows: rows of each batch on which the joint loss measures every expert for the router; 0 is none.
      domain: of the cross-entropy to the expert named for each token's domain (joint loss); needs `domains` in the batch.
    """

    balance: float = 0.0
    z: float = 0.0
    oracle: float = 1.0
    window: int = 64
    temperature: float = 0.1
    oracle_rows: int = 0
    domain: float = 0.0


def weighted_mean(values: jax.Array, weights: jax.Array) -> jax.Array:
    """Mean of [B, T] values under [B, T] weights; 0 where there is no weight at all."""
    return jnp.sum(values * weights) / jnp.maximum(jnp.sum(weights), 1e-6)


def language_model_loss(
    config: MistralConfig,
    params: dict,
    batch: dict,
    terms: RouterTerms = RouterTerms(),
    reasoning_steps: int | None = None,
    chunk: int = 0,
    tasks: TaskTerms | None = None,
) -> tuple[jax.Array, dict]:
    """Next-token loss of a dense model or a mixture, of one task or several, plus the router's balance terms.

    Args:
      config: the model's.
      params: the model's.
      batch: tokens, targets, segment_ids, positions, loss_weights, each [B, T]; with `terms.domain` also domains [B, T]
        int32, the index of each token's domain among the experts, and with `tasks` task_ids [B, T] int32.
      terms: weights of the router's terms (a mixture only).
      reasoning_steps: R, instead of the config's.
      chunk: tokens per chunk of the cross-entropy, of one device.
      tasks: weights of the tasks; None weighs all tokens by `loss_weights` alone.

    Returns:
      The scalar that is minimised, and its terms: `loss` (nats per token), those of `multitask.combine`, for a mixture also `balance`, `z` and `load`
      [L, E], and with `terms.domain` the `domain_cross_entropy`.
    """
    out = Mistral(config).apply(
        {"params": params},
        batch["tokens"],
        batch["segment_ids"],
        batch["positions"],
        reasoning_steps=reasoning_steps,
    )
    nats, _ = head_cross_entropy(out.hidden, params["lm_head"], batch["targets"], chunk)
    loss = weighted_mean(nats, batch["loss_weights"])
    metrics = {"loss": loss}
    total = loss
    if tasks is not None:
        total, of_tasks = multitask.combine(nats, batch, tasks, params)
        metrics |= of_tasks
    if out.decision is not None:
        real = batch["segment_ids"] > 0
        metrics["balance"] = load_balance_loss(out.decision.logits, out.decision.experts, real)
        metrics["z"] = router_z_loss(out.decision.logits, real)
        metrics["load"] = expert_load(out.decision.experts, real, config.num_experts)
        total = total + terms.balance * metrics["balance"] + terms.z * metrics["z"]
        if terms.domain:
            metrics["domain_cross_entropy"] = weighted_mean(
                domain_nats(out.decision.logits, batch["domains"]), batch["loss_weights"]
            )
            total = total + terms.domain * metrics["domain_cross_entropy"]
    return total, metrics


def domain_nats(logits: jax.Array, domains: jax.Array) -> jax.Array:
    """Negative log-probability that the router gives each token's own expert, mean over layers.

    Args:
      logits: [L, B, T, E] of the router.
      domains: [B, T] int32, index of the expert named for the token's domain.

    Returns:
      [B, T] float32.
    """
    own = jnp.take_along_axis(jax.nn.log_softmax(logits, axis=-1), domains[None, ..., None], axis=-1)
    return -own[..., 0].mean(axis=0)


def router_loss(
    config: MistralConfig, params: dict, batch: dict, terms: RouterTerms, reasoning_steps: int = 0
) -> tuple[jax.Array, dict]:
    """Cross-entropy of the router to the measured oracle, plus balance.

    The forward pass runs once an expert (forced), which gives the per-token losses [E, B, T]; their windowed soft
    posterior is the target. When one decision serves the model, no gradient crosses the trunk: the compiler drops it.

    Args:
      config: the mixture's.
      params: the mixture's.
      batch: as in `language_model_loss`.
      terms: weights of the terms.
      reasoning_steps: R of the forced passes.

    Returns:
      The scalar that is minimised, and its terms: `loss` (nats per token when each token pays what its first choice,
      forced, would), `cross_entropy`, `balance`, `z`, `load` [L, E], `agreement` (share of
      the tokens whose first choice is the window's best expert), `regret_window_<n>` (nats per token above the window's best
      expert, when each token goes to its first choice).
    """
    losses = jax.lax.stop_gradient(forced_losses(config, params, batch, reasoning_steps))
    target = oracle_posterior(losses, batch, terms.window, terms.temperature)
    out = Mistral(config).apply(
        {"params": params}, batch["tokens"], batch["segment_ids"], batch["positions"], reasoning_steps=0
    )
    logits, weights = out.decision.logits, batch["loss_weights"]
    real = batch["segment_ids"] > 0
    per_token = -jnp.sum(target * jax.nn.log_softmax(logits, axis=-1), axis=-1).mean(axis=0)
    first = out.decision.experts[-1, ..., 0]
    chosen = jnp.take_along_axis(losses, first[None], axis=0)[0]
    _, best = oracle_losses(losses, batch, terms.window)
    metrics = {
        "loss": weighted_mean(chosen, weights),
        "cross_entropy": weighted_mean(per_token, weights),
        "balance": load_balance_loss(logits, out.decision.experts, real),
        "z": router_z_loss(logits, real),
        "load": expert_load(out.decision.experts, real, config.num_experts),
        "agreement": weighted_mean((first == jnp.argmax(target, axis=-1)).astype(jnp.float32), weights),
        f"regret_window_{terms.window}": weighted_mean(chosen - best, weights),
    }
    total = terms.oracle * metrics["cross_entropy"] + terms.balance * metrics["balance"] + terms.z * metrics["z"]
    return total, metrics


def joint_loss(
    config: MistralConfig,
    params: dict,
    batch: dict,
    terms: RouterTerms,
    chunk: int = 0,
    tasks: TaskTerms | None = None,
) -> tuple[jax.Array, dict]:
    """Next-token loss of the whole mixture; beside it the router goes on learning from measured experts.

    With top-1 and weights that sum to one the next-token loss has no gradient for the router, and the balance terms
    alone, rescaled by Adam, would undo it. It goes on learning from either of two:

    - `terms.domain`: which domain each token is of, over the whole batch and at no cost. The experts stay apart.
    - `terms.oracle_rows`: the measured loss of every expert on the first rows of the batch, for the router alone. An
      expert that is ahead on two domains then takes both and its neighbour starves, unless the balance terms hold it.

    Args:
      config: the mixture's.
      params: the mixture's.
      batch: as in `language_model_loss`.
      terms: weights of the terms.
      chunk: tokens per chunk of the cross-entropy, of one device.
      tasks: as in `language_model_loss`.

    Returns:
      The scalar that is minimised, and the terms of `language_model_loss`; with oracle rows also the router's
      `cross_entropy`, `agreement` and `regret_window_<n>`, measured on those rows.
    """
    total, metrics = language_model_loss(config, params, batch, terms, chunk=chunk, tasks=tasks)
    if not terms.oracle_rows:
        return total, metrics
    alone = partition.map_groups(params, lambda group, leaf: leaf if group == "router" else jax.lax.stop_gradient(leaf))
    rows = {name: value[: terms.oracle_rows] for name, value in batch.items()}
    # Its balance terms are counted already, over the whole batch.
    measured = dataclasses.replace(terms, balance=0.0, z=0.0)
    router_total, router_metrics = router_loss(config, alone, rows, measured, config.reasoning_steps)
    kept = {name: router_metrics[name] for name in router_metrics if name not in metrics}
    return total + router_total, metrics | kept
