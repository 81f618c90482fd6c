"""Runs one Python program in the sandbox and prints how it ended, as one line of JSON.

python -m launch.sandbox FILE.py [--timeout=S] [--isolation=bubblewrap|process]

The line is {"status": "passed|failed|timeout|killed|refused", "stdout", "stderr", "seconds"}. Exit codes: 0 the line is
printed, whatever it says; 1 the file can't be read; 2 usage.
"""

from __future__ import annotations

import dataclasses
import json
import math
import pathlib
import sys
from typing import NoReturn

from absl import app, flags

from data.execution import sandbox
from data.execution.isolation import ISOLATIONS
from launch.errors import UsageError, UserError, one_line

_USAGE = "python -m launch.sandbox FILE.py [--timeout=S] [--isolation=bubblewrap|process]"


def define_flags() -> None:
    """Defines the flags of this binary."""
    flags.DEFINE_float(
        "timeout", 10.0, "Seconds that the program may take of its own, working or idle.", lower_bound=0.001
    )
    flags.DEFINE_enum(
        "isolation",
        "bubblewrap",
        list(ISOLATIONS),
        "How the program is kept apart; process limits its resources and hides nothing of this machine from it.",
    )


def _read(path: str) -> str:
    try:
        return pathlib.Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}", "give a file that can be read") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: byte {error.start} is not UTF-8", "give a Python program") from error


def _parse(argv: list[str]) -> list[str]:
    try:
        rest = flags.FLAGS(argv)
    except flags.Error as error:
        _exit(UsageError(str(error), _USAGE))
    except SystemExit:
        raise SystemExit(0) from None  # absl ends with 1, but who asked for help and got it has not failed
    if len(rest) != 2:
        _exit(UsageError(f"{len(rest) - 1} files are given, and one is wanted", _USAGE))
    if not math.isfinite(flags.FLAGS.timeout):
        _exit(UsageError(f"--timeout={flags.FLAGS.timeout} is no number of seconds", _USAGE))
    return rest


def _exit(error: UserError) -> NoReturn:
    print(one_line(error), file=sys.stderr, flush=True)
    sys.exit(error.exit_code)


def main(argv: list[str]) -> None:
    """Runs the file that is named on the command line."""
    try:
        program = _read(argv[1])
    except UserError as error:
        _exit(error)
    result = sandbox.run(program, timeout=flags.FLAGS.timeout, isolation=flags.FLAGS.isolation)
    print(json.dumps(dataclasses.asdict(result)), flush=True)


if __name__ == "__main__":
    define_flags()
    app.run(main, flags_parser=_parse)
