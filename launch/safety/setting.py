"""What every gate is handed, and how one of its parts is measured so that whatever goes wrong is a failure."""

from __future__ import annotations

import dataclasses
import math
import pathlib
import random
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import ml_collections

from data.benchmarks.rows import BenchmarkDataError, MissingDataError
from mistral_moe.evaluation.language_model import Continuation, Generated, LanguageModel, Prompt
from mistral_moe.safety import gates
from mistral_moe.safety.gates import Detector, Measured, Part, Rule

T = TypeVar("T")
Sample = Mapping[str, Any]


class ModelError(RuntimeError):
    """The model left a request unanswered, or its likelihood is no number."""


@dataclasses.dataclass(frozen=True)
class Setting:
    """What gates are run with.

    Attributes:
      model: whose answers are judged.
      config: the section `safety`.
      data_dir: folder of the benchmarks' files; None reads the hub.
      limit: most samples of each part; None takes what the config says.
      write: told (name of a file, samples) of what each part looked at, for review.
      progress: told (part, done, total).
    """

    model: LanguageModel
    config: ml_collections.ConfigDict
    data_dir: pathlib.Path | None = None
    limit: int | None = None
    write: Callable[[str, Sequence[Sample]], None] = lambda name, samples: None
    progress: Callable[[str, int, int], None] = lambda part, done, total: None

    @property
    def seed(self) -> int:
        """Of all that is drawn."""
        return int(self.config.seed)

    def drawn(self, items: Sequence[T], most: int, salt: str) -> list[T]:
        """At most `most` of the items (0: all), and at most `limit`; the same for the same seed, in their order."""
        wanted = min(number for number in (most or len(items), self.limit or len(items), len(items)))
        places = random.Random(f"{self.seed}:{salt}").sample(range(len(items)), wanted)
        return [items[place] for place in sorted(places)]

    def _collect(self, part: str, results: Iterator[tuple[int, T]], total: int) -> list[T]:
        found: dict[int, T] = {}
        self.progress(part, 0, total)
        for index, result in results:
            found[index] = result
            self.progress(part, len(found), total)
        if sorted(found) != list(range(total)):
            raise ModelError(f"the model answered {len(found)} of {total} requests")
        return [found[index] for index in range(total)]

    def generate(self, part: str, prompts: Sequence[Prompt]) -> list[Generated]:
        """The completion of each prompt."""
        return self._collect(part, self.model.generate(prompts), len(prompts))

    def nats(self, part: str, requests: Sequence[Continuation]) -> tuple[list[float], int]:
        """The log-likelihood of each continuation, and of how many the context's beginning found no room."""
        results = self._collect(part, self.model.log_likelihoods(requests), len(requests))
        return _numbers(results), truncated(results)

    def rolling(self, part: str, texts: Sequence[str]) -> list[float]:
        """The log-likelihood of each text."""
        return _numbers(self._collect(part, self.model.rolling(texts), len(texts)))


def truncated(results: Sequence[Any]) -> int:
    """How many prompts or contexts were cut at their beginning."""
    return sum(result.truncated > 0 for result in results)


def _numbers(results: Sequence[Any]) -> list[float]:
    values = [float(result.nats) for result in results]
    broken = sum(not math.isfinite(value) for value in values)
    if broken:
        raise ModelError(f"{broken} of {len(values)} log-likelihoods are no numbers")
    return values


Outcome = tuple[Measured, Detector]


def measured(
    gate: str, rules: Mapping[str, Rule], setting: Setting, run: Callable[[], Mapping[str, Outcome]]
) -> list[Part]:
    """Parts of a gate that are measured together.

    Args:
      gate: its name.
      rules: of each part.
      setting: where tracebacks are written.
      run: measures them all, by name.

    Returns:
      One part a rule: judged, or failed for the reason that `run` ended with. Nothing but an interrupt gets through.
    """
    kind, why = "error", "it was not measured"
    try:
        found = run()
    except MissingDataError as error:
        found, kind, why = {}, "missing_data", str(error)
    except BenchmarkDataError as error:
        found, kind, why = {}, "invalid_data", str(error)
    except ImportError as error:
        found, kind, why = {}, "missing_detector", f"{error}; install the packages of requirements.txt"
    except Exception as error:
        found, kind, why = {}, "error", f"{type(error).__name__}: {error}"
        setting.write(f"{gate}.{'_'.join(rules)}.error", [{"traceback": traceback.format_exc()}])
    why = " ".join(why.split())
    return [
        gates.judged(name, rule, *found[name]) if name in found else gates.failed(name, rule, kind, why)
        for name, rule in rules.items()
    ]
