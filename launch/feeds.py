"""What a training run reads: one stream of batches, or one a branch with its curriculum."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from data.curriculum import Curriculum
from launch.corpora import model_batch

Batch = dict[str, np.ndarray]


class Feed(Protocol):
    """Batches, and a position that goes into the checkpoint."""

    def next(self, step: int, params: dict) -> Batch:
        """The batch of a step; `params` are the trained parameters before it, for feeds that follow the model."""

    def get_state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """(data position, curriculum state), both JSON-able."""

    def set_state(self, position: Mapping[str, Any], curriculum: Mapping[str, Any]) -> None:
        """Goes to a saved position."""

    def waited(self) -> float:
        """Seconds that `next` has waited for batches that were not ready."""

    def close(self) -> None:
        """Stops background threads."""


def _waited(loaders: Iterable[Any]) -> float:
    """Of loaders that read ahead; the time of the others is not told apart."""
    return sum(getattr(loader, "waited", 0.0) for loader in loaders)


class SingleFeed:
    """One loader; no curriculum."""

    def __init__(self, loader, domain_of: Sequence[int] = ()):
        """Builds the feed.

        Args:
          loader: of batches.
          domain_of: index of each component's domain, in the order of the loader's `component_ids`; when given, batches
            carry `domains` [B, T] int32.
        """
        self._loader = loader
        self._domain_of = np.asarray(domain_of, np.int32)

    def next(self, step: int, params: dict) -> Batch:
        """The next batch, [B, T] arrays, whatever the step and the parameters."""
        batch = next(self._loader)
        fields = model_batch(batch)
        if self._domain_of.size:
            of_row = self._domain_of[batch["component_ids"]]
            fields["domains"] = np.repeat(of_row[:, None], fields["tokens"].shape[1], axis=1)
        return fields

    def get_state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The loader's position; an empty curriculum."""
        return self._loader.get_state(), {}

    def set_state(self, position: Mapping[str, Any], curriculum: Mapping[str, Any]) -> None:
        """Goes to a saved position."""
        self._loader.set_state(dict(position))

    def waited(self) -> float:
        """Seconds that `next` has waited."""
        return _waited([self._loader])

    def close(self) -> None:
        """Stops the loader's thread, where it has one."""
        if hasattr(self._loader, "close"):
            self._loader.close()


class BranchFeed:
    """One loader a branch, stacked to [P, B, T]; each follows its own curriculum.

    Every `eval_every` steps each branch is scored on held-out rows of its five levels, and the scores decide the
    weights of its levels from then on.
    """

    def __init__(
        self,
        loaders: Mapping[str, Any],
        curriculum: Curriculum,
        level_tasks: Mapping[str, Sequence[str]],
        score: Callable[[dict], np.ndarray],
        eval_every: int,
    ):
        """Builds the feed.

        Args:
          loaders: by domain, in branch order.
          curriculum: the rule, shared by all domains.
          level_tasks: the five task names of each domain, easiest first.
          score: trained parameters [P, ...] -> held-out token accuracy [P, 5].
          eval_every: steps between two evaluations.
        """
        self._loaders = dict(loaders)
        self._curriculum = curriculum
        self._tasks = level_tasks
        self._score = score
        self._every = eval_every
        self._states = {domain: curriculum.init() for domain in self._loaders}
        self._apply_weights()

    @property
    def states(self) -> dict[str, dict[str, Any]]:
        """Curriculum state by domain."""
        return self._states

    def next(self, step: int, params: dict) -> Batch:
        """The next batch of every branch, [P, B, T] arrays; first the evaluation, when one is due."""
        if step % self._every == 0:
            self._evaluate(step, params)
        batches = [model_batch(next(loader)) for loader in self._loaders.values()]
        return {name: np.stack([batch[name] for batch in batches]) for name in batches[0]}

    def _evaluate(self, step: int, params: dict) -> None:
        """Scores the branches and sets the weights of their levels."""
        scores = self._score(params)
        for domain, row in zip(self._loaders, scores):
            # A run that resumes exactly at an evaluation has done it before the checkpoint was left behind.
            if self._states[domain]["performance"] is None or self._states[domain]["step"] < step:
                self._states[domain] = self._curriculum.update(self._states[domain], [float(s) for s in row], step)
        self._apply_weights()

    def get_state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Positions and curriculum states by domain."""
        return {domain: loader.get_state() for domain, loader in self._loaders.items()}, dict(self._states)

    def set_state(self, position: Mapping[str, Any], curriculum: Mapping[str, Any]) -> None:
        """Goes to a saved position."""
        self._states = {domain: dict(curriculum[domain]) for domain in self._loaders}
        for domain, loader in self._loaders.items():
            loader.set_state(dict(position[domain]))

    def waited(self) -> float:
        """Seconds that `next` has waited, evaluations not counted."""
        return _waited(self._loaders.values())

    def close(self) -> None:
        """Stops the loaders' threads, where they have them."""
        for loader in self._loaders.values():
            if hasattr(loader, "close"):
                loader.close()

    def _apply_weights(self) -> None:
        for domain, loader in self._loaders.items():
            weights = dict(zip(self._tasks[domain], self._curriculum.weights(self._states[domain])))
            if weights != loader.weights:
                loader.set_weights(weights)
