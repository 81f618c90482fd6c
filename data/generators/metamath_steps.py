"""Steps of Metamath proofs: a theorem, its hypotheses and the steps so far, and the step that comes next.

The proofs are those of a database that `data.sources.math.metamath` reads and verifies; of a theorem whose proof does
not check there is no example. The certificate names the database by its SHA-256, the theorem and the step: replaying it
reads and verifies the database anew and asks for the same words.
"""

from __future__ import annotations

import dataclasses
import functools
import os
import random
import re
from collections.abc import Sequence

from data.document import Document, content_id
from data.inputs import InputFile
from data.sources.math import metamath

NAME = "metamath_steps"
DOMAIN = "math"
LEVEL = "proofs"
MAX_STEPS = 60  # of a proof that examples are made of
MAX_PROMPT = 8000  # characters
_STATEMENT = re.compile(r"Statement:\n(`{3,})metamath\n(.*?)\n\1", re.DOTALL)
_STEPS = re.compile(r"\n\nSteps:\n(`{3,})\n(.*?)\n\1$", re.DOTALL)


class DatabaseError(ValueError):
    """A file without a single proof to make steps of; the message says which."""


@dataclasses.dataclass(frozen=True)
class Theorem:
    """A theorem whose proof was verified.

    Attributes:
      name: its label.
      statement: hypotheses, distinct variables and the claim, a line each.
      steps: the proof, a numbered line a step.
      licence: of the database.
    """

    name: str
    statement: str
    steps: tuple[str, ...]
    licence: str


@dataclasses.dataclass(frozen=True)
class Database:
    """The theorems of a file, and the places in them that can be asked for.

    Attributes:
      file: base name of the file.
      sha256: of its bytes.
      theorems: those with a verified proof of at most MAX_STEPS steps, by name.
      places: (theorem, number of the step) of every example, in the file's order.
    """

    file: str
    sha256: str
    theorems: dict[str, Theorem]
    places: tuple[tuple[str, int], ...]


def load(path: str) -> Database:
    """Reads and verifies a database; one that did not change is read once in a process.

    Raises:
      DatabaseError: it holds no theorem with a verified proof.
      OSError: it can't be read.
    """
    stat = os.stat(path)
    return _load(os.path.abspath(path), stat.st_size, stat.st_mtime_ns)


@functools.lru_cache(maxsize=2)
def _load(path: str, size: int, changed: int) -> Database:
    file = InputFile(path, os.path.dirname(path), size)
    theorems: dict[str, Theorem] = {}
    for item in metamath.read(file):
        if isinstance(item, Document) and item.meta["verified"] == "yes":
            theorem = _theorem(item)
            if theorem is not None:
                theorems.setdefault(theorem.name, theorem)
    places = tuple(
        (theorem.name, number)
        for theorem in theorems.values()
        for number, step in enumerate(theorem.steps)
        # A hypothesis is stated, not found.
        if "[hypothesis " not in step and len(_prompt(theorem, number, file.name)) <= MAX_PROMPT
    )
    if not places:
        raise DatabaseError(f"{path}: no theorem with a verified proof; give a Metamath database (.mm)")
    return Database(file.name, file.sha256(), theorems, places)


def _theorem(document: Document) -> Theorem | None:
    statement, steps = _STATEMENT.search(document.text), _STEPS.search(document.text)
    if statement is None or steps is None:
        return None
    lines = tuple(steps[2].split("\n"))
    if len(lines) > MAX_STEPS:
        return None
    return Theorem(document.meta["name"], statement[2], lines, document.licence)


def _prompt(theorem: Theorem, number: int, file: str) -> str:
    """What comes before step `number`, counted from 0."""
    before = "\n".join(theorem.steps[:number]) or "none"
    return f"Theorem {theorem.name} of {file}:\n{theorem.statement}\nSteps so far:\n{before}\nNext step:\n"


@functools.lru_cache(maxsize=2)
def _order(count: int, seed: int) -> Sequence[int]:
    return random.Random(f"{NAME}/{seed}").sample(range(count), count)


def generate(database: Database, seed: int, index: int) -> Document:
    """The example of that seed and index; all seeds have the same examples, each in its own order.

    Raises:
      IndexError: the database has no more.
    """
    name, number = database.places[_order(len(database.places), seed)[index]]
    theorem = database.theorems[name]
    prompt, step = _prompt(theorem, number, database.file), theorem.steps[number]
    certificate = {
        "answer": step,
        "database": database.sha256,
        "file": database.file,
        "step": number,
        "text_id": content_id(prompt + step),
        "theorem": name,
    }
    meta = {"certificate": certificate, "language": "metamath", "prompt_end": len(prompt)}
    return Document(prompt + step, DOMAIN, f"{NAME}:{database.file}#{name}/{number}", theorem.licence, LEVEL, meta=meta)


def verify(document: Document, database: Database) -> bool:
    """Whether the database, as it is verified now, has this very step in this very place of the theorem's proof."""
    certificate, end = document.meta.get("certificate"), document.meta.get("prompt_end")
    if not isinstance(certificate, dict) or certificate.get("text_id") != content_id(document.text):
        return False
    theorem, number = database.theorems.get(certificate.get("theorem", "")), certificate.get("step")
    if theorem is None or not isinstance(number, int) or not 0 <= number < len(theorem.steps):
        return False
    prompt, step = _prompt(theorem, number, certificate.get("file", "")), theorem.steps[number]
    same = document.text == prompt + step and end == len(prompt) and certificate.get("answer") == step
    return same and certificate.get("database") == database.sha256
