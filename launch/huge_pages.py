"""Starts a binary again with glibc's memory on huge pages.

XLA on CPU takes one buffer for a step's temporaries and gives it back after the step. At 4 kB a page, clearing those pages
is a third of a small model's step; glibc can ask for 2 MB ones, but reads that setting only when a process starts.
"""

from __future__ import annotations

import os
import platform
import sys

# https://sourceware.org/glibc/manual/latest/html_node/Memory-Allocation-Tunables.html
TUNABLES = "GLIBC_TUNABLES"
HUGE_PAGES = "glibc.malloc.hugetlb=1"


def environment(current: dict[str, str]) -> dict[str, str] | None:
    """The environment with huge pages asked for; None where that changes nothing: another C library, or a value is set."""
    tunables = current.get(TUNABLES, "")
    if platform.libc_ver()[0] != "glibc" or "glibc.malloc.hugetlb" in tunables:
        return None
    return current | {TUNABLES: f"{tunables}:{HUGE_PAGES}".lstrip(":")}


def ensure() -> None:
    """Replaces this process by the same command with huge pages; returns where that is not needed.

    `GLIBC_TUNABLES=glibc.malloc.hugetlb=0` in the environment turns it off.
    """
    wanted = environment(dict(os.environ))
    if wanted is None or not sys.orig_argv:
        return
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], wanted)
