"""Keeps TensorFlow's start-up notices off stderr, where they would bury the one line that says what went wrong.

Its C++ libraries write them before any logging level is read, so no environment variable reaches them. The
import itself is left to whoever needs TensorFlow.
"""

from __future__ import annotations

import contextlib
import importlib.abc
import importlib.util
import os
import re
import sys
import tempfile
from collections.abc import Iterator

# `I0000 00:00:1795368996.087340 6709 file.cc:31] ...`, the banner above the first of them, and that no GPU was found, which
# TensorFlow calls an error although its CPU is all that is asked of it here.
_NOTICE = re.compile(
    rb"I\d{4} \d\d:\d\d:|WARNING: All log messages before absl::InitializeLog\(\)|E\d{4} .*failed call to cuInit"
)


@contextlib.contextmanager
def notices_dropped() -> Iterator[None]:
    """Holds back what is written to stderr's descriptor and passes it on at the end, without the notices."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
            held.seek(0)
            for line in held:
                if not _NOTICE.match(line):
                    os.write(2, line)


class _Finder(importlib.abc.MetaPathFinder):
    """Finds TensorFlow as Python would, and wraps the one execution of its package."""

    def find_spec(self, fullname, path, target=None):
        if fullname != "tensorflow":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def quiet_exec_module(module):
                with notices_dropped():
                    execute(module)

            spec.loader.exec_module = quiet_exec_module
        return spec


def install() -> None:
    """Makes the first `import tensorflow` of this process a quiet one. Does nothing where there is no stderr."""
    try:
        os.fstat(2)
    except OSError:
        return
    if "tensorflow" not in sys.modules and not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
