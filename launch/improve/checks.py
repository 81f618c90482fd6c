"""What is held against a model after each iteration: problems it is never taught, and the language it had."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
import dataclasses
from typing import Any

import numpy as np

from data.verifiable.problem import Problem
from data.verifiable.verify import Verifier
from launch.improve.loop import Check
from launch.improve.quality import judge
from launch.improve.sampling import Sampler
from mistral_moe.evaluation import held_out
from mistral_moe.evaluation.checks import mean_loss
from mistral_moe.evaluation.pass_at_k import pass_at_k
from mistral_moe.improve import diversity


@dataclasses.dataclass(frozen=True)
class Checker:
    """Measures.

    Attributes:
      sampler: draws completions.
      verifier: judges them.
      problems: held out.
      samples: completions of each.
      k: of pass@k, at most `samples`.
      temperature: of the sampling.
      seeds: one a completion, the same for every model: what is drawn differs by the model alone.
      texts: held-out batches by domain.
    """

    sampler: Sampler
    verifier: Verifier
    problems: Sequence[Problem]
    samples: int
    k: int
    temperature: float
    seeds: Sequence[int]
    texts: Mapping[str, Sequence[Mapping[str, np.ndarray]]]

    def check(self, params: dict) -> Check:
        """What a model scores."""
        drawn = self.sampler.sample(params, self.problems, self.samples, self.temperature, self.seeds)
        judged = judge(self.verifier, drawn)
        starts = range(0, len(judged), self.samples)
        own = [judged[start : start + self.samples] for start in starts]
        solved = [sum(one.quality > 0 for one in group) for group in own]
        likeliest = self.sampler.sample(params, self.problems, 1, 0.0, self.seeds[: len(self.problems)])
        greedy = [one.quality > 0 for one in judge(self.verifier, likeliest)]
        losses = self._losses(params)
        return Check(
            pass_at_1=tuple(count / self.samples for count in solved),
            pass_at_k=float(np.mean([pass_at_k(self.samples, count, self.k) for count in solved])),
            greedy=float(np.mean(greedy)),
            loss=mean_loss(losses),
            loss_by_domain=losses,
            diversity=diversity.measure(
                [[one.sample.text for one in group] for group in own], [[one.answer for one in group] for group in own]
            ),
        )

    def _losses(self, params: dict) -> dict[str, float]:
        sums_of = held_out.jitted_batch_sums(self.sampler.config)
        found = {}
        for domain, batches in self.texts.items():
            sums = held_out.total(sums_of, params, batches)
            found[domain] = float(sums["nats"] / sums["tokens"])
        return found


def to_json(check: Check) -> dict[str, Any]:
    """A check as JSON, which keeps floats to the bit."""
    return dataclasses.asdict(check)


def of_json(value: Mapping[str, Any]) -> Check:
    """The check that `to_json` was given."""
    fields = {**value, "pass_at_1": tuple(value["pass_at_1"]), "diversity": diversity.Diversity(**value["diversity"])}
    return Check(**fields)
