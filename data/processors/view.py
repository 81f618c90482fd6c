"""A document with what rules ask of it, computed once: the rules of one document share one view."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from data.document import Document
from data.processors import words

T = TypeVar("T")


class DocView:
    """Lazily computed features of a document."""

    def __init__(self, document: Document):
        self.document = document
        self._features: dict[Callable[[DocView], Any], Any] = {}
        self._vocabulary = words.vocabulary()

    @property
    def text(self) -> str:
        """The document's text."""
        return self.document.text

    def with_text(self, text: str) -> DocView:
        """A view of the document with another text; this very view where the text is the same."""
        return self if text == self.text else DocView(dataclasses.replace(self.document, text=text))

    def feature(self, compute: Callable[[DocView], T]) -> T:
        """What `compute` makes of this view, computed at the first call: for features that several rules share."""
        if compute not in self._features:
            self._features[compute] = compute(self)
        return self._features[compute]

    @functools.cached_property
    def lines(self) -> list[str]:
        """The text split at line feeds."""
        return self.text.split("\n")

    @functools.cached_property
    def all_lines(self) -> list[str]:
        """The text split at every line boundary that Unicode knows, ends left off."""
        return self.text.splitlines()

    @functools.cached_property
    def lowered(self) -> str:
        """The text in lower case."""
        return self.text.lower()

    @functools.cached_property
    def word_numbers(self) -> np.ndarray:
        """int64, one number a word; equal words have equal numbers within one view."""
        return self._vocabulary.numbers(self.text)

    @functools.cached_property
    def word_lengths(self) -> np.ndarray:
        """int64, characters of each word."""
        return self._vocabulary.lengths(self.word_numbers)

    @functools.cached_property
    def word_flags(self) -> np.ndarray:
        """uint16, the flags of each word: see `data.processors.words`."""
        return self._vocabulary.flags(self.word_numbers)

    @property
    def words(self) -> list[str]:
        """The words themselves."""
        return [self._vocabulary.words[number] for number in self.word_numbers.tolist()]

    def sentence_marks(self, chunks: list[str]) -> str:
        """The marks of chunks' words by which sentences are counted: one begins at each `tn`."""
        return self._vocabulary.marks_of(chunks)


def ratio(part: float, whole: float) -> float:
    """part / whole; NaN of nothing, which no rule keeps."""
    return part / whole if whole else float("nan")
