"""How many of a batch's documents are right, of those that can be checked at all.

What is checked depends on the domain: programs parse (and run, where an executor is given), mathematics and reasoning
carry certificates that replay or answers that were verified, drawn scenes follow from their graphs. A document that
can't be checked says nothing. The share comes with the number it was taken of and the lower end of its 95 % interval,
so that a few lucky documents don't read as a good batch.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable

from data.document import Document
from data.processors import code_parse
from data.processors.math import RIGHT, UNKNOWN, answer_verdict

Checker = Callable[[Document], bool | None]
MAX_ERROR_SHARE = 0.05
_Z = 1.959964  # of a two-sided 95 % interval


@dataclasses.dataclass(frozen=True)
class Accuracy:
    """Share of documents found right.

    Attributes:
      value: of those checked; None where none could be.
      checked: how many could be.
      lower: lower end of Wilson's interval; 0 where none could be checked.
    """

    value: float | None
    checked: int
    lower: float


def certificate(document: Document) -> bool | None:
    """Whether the certificate of a document replays; None where its source keeps none or this one has none."""
    # The registry imports every source.
    from data.sources.registry import SOURCES

    info = SOURCES.get(document.source.split(":", 1)[0])
    if info is None or info.verify is None:
        return None
    if info.generate is None and not document.meta.get("certificate"):
        return None  # of files, some records have one
    try:
        return bool(info.verify(document))
    except (ValueError, KeyError, TypeError, IndexError):
        return False


def program(document: Document) -> bool | None:
    """Whether a program parses; None of texts about code and of languages without a grammar."""
    if document.meta.get("kind") not in (None, "", "program"):
        return None
    named = str(document.meta.get("language") or "")
    language = code_parse.language_of(named, str(document.meta.get("path") or ""))
    if not named and not language:
        return code_parse.parses_as_python(document.text)
    return code_parse.error_share(document.text, language) <= MAX_ERROR_SHARE if language else None


def mathematics(document: Document) -> bool | None:
    """Whether a certificate replays, else what the source or the solution's own answer says of the answer."""
    if (replayed := certificate(document)) is not None:
        return replayed
    verdict = answer_verdict(document)
    return None if verdict == UNKNOWN else verdict == RIGHT


CHECKERS: dict[str, Checker] = {
    "code": program,
    "math": mathematics,
    "reasoning": certificate,
    "multimodal": certificate,
}


def is_right(document: Document, executor: Checker | None = None) -> bool | None:
    """Whether a document is right; None where that can't be told.

    Args:
      document: any.
      executor: runs programs; asked of those that parse.
    """
    checker = CHECKERS.get(document.domain)
    found = checker(document) if checker else None
    if found and executor is not None and document.domain == "code":
        ran = executor(document)
        return found if ran is None else ran
    return found


def wilson_lower(right: int, checked: int) -> float:
    """Lower end of Wilson's 95 % interval of a share (Wilson 1927)."""
    if not checked:
        return 0.0
    share, square = right / checked, _Z * _Z
    middle = share + square / (2 * checked)
    spread = _Z * math.sqrt(share * (1 - share) / checked + square / (4 * checked * checked))
    return max((middle - spread) / (1 + square / checked), 0.0)


def measure(documents: Iterable[Document], executor: Checker | None = None) -> Accuracy:
    """Accuracy over the documents that can be checked."""
    verdicts = [verdict for document in documents if (verdict := is_right(document, executor)) is not None]
    right = sum(verdicts)
    return Accuracy(right / len(verdicts) if verdicts else None, len(verdicts), wilson_lower(right, len(verdicts)))
