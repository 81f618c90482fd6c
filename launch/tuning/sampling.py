"""Completions of problems, drawn from a model in a fixed number of rows."""

from __future__ import annotations

from collections.abc import Sequence
import dataclasses

import numpy as np

from data.tokenizer import Tokenizer
from data.verifiable.problem import Problem
from mistral_moe.inference import cache as cache_lib
from mistral_moe.inference.serve import Engine, Request
from mistral_moe.inference.weights import prepare
from mistral_moe.models.config import MistralConfig

ROWS = 64
_TOGETHER = 8


@dataclasses.dataclass(frozen=True)
class Sample:
    """A completion.

    Attributes:
      problem: what was asked.
      number: which of the problem's completions.
      seed: that it was drawn with.
      text: what the model wrote.
      finished: whether the model ended it itself.
    """

    problem: Problem
    number: int
    seed: int
    text: str
    finished: bool


def seeds(seed: int, salt: str, iteration: int, count: int) -> list[int]:
    """A seed a row, from (seed, what is sampled, iteration, row) alone."""
    names = [seed, iteration, *salt.encode()]
    return np.random.SeedSequence(names).generate_state(count, np.uint32).tolist()


def prompt_ids(tokenizer: Tokenizer, problem: Problem) -> list[int]:
    """What the model reads of a problem: BOS, texts and control symbols."""
    ids = [tokenizer.bos_id]
    for place, part in enumerate(problem.parts):
        ids += [tokenizer.control_id(part)] if place % 2 else tokenizer.encode(part).tolist() if part else []
    return ids


@dataclasses.dataclass(frozen=True)
class Sampler:
    """Draws completions.

    Attributes:
      config: the model's.
      tokenizer: the model's.
      length: tokens of the model's window.
      max_tokens: the most tokens of a completion.
    """

    config: MistralConfig
    tokenizer: Tokenizer
    length: int
    max_tokens: int

    def fits(self, problem: Problem) -> bool:
        """Whether the window holds a problem and the longest completion of it."""
        return len(prompt_ids(self.tokenizer, problem)) + self.max_tokens <= self.length

    def sample(
        self, params: dict, problems: Sequence[Problem], count: int, temperature: float, row_seeds: Sequence[int]
    ) -> list[Sample]:
        """`count` completions of each problem, one problem after another.

        Args:
          params: the model's.
          problems: that fit.
          count: completions of each.
          temperature: 0 is greedy.
          row_seeds: one a completion.
        """
        ids = [prompt_ids(self.tokenizer, problem) for problem in problems]
        stop = (self.tokenizer.eos_id,)
        requests = [
            Request(ids[row // count], self.max_tokens, temperature, seed=seed, stop=stop)
            for row, seed in enumerate(row_seeds)
        ]
        places = cache_lib.places_needed(self.config, self.length)
        engine = Engine(self.config, prepare(self.config, params), ROWS, places, together=_TOGETHER)
        # Prompts of one width are read together, and those of one problem are of one width.
        done = engine.generate(requests)
        # Decoded by itself a completion loses the space that the tokenizer puts before every text.
        texts = [self.tokenizer.decode(completion.text_tokens) for completion in done]
        return [
            Sample(problems[row // count], row % count, row_seeds[row], text, completion.ends == "stop")
            for row, (text, completion) in enumerate(zip(texts, done))
        ]
