"""How an interpreter is started apart from everything else: its command line, environment and user.

bubblewrap: namespaces of its own for users, files, processes, network and IPC, no capabilities, and of the file system
only /usr, its like and Python itself, read-only, with a sized /tmp. Limits on the number of processes bind no root, so
root starts it as another user. A filter of system calls (`data.execution.syscalls`) is on top of both ways.

process: resource limits, a session, a folder and an empty environment of its own. What the user may read, write and
reach, the program may, too. Root starts programs as another user here as well.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import os
import pathlib
import pwd
import shutil
import stat
import sys
from typing import Any

from data.execution import server, syscalls
from data.execution.limits import Limits
from data.execution.result import Refused

ISOLATIONS = ("bubblewrap", "process")
_SYSTEM = ("/bin", "/lib", "/lib64", "/lib32", "/etc/ld.so.cache")
_BY_ITSELF = ("-s", "-S", "-P", "-B", "-X", "utf8")
_TEMPORARY = "/tmp"
_OWN_PROCESSES = 4  # of bubblewrap and the interpreter
_NO_BUBBLEWRAP = (
    "bubblewrap is not installed; install it (apt-get install bubblewrap, dnf install bubblewrap), or choose "
    "isolation=process, which limits resources and hides nothing of this machine from the program"
)


@dataclasses.dataclass(frozen=True)
class Start:
    """What `subprocess.Popen` needs.

    Attributes:
      command: the command line.
      options: further arguments: environment, user, `pass_fds`, which are to be closed once it has started.
    """

    command: list[str]
    options: dict[str, Any]


def base_prefix() -> pathlib.Path:
    """Where the running Python, whatever its virtual environment, is installed."""
    return pathlib.Path(sys.base_prefix).resolve()


@functools.cache
def _source() -> str:
    return pathlib.Path(server.__file__).read_text(encoding="utf-8")


def _interpreter(isolation: str, folder: str, limits: Limits, user: tuple[int, int] | None) -> list[str]:
    """The command line of the server.

    Args:
      isolation: what it runs in.
      folder: what it may write to.
      limits: of one program.
      user: (uid, gid) that programs run as, None: as the server itself.
    """
    binary = base_prefix() / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    owner = user[0] if user else os.getuid()
    options = dataclasses.asdict(limits) | {"folder": folder, "user": user, "filter": syscalls.program().hex()}
    if isolation == "process":
        options["files"] = None  # the file system is others', too: how many files it holds says nothing of a program
    options["processes"] += _processes_of(owner) + _OWN_PROCESSES
    return [str(binary), *_BY_ITSELF, "-c", _source(), json.dumps(options)]


def _processes_of(user: int) -> int:
    """Processes and threads of a user: the limit on their number counts all of them."""
    count = 0
    for tasks in pathlib.Path("/proc").glob("[0-9]*/task"):
        try:
            count += len(os.listdir(tasks)) if tasks.stat().st_uid == user else 0
        except OSError:
            continue  # it has ended meanwhile
    return count


def _environment(folder: str) -> dict[str, str]:
    job = os.path.join(folder, server.JOB)
    return {"HOME": job, "TMPDIR": job, "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONHASHSEED": "0"}


def stand_in() -> tuple[int, int] | None:
    """(uid, gid) of the user that programs run as when this process is root's, else None."""
    if os.getuid() != 0:
        return None
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        return 65534, 65534
    return nobody.pw_uid, nobody.pw_gid


def _is_open_to_all(path: pathlib.Path) -> bool:
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in (path, *path.parents))


def _bubblewrap(limits: Limits) -> Start:
    program = shutil.which("bwrap")
    if program is None:
        raise Refused(_NO_BUBBLEWRAP)
    user, prefix = stand_in(), base_prefix()
    seen_at, outer = str(prefix), []
    if user and not _is_open_to_all(prefix):
        # Python lies in a folder that is root's alone. Root shows it elsewhere, to this process only, and steps down.
        setpriv = shutil.which("setpriv")
        if setpriv is None:
            raise Refused(f"{prefix} is readable by root alone and setpriv is missing; install util-linux")
        seen_at = f"{_TEMPORARY}/python"
        outer = [program, "--die-with-parent", "--dev-bind", "/", "/", "--tmpfs", _TEMPORARY]
        outer += ["--ro-bind", str(prefix), seen_at]
        outer += ["--", setpriv, f"--reuid={user[0]}", f"--regid={user[1]}", "--clear-groups"]
    command = [program, "--unshare-all", "--unshare-user", "--disable-userns", "--cap-drop", "ALL"]
    command += ["--die-with-parent", "--new-session", "--clearenv"]
    for name, value in _environment(_TEMPORARY).items():
        command += ["--setenv", name, value]
    for path in ("/usr", *filter(os.path.exists, _SYSTEM)):
        command += ["--ro-bind", path, path]
    if not prefix.is_relative_to("/usr"):
        command += ["--ro-bind", seen_at, str(prefix)]
    command += ["--dev", "/dev", "--size", str(limits.disk), "--tmpfs", _TEMPORARY, "--chdir", _TEMPORARY]
    # No /proc: inside a container that masks parts of its own, none can be mounted.
    command += [
        "--remount-ro",
        "/dev",
        "--remount-ro",
        "/",
        "--",
        *_interpreter("bubblewrap", _TEMPORARY, limits, None),
    ]
    options: dict[str, Any] = {"env": {}}
    if user and not outer:
        options |= {"user": user[0], "group": user[1], "extra_groups": []}
    return Start([*outer, *command], options)


def _process(limits: Limits, folder: str) -> Start:
    user, prefix = stand_in(), base_prefix()
    options: dict[str, Any] = {"env": _environment(folder), "cwd": folder}
    if user:
        os.chmod(folder, 0o711)
        if not _is_open_to_all(prefix):
            # Programs go on to import from it after the change of user: through an open file, whatever lies above it.
            library = os.open(prefix, os.O_PATH | os.O_DIRECTORY)
            options["env"]["PYTHONHOME"] = f"/proc/self/fd/{library}"
            options["pass_fds"] = (library,)
    return Start(_interpreter("process", folder, limits, user), options)


def _first_to_go(started: Start) -> Start:
    """Has the kernel end programs before anything else where the machine runs out of memory."""
    # Limits are each process's own: many can still take more together than there is.
    script = 'echo 1000 > /proc/self/oom_score_adj; exec "$@"'
    return dataclasses.replace(started, command=["/bin/sh", "-c", script, "sh", *started.command])


def start(isolation: str, limits: Limits, folder: str) -> Start:
    """How the interpreter is started.

    Args:
      isolation: one of ISOLATIONS.
      limits: of one program.
      folder: an empty folder, which `process` works in.

    Raises:
      Refused: bubblewrap isn't there.
      ValueError: an isolation that there isn't.
    """
    if isolation == "bubblewrap":
        return _first_to_go(_bubblewrap(limits))
    if isolation == "process":
        return _first_to_go(_process(limits, folder))
    raise ValueError(f"unknown isolation {isolation!r}; there are {', '.join(ISOLATIONS)}")
