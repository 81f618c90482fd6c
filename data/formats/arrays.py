"""Frames and spectrograms as `.npy` bytes, read back without pickles and with a limit that the header is held to."""

from __future__ import annotations

import io
import math
import tokenize

import numpy as np

MEDIA_TYPE = "application/x-npy"
MAX_BYTES = 256 << 20
_MAX_DIMENSIONS = 4
_DTYPES = ("uint8", "float16", "float32")


class ArrayError(ValueError):
    """Bytes that are no array which is read here.

    Attributes:
      reason: short name that is counted.
    """

    def __init__(self, reason: str, evidence: str):
        super().__init__(evidence)
        self.reason = reason


def pack(array: np.ndarray) -> bytes:
    """An array as a version 1.0 `.npy` file; the same values give the same bytes on every machine."""
    stream = io.BytesIO()
    little = array.astype(array.dtype.newbyteorder("<"), copy=False)
    np.lib.format.write_array(stream, np.ascontiguousarray(little), version=(1, 0), allow_pickle=False)
    return stream.getvalue()


def unpack(data: bytes, max_bytes: int = MAX_BYTES) -> np.ndarray:
    """The array of `.npy` bytes: uint8, float16 or float32 of one to four dimensions.

    Raises:
      ArrayError: the bytes are none, are cut short, or announce more than `max_bytes`, which is checked before anything
        of that size is made.
    """
    stream = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(stream)
        if version not in ((1, 0), (2, 0)):
            raise ArrayError("not_an_array", f"npy of version {version}")
        read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read_header(stream)
    except ArrayError:
        raise
    except (ValueError, TypeError, SyntaxError, EOFError, RecursionError, MemoryError, tokenize.TokenError) as error:
        raise ArrayError("not_an_array", f"{error}"[:200]) from error
    if dtype.name not in _DTYPES or not 1 <= len(shape) <= _MAX_DIMENSIONS or any(size < 0 for size in shape):
        raise ArrayError("not_an_array", f"an array of {dtype} with shape {shape}")
    size = math.prod(shape) * dtype.itemsize
    if size > max_bytes:
        raise ArrayError("too_large", f"announces {size} bytes, {max_bytes} are read")
    if len(data) - stream.tell() < size:
        raise ArrayError("truncated", f"{len(data) - stream.tell()} of {size} bytes are there")
    stream.seek(0)
    return np.lib.format.read_array(stream, allow_pickle=False)
