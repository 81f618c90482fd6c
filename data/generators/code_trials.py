"""Trials of generated functions and of their mutants inside this process: fast, and only for code of our own templates.

What comes from a file is run by `data.execution`. A trial counts rounds and calls and not seconds, so that its outcome
is the same on every machine.
"""

from __future__ import annotations

import marshal
from collections.abc import Callable
from types import CodeType
from typing import Any

from data.generators.code_mutants import GROWN, TICK

MAX_SIZE = 4096  # bits of an integer, elements of a sequence
RIGHT, WRONG, RAISED, ENDLESS = "right", "wrong", "raised", "endless"


class _Exhausted(BaseException):
    """Raised through the trial; no `except Exception` of a program holds it."""


class Trial:
    """One program, loaded anew, and the rounds that it has left.

    Args:
      code: of an instrumented program.
      entry: the function that is tried.
    """

    def __init__(self, code: CodeType, entry: str):
        self.left = 0
        namespace: dict[str, Any] = {"__name__": "program", TICK: self._tick, GROWN: self._grown}
        exec(code, namespace)
        self._call: Callable[..., Any] = namespace[entry]

    def _tick(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise _Exhausted

    def _grown(self, value: Any) -> None:
        size = value.bit_length() if isinstance(value, int) else len(value) if hasattr(value, "__len__") else 0
        if size > MAX_SIZE:
            raise _Exhausted

    def result(self, arguments: bytes, rounds: int) -> Any:
        """What the function returns.

        Args:
          arguments: `frozen`.
          rounds: rounds of loops and calls that it may take.
        """
        self.left = rounds
        return self._call(*marshal.loads(arguments))

    def outcome(self, arguments: bytes, expected: Any, rounds: int) -> str:
        """RIGHT, or what is wrong: another result, an exception, or no end."""
        try:
            return RIGHT if is_same(self.result(arguments, rounds), expected) else WRONG
        except (_Exhausted, RecursionError):
            return ENDLESS
        except Exception:
            return RAISED


def frozen(arguments: tuple[Any, ...]) -> bytes:
    """Arguments in a form that each call gets its own copy of."""
    return marshal.dumps(arguments)


def thawed(arguments: bytes) -> tuple[Any, ...]:
    """A copy of the arguments."""
    return marshal.loads(arguments)


def is_same(result: Any, expected: Any) -> bool:
    """What the assertions of a document ask: identity of None and truth values, else equality."""
    return result is expected if expected is None or isinstance(expected, bool) else bool(result == expected)
