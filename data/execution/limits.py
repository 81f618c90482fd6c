"""What one program may use before it is stopped."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Limits:
    """Limits of one program; the time it may take is given with each run: see `Pool.run`.

    Attributes:
      memory: address space of each of its processes, in bytes.
      processes: processes and threads that it may have at a time.
      file_size: bytes of the largest file it may write.
      disk: bytes that all its files may take; enforced by bubblewrap alone.
      files: files and folders that it may have at a time, looked at four times a second; enforced by bubblewrap alone.
      open_files: files that a process may hold open.
      output: bytes kept of each of stdout and stderr; what comes after is read and thrown away.
    """

    memory: int = 1 << 30
    processes: int = 32
    file_size: int = 16 << 20
    disk: int = 64 << 20
    files: int = 20_000
    open_files: int = 64
    output: int = 64 << 10
