"""What attempts on the sandbox have in common: their form, what each of them finds, and what has to run after each."""

from __future__ import annotations

import platform
import textwrap

import pytest

from data.execution import syscalls
from data.execution.limits import Limits

LIMITS = Limits(memory=256 << 20, processes=16, file_size=1 << 20, disk=4 << 20, output=4096)
SHORT, LONG = 0.3, 20.0
HARMLESS = {"passed", "failed"}  # it came to its end, and nothing came of it
ENDED = {"failed", "killed", "timeout"}  # it isn't called right
REFERENCE = """
import os, resource, tempfile, threading
assert sorted(os.listdir("/tmp")) == ["job"] and os.listdir(".") == []
assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 64 and os.getpriority(os.PRIO_PROCESS, os.getppid()) == BASE
assert len(os.sched_getaffinity(os.getppid())) == CORES
with tempfile.TemporaryFile() as file:
    file.write(bytes(1 << 19))
thread = threading.Thread(target=bytearray, args=(64 << 20,))
thread.start()
thread.join()
child = os.fork()
if child == 0:
    os._exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
print(sorted("cab"))
"""
PRELUDE = """
import ctypes, errno, os, resource, signal, socket, sys, time
libc = ctypes.CDLL(None, use_errno=True)
def reached(action, *arguments):
    try:
        action(*arguments)
    except (OSError, ValueError):
        return
    print("ESCAPED", action, arguments)
def call(number, *arguments):
    if libc.syscall(number, *arguments) != -1:
        print("ESCAPED: system call", number)
"""


def attempt(name, program, allowed=HARMLESS, seconds=None):
    """One attempt: a program, how it may end, and its time: much for one that ends by itself, little for others."""
    seconds = seconds or (SHORT if "timeout" in allowed else LONG)
    return pytest.param(textwrap.dedent(program), allowed, seconds, id=name)


def number(call):
    """A system call's number on this machine, for programs."""
    column = {"x86_64": 0, "aarch64": 1}.get(platform.machine(), 0)
    return syscalls._NUMBERS[call][column]


def values(host):
    """The host's ports, names and files as the program's first lines."""
    return "".join(f"{name} = {value!r}\n" for name, value in host.items())
