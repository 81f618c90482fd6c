"""What is held against a model before and after it is taught: problems it is never taught, and the language it had."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
import dataclasses
import pathlib
from typing import Any

import ml_collections
import numpy as np

from data.verifiable.problem import Problem
from data.verifiable.verify import Verifier
from launch import corpora
from launch.errors import UserError
from launch.stage import StageContext
from launch.tuning.quality import judge
from launch.tuning.sampling import Sampler, seeds
from launch.workdir import atomic_write_json, read_json_object
from mistral_moe.evaluation import held_out
from mistral_moe.evaluation.checks import mean_loss
from mistral_moe.evaluation.pass_at_k import pass_at_k
from mistral_moe.improve import diversity


@dataclasses.dataclass(frozen=True)
class Check:
    """What is measured of a model on held-out problems and texts.

    Attributes:
      pass_at_1: of each problem, the share of its completions that are right.
      pass_at_k: mean over the problems.
      greedy: share of the problems that the likeliest completion solves.
      loss: nats per held-out token, mean over domains.
      loss_by_domain: of each.
      diversity: of the completions.
    """

    pass_at_1: tuple[float, ...]
    pass_at_k: float
    greedy: float
    loss: float
    loss_by_domain: dict[str, float]
    diversity: diversity.Diversity

    @property
    def mean(self) -> float:
        """pass@1 over all problems."""
        return sum(self.pass_at_1) / len(self.pass_at_1)


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

    def kept(self, path: pathlib.Path, params: dict) -> Check:
        """What a model scores, measured once: it is kept in a file, and a stage that goes on reads it there."""
        found = read_json_object(path, "delete it: the model is measured anew")
        if found is None:
            found = _to_json(self.check(params))
            atomic_write_json(path, found)
        return _of_json(found)

    def _losses(self, params: dict) -> dict[str, float]:
        sums_of = held_out.jitted_batch_sums(self.sampler.config)
        found = {}
        for domain, batches in self.texts.items():
            sums = held_out.total(sums_of, params, batches)
            found[domain] = float(sums["nats"] / sums["tokens"])
        return found


def checker_of(
    context: StageContext,
    section: ml_collections.ConfigDict,
    sampler: Sampler,
    verifier: Verifier,
    problems: Sequence[Problem],
    k: int,
) -> Checker:
    """The checks of a stage.

    Args:
      context: the stage's.
      section: its own of the config: `seed`, `check_samples`, `temperature`, `heldout_rows` of a level, `batch_size`.
      sampler, verifier, problems, k: see `Checker`.
    """
    texts = {
        domain: [
            corpora.model_batch(batch)
            for batch in corpora.held_out(context, domain, int(section.heldout_rows), int(section.batch_size))
        ]
        for domain in context.config.domains
    }
    samples = int(section.check_samples)
    row_seeds = seeds(int(section.seed), "heldout", 0, len(problems) * samples)
    return Checker(sampler, verifier, problems, samples, k, float(section.temperature), row_seeds, texts)


def demand_at_least(stage: str, section: ml_collections.ConfigDict, least: Mapping[str, int]) -> None:
    """Holds counts of a section against the least that makes sense.

    Raises:
      UserError: one is below; names the key.
    """
    for key, value in least.items():
        if int(section[key]) < value:
            raise UserError(f"{stage}.{key}={section[key]} is below {value}", f"set --config.{stage}.{key}={value}")


def figures(check: Check) -> dict[str, Any]:
    """What a manifest tells of a check."""
    count = len(check.pass_at_1)
    spread = sum((score - check.mean) ** 2 for score in check.pass_at_1) / max(count - 1, 1)
    return {
        "pass_at_1": check.mean,
        "pass_at_1_stderr": (spread / count) ** 0.5,
        "pass_at_k": check.pass_at_k,
        "greedy_pass_at_1": check.greedy,
        "problems": count,
        "held_out_loss": check.loss,
        "held_out_loss_by_domain": check.loss_by_domain,
        "diversity": dataclasses.asdict(check.diversity),
    }


def told(check: Check) -> str:
    """A check in a line."""
    return f"pass@1 {check.mean:.3f}, pass@k {check.pass_at_k:.3f}, held-out loss {check.loss:.3f}"


def _to_json(check: Check) -> dict[str, Any]:
    """A check as JSON, which keeps floats to the bit."""
    return dataclasses.asdict(check)


def _of_json(value: Mapping[str, Any]) -> Check:
    fields = {**value, "pass_at_1": tuple(value["pass_at_1"]), "diversity": diversity.Diversity(**value["diversity"])}
    return Check(**fields)
