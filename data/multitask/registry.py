"""All tasks by name, and the one that a document is read in."""

from __future__ import annotations

import importlib
import math
import pkgutil
import random
from collections.abc import Mapping

import data.multitask as package
from data.document import Document
from data.multitask.task import Example, Task

DEFAULT = "causal_lm"


class TaskShareError(ValueError):
    """Shares of tasks that can't be right; the message names the task and what to do."""


def _found() -> dict[str, Task]:
    """The `TASK` of every module of this package that has one, by name, in the order of the names."""
    tasks = []
    for module in pkgutil.iter_modules(package.__path__):
        task = getattr(importlib.import_module(f"{package.__name__}.{module.name}"), "TASK", None)
        if task is not None:
            tasks.append(task)
    return {task.name: task for task in sorted(tasks, key=lambda task: task.name)}


TASKS: dict[str, Task] = _found()
NAMES: tuple[str, ...] = tuple(TASKS)


def checked_shares(shares: Mapping[str, float]) -> dict[str, float]:
    """Shares above 0, in the order of the names; what is left of a document's tasks goes to `causal_lm`.

    Raises:
      TaskShareError: an unknown task, or a share that is negative or not finite, or none above 0.
    """
    unknown = sorted(set(shares) - set(TASKS))
    if unknown:
        raise TaskShareError(f"unknown task {', '.join(unknown)}; there are {', '.join(TASKS)}")
    wrong = {name: share for name, share in shares.items() if not 0 <= share < math.inf}
    if wrong:
        raise TaskShareError(f"shares of tasks must be finite and at least 0, got {wrong}")
    kept = {name: float(shares[name]) for name in TASKS if shares.get(name)}
    if not kept:
        raise TaskShareError("every task has share 0; give causal_lm or another a share above 0")
    return kept


def choose(document: Document, shares: Mapping[str, float], seed: int = 0) -> tuple[str, Example]:
    """(name of the task, parts) that a document is read in, a pure function of its id and the seed.

    A task is drawn by its share among those of the document's domain. One that the document has not what it takes for is
    put aside and the next drawn; at the end stands `causal_lm`, so that no document is lost.

    Args:
      document: with its level.
      shares: of `checked_shares`.
      seed: another seed draws other tasks.
    """
    rng = random.Random(f"{seed}/{document.id}")
    left = {name: share for name, share in shares.items() if document.domain in TASKS[name].domains}
    while left:
        name = rng.choices(list(left), list(left.values()))[0]
        example = TASKS[name].make(document, rng)
        if example is not None:
            return name, example
        del left[name]
    return DEFAULT, TASKS[DEFAULT].make(document, rng)
