"""Errors that are told to the user in one line, `error: <what>; <how to mend>`, and the exit code of each."""

from __future__ import annotations


class UserError(Exception):
    """Something the user can mend: a wrong flag, a missing stage, a workdir of another config.

    Attributes:
      message: what is wrong, naming the file, key or stage.
      fix: how to mend it, or "".
    """

    exit_code = 1

    def __init__(self, message: str, fix: str = ""):
        super().__init__(f"{message}; {fix}" if fix else message)
        self.message = message
        self.fix = fix


class UsageError(UserError):
    """The command line itself cannot be understood (an unknown flag, a stray argument)."""

    exit_code = 2


class CheckFailed(UserError):
    """A stage ran to its end and failed a check of its own (a broken balance, a model worse than its seed)."""


def exit_code_of(error: BaseException) -> int | None:
    """The exit code of an error that is told in one line; None for one that deserves its traceback.

    `data` and `mistral_moe` cannot import this module, so their exceptions take part by having an integer
    attribute `exit_code`; that of `mistral_moe.safety.gates.SafetyValidationError` is 3.
    """
    code = getattr(error, "exit_code", None)
    return code if isinstance(code, int) else None


def one_line(error: BaseException) -> str:
    """`error: <what>; <how to mend>`, whatever line breaks the message holds."""
    return "error: " + (" ".join(str(error).split()) or type(error).__name__)
