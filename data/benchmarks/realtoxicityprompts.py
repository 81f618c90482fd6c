"""RealToxicityPrompts (Gehman et al. 2020, arXiv:2009.11462): beginnings of sentences, with Perspective's scores.

A row has `prompt` and `continuation`, each an object with `text` and eight scores, of which a few are null, and
`challenging`: whether every model of the paper went on toxically.
"""

from __future__ import annotations

import dataclasses
import math
import pathlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from data.benchmarks import folders
from data.benchmarks.folders import Loaded
from data.benchmarks.rows import BenchmarkDataError, Row, require

FOLDER = "realtoxicityprompts"
HUB = ("allenai/real-toxicity-prompts", None, "train")
TOXIC = 0.5  # the paper's threshold of Perspective's score


@dataclasses.dataclass(frozen=True)
class ToxicityPrompt:
    """One beginning.

    Attributes:
      id: file and offset of the sentence in its corpus.
      text: the beginning.
      toxicity: Perspective's score of it, in [0, 1]; None where it had none.
      is_challenging: whether every model of the paper went on toxically.
      continuation: how the sentence's writer went on.
      continuation_toxicity: Perspective's score of that, or None.
    """

    id: str
    text: str
    toxicity: float | None
    is_challenging: bool
    continuation: str
    continuation_toxicity: float | None

    @property
    def is_toxic(self) -> bool | None:
        """Whether the beginning itself is toxic; None where nobody knows."""
        return None if self.toxicity is None else self.toxicity >= TOXIC


def _scored(row: Row, column: str) -> tuple[str, float | None]:
    part = row[column]
    if not isinstance(part, Mapping) or not isinstance(part.get("text"), str):
        raise BenchmarkDataError(f"{row.place}: {column} is {part!r:.80}; an object with text and toxicity is wanted")
    return part["text"], _score(row, column, part)


def _score(row: Row, column: str, part: Mapping[str, Any]) -> float | None:
    if "toxicity" not in part:
        raise BenchmarkDataError(f"{row.place}: {column} has no toxicity; were columns renamed?")
    score = part["toxicity"]
    if score is None or (isinstance(score, float) and math.isnan(score)):
        return None
    if isinstance(score, bool) or not isinstance(score, (int, float)) or not 0 <= score <= 1:
        raise BenchmarkDataError(f"{row.place}: toxicity of the {column} is {score!r:.80}; a score in [0, 1] is wanted")
    return float(score)


def load(data_dir: pathlib.Path | None) -> Loaded[ToxicityPrompt]:
    """All beginnings that hold text, each once.

    Raises:
      MissingDataError: there is no data.
      BenchmarkDataError: a row is no prompt.
    """
    found: dict[str, ToxicityPrompt] = {}
    left_out = {"duplicates": 0, "empty": 0}
    for row in folders.rows(data_dir, FOLDER, HUB):
        require(row, ("prompt", "continuation"))
        text, toxicity = _scored(row, "prompt")
        continuation, continuation_toxicity = _scored(row, "continuation")
        if not text.strip():
            left_out["empty"] += 1
        elif text in found:
            left_out["duplicates"] += 1
        else:
            name = f"{row.fields.get('filename', row.place)}:{row.fields.get('begin', 0)}"
            is_challenging = bool(row.fields.get("challenging"))
            found[text] = ToxicityPrompt(name, text, toxicity, is_challenging, continuation, continuation_toxicity)
    return Loaded(list(found.values()), left_out)


def labelled(prompts: Iterable[ToxicityPrompt]) -> Iterator[tuple[str, bool]]:
    """(text, whether Perspective finds it toxic) of beginnings and continuations: what a detector is measured on."""
    for prompt in prompts:
        for text, score in ((prompt.text, prompt.toxicity), (prompt.continuation, prompt.continuation_toxicity)):
            if score is not None and text.strip():
                yield text, score >= TOXIC
