"""Who runs the units of work: this process, or processes on this machine. `data.pipeline.beam_runner` is the third.

All call the very same functions, which leave their results in the store under names of their own and skip what is done;
so the bytes don't depend on the runner, on the number of workers, or on how often a build was killed.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import multiprocessing
import os
import sys
import threading
import time
import types
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from data.pipeline import dedup_step
from data.pipeline.job import Job

Work = Callable[[Job, int], None]
_WATCH_SECONDS = 0.5


class Runner(dedup_step.Clusterer, Protocol):
    """Runs a function on every number of a job, and finds clusters of duplicates."""

    def map(self, work: Work, job: Job, numbers: Sequence[int]) -> Iterator[int]:
        """Calls `work(job, number)` for each number. Yields the numbers as they are done, in any order."""


class _OneMachine:
    """What is done in this process, whoever does the units."""

    text_clusters = staticmethod(dedup_step.local_text_clusters)
    image_clusters = staticmethod(dedup_step.local_image_clusters)


class InProcess(_OneMachine):
    """Runs everything here, one unit after the other."""

    def map(self, work: Work, job: Job, numbers: Sequence[int]) -> Iterator[int]:
        """See `Runner`."""
        for number in numbers:
            work(job, number)
            yield number


def _end_with(parent: int) -> None:
    """Ends this process soon after its parent, which may be killed without a chance to end its workers."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_WATCH_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


class ProcessPool(_OneMachine):
    """Runs units in processes of this machine. Use as a context manager.

    Workers are spawned, not forked: the parent may run TensorFlow's and JAX's threads. One that dies makes the build fail
    with BrokenProcessPool rather than wait for it.
    """

    def __init__(self, workers: int):
        self._pool = concurrent.futures.ProcessPoolExecutor(
            workers, multiprocessing.get_context("spawn"), initializer=_end_with, initargs=(os.getpid(),)
        )

    def __enter__(self) -> ProcessPool:
        return self

    def __exit__(self, *error: object) -> None:
        self._pool.shutdown(wait=error[0] is None, cancel_futures=True)

    def map(self, work: Work, job: Job, numbers: Sequence[int]) -> Iterator[int]:
        """See `Runner`."""
        with _bare_main():
            futures = {self._pool.submit(work, job, number): number for number in numbers}
        for future in concurrent.futures.as_completed(futures):
            future.result()
            yield futures[future]


@contextlib.contextmanager
def local_runner(workers: int) -> Iterator[Runner]:
    """`workers` processes, or this one where that is enough."""
    if workers <= 1:
        yield InProcess()
        return
    with ProcessPool(workers) as pool:
        yield pool


@contextlib.contextmanager
def _bare_main() -> Iterator[None]:
    """Hides the main script while workers start: each would import it anew, with all the launcher imports."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
