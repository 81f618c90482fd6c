"""The output folder of a build, local or a bucket: files appear whole under their name or not at all."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

import fsspec


@dataclasses.dataclass(frozen=True)
class Store:
    """A folder named by a path or URL; names inside it are relative, with `/`."""

    root: str

    def _where(self, name: str) -> tuple[fsspec.AbstractFileSystem, str]:
        filesystem, path = fsspec.core.url_to_fs(self.root)
        return filesystem, f"{path.rstrip('/')}/{name}" if name else path

    def path(self, name: str) -> str:
        """The name as a path or URL that others can open."""
        return f"{self.root.rstrip('/')}/{name}"

    def exists(self, name: str) -> bool:
        """Whether there is a file of that name."""
        filesystem, path = self._where(name)
        return filesystem.exists(path)

    def names(self, folder: str) -> list[str]:
        """Names of the files directly in a folder, sorted; none where there is no folder."""
        filesystem, path = self._where(folder)
        if not filesystem.isdir(path):
            return []
        return sorted(f"{folder}/{found.rstrip('/').rsplit('/', 1)[-1]}" for found in filesystem.ls(path, detail=False))

    def remove(self, name: str) -> None:
        """Deletes a file or folder, if it is there."""
        filesystem, path = self._where(name)
        if filesystem.exists(path):
            filesystem.rm(path, recursive=True)

    def open(self, name: str) -> BinaryIO:
        """A file for reading, seekable."""
        filesystem, path = self._where(name)
        return filesystem.open(path, "rb")

    @contextlib.contextmanager
    def local_file(self, name: str) -> Iterator[str]:
        """A path on this machine to write to, which becomes the file when the block ends without an error."""
        filesystem, path = self._where(name)
        if "file" in filesystem.protocol:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            # Two workers may write the same file, as Beam repeats what seems slow: each has its own name until the end.
            partial = f"{path}.{os.getpid()}.partial"
            try:
                yield partial
                os.replace(partial, path)
            finally:
                with contextlib.suppress(FileNotFoundError):
                    os.remove(partial)
            return
        with tempfile.TemporaryDirectory() as folder:
            partial = os.path.join(folder, "file")
            yield partial
            filesystem.put(partial, path)

    def write_text(self, name: str, text: str) -> None:
        """Writes a small file."""
        with self.local_file(name) as path, open(path, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)

    def write_json(self, name: str, value: Any) -> None:
        """Writes a JSON value with sorted keys."""
        self.write_text(name, json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n")

    def write_lines(self, name: str, rows: Iterable[Any]) -> None:
        """Writes JSON values, one a line."""
        self.write_text(name, "".join(json.dumps(row, sort_keys=True, ensure_ascii=False) + "\n" for row in rows))

    def read_json(self, name: str) -> Any:
        """The value of a JSON file; None where there is none."""
        if not self.exists(name):
            return None
        with self.open(name) as file:
            return json.loads(file.read())

    def read_lines(self, name: str) -> Iterator[Any]:
        """The values of a file of one JSON value a line; none where there is no file."""
        if self.exists(name):
            with self.open(name) as file:
                for line in file:
                    yield json.loads(line)

    def sha256(self, name: str) -> str:
        """Digest of a file's bytes."""
        with self.open(name) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
