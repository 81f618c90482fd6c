"""Answers of the policy as it is now, by the engine that decodes with continuous batching."""

from __future__ import annotations

from collections.abc import Sequence

import jax
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from mistral_moe.inference.cache import places_needed
from mistral_moe.inference.serve import Completion, Engine, Request
from mistral_moe.inference.weights import prepare
from mistral_moe.models.config import MistralConfig

# Prompts of one width that are read in one pass: answers begin many at a time.
_TOGETHER = 8
_prepare = jax.jit(prepare, static_argnames="config")


class Actor:
    """Answers with the parameters it is given; one engine serves all iterations, so that nothing is compiled twice."""

    def __init__(self, config: MistralConfig, mesh: Mesh, rows: int, length: int, burst: int = 16):
        """Sets the engine up at its first use.

        Args:
          config: the model's.
          mesh: of training. On several devices each of them holds all weights.
          rows: answers that decode together.
          length: tokens of the longest prompt and answer.
          burst: tokens between two looks at the requests.
        """
        self._config, self._rows, self._burst = config, rows, burst
        self._places = places_needed(config, length)
        self._replicated = NamedSharding(mesh, PartitionSpec()) if mesh.size > 1 else None
        self._engine: Engine | None = None

    def answer(self, params: dict, requests: Sequence[Request]) -> list[Completion]:
        """The completions of requests, in their order.

        Args:
          params: the model's.
          requests: prompts with their seeds.
        """
        weights = _prepare(self._config, params)
        if self._replicated is not None:
            weights = jax.device_put(weights, self._replicated)
        if self._engine is None:
            self._engine = Engine(self._config, weights, self._rows, self._places, self._burst, _TOGETHER)
        self._engine.take(weights)
        return self._engine.generate(requests)
