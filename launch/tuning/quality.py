"""How good a completion is, 0 to 1: by the verifier, or by whoever else is asked. The two are never mixed into one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
import dataclasses

from data.verifiable.verify import Verdict, Verifier
from launch.tuning.sampling import Sample
from mistral_moe.improve.selection import Candidate

VERIFIER, REWARD = "verifier", "reward"
# Completions -> probabilities that they are good, one each.
Probabilities = Callable[[Sequence[Sample]], Sequence[float]]


@dataclasses.dataclass(frozen=True)
class Judged:
    """A completion and what was found of it.

    Attributes:
      sample: the completion.
      verdict: the verifier's, always.
      quality: what the threshold is held against.
      by: VERIFIER or REWARD: whose the quality is.
    """

    sample: Sample
    verdict: Verdict
    quality: float
    by: str

    @property
    def candidate(self) -> Candidate:
        """For the selection, with the reason for a low quality."""
        reason = why_low(self.verdict, self.sample.finished) if self.by == VERIFIER else "below_threshold"
        return Candidate(self.sample.problem.id, self.sample.text, self.quality, reason)

    @property
    def answer(self) -> str:
        """What the completion comes to: the answer that was read in it, or where none can be the whole of it."""
        return self.verdict.detail if self.verdict.detail.startswith("answer ") else self.sample.text.strip()


def verified_quality(verdict: Verdict, finished: bool) -> float:
    """1 where a completion is right, in the asked form and ended by the model itself; a bad form costs up to a half."""
    return verdict.correct * (0.5 + 0.5 * verdict.format) if finished else 0.0


def why_low(verdict: Verdict, finished: bool) -> str:
    """Why `verified_quality` is below 1: unfinished, wrong or form."""
    return "unfinished" if not finished else "wrong" if not verdict.correct else "form"


def judge(verifier: Verifier, samples: Sequence[Sample], probabilities: Probabilities | None = None) -> list[Judged]:
    """Judges completions.

    Args:
      verifier: whose verdict every completion gets.
      samples: the completions.
      probabilities: gives the quality instead of the verifier, where there is one.

    Raises:
      ValueError: a probability outside 0 to 1, NaN included, or not one a completion.
    """
    verdicts = [verifier.score(sample.problem, sample.text) for sample in samples]
    if probabilities is None:
        quality = [verified_quality(verdict, sample.finished) for verdict, sample in zip(verdicts, samples)]
        by = VERIFIER
    else:
        quality, by = [float(value) for value in probabilities(samples)], REWARD
        if len(quality) != len(samples):
            raise ValueError(f"{len(quality)} probabilities of {len(samples)} completions")
        wrong = [value for value in quality if not 0 <= value <= 1]
        if wrong:
            raise ValueError(f"{len(wrong)} of {len(quality)} qualities are no probabilities, the first {wrong[0]}")
    return [Judged(*both, value, by) for *both, value in zip(samples, verdicts, quality)]
