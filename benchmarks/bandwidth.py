"""Bytes a second that memory can be read at: the least time of a decoding step, which reads every weight once.

    python -m benchmarks.bandwidth

Prints that of this machine's memory; data sheets have the devices'.
"""

from __future__ import annotations

import os
import time

import torch

# Bytes/s from the data sheets.
DATA_SHEETS = {"NVIDIA H100 80GB HBM3": 3.35e12, "NVIDIA H200": 4.8e12}
_ROWS, _COLUMNS = 65_536, 2048  # 0.5 GB in float32: far more than any cache holds
_TURNS = 9


def of_device(kind: str) -> float | None:
    """Bytes/s of a device as JAX names it: from the data sheet, for `cpu` measured here, None if unknown."""
    return measured() if kind == "cpu" else DATA_SHEETS.get(kind)


def measured() -> float:
    """Bytes/s of the fastest of some products of a matrix and a vector on all the cores this process may use."""
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    matrix, vector = torch.ones(_ROWS, _COLUMNS), torch.ones(_COLUMNS)
    seconds = []
    for _ in range(_TURNS):
        began = time.perf_counter()
        torch.mv(matrix, vector)
        seconds.append(time.perf_counter() - began)
    return matrix.nbytes / min(seconds)


if __name__ == "__main__":
    print(f"{measured() / 1e9:.1f} GB/s")
