"""One isolated interpreter, seen from outside: started, given one program after the other, ended."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import select
import shutil
import signal
import struct
import subprocess
import tempfile
import time
from typing import Any

from data.execution import isolation as isolation_lib
from data.execution import server
from data.execution.limits import Limits
from data.execution.result import Refused, Result

_START_SECONDS = 60.0
_GRACE_SECONDS = 10.0  # the interpreter keeps the time itself; silent for longer, it doesn't answer any more
_END_SECONDS = 2.0
_NO_END = "the program ended before its last line"


class _Lost(Exception):
    """The interpreter doesn't answer, or not in the way it should."""


class Worker:
    """An isolated interpreter that forks for each program.

    Raises, when made:
      Refused: it can't be started, with what the system says about it.
      ValueError: an unknown isolation.
    """

    def __init__(self, isolation: str = "bubblewrap", limits: Limits = Limits()):
        self._owner = os.getpid()
        self._limits = limits
        self._folder = tempfile.mkdtemp(prefix="execution-")
        self._process: subprocess.Popen[bytes] | None = None
        self._good = False
        self._silence = _START_SECONDS
        try:
            self._open(isolation)
        except BaseException:
            self.close()
            raise

    def _open(self, isolation: str) -> None:
        start = isolation_lib.start(isolation, self._limits, self._folder)
        with tempfile.TemporaryFile() as said:
            try:
                self._process = subprocess.Popen(
                    start.command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=said,
                    bufsize=0,
                    start_new_session=True,
                    **start.options,
                )
                self._good = self._receive(time.monotonic() + _START_SECONDS)["good"]
                self._silence = _GRACE_SECONDS
                if not self._good:
                    raise _Lost("its folder can't be written to, or the kernel takes no filter of system calls")
            except (_Lost, OSError) as error:
                said.seek(0)
                why = said.read().decode("utf-8", "replace").strip() or error
                raise Refused(f"isolation={isolation} doesn't work on this machine: {why}") from error
            finally:
                for fd in start.options.get("pass_fds", ()):
                    os.close(fd)

    @property
    def alive(self) -> bool:
        """Whether it can take another program."""
        return self._good and self._process is not None and self._process.poll() is None

    def run(self, program: str, stdin: str = "", timeout: float = 10.0) -> Result:
        """Runs one program.

        Args:
          program: Python source.
          stdin: what it reads.
          timeout: seconds that the program may take of its own: CPU time, and time in which it stands still. What it
            waits for while other programs have the machine doesn't count, up to `server.wall_seconds(timeout)`.

        Raises:
          ValueError: a timeout that is no positive number.
        """
        if not 0 < timeout < float("inf"):
            raise ValueError(f"timeout={timeout} is no number of seconds that a program could run for")
        request = {"program": program, "stdin": stdin, "timeout": timeout}
        nonce = secrets.token_bytes(server.NONCE_BYTES)
        started = time.monotonic()
        try:
            self._send(json.dumps(request).encode() + nonce, len(nonce))
            reply = self._receive(started + server.wall_seconds(timeout) + _GRACE_SECONDS)
            self._good = reply["good"]
            return _result(reply, nonce)
        except (_Lost, OSError, LookupError, TypeError):
            self._good = False
            seconds = time.monotonic() - started
            status = "timeout" if seconds > timeout else "killed"
            return Result(status, "", "the program took the sandbox down with it", seconds)

    def _send(self, message: bytes, extra: int) -> None:
        left = memoryview(struct.pack(">I", len(message) - extra) + message)
        while left:
            left = left[self._process.stdin.write(left) :]

    def _receive(self, deadline: float) -> dict[str, Any]:
        size = 0
        while not size:  # a sign of life; a program may have stopped the interpreter
            heard = time.monotonic()
            size = struct.unpack(">I", self._read(4, min(deadline, heard + self._silence)))[0]
        # In JSON a byte takes six at most.
        if size > 12 * self._limits.output + 4096:
            raise _Lost(f"an answer of {size} bytes")
        try:
            reply = json.loads(self._read(size, deadline))
        except ValueError as error:
            raise _Lost("no JSON") from error
        return reply

    def _read(self, size: int, deadline: float) -> bytes:
        pipe, data = self._process.stdout.fileno(), bytearray()
        poll = select.poll()
        poll.register(pipe, select.POLLIN)
        while len(data) < size:
            ready = poll.poll(1000 * max(deadline - time.monotonic(), 0))
            chunk = os.read(pipe, size - len(data)) if ready else b""
            if not chunk:
                raise _Lost("no answer")
            data += chunk
        return bytes(data)

    def close(self) -> None:
        """Ends the interpreter and all that runs in it; does nothing in a fork of the process that started it."""
        if os.getpid() != self._owner:
            return
        self._good = False
        if self._process is not None:
            self._process.stdin.close()  # asks it to end
            try:
                self._process.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
            self._process.stdout.close()
            self._process = None
        shutil.rmtree(self._folder, ignore_errors=True)


def _result(reply: dict[str, Any], nonce: bytes) -> Result:
    stderr = reply["stderr"]
    if reply["out_of_time"]:
        status = "timeout"
    elif reply["exit_code"] is None:
        status = "killed"
    elif reply["exit_code"] == 0 and reply["report"] == nonce.hex():
        status = "passed"
    else:
        status = "failed"
        stderr += "" if reply["exit_code"] else f"{_NO_END}\n"
    return Result(status, reply["stdout"], stderr, reply["seconds"])
