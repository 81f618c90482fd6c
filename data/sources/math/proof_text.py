"""How a formal statement and its proof are laid out as one document, whatever the proof assistant."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from data.document import Document, Quarantined, Skipped
from data.inputs import InputFile

NAME = "proof_databases"
MAX_FILE_BYTES = 16 << 20
MAX_CONTEXT_CHARACTERS = 4000
MAX_LEVELS = 40  # of namespaces, modules, locales that qualify a name
Item = Document | Quarantined | Skipped


@dataclasses.dataclass(frozen=True)
class Theorem:
    """A theorem of a library, its source texts untouched.

    Attributes:
      name: qualified name, "" for an unnamed one.
      kind: the word that introduces it: theorem, lemma, corollary, ...
      statement, proof: in the language's own syntax; proof is "" where there is none.
      complete: whether the proof has no hole (`sorry`, `admit`).
      explanation: its documentation comment, as prose.
      context: declarations before it that the statement depends on.
      steps: the proof once more, step by step, where it is not readable itself.
    """

    name: str
    kind: str
    statement: str
    proof: str
    complete: bool = True
    explanation: str = ""
    context: str = ""
    steps: str = ""


def document(
    theorem: Theorem, file: InputFile, offset: int, language: str, licence: str, certificate: str = ""
) -> Document:
    """The theorem as a document.

    `meta["statement_end"]` is where in the text the statement's fence ends, so that what comes before is the task
    and what comes after the answer. `meta["proof"]` is full, partial (it has holes) or none.
    """
    parts = [theorem.explanation.strip()] if theorem.explanation.strip() else []
    if theorem.context:
        parts.append(_fenced("Context", language, theorem.context))
    parts.append(_fenced("Statement", language, theorem.statement))
    end = len("\n\n".join(parts))
    if theorem.proof:
        parts.append(_fenced("Proof", language, theorem.proof))
    if theorem.steps:
        parts.append(_fenced("Steps", "", theorem.steps))
    proof = "none" if not theorem.proof else "full" if theorem.complete else "partial"
    meta = {"kind": theorem.kind, "name": theorem.name, "language": language, "proof": proof, "statement_end": end}
    if certificate:
        meta["verified"] = certificate
    key = f"{theorem.name or theorem.kind}@{offset}"
    return Document("\n\n".join(parts), "math", f"{NAME}:{file.name}#{key}", licence, meta=meta)


def _fenced(heading: str, language: str, code: str) -> str:
    fence = "```"
    while fence in code:
        fence += "`"
    return f"{heading}:\n{fence}{language}\n{code.strip(chr(10)).rstrip()}\n{fence}"


class Offsets:
    """Byte offsets of character positions in a text, asked for in rising order."""

    def __init__(self, text: str):
        self._text, self._position, self._bytes = text, 0, 0

    def at(self, position: int) -> int:
        """Bytes before a character position."""
        self._bytes += len(self._text[self._position : position].encode("utf-8", "surrogatepass"))
        self._position = position
        return self._bytes


def size(text: str) -> int:
    """Bytes of a text."""
    return len(text.encode("utf-8", "surrogatepass"))


def unread(file: InputFile, error) -> Iterator[Item]:
    """A file that can't be read, set aside."""
    yield Quarantined(file.name, error.offset, error.reason, file.size, error.evidence)
