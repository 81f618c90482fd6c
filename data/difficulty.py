"""From measures of a document to its level: one written definition a domain.

Documents that generators make are given their level by the template that made them; all others are measured. The
definitions, with the thresholds that they name, stand in `data/levels/<domain>.py`. Those of code and English prose
were set on the standard library of CPython 3.11 and the prose of this project's own dependencies so that each level
holds at least a twentieth of the bytes.
"""

from __future__ import annotations

from collections.abc import Callable

from data.document import Document
from data.levels import code, language, math, multimodal, reasoning

DEFINITIONS: dict[str, str] = {
    "code": code.DEFINITION,
    "math": math.DEFINITION,
    "language": language.DEFINITION,
    "reasoning": reasoning.DEFINITION,
    "multimodal": multimodal.DEFINITION,
}
_MEASURES: dict[str, Callable[[Document], tuple[str, dict[str, float]]]] = {
    "code": code.measure,
    "math": math.measure,
    "language": language.measure,
    "reasoning": reasoning.measure,
    "multimodal": multimodal.measure,
}


def measure(document: Document) -> tuple[str, dict[str, float]]:
    """(level, measures) of a document; one that already has its level keeps it and has no measures.

    Raises:
      ValueError: a domain that there isn't.
    """
    if document.level:
        return document.level, {}
    if document.domain not in _MEASURES:
        raise ValueError(f"{document.source}: unknown domain {document.domain!r}; there are {', '.join(_MEASURES)}")
    return _MEASURES[document.domain](document)
