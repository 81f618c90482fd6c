"""Generated mathematics with worked answers and a certificate that replays each of them.

`generate(level, seed, index)` is a pure function. `meta["prompt_end"]` is where in the text the solution starts. The
certificate in `meta` is a list of claims, each checked by other means than those that made the answer: partial products
against exact fractions, formulas against polynomial identity, antiderivatives by differentiating back, number theory by
counting.
"""

from __future__ import annotations

import dataclasses
import random

from data.document import Document, content_id
from data.generators import math_advanced, math_basic, math_claims, math_research, natural_deduction
from data.generators.math_claims import Problem

NAME = "math_problems"
DOMAIN = "math"
LICENCE = "CC0-1.0"
TEMPLATES = {
    "arithmetic": math_basic.ARITHMETIC,
    "algebra": math_basic.ALGEBRA,
    "calculus": math_advanced.CALCULUS,
    "proofs": (*math_advanced.PROOFS, natural_deduction.problem),
    "research": math_research.RESEARCH,
}
_ANSWER = "Answer: "


def render(problem: Problem) -> str:
    """The text a model reads: problem, solution a step a line, answer."""
    steps = "\n".join(problem.steps)
    return f"{_prompt(problem)}Solution: {steps}\n{_ANSWER}{problem.answer}"


def _prompt(problem: Problem) -> str:
    return f"Problem: {problem.question}\n"


def generate(level: str, seed: int, index: int) -> Document:
    """The problem of that level, seed and index.

    Raises:
      KeyError: an unknown level.
    """
    rng = random.Random(f"{DOMAIN}/{level}/{seed}/{index}")
    return laid_out(rng.choice(TEMPLATES[level])(rng), level, f"{seed}/{index}")


def laid_out(problem: Problem, level: str, name: str) -> Document:
    """The document of a problem."""
    text = render(problem)
    certificate = {
        "answer": problem.answer,
        "claims": [list(claim) for claim in problem.claims],
        "text_id": content_id(text),
    }
    meta = {"certificate": certificate, "prompt_end": len(_prompt(problem))}
    return Document(text, DOMAIN, f"{NAME}:{level}/{name}", LICENCE, level, meta=meta)


def answered(document: Document, completion: str) -> Document | None:
    """The problem with another solution; the answer must be the one that the claims are about.

    Natural deduction is judged line by line. Other proofs are not: their claims say nothing of the text's steps.
    """
    certificate, text = document.meta["certificate"], document.text[: document.meta["prompt_end"]] + completion
    claims = certificate["claims"]
    if document.level == "proofs":
        if claims[0][0] != natural_deduction.CLAIM:
            return None
        steps = completion.removeprefix("Solution: ").rsplit(f"\n{_ANSWER}", 1)[0].splitlines()
        claims = [[*claims[0][:3], steps], *claims[1:]]
    certificate = certificate | {"claims": claims, "text_id": content_id(text)}
    return dataclasses.replace(document, text=text, meta=document.meta | {"certificate": certificate})


def verify(document: Document) -> bool:
    """Whether the certificate is whole, belongs to this very text, and each of its claims holds."""
    certificate = document.meta.get("certificate")
    if not isinstance(certificate, dict) or not certificate.get("claims"):
        return False
    answer = document.text.rsplit(f"\n{_ANSWER}", 1)[-1]
    if certificate.get("text_id") != content_id(document.text) or certificate.get("answer") != answer:
        return False
    return all(math_claims.holds(claim, answer) for claim in certificate["claims"])
