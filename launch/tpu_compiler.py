"""The TPU's compiler on a machine without a TPU: its settings, and where it lies. To be prepared before JAX is imported."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import pathlib
import sys

# `make venv` installs libtpu here, off the path: a JAX that finds it looks for a TPU at every start.
FOLDER = pathlib.Path(sys.prefix) / "tpu"
INSTALL = "pip install -r requirements-tpu.txt"

_ENVIRONMENT = {
    # JAX stays on the CPU, and the compiler asks no metadata server what machine this is.
    "JAX_PLATFORMS": "cpu",
    "TPU_SKIP_MDS_QUERY": "1",
    "TPU_WORKER_HOSTNAMES": "localhost",
    "TPU_WORKER_ID": "0",
    "TPU_ACCELERATOR_TYPE": "v5p-8",
    # Two processes that only compile need no lock between them.
    "ALLOW_MULTIPLE_LIBTPU_LOAD": "1",
}
# The last spares the second start of launch/allocator.py: nothing is run here.
_DEFAULTS = {"TPU_MIN_LOG_LEVEL": "3", "TPU_STDERR_LOG_LEVEL": "3", "GLIBC_TUNABLES": ""}


def prepare() -> None:
    """Sets this process up for compiling; whatever runs in it has the CPU alone."""
    os.environ.update(_ENVIRONMENT)
    for name, value in _DEFAULTS.items():
        os.environ.setdefault(name, value)
    if FOLDER.is_dir() and str(FOLDER) not in sys.path:
        sys.path.append(str(FOLDER))


def is_installed() -> bool:
    """Whether the compiler can be found, in `FOLDER` or on the path."""
    return (FOLDER / "libtpu").is_dir() or importlib.util.find_spec("libtpu") is not None


def version() -> str:
    """Of the compiler, after `prepare`."""
    return importlib.metadata.version("libtpu")
