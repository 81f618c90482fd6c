"""Generated logic problems: reasoning in steps, then the answer, which an exhaustive solver confirms.

`generate(level, seed, index)` is a pure function. `meta["prompt_end"]` is where in the text the reasoning starts. The
certificate in `meta` holds the problem in machine form; `verify` solves that form anew, by truth table, permutations or
graph search, and holds it against the answer in the text.
"""

from __future__ import annotations

import dataclasses
import random

from data.document import Document, content_id
from data.generators import logic_proofs, logic_puzzles
from data.generators.logic_checks import Puzzle, holds

NAME = "logic_problems"
DOMAIN = "reasoning"
LICENCE = "CC0-1.0"
TEMPLATES = {
    "one_step": logic_proofs.ONE_STEP,
    "multi_step": logic_proofs.MULTI_STEP,
    "constraints": logic_puzzles.CONSTRAINTS,
    "search": logic_puzzles.SEARCH,
    "proof": logic_proofs.PROOF,
}
_ANSWER = "Answer: "


def render(puzzle: Puzzle) -> str:
    """The text a model reads: problem, reasoning a step a line, answer."""
    steps = "\n".join(puzzle.steps)
    return f"{_prompt(puzzle)}Reasoning: {steps}\n{_ANSWER}{puzzle.answer}"


def _prompt(puzzle: Puzzle) -> str:
    return f"Problem: {puzzle.question}\n"


def generate(level: str, seed: int, index: int) -> Document:
    """The problem of that level, seed and index.

    Raises:
      KeyError: an unknown level.
    """
    rng = random.Random(f"{DOMAIN}/{level}/{seed}/{index}")
    puzzle = rng.choice(TEMPLATES[level])(rng)
    text = render(puzzle)
    certificate = {"answer": puzzle.answer, "check": puzzle.check, "text_id": content_id(text), **puzzle.facts}
    meta = {"certificate": certificate, "prompt_end": len(_prompt(puzzle))}
    return Document(text, DOMAIN, f"{NAME}:{level}/{seed}/{index}", LICENCE, level, meta=meta)


def answered(document: Document, completion: str) -> Document | None:
    """The problem with other reasoning; the answer is solved for anew. Proofs of many lines are not read from the text."""
    certificate, text = document.meta["certificate"], document.text[: document.meta["prompt_end"]] + completion
    if certificate["check"] == "proof":
        return None
    certificate = certificate | {"text_id": content_id(text)}
    return dataclasses.replace(document, text=text, meta=document.meta | {"certificate": certificate})


def verify(document: Document) -> bool:
    """Whether the certificate belongs to this very text and its problem, solved anew, has the text's answer."""
    certificate = document.meta.get("certificate")
    if not isinstance(certificate, dict) or certificate.get("text_id") != content_id(document.text):
        return False
    answer = document.text.rsplit(f"\n{_ANSWER}", 1)[-1]
    return certificate.get("answer") == answer and holds(certificate, answer)
