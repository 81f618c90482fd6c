"""How demanding documents are, by domain, on a scale that all domains share.

Each domain has a raw measure. What share of a reference corpus lies below it is the score: the empirical distribution
function of the reference, given by its deciles (KNOTS), linear between them. So 0.5 is as complex as the median of
the domain, in every domain, and the mean over a batch has the same expectation for every size.
`benchmarks/quality_calibration.py` measures the deciles anew.

- language, reasoning, and texts about code: lexical and syntactic, by the automated readability index (Smith and
  Senter 1967): 4.71 letters/word + 0.5 words/sentence - 21.43.
- code: log2 of the cyclomatic complexity (McCabe 1976) + half the nesting + half of log2(1 + definitions).
- math: log2 of the different symbols in formulas (commands, letters, signs) + half the depth to which brackets nest.
- multimodal: log2 of the caption's words + one for each kind of word that takes looking: place, number, attribute,
  chart.
"""

from __future__ import annotations

import bisect
import math
import re

from data.document import Document
from data.levels import code, language, multimodal

# Deciles, 0 to 100 %, of the raw measure on the reference corpus.
KNOTS: dict[str, tuple[float, ...]] = {
    "code": (0.0, 0.5, 0.79, 1.5, 2.5, 3.5, 4.58, 5.67, 6.88, 8.37, 14.23),
    "math": (1.58, 3.0, 3.46, 3.96, 4.2, 4.5, 4.81, 5.19, 5.82, 6.75, 12.43),
    "multimodal": (1.0, 6.53, 7.46, 7.67, 7.86, 8.15, 8.34, 8.66, 9.05, 9.32, 12.4),
    "text": (-14.84, 0.86, 2.52, 4.82, 6.54, 8.35, 10.21, 11.75, 13.9, 16.74, 60.0),
}
_SYMBOL = re.compile(r"\\[A-Za-z]+|(?<![A-Za-z])[A-Za-z](?![A-Za-z])|[^\w\s]")
_BRACKETS = {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}
_MAX_CHARACTERS = 100_000


def _is_program(document: Document) -> bool:
    return document.domain == "code" and document.meta.get("kind") in (None, "", "program")


def kind_of(document: Document) -> str:
    """Which scale a document is measured on: a key of KNOTS."""
    if _is_program(document):
        return "code"
    return document.domain if document.domain in ("math", "multimodal") else "text"


def _depth(text: str) -> int:
    depth = deepest = 0
    for sign in text:
        step = _BRACKETS.get(sign, 0)
        if step:
            depth = max(depth + step, 0)
            deepest = max(deepest, depth)
    return deepest


def raw(document: Document) -> float:
    """The raw measure of a document on the scale of its kind."""
    kind, text = kind_of(document), document.text[:_MAX_CHARACTERS]
    if kind == "code":
        known = document.meta.get("difficulty") or {}
        counts = known if "cyclomatic" in known else code.measure(document)[1]
        return math.log2(counts["cyclomatic"] or 1) + counts["nesting"] / 2 + math.log2(1 + counts["definitions"]) / 2
    if kind == "math":
        return math.log2(1 + len(set(_SYMBOL.findall(text)))) + min(_depth(text), 12) / 2
    if kind == "multimodal":
        counts = multimodal.measures(document)
        kinds = ("strong_relations", "numbers", "attributes", "charts")
        return math.log2(1 + counts["words"]) + sum(counts[name] > 0 for name in kinds)
    letters, words, sentences = language.counts(text)
    return min(max(4.71 * letters / words + 0.5 * words / sentences - 21.43, -20.0), 60.0)


def score(document: Document) -> float:
    """Share of the reference corpus that is less complex, in [0, 1]."""
    knots = KNOTS[kind_of(document)]
    value = raw(document)
    place = bisect.bisect_right(knots, value)
    if place in (0, len(knots)):
        return 0.0 if place == 0 else 1.0
    low, high = knots[place - 1], knots[place]
    return (place - 1 + (value - low) / (high - low)) / (len(knots) - 1)
