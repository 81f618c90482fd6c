"""The loop: sample, keep, teach, check, and take the model back where it got worse; its steps are handed in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
import dataclasses
from typing import Any, Generic, TypeVar

from launch.tuning import checks as checks_lib
from launch.tuning.checks import Check
from mistral_moe.improve.diversity import has_collapsed
from mistral_moe.improve.rollback import why_worse

Model = TypeVar("Model")
Line = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Sampled:
    """What an iteration has to teach.

    Attributes:
      lines: accepted examples.
      report: figures for the manifest.
    """

    lines: Sequence[Line]
    report: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Steps(Generic[Model]):
    """The steps of an iteration. Each is a function of its arguments and the config, so that it may be done again.

    Attributes:
      sample: (iteration, model, all lines accepted so far) -> what is new.
      teach: (iteration, model, lines) -> another model, and figures for the manifest. It may use the model up.
      check: (iteration, model) -> what it scores; iteration 0 is before the first.
      restore: iteration -> the model that it ended with; 0 is before the first.
    """

    sample: Callable[[int, Model, Sequence[Line]], Sampled]
    teach: Callable[[int, Model, Sequence[Line]], tuple[Model, dict[str, Any]]]
    check: Callable[[int, Model], Check]
    restore: Callable[[int], Model]


@dataclasses.dataclass(frozen=True)
class Limits:
    """When a model is taken back; see `mistral_moe.improve.rollback`. `entropy` is the share in `has_collapsed`."""

    tolerance: float
    max_loss_rise: float
    entropy: float


@dataclasses.dataclass(frozen=True)
class Result(Generic[Model]):
    """How it ended.

    Attributes:
      model: the last one that was not taken back.
      iteration: which it is.
      before: check of the model before the first iteration.
      after: of the last one.
      iterations: a report each.
      stopped: why before the last iteration, else "".
    """

    model: Model
    iteration: int
    before: Check
    after: Check
    iterations: list[dict[str, Any]]
    stopped: str


def run(steps: Steps[Model], model: Model, iterations: int, limits: Limits) -> Result[Model]:
    """Runs the loop.

    Args:
      steps: what an iteration is made of.
      model: to begin with.
      iterations: how many.
      limits: when to take a model back.
    """
    checks = {0: steps.check(0, model)}
    at, best, stopped = 0, 0, ""
    pool: list[Line] = []
    reports: list[dict[str, Any]] = []
    for iteration in range(1, iterations + 1):
        sampled = steps.sample(iteration, model, pool)
        report = {"iteration": iteration, **sampled.report, "rolled_back": False, "reason": ""}
        reports.append(report)
        if not sampled.lines:
            stopped = report["reason"] = f"nothing was accepted in iteration {iteration}"
            report.update(figures(checks[at], checks[0], limits))
            break
        model, taught = steps.teach(iteration, model, [*pool, *sampled.lines])
        checks[iteration] = steps.check(iteration, model)
        report.update(taught, **figures(checks[iteration], checks[0], limits))
        worse = why_worse(
            checks[best].pass_at_1,
            checks[iteration].pass_at_1,
            limits.tolerance,
            checks[0].loss,
            checks[iteration].loss,
            limits.max_loss_rise,
        )
        if worse:
            for other in reports:
                other["rolled_back"] = other["rolled_back"] or other["iteration"] > best
            report["reason"] = worse
            stopped = f"iteration {iteration} was taken back to {best}: {worse}"
            model, at = steps.restore(best), best
            break
        pool += sampled.lines
        at = iteration
        if checks[iteration].mean > checks[best].mean:
            best = iteration
    return Result(model, at, checks[0], checks[at], reports, stopped)


def figures(check: Check, start: Check, limits: Limits) -> dict[str, Any]:
    """What the manifest tells of a check, beside the one of the model before the first iteration."""
    return checks_lib.figures(check) | {"collapsed": has_collapsed(start.diversity, check.diversity, limits.entropy)}
