"""What made a result: versions of the packages and of this repository, and the memory that it took."""

from __future__ import annotations

import datetime
import functools
import importlib.metadata
import pathlib
import platform
import resource
import subprocess

_PACKAGES = (
    *("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "grain", "numpy", "ml-collections"),
    *("seqio", "tensorflow", "tensorflow-datasets", "array-record", "sentencepiece"),
)
_ROOT = pathlib.Path(__file__).resolve().parent.parent


@functools.cache
def versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide a result, and this repository's commit if git knows it.

    The commit ends in `-dirty` when files differ from it. Nothing is imported to find this out.
    """
    result = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            result[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    # An installed copy may lie inside somebody else's repository, whose commit says nothing of this one.
    if (_ROOT / ".git").exists():
        try:
            command = [
                "git",
                "--no-optional-locks",
                "-C",
                str(_ROOT),
                "describe",
                "--always",
                "--dirty",
                "--abbrev=40",
                "--exclude=*",
            ]
            result["mistral_moe"] = subprocess.run(
                command, check=True, capture_output=True, text=True, timeout=20
            ).stdout.strip()
        except (OSError, subprocess.SubprocessError):
            result["mistral_moe"] = "unknown"
    return result


def now() -> str:
    """This moment for a manifest, in UTC to the second."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def reset_peak_rss() -> None:
    """Starts `peak_rss_bytes` anew, where the kernel allows it (Linux); elsewhere it stays the whole process's."""
    try:
        pathlib.Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


def peak_rss_bytes() -> int:
    """The most memory that this process has held since `reset_peak_rss`; its worker processes are not counted."""
    try:
        for line in pathlib.Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass  # no Linux: ask the portable call
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if platform.system() == "Darwin" else peak * 1024
