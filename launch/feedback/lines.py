"""A file of JSON lines that a kill at any moment leaves whole: a line is on disk before anybody is told of it.

A process that dies while it writes leaves the beginning of a line at the end of the file. Nobody was told that this
line is kept, so it is taken away when the file is opened again, and whoever asked for it asks once more.
"""

from __future__ import annotations

from collections.abc import Callable
import json
import os
import pathlib
from typing import Any

from launch.errors import UserError

# What str.splitlines takes for the end of a line and JSON leaves as it is.
_ESCAPED = {ord(mark): f"\\u{ord(mark):04x}" for mark in "\x85\u2028\u2029"}


def encode(row: dict[str, Any]) -> bytes:
    """One line. Raises ValueError for text that is no UTF-8 (lone surrogates), and for NaN and infinity."""
    text = json.dumps(row, ensure_ascii=False, allow_nan=False).translate(_ESCAPED)
    return text.encode("utf-8") + b"\n"


class DurableLines:
    """The rows of a file, which only this object may write.

    Attributes:
      path: of the file; made with the first row.
      rows: all of them, in order.
    """

    def __init__(self, path: pathlib.Path, complaint: Callable[[dict[str, Any]], str]) -> None:
        """Reads the file, and takes away a torn last line.

        Args:
          path: its folder exists.
          complaint: what a row lacks, "" for a good one.

        Raises:
          UserError: the file can't be read or written, or a line is no such row.
        """
        self.path = path
        self.rows: list[dict[str, Any]] = []
        self._complaint = complaint
        self._starts: list[int] = []
        self._size = 0
        try:
            content = path.read_bytes() if path.exists() else b""
            whole = self._take_in(content)
            if whole != content:
                self._replace_end(whole, common=min(len(whole), len(content)))
        except OSError as error:
            raise UserError(f"{path} can't be read and written ({error.strerror})", "check its permissions") from error

    def _take_in(self, content: bytes) -> bytes:
        *lines, rest = content.split(b"\n")
        for number, line in enumerate(lines, 1):
            self._add(self._row(line, number), len(line) + 1)
        if not rest:
            return content
        try:
            last = self._row(rest, len(lines) + 1)
        except UserError:
            return content[: self._size]
        self._add(last, len(rest) + 1)  # whole, but for the end of its line
        return content + b"\n"

    def _row(self, line: bytes, number: int) -> dict[str, Any]:
        try:
            row = json.loads(line)
            wrong = self._complaint(row) if isinstance(row, dict) else "it is no JSON object"
        except ValueError as error:
            wrong = f"it is no JSON ({error})"
        if wrong:
            raise UserError(
                f"{self.path}:{number} is none of this program's lines: {wrong}", "mend or remove this line"
            )
        return row

    def _add(self, row: dict[str, Any], size: int) -> None:
        self.rows.append(row)
        self._starts.append(self._size)
        self._size += size

    def _replace_end(self, whole: bytes, common: int) -> None:
        with open(self.path, "r+b") as file:
            file.truncate(common)
            file.seek(common)
            file.write(whole[common:])
            file.flush()
            os.fsync(file.fileno())

    def append(self, row: dict[str, Any]) -> None:
        """Adds a row; it is on disk when this returns, and not there at all when this raises.

        Raises:
          OSError: it could not be written.
          ValueError: it is no JSON, or no UTF-8.
        """
        line, is_new = encode(row), not self.path.exists()
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            try:
                written = 0
                while written < len(line):
                    written += os.pwrite(descriptor, line[written:], self._size + written)
                os.fsync(descriptor)
            except OSError:
                os.ftruncate(descriptor, self._size)
                raise
        finally:
            os.close(descriptor)
        if is_new:
            self._sync_folder()
        self._add(json.loads(line), len(line))

    def drop_last(self) -> None:
        """Takes the last row away again. Raises OSError where the file can't be changed."""
        start = self._starts[-1]
        with open(self.path, "r+b") as file:
            file.truncate(start)
            os.fsync(file.fileno())
        self._size = start
        self._starts.pop()
        self.rows.pop()

    def _sync_folder(self) -> None:
        descriptor = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
