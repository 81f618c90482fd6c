"""Which problems an iteration, the demonstrations and the held-out check are made of: no two of them share one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from data.verifiable import tasks
from data.verifiable.problem import Problem
from launch.errors import UserError
from launch.improve.tuning import DOMAINS

_MAX_FACTOR = 16


def shares(names: Sequence[str], count: int) -> dict[str, int]:
    """`count` spread evenly over tasks, the first getting what is left."""
    return {name: count // len(names) + (place < count % len(names)) for place, name in enumerate(names)}


def draw(task: str, count: int, seed: int, split: str, fits: Callable[[Problem], bool]) -> list[Problem]:
    """The first `count` problems of a task that fit the model's window.

    Raises:
      UserError: there are fewer.
    """
    wanted, found = count, []
    while wanted <= _MAX_FACTOR * count:
        try:
            found = [problem for problem in tasks.problems(task, wanted, seed, split) if fits(problem)]
        except ValueError as error:
            raise UserError(str(error), "ask for fewer in the section improve of the config") from error
        if len(found) >= count:
            return found[:count]
        wanted *= 2
    raise UserError(
        f"{len(found)} of {wanted // 2} problems of {task} fit the model's window with improve.max_tokens, and {count} "
        "are needed",
        "take improve.max_tokens down, leave the task out of improve.tasks, or ask for fewer",
    )


def in_turns(
    names: Sequence[str], counts: Sequence[int], seed: int, split: str, fits: Callable[[Problem], bool]
) -> list[list[Problem]]:
    """Disjoint lists of problems, each spread evenly over the tasks.

    Args:
      names: of the tasks.
      counts: problems of each list.
      seed: of the draw.
      split: "train" or "heldout".
      fits: which problems may be asked.

    Raises:
      UserError: an unknown task, a task that is named twice, or too few problems.
    """
    unknown = [name for name in names if name not in DOMAINS]
    if unknown or not names or len(set(names)) < len(names):
        raise UserError(
            f"improve.tasks is {tuple(names)}", f"name one or more of {', '.join(DOMAINS)}, each of them once"
        )
    parts = [shares(names, count) for count in counts]
    lists: list[list[Problem]] = [[] for _ in counts]
    for name in names:
        left = draw(name, sum(part[name] for part in parts), seed, split, fits)
        for part, own in zip(parts, lists):
            own += left[: part[name]]
            left = left[part[name] :]
    return lists
