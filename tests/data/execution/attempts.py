"""What attempts on the sandbox have in common: their form, and the helpers that each of them finds."""

from __future__ import annotations

import platform
import textwrap

import pytest

from data.execution import syscalls

SECONDS = 0.3
HARMLESS = {"passed", "failed"}  # it came to its end, and nothing came of it
ENDED = {"failed", "killed", "timeout"}  # it isn't called right
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


def attempt(name, program, allowed=HARMLESS, seconds=SECONDS):
    """One attempt: a program, and how it may end."""
    return pytest.param(textwrap.dedent(program), allowed, seconds, id=name)


def number(call):
    """A system call's number on this machine, for programs."""
    column = {"x86_64": 0, "aarch64": 1}.get(platform.machine(), 0)
    return syscalls._NUMBERS[call][column]
