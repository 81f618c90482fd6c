"""Runs one program that nobody has read."""

from __future__ import annotations

from data.execution.limits import Limits
from data.execution.pool import Pool
from data.execution.result import Refused, Result


def run(
    program: str, stdin: str = "", timeout: float = 10.0, limits: Limits = Limits(), isolation: str = "bubblewrap"
) -> Result:
    """Runs a program in a sandbox of its own.

    Args:
      program: Python source; it finds the standard library, and an empty folder to work in.
      stdin: what it reads.
      timeout: seconds that the program may take of its own: CPU time, and time in which it stands still. What it
        waits for while other programs have the machine doesn't count, up to `server.wall_seconds(timeout)`.
      limits: what else it may use.
      isolation: "bubblewrap"; "process" only for a user who says so: it limits resources and hides nothing.

    Returns:
      How it ended; `refused`, with the reason in `stderr`, where this machine can't isolate in that way.

    Raises:
      ValueError: an unknown isolation.
    """
    try:
        with Pool(isolation, limits) as pool:
            return pool.run(program, stdin, timeout)
    except Refused as refusal:
        return Result("refused", "", str(refusal), 0.0)
