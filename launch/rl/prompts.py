"""Which problems are asked when: a function of seed and iteration, so that a resumed run asks the same ones."""

from __future__ import annotations

from collections.abc import Sequence
import dataclasses
import functools

import numpy as np

from data.tokenizer import Tokenizer
from data.verifiable import tasks
from data.verifiable.problem import Problem
from launch.errors import UserError


@dataclasses.dataclass(frozen=True)
class Asked:
    """A problem as the model reads it: `ids` begin with BOS."""

    problem: Problem
    ids: tuple[int, ...]


def encode(tokenizer: Tokenizer, parts: Sequence[str]) -> tuple[int, ...]:
    """BOS and the parts of a prompt, control symbols at the odd places."""
    ids = [tokenizer.bos_id]
    for place, part in enumerate(parts):
        ids += [tokenizer.control_id(part)] if place % 2 else tokenizer.encode(part).tolist()
    return tuple(ids)


def load(
    tokenizer: Tokenizer, task: str, count: int, seed: int, split: str, max_tokens: int
) -> tuple[list[Asked], dict[str, int]]:
    """Problems of a task that fit the window.

    Args:
      tokenizer: the model's.
      task, count, seed, split: of `data.verifiable.tasks.problems`.
      max_tokens: of a prompt.

    Returns:
      The problems, and how many were left out under each reason.

    Raises:
      UserError: no such task, fewer problems than asked for, or none that fits.
    """
    try:
        drawn = tasks.problems(task, count, seed, split)
    except ValueError as error:
        raise UserError(str(error), "mend the section ppo of the config") from error
    asked = [Asked(problem, encode(tokenizer, problem.parts)) for problem in drawn]
    kept = [one for one in asked if len(one.ids) <= max_tokens]
    if not kept:
        shortest = min(len(one.ids) for one in asked)
        raise UserError(
            f"no {split} prompt of {task} fits into {max_tokens} tokens; the shortest has {shortest}",
            "raise --config.ppo.max_prompt_tokens",
        )
    return kept, {"prompt_too_long": len(asked) - len(kept)}


@functools.lru_cache(maxsize=4)
def _order(count: int, seed: int, turn: int) -> np.ndarray:
    return np.random.default_rng(np.random.SeedSequence([seed, turn])).permutation(count)


def of_iteration(count: int, each: int, seed: int, iteration: int) -> list[int]:
    """Indices of the problems of one iteration: every problem once before any comes again, in an order of each turn.

    Args:
      count: problems there are.
      each: of an iteration.
      seed: of the run.
      iteration: from 0.
    """
    places = range(iteration * each, (iteration + 1) * each)
    return [int(_order(count, seed, place // count)[place % count]) for place in places]


def seed_of_row(seed: int, iteration: int, row: int) -> int:
    """The seed of one answer's draws, in 32 bits."""
    return int(np.random.SeedSequence([seed, iteration, row]).generate_state(1)[0])
