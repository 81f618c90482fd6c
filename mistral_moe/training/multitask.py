"""The losses of several tasks in one: fixed weights, or weights learned from each task's uncertainty."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp

# The parameter that holds the learned weights, at the root of the tree; it is trained beside a model and no part of it.
LEAF = "task_log_variance"


@dataclasses.dataclass(frozen=True)
class TaskTerms:
    """How the losses of K tasks become one.

    Attributes:
      names: of the tasks, in the order of a batch's `task_ids`.
      weights: of each task's tokens; fixed.
      learned: whether each task also has a learned weight, exp(-s), with s added to the loss (Kendall, Gal and Cipolla
        2018, arXiv:1705.07115). Its best value is the logarithm of the task's loss, so that all tasks weigh alike however
        large their losses are.
    """

    names: tuple[str, ...]
    weights: tuple[float, ...]
    learned: bool = False

    def __post_init__(self) -> None:
        if len(self.names) != len(self.weights):
            raise ValueError(f"{len(self.names)} tasks have {len(self.weights)} weights")
        if not all(0 <= weight < float("inf") for weight in self.weights):
            raise ValueError(f"weights of tasks must be finite and at least 0, got {self.weights}")


def attach(params: dict, terms: TaskTerms | None) -> dict:
    """The parameters with the learned weights, at zero, where there are any."""
    return params | {LEAF: jnp.zeros(len(terms.names), jnp.float32)} if terms is not None and terms.learned else params


def detach(params: dict) -> dict:
    """The parameters without the learned weights: the model alone."""
    return {name: value for name, value in params.items() if name != LEAF}


def token_weight(batch: dict, terms: TaskTerms | None) -> jax.Array:
    """The sum of the weights that a batch's loss is a mean over: scalar float32."""
    weights = batch["loss_weights"]
    if terms is not None:
        weights = weights * jnp.asarray(terms.weights, jnp.float32)[batch["task_ids"]]
    return weights.sum()


def combine(nats: jax.Array, batch: dict, terms: TaskTerms, params: dict) -> tuple[jax.Array, dict]:
    """One loss of the tasks' losses, from one forward pass.

    Args:
      nats: [B, T] float32 loss of each token.
      batch: loss_weights [B, T] and task_ids [B, T] int32.
      terms: the weights.
      params: where learned weights are found, [K].

    Returns:
      The scalar that is minimised, and for each task that any weight can reach its share of the tokens `task_share/<name>`
      and its nats over all tokens `task_nats/<name>`, whose ratio is the task's loss.
    """
    of_task = batch["task_ids"][..., None] == jnp.arange(len(terms.names))
    weights = jnp.where(of_task, batch["loss_weights"][..., None], 0.0)  # [B, T, K]
    total = jnp.maximum(jnp.sum(batch["loss_weights"]), 1e-6)
    shares = jnp.sum(weights, axis=(0, 1)) / total
    of_tasks = jnp.sum(weights * nats[..., None], axis=(0, 1)) / total
    fixed = jnp.asarray(terms.weights, jnp.float32)
    normaliser = jnp.maximum(jnp.sum(fixed * shares), 1e-6)
    if terms.learned:
        log_variance = params[LEAF]
        loss = jnp.sum(fixed * (jnp.exp(-log_variance) * of_tasks + shares * log_variance)) / normaliser
    else:
        loss = jnp.sum(fixed * of_tasks) / normaliser
    metrics = {}
    for place, name in enumerate(terms.names):
        if terms.weights[place]:
            metrics |= {f"task_share/{name}": shares[place], f"task_nats/{name}": of_tasks[place]}
            if terms.learned:
                metrics[f"task_log_variance/{name}"] = log_variance[place]
    return loss, metrics
