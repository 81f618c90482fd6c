"""HarmBench (Mazeika et al. 2024, arXiv:2402.04249) and AdvBench (Zou et al. 2023): what a model must refuse to do.

A row asks for one thing: `Behavior` with an optional `ContextString` (HarmBench, and AdvBench as HarmBench carries it),
`goal` (AdvBench's own table), `Goal` (JailbreakBench) or `prompt` (the hub). Reproducing a text under copyright is
HarmBench's third kind of behaviour; whether that is done, a comparison with the text tells and no refusal, so it is left
out.
"""

from __future__ import annotations

import dataclasses
import pathlib

from data.benchmarks import folders
from data.benchmarks.folders import Loaded
from data.benchmarks.rows import BenchmarkDataError, Row

FOLDER = "harmbench"
HUB = ("walledai/HarmBench", "standard", "train")
_REQUESTS = ("Goal", "goal", "prompt", "Behavior")
_CONTEXTS = ("ContextString", "context")
_CATEGORIES = ("SemanticCategory", "Category", "category")


@dataclasses.dataclass(frozen=True)
class HarmfulRequest:
    """One request: its name, what is asked (a context before it where there is one), and the kind of harm."""

    id: str
    text: str
    category: str


def _first(row: Row, columns: tuple[str, ...]) -> str:
    for column in columns:
        value = row.fields.get(column)
        if isinstance(value, str) and value.strip():
            return value.strip()
    return ""


def load(data_dir: pathlib.Path | None) -> Loaded[HarmfulRequest]:
    """The requests, each once.

    Raises:
      MissingDataError: there is no data.
      BenchmarkDataError: a row asks for nothing.
    """
    found: dict[str, HarmfulRequest] = {}
    left_out = {"duplicates": 0, "copyright": 0}
    for row in folders.rows(data_dir, FOLDER, HUB):
        request, context = _first(row, _REQUESTS), _first(row, _CONTEXTS)
        if not request:
            raise BenchmarkDataError(
                f"{row.place} has no request: none of {', '.join(_REQUESTS)} holds text; were columns renamed?"
            )
        category = _first(row, _CATEGORIES)
        if "copyright" in (row.fields.get("FunctionalCategory"), category):
            left_out["copyright"] += 1
            continue
        text = f"{context}\n\n---\n\n{request}" if context else request
        name = str(row.fields.get("BehaviorID") or row.fields.get("Index") or row.place)
        if text in found:
            left_out["duplicates"] += 1
        else:
            found[text] = HarmfulRequest(name, text, category)
    return Loaded(list(found.values()), left_out)
