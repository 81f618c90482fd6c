"""Many small programs through one isolated interpreter that forks for each of them."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Self

from data.execution.limits import Limits
from data.execution.result import Result
from data.execution.worker import Worker


class Pool:
    """Runs programs one after the other, each in a fork of its own; starts anew where the interpreter has ended.

    Threads may share it; forks of its process may not.

        with Pool() as pool:
            results = pool.run_many(programs, timeout=2.0)

    Args:
      isolation: "bubblewrap", or "process" for resource limits alone; see `data.execution.isolation`.
      limits: of each program.

    Raises, when made and when it has to start anew:
      Refused: this machine can't isolate in that way.
      ValueError: an unknown isolation.
    """

    def __init__(self, isolation: str = "bubblewrap", limits: Limits = Limits()):
        self.isolation, self.limits = isolation, limits
        self._worker = Worker(isolation, limits)
        self._turn = threading.Lock()

    def run(self, program: str, stdin: str = "", timeout: float = 10.0) -> Result:
        """Runs one program.

        Args:
          program: Python source; it finds the standard library, and an empty folder to work in.
          stdin: what it reads.
          timeout: seconds that the program may take of its own: CPU time, and time in which it stands still. What it
            waits for while other programs have the machine doesn't count, up to `server.wall_seconds(timeout)`.
        """
        with self._turn:
            if not self._worker.alive:
                self._worker.close()
                self._worker = Worker(self.isolation, self.limits)
            return self._worker.run(program, stdin, timeout)

    def run_many(self, programs: Iterable[str], timeout: float = 10.0) -> list[Result]:
        """Runs programs in their order; `timeout` is for each."""
        return [self.run(program, timeout=timeout) for program in programs]

    def close(self) -> None:
        """Ends the interpreter."""
        self._worker.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
