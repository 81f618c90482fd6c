"""The interpreter inside the sandbox: forks for each program, holds it to its limits and tells how it ended.

It runs as `python -c SOURCE OPTIONS`, imports nothing but the standard library, reads requests from stdin and writes
replies to stdout. A message is its length (4 bytes, big-endian) and JSON. Behind each request comes a nonce of
NONCE_BYTES, which the fork reads by itself, so that the interpreter never holds it, and sends back once the program has
reached its last line.

The nonce stops everything short of a program that searches its own process's memory: exit codes, early exits, printed
claims, and walks over frames, globals, objects and open files. Within one process nothing can be kept from such a
search.

A program's time is its own: CPU time, and time in which it stands still. Whatever else the machine does, it ends a loop
after as much work and a sleep after as many seconds. The wall clock is a generous limit behind it, and what ends a
program whose work is done by processes that it started.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import linecache
import math
import os
import resource
import select
import shutil
import signal
import struct
import sys
import time
import traceback
import types
from collections.abc import Iterator
from typing import Any

NONCE_BYTES = 16
JOB = "job"  # the folder that a program starts in
_NAME = "program.py"
_PIPE_BYTES = 1 << 16  # what a pipe holds, by default
_LOOK_SECONDS = 0.25  # between looks at a program's CPU time, each of which tells the caller that this process lives
_STILL = 0.01  # of the time between two looks: with less of it in use, a program sleeps and isn't merely kept waiting
_LONGEST = 1 << 30
_SET_DEATH_SIGNAL, _SET_DUMPABLE, _SET_SECCOMP, _SET_SUBREAPER, _SET_NO_NEW_PRIVILEGES = 1, 4, 22, 36, 38
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def wall_seconds(timeout: float) -> float:
    """Seconds after which a program is ended whatever it had of them."""
    return 5 * timeout + 5


def _prctl(option: int, value: int, address: int = 0) -> bool:
    return _LIBC is not None and _LIBC.prctl(option, value, ctypes.c_void_p(address), 0, 0) == 0


class _Filter(ctypes.Structure):
    """What the kernel wants for a filter of system calls: its length in instructions, and where it is."""

    _fields_ = [("length", ctypes.c_ushort), ("start", ctypes.c_void_p)]


def _filter(code: bytes) -> tuple[_Filter, ctypes.Array]:
    """The filter with the memory that it points into."""
    memory = ctypes.create_string_buffer(code, len(code))
    return _Filter(len(code) // 8, ctypes.addressof(memory)), memory


def _remember(program: str) -> None:
    """Lets tracebacks show the lines of a program that is no file."""
    linecache.cache[_NAME] = (len(program), None, program.splitlines(keepends=True), _NAME)


def _warm() -> None:
    """Has Python set up, once and not in every fork, what it needs to compile a program and to show its exception."""
    program = "assert f() + 1 == 3\n"
    _remember(program)
    try:
        exec(compile(program, _NAME, "exec"), {"f": int})
    except AssertionError as error:
        traceback.format_exception(error)
    gc.collect()
    gc.freeze()  # collections in a fork would copy the pages of all that is there


def _read(fd: int, size: int) -> bytes:
    """Exactly `size` bytes, fewer only at the end; unbuffered, since the fork goes on reading from the same pipe."""
    data = bytearray()
    while len(data) < size and (chunk := os.read(fd, size - len(data))):
        data += chunk
    return bytes(data)


def _receive() -> dict[str, Any] | None:
    header = _read(0, 4)
    return json.loads(_read(0, *struct.unpack(">I", header))) if len(header) == 4 else None


def _send(reply: dict[str, Any]) -> None:
    body = json.dumps(reply).encode()
    message = memoryview(struct.pack(">I", len(body)) + body)
    while message:
        message = message[os.write(1, message) :]


def _confine(options: dict[str, Any], timeout: float) -> None:
    wanted = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_CPU: math.ceil(min(timeout, _LONGEST)) + 1,
        resource.RLIMIT_AS: options["memory"],
        resource.RLIMIT_FSIZE: options["file_size"],
        resource.RLIMIT_NOFILE: options["open_files"],
        resource.RLIMIT_NPROC: options["processes"],
    }
    for kind, value in wanted.items():
        highest = resource.getrlimit(kind)[1]
        value = value if highest == resource.RLIM_INFINITY else min(value, highest)
        resource.setrlimit(kind, (value, value))
    if options["user"]:
        user, group = options["user"]
        os.setgroups([])
        os.setgid(group)
        os.setuid(user)
    _prctl(_SET_DEATH_SIGNAL, signal.SIGKILL)  # a change of user clears it
    if options["filter"]:
        _prctl(_SET_SECCOMP, 2, ctypes.addressof(options["filter"][0]))


def _settle(pid: int) -> None:
    """What Python does when a program has ended: waits for its threads and writes what is buffered."""
    if os.getpid() != pid:
        os._exit(0)  # a fork of the program's own has reached the end, too
    if threading := sys.modules.get("threading"):
        threading._shutdown()
    sys.stdout.flush()
    sys.stderr.flush()


def _tell(report: int, nonce: bytes, *ended: None) -> None:
    os.write(report, nonce)


def _execute(program: str, report: int, nonces: list[bytes]) -> None:
    """Runs the program as `__main__`; the only nonce of the list goes to `report` if its end is reached."""
    pid = os.getpid()
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    sys.argv = [_NAME]
    _remember(program)
    code = compile(program, _NAME, "exec")
    # Evaluated in this order: while the program runs, the nonce lies on the interpreter's stack and in no variable.
    _tell(report, nonces.pop(), exec(code, module.__dict__), _settle(pid))


def _be_program(request: dict[str, Any], options: dict[str, Any], out: int, err: int, report: int) -> None:
    """What the fork does; never returns."""
    exit_code, nonces = 1, [_read(0, NONCE_BYTES)]
    try:
        os.setsid()
        os.chdir(os.path.join(options["folder"], JOB))
        stdin = os.memfd_create("stdin")
        os.write(stdin, request["stdin"].encode("utf-8", "surrogatepass"))
        os.lseek(stdin, 0, os.SEEK_SET)
        for fd, standard in ((stdin, 0), (out, 1), (err, 2)):
            os.dup2(fd, standard)
            os.close(fd)
        _confine(options, request["timeout"])
        _execute(request["program"], report, nonces)
        exit_code = 0
    except SystemExit as left:
        _say(f"the program left before its last line, with exit code {left.code}")
    except BaseException as error:
        shown = error.__traceback__
        while shown is not None and shown.tb_frame.f_code.co_filename != _NAME:
            shown = shown.tb_next
        _say("".join(traceback.format_exception(type(error), error, shown)).rstrip("\n"))
    finally:
        os._exit(exit_code)


def _say(text: str) -> None:
    sys.stdout.flush()
    print(text, file=sys.stderr, flush=True)


class _OwnTime:
    """How much a process has had of its time, in seconds: of the CPU, and standing still.

    Threads count, processes that it started don't: who waits for them stands still.
    """

    def __init__(self, pid: int):
        self._clock = (~pid << 3) | 2  # the kernel's name of a process's CPU clock, also once it has ended
        self._looked, self._used, self._still = time.monotonic(), 0.0, 0.0

    def left_to_look(self) -> float:
        """Seconds until the next look is due."""
        return self._looked + _LOOK_SECONDS - time.monotonic()

    def look(self) -> None:
        """Counts the time since the last look as still if next to nothing of the CPU was used in it."""
        now, used = time.monotonic(), self._cpu()
        if used - self._used < _STILL * (now - self._looked):
            self._still += now - self._looked
        self._looked, self._used = now, used

    def seconds(self) -> float:
        """All of it so far."""
        return self._cpu() + self._still

    def _cpu(self) -> float:
        return time.clock_gettime(self._clock)


def _watch(pid: int, kept: dict[int, bytearray], own: _OwnTime, timeout: float, options: dict[str, Any]) -> Any:
    """Reads the pipes until the process ends; how it ended, None where it has to be. It isn't reaped yet."""
    reading, pause = set(kept), 0.0005
    deadline, had = time.monotonic() + wall_seconds(timeout), _files(options)
    with _ending(pid) as ending:
        while True:
            ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if ended is not None or own.seconds() >= timeout or time.monotonic() >= deadline:
                return ended
            if own.left_to_look() <= 0:
                own.look()
                os.write(1, bytes(4))
                if had is not None and _files(options) - had > options["files"]:
                    return None
            left = max(min(timeout - own.seconds(), deadline - time.monotonic(), own.left_to_look()), 0)
            # A process may live on with its pipes closed: then there is nothing to wait for but its end, or the pause.
            ready = select.select([*reading, *ending], [], [], left if ending else min(left, pause))[0]
            pause = 0.0005 if ready else min(2 * pause, 0.02)
            reading.difference_update([fd for fd in ready if fd in kept and not _keep(fd, kept[fd], options["output"])])


def _files(options: dict[str, Any]) -> int | None:
    """Files and folders in the file system that programs write to; None where it isn't theirs alone."""
    if options["files"] is None:
        return None
    system = os.statvfs(options["folder"])
    return system.f_files - system.f_ffree


@contextlib.contextmanager
def _ending(pid: int) -> Iterator[list[int]]:
    """A file that can be read once the process has ended; none where the kernel has no such files."""
    try:
        ending = [os.pidfd_open(pid)]
    except (OSError, AttributeError):
        ending = []
    try:
        yield ending
    finally:
        for fd in ending:
            os.close(fd)


def _keep(fd: int, kept: bytearray, limit: int) -> bool:
    """Reads what there is and keeps it up to the limit; False at the end and where nothing is there."""
    try:
        chunk = os.read(fd, _PIPE_BYTES)
    except BlockingIOError:
        return False
    kept += chunk[: max(limit - len(kept), 0)]
    return bool(chunk)


def _children() -> list[int]:
    """Processes whose parent this is; none where /proc isn't mounted."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc") if os.path.isdir("/proc") else ()):
        with contextlib.suppress(OSError), open(f"/proc/{name}/stat", encoding="ascii", errors="replace") as file:
            if int(file.read().rpartition(")")[2].split()[1]) == os.getpid():
                found.append(int(name))
    return found


def _end(pid: int) -> bool:
    """Ends a program with all that it started. False where something of it can't be found and lives on."""
    for kill in (os.killpg, os.kill):  # its group isn't there in the first moment
        with contextlib.suppress(OSError):
            kill(pid, signal.SIGKILL)
    for attempt in range(50):
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return True
        for child in _children() if attempt else ():
            with contextlib.suppress(OSError):
                os.kill(child, signal.SIGKILL)
        time.sleep(0.0002 * min(attempt, 20))
    return False


def _fresh(options: dict[str, Any]) -> bool:
    """Empties the folder and makes the next program's place in it; False where that fails."""
    try:
        for entry in os.scandir(options["folder"]):
            shutil.rmtree(entry.path) if entry.is_dir(follow_symlinks=False) else os.unlink(entry.path)
        job = os.path.join(options["folder"], JOB)
        os.mkdir(job, 0o700)
        if options["user"]:
            os.chown(job, *options["user"])
    except OSError:
        return False
    return True


def _takes_filter(options: dict[str, Any]) -> bool:
    """Whether the kernel takes the filter of system calls; a process of its own tries."""
    if not options["filter"]:
        return True
    pid = os.fork()
    if pid == 0:
        os._exit(0 if _prctl(_SET_SECCOMP, 2, ctypes.addressof(options["filter"][0])) else 1)
    return os.waitpid(pid, 0)[1] == 0


def _run(request: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    """Runs one program. The reply: how it ended (`worker` reads it), and whether to go on."""
    pipes = [os.pipe() for _ in range(3)]
    started = time.monotonic()
    pid = os.fork()
    if pid == 0:
        _be_program(request, options, *(write for _, write in pipes))
    kept = {}
    for read, write in pipes:
        os.close(write)
        os.set_blocking(read, False)
        kept[read] = bytearray()
    own = _OwnTime(pid)
    ended = _watch(pid, kept, own, request["timeout"], options)
    seconds = time.monotonic() - started
    # Whatever ended it, and however late this process came to look: who took too long, took too long.
    out_of_time = own.seconds() >= request["timeout"] or (ended is None and seconds >= wall_seconds(request["timeout"]))
    alone = _end(pid)
    for fd, data in kept.items():
        _keep(fd, data, options["output"])
        os.close(fd)
    out, err, report = kept.values()
    exited = ended is not None and ended.si_code == os.CLD_EXITED
    return {
        "stdout": out.decode("utf-8", "replace"),
        "stderr": err.decode("utf-8", "replace"),
        "report": report.hex(),
        "exit_code": ended.si_status if exited else None,
        "out_of_time": out_of_time,
        "seconds": seconds,
        "good": _fresh(options) and alone,
    }


def serve(options: dict[str, Any]) -> None:
    """Runs programs until there are no more requests, or until one has spoilt the sandbox for those after it."""
    _prctl(_SET_SUBREAPER, 1)
    _prctl(_SET_NO_NEW_PRIVILEGES, 1)
    _prctl(_SET_DUMPABLE, 0)  # programs of the same user may not trace this process
    _warm()
    options["filter"] = _filter(bytes.fromhex(options["filter"])) if options["filter"] else None
    good = _fresh(options) and _takes_filter(options)
    _send({"good": good})
    while good and (request := _receive()) is not None:
        reply = _run(request, options)
        _send(reply)
        good = reply["good"]


if __name__ == "__main__":
    serve(json.loads(sys.argv[1]))
