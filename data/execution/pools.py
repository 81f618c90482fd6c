"""Many programs through several pools at a time, one a core."""

from __future__ import annotations

import concurrent.futures
import os
import queue
from collections.abc import Callable, Sequence
from typing import TypeVar

from data.execution.limits import Limits
from data.execution.pool import Pool
from data.execution.result import Result

T = TypeVar("T")
R = TypeVar("R")


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))


def each(
    items: Sequence[T],
    work: Callable[[Pool, T], R],
    isolation: str = "bubblewrap",
    limits: Limits = Limits(),
    count: int | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> list[R]:
    """What `work` makes of each item, in the items' order.

    Args:
      items: what there is to do.
      work: is handed a pool that is its own meanwhile.
      isolation: of the pools.
      limits: of each program.
      count: how many pools; one a core where None.
      progress: told how many items are done.

    Raises:
      Refused: this machine can't isolate in that way.
    """
    free: queue.SimpleQueue[Pool] = queue.SimpleQueue()
    opened: list[Pool] = []

    def run(item: T) -> R:
        pool = free.get()
        try:
            return work(pool, item)
        finally:
            free.put(pool)

    count = max(min(count or cores(), len(items)), 1)
    try:
        for _ in range(count):
            opened.append(Pool(isolation, limits))
            free.put(opened[-1])
        with concurrent.futures.ThreadPoolExecutor(count) as threads:
            results = []
            try:
                for result in threads.map(run, items):
                    results.append(result)
                    progress(len(results))
            except BaseException:
                threads.shutdown(cancel_futures=True)
                raise
            return results
    finally:
        for pool in opened:
            pool.close()


def run(
    programs: Sequence[str],
    timeout: float = 10.0,
    isolation: str = "bubblewrap",
    limits: Limits = Limits(),
    count: int | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> list[Result]:
    """How each program ends, in their order; equal ones are run once. `timeout` is for each, as in `Pool.run`."""
    different = list(dict.fromkeys(programs))
    results = each(different, lambda pool, text: pool.run(text, timeout=timeout), isolation, limits, count, progress)
    by_program = dict(zip(different, results))
    return [by_program[program] for program in programs]
