"""Candidates that a model writes: the prompts of generated documents, with completions of its own.

What is accepted of them is decided by the checkers that the generators' own documents pass, on a certificate that belongs to
the text as the model wrote it. Where a checker vouches for the answer alone, as for most mathematics, the steps are the
model's (the rejection sampling of Zelikman et al. 2022, arXiv:2203.14465).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

from data.document import Document
from data.sources.registry import source
from data.synthetic.makers import MakerError

# (prompts, seed) -> a completion of each.
Writer = Callable[[Sequence[str], int], list[str]]


def prompt_of(document: Document) -> str:
    """The document up to where its completion begins."""
    return document.text[: document.meta["prompt_end"]]


def can_be_attempted(document: Document) -> bool:
    """Whether the document has a prompt, and its checker reads what is written after it."""
    answered = source(document.source.split(":", 1)[0]).answered
    return answered is not None and answered(document, "") is not None


def attempt(document: Document, completion: str, model: str) -> Document:
    """The document as a model would have it.

    Args:
      document: one that `can_be_attempted`.
      completion: what the model wrote after its prompt.
      model: names the model, for `meta["model"]`.
    """
    written = source(document.source.split(":", 1)[0]).answered(document, completion)
    return dataclasses.replace(written, meta=written.meta | {"model": model})


def attempts(documents: Sequence[Document], writer: Writer, seed: int, model: str) -> list[Document]:
    """What the model makes of the prompts of documents.

    Raises:
      MakerError: none of them leaves anything for a model to write that could be checked.
    """
    chosen = [document for document in documents if can_be_attempted(document)]
    if documents and not chosen:
        raise MakerError(
            f"no checker reads what a model would write of {documents[0].domain}/{documents[0].level}; "
            "choose another --level or --source, or leave --model out"
        )
    completions = writer([prompt_of(document) for document in chosen], seed)
    return [attempt(document, completion, model) for document, completion in zip(chosen, completions, strict=True)]
