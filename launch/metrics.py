"""Metrics of a training run: one JSON line a logged step, and the same as TensorBoard events through CLU."""

from __future__ import annotations

import json
import math
import os
import pathlib
from collections.abc import Mapping
from typing import Any

from clu import metric_writers

METRICS_FILE = "metrics.jsonl"


class MetricsLog:
    """Appends rows of scalars. A resumed run first forgets the rows that lie beyond its checkpoint."""

    def __init__(self, folder: pathlib.Path, resume_step: int, fields: Mapping[str, Any] | None = None):
        """Opens `folder/metrics.jsonl`.

        Args:
          folder: made if need be.
          resume_step: rows of later steps are dropped: they will be written again.
          fields: constant fields of every row, such as a phase.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self._fields = dict(fields or {})
        self._path = folder / METRICS_FILE
        kept = [json.dumps(row) for row in read_rows(self._path) if row["step"] <= resume_step]
        partial = self._path.with_suffix(".partial")
        partial.write_text("".join(line + "\n" for line in kept), encoding="utf-8")
        os.replace(partial, self._path)
        self._file = open(self._path, "a", encoding="utf-8")
        self._events = metric_writers.SummaryWriter(str(folder))

    def write(self, step: int, scalars: Mapping[str, float]) -> None:
        """Writes one row; a number that is not finite is written as null."""
        row = {name: value if math.isfinite(value) else None for name, value in scalars.items()}
        self._file.write(json.dumps({"step": step, **self._fields, **row}) + "\n")
        self._file.flush()
        self._events.write_scalars(step, dict(scalars))

    def close(self) -> None:
        """Flushes and closes both files."""
        self._file.close()
        self._events.close()


def read_rows(path: pathlib.Path) -> list[dict[str, Any]]:
    """Rows of a metrics file, [] where there is none. A line cut short by a crash is left out."""
    if not path.exists():
        return []
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError:
            break
    return rows
