"""The curriculum of one domain: which of its five levels the model is at, and how often each level is drawn.

All functions are pure; the state is a JSON-able dict that lies in the checkpoint, so that a resumed run takes the same
decisions at the same steps.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Sequence
from typing import Any

from data.domains import NUM_LEVELS

State = dict[str, Any]
KINDS = ("adaptive", "uniform", "fixed", "progress")


class CurriculumError(ValueError):
    """An option, score or state outside its range; the message names it."""


@dataclasses.dataclass(frozen=True)
class Curriculum:
    """How a domain climbs its levels.

    Attributes:
      kind: "adaptive" goes by the held-out score, "fixed" by the share of steps done, "uniform" draws all levels alike,
        "progress" draws each level by how much its score has gained (after Graves et al. 2017, arXiv:1704.03003).
      focus: share of the current level, relative to `rehearsal`.
      rehearsal: share that the levels below the current one divide evenly.
      floor: least weight of every level, so that none starves; at most 1/5.
      smoothing: share of the old performance in the new one, 0 (the last score alone) up to but below 1.
      total_steps: steps of the run; "fixed" needs it.
    """

    kind: str = "adaptive"
    focus: float = 0.7
    rehearsal: float = 0.3
    floor: float = 0.02
    smoothing: float = 0.5
    total_steps: int = 0

    def __post_init__(self):
        def require(condition: bool, name: str, rule: str) -> None:
            if not condition:
                raise CurriculumError(f"curriculum option {name}={getattr(self, name)!r}: {rule}")

        require(self.kind in KINDS, "kind", f"must be one of {', '.join(KINDS)}")
        require(math.isfinite(self.focus) and self.focus > 0, "focus", "must be above 0")
        require(math.isfinite(self.rehearsal) and self.rehearsal >= 0, "rehearsal", "must be at least 0")
        require(0 <= self.floor <= 1 / NUM_LEVELS, "floor", f"must lie in [0, 1/{NUM_LEVELS}]")
        require(0 <= self.smoothing < 1, "smoothing", "must lie in [0, 1)")
        require(
            self.kind != "fixed" or self.total_steps > 0, "total_steps", "a fixed schedule needs the steps of the run"
        )

    def init(self) -> State:
        """State before any evaluation: the easiest level, no performance yet, an empty history."""
        return {"step": 0, "level": 0, "performance": None, "history": []}

    def update(self, state: State, scores: Sequence[float], step: int) -> State:
        """State after an evaluation; the given one is not changed.

        Args:
          state: of `init` or `update`.
          scores: held-out token accuracy of each level, [5] in [0, 1].
          step: training step of the evaluation, not before the state's.

        Raises:
          CurriculumError: a malformed state, scores or step.
        """
        _check_state(state)
        scores = [float(score) for score in scores]
        if len(scores) != NUM_LEVELS or not all(0 <= score <= 1 for score in scores):
            raise CurriculumError(f"held-out scores must be {NUM_LEVELS} numbers in [0, 1], got {scores}")
        if step < state["step"]:
            raise CurriculumError(f"step {step} lies before the curriculum's last evaluation at step {state['step']}")
        score, old = scores[state["level"]], state["performance"]
        # The first score stands for itself: from zero, smoothing would hold a strong model at the easiest level.
        performance = score if old is None else self.smoothing * old + (1 - self.smoothing) * score
        level = level_of_steps(step, self.total_steps) if self.kind == "fixed" else level_of_performance(performance)
        entry = {"step": int(step), "level": level, "performance": performance, "scores": scores}
        new = {"step": int(step), "level": level, "performance": performance, "history": [*state["history"], entry]}
        entry["weights"] = list(self.weights(new))
        return new

    def weights(self, state: State) -> tuple[float, ...]:
        """Share of each level in the domain's batches, [5], summing to 1, each at least `floor`.

        Raises:
          CurriculumError: a malformed state.
        """
        _check_state(state)
        if self.kind == "uniform":
            return (1 / NUM_LEVELS,) * NUM_LEVELS
        shares = self._gains(state) if self.kind == "progress" else self._around(state["level"])
        free = 1 - NUM_LEVELS * self.floor
        return tuple(self.floor + max(free, 0.0) * share / sum(shares) for share in shares)

    def _around(self, level: int) -> list[float]:
        """Shares of the current level and of those below it."""
        shares = [0.0] * NUM_LEVELS
        shares[level] = self.focus
        for earlier in range(level):
            shares[earlier] = self.rehearsal / level
        return shares

    def _gains(self, state: State) -> list[float]:
        """What each level's score gained from one evaluation to the next, smoothed; all alike where none gained."""
        gains = [0.0] * NUM_LEVELS
        for before, after in itertools.pairwise(entry["scores"] for entry in state["history"]):
            new = [max(b - a, 0.0) for a, b in zip(before, after)]
            gains = [self.smoothing * old + (1 - self.smoothing) * gain for old, gain in zip(gains, new)]
        return gains if sum(gains) > 0 else [1.0] * NUM_LEVELS


def level_of_performance(performance: float) -> int:
    """The base rule: `min(int(performance * 5), 4)` for a performance in [0, 1]."""
    return min(int(performance * NUM_LEVELS), NUM_LEVELS - 1)


def level_of_steps(step: int, total_steps: int) -> int:
    """The level of a fixed schedule: five equal parts of the run, the last going on beyond its end."""
    return min(step * NUM_LEVELS // total_steps, NUM_LEVELS - 1)


def _check_state(state: State) -> None:
    wanted = {"step", "level", "performance", "history"}
    if not isinstance(state, dict) or set(state) != wanted or state["level"] not in range(NUM_LEVELS):
        raise CurriculumError(f"not a curriculum's state (it has {', '.join(sorted(wanted))}): {state!r:.200}")
