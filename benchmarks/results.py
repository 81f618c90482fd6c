"""Where a benchmark's figures go: a JSON file and a markdown table, each on request."""

from __future__ import annotations

import json
import pathlib
from typing import Any


def save(document: Any, table: str, json_path: str | None, markdown_path: str | None) -> None:
    """Writes the figures and the table where a path is given; missing folders are made."""
    for path, text in ((json_path, json.dumps(document, indent=2)), (markdown_path, table)):
        if path:
            pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
            pathlib.Path(path).write_text(text + "\n", encoding="utf-8")
