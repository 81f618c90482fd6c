"""What every binary shares: its flags, the translation of errors into one line, and the exit codes.

    python -m launch.NAME --config=FILE[:ARG] --workdir=DIR [--config.key=value] [--dry_run]

Exit codes: 0 done, 1 the user's input or a stage's own check, 2 usage, 3 a safety gate failed. An unexpected
exception keeps its traceback and ends with 1, as every Python program does.
"""

from __future__ import annotations

import dataclasses
import difflib
import importlib
import os
import re
import shlex
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from absl import app
from absl import flags
from absl import logging
import ml_collections
from ml_collections import config_flags

from launch import allocator
from launch import config_file
from launch import stage as stage_lib
from launch import stages as stages_lib
from launch.errors import UsageError, UserError, exit_code_of, one_line
from launch.progress import Progress
from launch.stages import STAGES, Stages
from launch.workdir import Workdir

# --helpshort of a binary shows the flags defined here as its own.
flags.disclaim_key_flags()

_HINT = "--helpshort lists the flags"
_HELP = re.compile(r"^--?(\?|help|helpshort|helpfull|helpxml)(=true)?$")


@dataclasses.dataclass(frozen=True)
class Invocation:
    """What the user asked for.

    Attributes:
      config: the config, overrides applied, locked.
      workdir: the workdir, not yet touched.
      dry_run: only say what would be done.
      flags: the --config and --workdir flags as given, to propose further commands with.
      stages: the table of stages, as the config has it.
    """

    config: ml_collections.ConfigDict
    workdir: Workdir
    dry_run: bool
    flags: str
    stages: Stages


def define_config() -> None:
    """Defines --config; exits with one line where a flag file that the command line names can't be read."""
    try:
        config_flags.DEFINE_config_file(
            "config", None, "Config file, FILE.py or FILE.py:ARG; override with --config.key=value."
        )
    except flags.Error as error:  # defining it reads the flag files
        _exit(UsageError(str(error).removeprefix("ERROR:: "), _HINT))


def _define_flags() -> None:
    define_config()
    flags.DEFINE_string("workdir", None, "Folder that holds this model's stages; made if it is not there.")
    flags.DEFINE_boolean("dry_run", False, "Print parameters, memory, FLOPs and the plan; write nothing.")


def _config_value(argv: Sequence[str]) -> str | None:
    """The last value of --config on a command line."""
    value = None
    for i, argument in enumerate(argv):
        if argument in ("--config", "-config") and i + 1 < len(argv):
            value = argv[i + 1]
        elif re.match(r"--?config=", argument):
            value = argument.split("=", 1)[1]
    return value


def _overridden(argv: Sequence[str]) -> list[str]:
    """The dotted paths of --config.a.b=value, --noconfig.a.b and the like, in their order."""
    matches = (re.match(r"--?(?:no)?config\.([^=]*)", argument) for argument in argv)
    return list(dict.fromkeys(match.group(1) for match in matches if match))


def _parse_flags(argv: list[str]) -> list[str]:
    """Parses the flags. The config is loaded and its overrides are checked first, for the sake of clear errors.

    Raises:
      UserError: what the user wrote makes no sense.
    """
    if any(_HELP.match(argument) for argument in argv[1:]):
        try:
            flags.FLAGS([argv[0], *(a for a in argv[1:] if _HELP.match(a))])
        except SystemExit:
            raise SystemExit(0) from None  # absl ends with 1, but who asked for help and got it has not failed
    config = None
    try:
        arguments = flags.FLAGS.read_flags_from_files(argv[1:], force_gnu=False)
        value, overridden = _config_value(arguments), _overridden(arguments)
        if value is not None:
            config = config_file.load(value)
            config_file.check_overrides(config, overridden)
        elif overridden:
            raise UserError(f"--config.{overridden[0]} is given without --config", "add --config=FILE before it")
        rest = flags.FLAGS(argv)
    except flags.UnrecognizedFlagError as error:
        near = difflib.get_close_matches(error.flagname, flags.FLAGS, n=1)
        raise UsageError(f"unknown flag --{error.flagname}", f"did you mean --{near[0]}?" if near else _HINT) from error
    except flags.IllegalFlagValueError as error:
        match = re.match(r"flag --config\.([^=]+)=(.*?): ", str(error), re.DOTALL)
        if match is None or config is None:
            raise UsageError(str(error).removeprefix("ERROR:: "), _HINT) from error
        path, text = match.groups()
        raise UserError(f"--config.{path} takes {_a(config_file.type_name(config, path))}, not {text!r}") from error
    except flags.Error as error:  # a missing value, an override before its --config, a flag file that is not there
        raise UsageError(str(error).removeprefix("ERROR:: "), _HINT) from error
    if len(rest) > 1:
        raise UsageError(f"unexpected argument {rest[1]!r}", "all values are given by flags")
    if config is not None:
        config_file.check_tuples(config, config_flags.get_override_values(flags.FLAGS["config"]))
    if flags.FLAGS["verbosity"].using_default_value:
        flags.FLAGS.verbosity = logging.WARNING  # INFO is the display's
    return rest


def _a(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


def _invocation(argv: Sequence[str], stages: Stages) -> Invocation:
    values = flags.FLAGS
    if values["config"].value is None:
        raise UserError("--config is missing", "add --config=FILE, for example --config=experiments/demo.py")
    if not values.workdir:
        raise UserError("--workdir is missing", "add --workdir=DIR, for example --workdir=runs/demo")
    if os.path.exists(values.workdir) and not os.path.isdir(values.workdir):
        raise UserError(f"--workdir={values.workdir} is not a folder", "choose another --workdir")
    path = values["config"].config_filename
    overrides = [f"--config.{key}={value}" for key, value in config_flags.get_override_values(values["config"]).items()]
    shown = shlex.join([f"--config={path}", *overrides, f"--workdir={values.workdir}"])
    config = values["config"].value
    resolved = stages_lib.resolved(config, stages)
    return Invocation(config, Workdir(values.workdir), values.dry_run, shown, resolved)


def describe(config: ml_collections.ConfigDict) -> str:
    """Parameters, bytes per device, FLOPs per token and the plan, for --dry_run."""
    # Imported here: it loads JAX, which a run that finds all complete must not.
    return importlib.import_module("launch.plan_text").describe(config)


def run_stage(name: str, invocation: Invocation) -> None:
    """Runs one stage with its display, or with --dry_run says what it would do."""
    if invocation.dry_run:
        print(describe(invocation.config))
        state, _ = stage_lib.stage_state(name, invocation.config, invocation.workdir, invocation.stages)
        print(f"stage {name} in {invocation.workdir}: {state}")
        return
    with Progress([name]) as progress:
        stage_lib.run_stage(name, invocation.config, invocation.workdir, progress, invocation.stages, invocation.flags)


def _exit(error: BaseException) -> NoReturn:
    sys.stdout.flush()
    print(one_line(error), file=sys.stderr, flush=True)
    sys.exit(exit_code_of(error))


def _guarded(run: Callable[[], None]) -> None:
    """Runs; what the user can mend is told in one line, with its exit code."""
    try:
        run()
        sys.stdout.flush()
    except BrokenPipeError:
        # Nobody reads on; Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        print("interrupted: the same command goes on from here", file=sys.stderr)
        sys.exit(130)
    except Exception as error:
        if exit_code_of(error) is None:
            raise
        _exit(error)


def command(run: Callable[[], None]) -> NoReturn:
    """Parses the command line of a binary that is no stage of a run, runs and exits.

    Args:
      run: what to call; its flags are defined with absl before this call.
    """

    def parse(argv: list[str]) -> list[str]:
        try:
            return _parse_flags(argv)
        except UserError as error:
            _exit(error)

    allocator.ensure()
    app.run(lambda argv: _guarded(run), flags_parser=parse)
    raise AssertionError("app.run exits")


def main(what: str | Callable[[Invocation], None], stages: Stages = STAGES) -> NoReturn:
    """Parses the command line, runs and exits.

    Args:
      what: the name of the stage that this binary runs, or a function to call. Further flags are defined with
        absl before this call.
      stages: the table of stages, which the config then resolves.
    """

    def parse(argv: list[str]) -> list[str]:
        try:
            return _parse_flags(argv)
        except UserError as error:
            _exit(error)

    def run(argv: list[str]) -> None:
        invocation = _invocation(argv, stages)
        if callable(what):
            what(invocation)
        else:
            run_stage(what, invocation)

    if isinstance(what, str):
        stages_lib.get(what, stages)
    allocator.ensure()
    _define_flags()
    app.run(lambda argv: _guarded(lambda: run(argv)), flags_parser=parse)
    raise AssertionError("app.run exits")
