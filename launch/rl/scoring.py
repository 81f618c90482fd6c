"""What an answer is worth: verified, of the right form, liked by a reward model; each part logged by itself.

Two more rewards exist to prove the machinery by: `noise`, which must change nothing beyond noise, and `length`, which is
gamed by writing on, and which the monitors must catch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
import dataclasses

import numpy as np

from data.verifiable.problem import Problem
from data.verifiable.verify import Verifier

REWARDS = ("composite", "noise", "length")
# [N] scores of a reward model, from prompts and answers in tokens.
Learned = Callable[[Sequence[Sequence[int]], Sequence[Sequence[int]]], np.ndarray]


@dataclasses.dataclass(frozen=True)
class Weights:
    """What each part of the composite reward counts; a part of weight 0 is not added."""

    verifiable: float = 1.0
    format: float = 0.0
    learned: float = 0.0


@dataclasses.dataclass(frozen=True)
class Scores:
    """Scores of N answers.

    Attributes:
      total: [N] float32, what is learned from.
      parts: name -> [N] float32, unweighted.
    """

    total: np.ndarray
    parts: dict[str, np.ndarray]


class Scorer:
    """Scores answers.

    Args:
      verifier: judges them.
      reward: one of `REWARDS`.
      weights: of the composite.
      max_tokens: the longest answer allowed; `length` pays an answer's share of it.
      learned: a reward model, where it has a weight.
    """

    def __init__(
        self, verifier: Verifier, reward: str, weights: Weights, max_tokens: int, learned: Learned | None = None
    ):
        if reward not in REWARDS:
            raise ValueError(f"the rewards are {', '.join(REWARDS)}, not {reward!r}")
        if reward == "composite" and weights.learned and learned is None:
            raise ValueError("a learned reward has a weight, and there is no reward model")
        self._verifier, self._reward, self._weights, self._max_tokens = verifier, reward, weights, max_tokens
        self._learned = learned if weights.learned else None

    def verdicts(self, problems: Sequence[Problem], texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """(correct, format), [N] float32 each."""
        found = [self._verifier.score(problem, text) for problem, text in zip(problems, texts)]
        return (
            np.array([verdict.correct for verdict in found], np.float32),
            np.array([verdict.format for verdict in found], np.float32),
        )

    def score(
        self,
        problems: Sequence[Problem],
        texts: Sequence[str],
        prompts: Sequence[Sequence[int]],
        answers: Sequence[Sequence[int]],
        seeds: Sequence[int],
    ) -> Scores:
        """Scores answers.

        Args:
          problems: of each answer.
          texts: the answers.
          prompts, answers: in tokens.
          seeds: of each answer, for `noise`.
        """
        correct, form = self.verdicts(problems, texts)
        parts = {"verifiable": correct, "format": form}
        if self._reward == "noise":
            noise = [np.random.default_rng(seed).normal() for seed in seeds]
            return Scores(np.array(noise, np.float32), parts)
        if self._reward == "length":
            lengths = np.array([len(answer) for answer in answers], np.float32)
            return Scores(lengths / np.float32(self._max_tokens), parts)
        total = self._weights.verifiable * correct + self._weights.format * form
        if self._learned is not None:
            parts["learned"] = np.asarray(self._learned(prompts, answers), np.float32)
            total = total + self._weights.learned * parts["learned"]
        return Scores(total.astype(np.float32), parts)
