"""The largest memory of a process, by the kernel's own count.

`resource.getrusage` will not do: what the parent held when it started a process counts there as the process's own.
"""

from __future__ import annotations

import pathlib
import re


def peak_mb() -> float:
    """Most resident memory that this process has had since it started, in megabytes (Linux)."""
    status = pathlib.Path("/proc/self/status").read_text(encoding="ascii")
    return int(re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)[1]) / 1024
