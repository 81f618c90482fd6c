"""The tasks of a run, from the section `tasks` of its config."""

from __future__ import annotations

import ml_collections

from data.multitask import registry
from launch.errors import UserError
from mistral_moe.training.multitask import TaskTerms


def shares(config: ml_collections.ConfigDict) -> dict[str, float]:
    """Share of the documents that each task gets.

    Raises:
      UserError: an unknown task, or impossible shares.
    """
    try:
        return registry.checked_shares(config.tasks.shares.to_dict())
    except ValueError as error:
        raise UserError(str(error), "mend the section tasks.shares of the config") from error


def task_terms(config: ml_collections.ConfigDict) -> TaskTerms | None:
    """Weights of the tasks' losses; None where next tokens are the only task.

    Raises:
      UserError: an unknown task, impossible weights, or no weight for any task that has a share.
    """
    given, weights = shares(config), config.tasks.weights.to_dict()
    if set(given) == {registry.DEFAULT}:
        return None
    unknown = sorted(set(weights) - set(registry.NAMES))
    if unknown:
        raise UserError(
            f"tasks.weights names unknown {', '.join(unknown)}; the tasks are {', '.join(registry.NAMES)}",
            "mend the section tasks.weights of the config",
        )
    # Documents that no other task takes are read as plain text, whatever its share.
    trained = {registry.DEFAULT, *given}
    try:
        terms = TaskTerms(
            names=registry.NAMES,
            weights=tuple(float(weights.get(name, 1.0)) if name in trained else 0.0 for name in registry.NAMES),
            learned=config.tasks.weighting == "uncertainty",
        )
    except ValueError as error:
        raise UserError(str(error), "mend the section tasks.weights of the config") from error
    if config.tasks.weighting not in ("fixed", "uncertainty"):
        raise UserError(f"unknown tasks.weighting {config.tasks.weighting!r}", "it is fixed or uncertainty")
    if not any(terms.weights):
        raise UserError("every task has weight 0", "give one of tasks.weights a value above 0")
    return terms


def with_task_rate(
    config: ml_collections.ConfigDict, terms: TaskTerms | None, rates: dict[str, float | None]
) -> dict[str, float | None]:
    """Learning rates of a run, with that of the learned task weights where there are any."""
    return rates | {"tasks": float(config.tasks.tasks_lr)} if terms is not None and terms.learned else rates
