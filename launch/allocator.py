"""Starts a binary again with glibc told to use huge pages and to keep the memory it has.

XLA on CPU takes one buffer for a step's temporaries and gives it back after the step, so the kernel clears all of it anew
each step, page by page; worse on a virtual machine that returns free pages to its host.
glibc reads these settings only when a process starts.
"""

from __future__ import annotations

import os
import platform
import sys

# https://sourceware.org/glibc/manual/latest/html_node/Memory-Allocation-Tunables.html
VARIABLE = "GLIBC_TUNABLES"
TUNABLES = ":".join(
    f"glibc.malloc.{name}={value}"
    for name, value in {
        "hugetlb": 1,  # transparent huge pages
        "mmap_max": 0,  # large blocks come from the heap too, ...
        "trim_threshold": 1 << 40,  # ... which never shrinks, ...
        "arena_max": 1,  # ... and is one for all threads: another thread's heap can't hold large blocks
    }.items()
)


def environment(current: dict[str, str]) -> dict[str, str] | None:
    """The environment with the tunables; None where they change nothing: another C library, or the user has set some."""
    if platform.libc_ver()[0] != "glibc" or VARIABLE in current:
        return None
    return current | {VARIABLE: TUNABLES}


def ensure() -> None:
    """Replaces this process by the same command with the tunables; returns where that is not needed.

    Any value of `GLIBC_TUNABLES` in the environment, an empty one too, is left as it is.
    """
    wanted = environment(dict(os.environ))
    if wanted is None or not sys.orig_argv:
        return
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], wanted)
