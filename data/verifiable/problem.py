"""One problem whose answer a program can check."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

PROGRAMS = frozenset(("functions", "small_functions"))  # tasks whose answers are programs


@dataclasses.dataclass(frozen=True)
class Problem:
    """A problem.

    Attributes:
      id: changes when anything of the problem does.
      task: whose it is, one of `tasks.TASKS`.
      parts: what the model reads: plain text at the even places, control symbols such as "[INST]" at the odd ones. The
        mark of a document's beginning is put in front by who encodes it. Text never encodes to a control symbol.
      answer: a number or a formula; of `PROGRAMS`, the calls that test one, in Python (`verify.program`).
      meta: JSON-able. `solution`: a right completion, in the form that the model was trained on. `key`: what is asked, in
        whatever words, where `tasks.problems` drew it. Of `PROGRAMS` also `head`, the text that a completion goes on
        from, `entry`, the function's name, and `faulty`, a wrong completion.
    """

    id: str
    task: str
    parts: tuple[str, ...]
    answer: str
    meta: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def text(self) -> str:
        """The plain text among the parts, for people."""
        return "".join(self.parts[::2])
