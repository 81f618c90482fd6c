"""What attempts on the sandbox would reach."""

from __future__ import annotations

import os
import pathlib
import shutil
import socket
import tempfile

import pytest


@pytest.fixture(scope="module")
def host():
    """What an attempt would reach: a listening socket of each kind, a file that all may read, a secret."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="escapes-"))
    folder.chmod(0o755)
    (folder / "secret").write_text("sesame")
    (folder / "secret").chmod(0o644)
    name = f"escapes-{os.getpid()}"
    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_UNIX) as path:
        with socket.socket(socket.AF_UNIX) as abstract:
            path.bind(str(folder / "socket"))
            (folder / "socket").chmod(0o777)
            abstract.bind("\0" + name)
            path.listen()
            abstract.listen()
            yield {
                "HOST_PORT": tcp.getsockname()[1],
                "HOST_NAME": name,
                "HOST_SOCKET": str(folder / "socket"),
                "HOST_FILE": str(folder / "secret"),
                "BASE": os.getpriority(os.PRIO_PROCESS, 0),
                "CORES": len(os.sched_getaffinity(0)),
            }
    shutil.rmtree(folder)
