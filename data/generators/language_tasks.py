"""What every family of generated language problems makes: a text in two parts, and what proves the second."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable
from typing import Any


@dataclasses.dataclass(frozen=True)
class Task:
    """A problem of language.

    Attributes:
      prompt: the text up to where the completion starts; "" of a conversation, which has no single prompt.
      completion: what is learned; of a conversation all of it.
      check: name of the check in `data.generators.language_checks`.
      facts: what the check needs besides the text, as JSON.
      form: further meta of the document: question, summary, translation, turns.
    """

    prompt: str
    completion: str
    check: str
    facts: dict[str, Any]
    form: dict[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def text(self) -> str:
        """The whole document."""
        return self.prompt + self.completion


# Takes random numbers and the level's index, 0 (plain) to 4 (scholarly).
Family = Callable[[random.Random, int], Task]


class ReadingError(ValueError):
    """A text that a check can't read, or that is not how its language says it."""
