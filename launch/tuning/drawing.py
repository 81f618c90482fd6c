"""Which problems a stage asks or teaches: lists of which no two share one."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
import dataclasses
import math

from data.verifiable import tasks
from data.verifiable.problem import Problem
from launch.errors import UserError
from launch.tuning.examples import DOMAINS

_MAX_FACTOR = 16


def asked(problem: Problem) -> tuple[str, str]:
    """What a problem asks, in whatever words: (task, key of the draw)."""
    return problem.task, problem.meta["key"]


@dataclasses.dataclass(frozen=True)
class Drawing:
    """How a stage draws problems.

    Attributes:
      stage: whose section of the config, for messages.
      tasks: names.
      seed: of the draw.
      fits: which problems the model's window has room for.
      taken: what was asked or taught elsewhere (`asked`), and is not drawn.
    """

    stage: str
    tasks: Sequence[str]
    seed: int
    fits: Callable[[Problem], bool]
    taken: Set[tuple[str, str]] = frozenset()

    def in_turns(self, counts: Sequence[int], split: str) -> tuple[list[list[Problem]], int]:
        """Disjoint lists of problems, each spread evenly over the tasks.

        Args:
          counts: problems of each list.
          split: "train" or "heldout".

        Returns:
          The lists, and how many problems were left out on the way since they don't fit.

        Raises:
          UserError: an unknown task, a task that is named twice, or too few problems.
        """
        unknown = [name for name in self.tasks if name not in DOMAINS]
        if unknown or not self.tasks or len(set(self.tasks)) < len(self.tasks):
            raise UserError(
                f"{self.stage}.tasks is {tuple(self.tasks)}",
                f"name one or more of {', '.join(DOMAINS)}, each of them once",
            )
        parts = [shares(self.tasks, count) for count in counts]
        lists: list[list[Problem]] = [[] for _ in counts]
        left_out = 0
        for name in self.tasks:
            left, too_long = self._draw(name, sum(part[name] for part in parts), split)
            left_out += too_long
            for part, own in zip(parts, lists):
                own += left[: part[name]]
                left = left[part[name] :]
        return lists, left_out

    def _draw(self, task: str, count: int, split: str) -> tuple[list[Problem], int]:
        """The first `count` problems of a task that can be had, and how many before the last of them don't fit."""
        # What is held out is taken by nobody.
        taken = {one for one in self.taken if one[0] == task} if split == "train" else set()
        wanted = count + len(taken)
        while wanted <= _MAX_FACTOR * count + len(taken):
            try:
                drawn = tasks.problems(task, wanted, self.seed, split)
            except ValueError as error:
                raise UserError(str(error), f"ask for fewer in the section {self.stage} of the config") from error
            found, too_long = [], 0
            for problem in drawn:
                if len(found) == count:
                    break
                if asked(problem) not in taken:
                    fit = self.fits(problem)
                    too_long += not fit
                    found += [problem] if fit else []
            if len(found) == count:
                return found, too_long
            # As many more as will do if they fit as often as those before, or twice as many.
            more = math.ceil((count - len(found)) * (len(found) + too_long) / max(len(found), 1))
            wanted += min(more, wanted)
        raise UserError(
            f"{len(found)} of {len(drawn)} problems of {task} fit the model's window, and {count} are needed",
            f"take {self.stage}.max_tokens down, leave the task out of {self.stage}.tasks, or ask for fewer",
        )


def shares(names: Sequence[str], count: int) -> dict[str, int]:
    """`count` spread evenly over tasks, the first getting what is left."""
    return {name: count // len(names) + (place < count % len(names)) for place, name in enumerate(names)}
