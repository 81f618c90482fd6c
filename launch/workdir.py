"""One workdir holds one model's life: `run.json`, a folder a stage, and a lock against a second writer.

Every file written here is replaced atomically: whoever kills the process at any moment leaves the old file or
the new one, never a half.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import hashlib
import json
import os
import pathlib
from collections.abc import Iterator
from typing import Any

from launch.errors import UserError

RUN_FILE = "run.json"
MANIFEST_FILE = "manifest.json"
LOCK_FILE = ".lock"


def atomic_write_text(path: str | os.PathLike[str], text: str) -> None:
    """Writes a file so that at any moment `path` holds the old text or the new one; survives a power cut too."""
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    with open(partial, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _plain(value: Any) -> Any:
    """What JSON does not know by itself: NumPy and JAX numbers and arrays, and paths."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def atomic_write_json(path: str | os.PathLike[str], value: Any) -> None:
    """`atomic_write_text` of a JSON value. NaN and infinity, which JSON lacks, are a ValueError."""
    text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False, default=_plain)
    atomic_write_text(path, text + "\n")


@functools.lru_cache(maxsize=65536)
def _sha256(path: str, identity: tuple[int, ...]) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_file(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a file. Within one process an untouched file is read once."""
    stat = os.stat(path)
    return _sha256(os.path.abspath(path), (stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns))


def hash_files(folder: str | os.PathLike[str], *patterns: str) -> dict[str, str]:
    """SHA-256 of every file under `folder` that matches a glob (`**/*` means all), by its path inside `folder`."""
    folder = pathlib.Path(folder)
    found = {path for pattern in patterns for path in folder.glob(pattern) if path.is_file()}
    return {path.relative_to(folder).as_posix(): sha256_file(path) for path in sorted(found)}


def read_json_object(path: pathlib.Path, fix: str) -> dict[str, Any] | None:
    """A JSON object from a file; None where there is no file.

    Raises:
      UserError: the file holds anything else; names the file and `fix`.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({error})", fix) from error
    if not isinstance(value, dict):
        raise UserError(f"{path} does not hold a JSON object", fix)
    return value


class Workdir:
    """A folder with one model's stages. Making this object touches nothing on disk.

    Attributes:
      path: the folder.
    """

    def __init__(self, path: str | os.PathLike[str]):
        self.path = pathlib.Path(path)
        self._lock_file: int | None = None

    def __str__(self) -> str:
        return str(self.path)

    def folder(self, name: str) -> pathlib.Path:
        """Where a stage's folder lies, whether it exists or not."""
        return self.path / name

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Keeps every other process from writing here; makes the folder if need be. May be nested.

        The kernel drops the lock with the process, however it ends, so that a killed run can be started again.

        Raises:
          UserError: another process holds it, or the folder cannot be written to.
        """
        if self._lock_file is not None:
            yield
            return
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.path / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise UserError(
                f"workdir {self.path} cannot be written to ({error.strerror})", "choose another --workdir"
            ) from error
        self._lock_file = descriptor
        _held.add(self)
        try:
            self._claim(descriptor)
            yield
        finally:
            self._release()

    def _claim(self, descriptor: int) -> None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(descriptor, 64, 0).decode(errors="replace").strip()
            raise UserError(
                f"workdir {self.path} is in use by process {holder or '(unknown)'}",
                "wait for it to end or choose another --workdir",
            ) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)

    def _release(self) -> None:
        if self._lock_file is not None:
            os.close(self._lock_file)
        self._lock_file = None
        _held.discard(self)

    def read_run(self) -> dict[str, dict[str, Any]]:
        """`run.json`: stage -> status (pending, running, complete, failed), started, finished, config_hash."""
        fix = "delete it and start again: it is rebuilt from the stages' manifests"
        path = self.path / RUN_FILE
        run = read_json_object(path, fix) or {}
        if not all(isinstance(entry, dict) for entry in run.values()):
            raise UserError(f"{path} does not hold one object a stage", fix)
        return run

    def update_run(self, stage: str, **fields: Any) -> None:
        """Changes fields of one stage's entry in `run.json`."""
        run = self.read_run()
        entry = {**run.get(stage, {}), **fields}
        if run.get(stage) != entry:
            atomic_write_json(self.path / RUN_FILE, {**run, stage: entry})

    def read_manifest(self, folder: str) -> dict[str, Any] | None:
        """The manifest in a stage's folder, or None before the stage has ended.

        Raises:
          UserError: the file is no manifest.
        """
        path = self.folder(folder) / MANIFEST_FILE
        fix = "delete this file and start again: the stage goes on from its own checkpoints"
        manifest = read_json_object(path, fix)
        if manifest is not None:
            for field, kind in (
                ("stage", str),
                ("config_hash", str),
                ("config", dict),
                ("inputs", dict),
                ("outputs", dict),
            ):
                if not isinstance(manifest.get(field), kind):
                    raise UserError(f"{path} is no manifest: field {field!r} is missing or of the wrong type", fix)
        return manifest


_held: set[Workdir] = set()


def _release_in_child() -> None:
    # A lock belongs to all copies of its descriptor: a worker that outlives a killed parent would keep it.
    for workdir in tuple(_held):
        workdir._release()


os.register_at_fork(after_in_child=_release_in_child)
