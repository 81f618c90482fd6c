"""How a program ended."""

from __future__ import annotations

import dataclasses

STATUSES = ("passed", "failed", "timeout", "killed", "refused")


@dataclasses.dataclass(frozen=True)
class Result:
    """The end of one program.

    Attributes:
      status: passed: it ran to its last line. failed: it raised, does not compile, or left early, whatever its exit
        code. timeout: it took longer than it may (`Pool.run`). killed: a signal ended it. refused: it was not run.
      stdout, stderr: the first bytes of what it wrote, as UTF-8 with replacement; of a refusal, stderr says why.
      seconds: wall-clock time.
    """

    status: str
    stdout: str
    stderr: str
    seconds: float


class Refused(RuntimeError):
    """Programs can't be run the way that was asked for on this machine; the message says how to mend it."""
