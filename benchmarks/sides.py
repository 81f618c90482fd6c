"""Two sides of a comparison, each in a process of its own, so that neither's threads or memory slow the other.

The caller lets them work in turns; a side that is not asked waits on a pipe and takes no processor time.
"""

from __future__ import annotations

from collections.abc import Callable
import multiprocessing
from multiprocessing.connection import Connection
import time
import traceback
from typing import Any


def _serve(connection: Connection, make: Callable[..., Any], arguments: tuple) -> None:
    try:
        side = make(*arguments)
    except Exception:
        connection.send((False, traceback.format_exc()))
        return
    connection.send((True, None))
    while True:
        try:
            method, values = connection.recv()
        except EOFError:
            return
        wall, processor = time.perf_counter(), time.process_time()
        try:
            result = getattr(side, method)(*values)
        except Exception:
            connection.send((False, traceback.format_exc()))
            continue
        connection.send((True, (result, time.perf_counter() - wall, time.process_time() - processor)))


class Side:
    """An object that lives in a process of its own.

    Attributes:
      wall, processor: seconds of the last call; the second summed over the process's threads.
    """

    def __init__(self, make: Callable[..., Any], *arguments: Any) -> None:
        """Starts the process and makes the object there.

        Args:
          make: a module-level function or class; its result stays in the process.
          *arguments: of `make`; they must pickle.

        Raises:
          RuntimeError: `make` failed; the message holds its traceback.
        """
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, make, arguments), daemon=True)
        self._process.start()
        theirs.close()
        self.wall = self.processor = 0.0
        self._receive()

    def call(self, method: str, *arguments: Any) -> Any:
        """Calls a method of the object and waits for its result.

        Raises:
          RuntimeError: it failed, or its process ended.
        """
        self._connection.send((method, arguments))
        result, self.wall, self.processor = self._receive()
        return result

    def close(self) -> None:
        """Ends the process."""
        self._connection.close()
        self._process.terminate()
        self._process.join()

    def _receive(self) -> Any:
        try:
            fine, value = self._connection.recv()
        except EOFError:
            self._process.join()
            raise RuntimeError(f"a side's process ended with exit code {self._process.exitcode}") from None
        if not fine:
            raise RuntimeError(value)
        return value
