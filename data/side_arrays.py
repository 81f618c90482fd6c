"""Numbers that stand beside records, in .npy files that are written and read in stretches: no more of one is ever in memory.

`numpy.load` reads them too.
"""

from __future__ import annotations

import os
import pathlib
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.lib import format as npy

_CHUNK = 1 << 16


class Writer:
    """Appends rows to a new .npy file, which is there from `close` on; a context manager that drops it on errors."""

    def __init__(self, path: str | os.PathLike[str], dtype: np.dtype | type | str, row_shape: tuple[int, ...] = ()):
        """Opens a file beside `path`; an array of N rows will have the shape [N, *row_shape]."""
        self._path = pathlib.Path(path)
        self._partial = self._path.with_name(self._path.name + ".partial")
        self._dtype, self._row_shape, self._rows = np.dtype(dtype), row_shape, 0
        self._file = open(self._partial, "wb")
        self._write_header()

    def append(self, rows: np.ndarray) -> None:
        """Adds rows [N, *row_shape]."""
        rows = np.asarray(rows, self._dtype).reshape(-1, *self._row_shape)
        self._file.write(rows.tobytes())
        self._rows += len(rows)

    def close(self) -> None:
        """Puts the file in its place."""
        # NumPy leaves room in the header for the first axis to grow, so the final one is as long as the first.
        self._file.seek(0)
        self._write_header()
        self._file.close()
        os.replace(self._partial, self._path)

    def _write_header(self) -> None:
        header = {"descr": npy.dtype_to_descr(self._dtype), "fortran_order": False}
        npy.write_array_header_1_0(self._file, header | {"shape": (self._rows, *self._row_shape)})

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, kind, *unused_error) -> None:
        if kind is None:
            self.close()
        else:
            self._file.close()
            self._partial.unlink()


class Reader:
    """Rows of a .npy file by their numbers. Holds no file open; safe between threads."""

    def __init__(self, path: str | os.PathLike[str]):
        """Reads the header.

        Raises:
          OSError: there is no such file.
          ValueError: it is no .npy file, or shorter or longer than its header says.
        """
        self._path = pathlib.Path(path)
        with open(path, "rb") as file:
            version = npy.read_magic(file)
            if version != (1, 0):
                raise ValueError(f"a .npy file of version {version}, not 1.0")
            shape, by_columns, self.dtype = npy.read_array_header_1_0(file)
            self._offset = file.tell()
        if by_columns and len(shape) > 1:
            raise ValueError("a .npy file in Fortran's order")
        self.shape: tuple[int, ...] = shape
        self._row_bytes = self.dtype.itemsize * int(np.prod(shape[1:]))
        size = self._path.stat().st_size
        if size != self._offset + len(self) * self._row_bytes:
            raise ValueError(f"{size} bytes do not hold the array {shape} of {self.dtype} that the header tells of")

    def __len__(self) -> int:
        return self.shape[0]

    def read(self, start: int, stop: int) -> np.ndarray:
        """Rows from `start` to `stop`, [stop - start, ...]."""
        with open(self._path, "rb") as file:
            file.seek(self._offset + start * self._row_bytes)
            data = file.read((stop - start) * self._row_bytes)
        return np.frombuffer(data, self.dtype).reshape(-1, *self.shape[1:])

    def take(self, indices: Iterable[int]) -> np.ndarray:
        """The rows of some numbers, [indices, ...]."""
        rows = []
        with open(self._path, "rb") as file:
            for index in indices:
                file.seek(self._offset + index * self._row_bytes)
                rows.append(file.read(self._row_bytes))
        return np.frombuffer(b"".join(rows), self.dtype).reshape(-1, *self.shape[1:])

    def chunks(self) -> Iterator[np.ndarray]:
        """All rows in order, some at a time."""
        for start in range(0, len(self), _CHUNK):
            yield self.read(start, min(start + _CHUNK, len(self)))
