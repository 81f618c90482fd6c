"""What benchmarks ask of a model: text goes in; text, or the nats of text, comes out.

The model of a run, a store of earlier answers in front of it, and the stubs that the harness is tested with all have this
form, so that a benchmark can't tell them apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
import dataclasses
from typing import Protocol, TypeVar

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Continuation:
    """How likely `text` is after `context`; an empty context is the beginning of a document."""

    context: str
    text: str


@dataclasses.dataclass(frozen=True)
class LogLikelihood:
    """Of a continuation, or of a whole text.

    Attributes:
      nats: sum of the log-probabilities of its tokens.
      is_greedy: whether each of its tokens was the model's first choice.
      tokens: how many it has.
      truncated: tokens at the beginning of the context that the model's window had no room for.
    """

    nats: float
    is_greedy: bool
    tokens: int
    truncated: int = 0


@dataclasses.dataclass(frozen=True)
class Prompt:
    """A text to go on from.

    Attributes:
      text: what the model reads after the mark of a document's beginning.
      max_tokens: the most tokens to add.
      stop: texts that end the completion and are no part of it.
      temperature: 0 is greedy.
      top_p: share of probability that is sampled from.
      seed: of the sampling; equal prompts of equal seeds get equal completions.
      control: where not empty, the prompt in parts instead of `text`: plain text, and control symbols such as "[INST]" at
        the odd places (0 text, 1 symbol, 2 text, ...). Text never encodes to a control symbol.
    """

    text: str
    max_tokens: int
    stop: tuple[str, ...] = ()
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0
    control: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Generated:
    """A completion.

    Attributes:
      text: without the stop text.
      tokens: how many the model drew, special ones included.
      ends: "stop" or "length".
      truncated: tokens at the beginning of the prompt that the model's window had no room for.
    """

    text: str
    tokens: int
    ends: str
    truncated: int = 0


class LanguageModel(Protocol):
    """A model.

    The methods yield (index of the request, result) as results come, in any order, each index once.

    Attributes:
      identity: changes when an answer could change: what earlier answers are kept under.
    """

    identity: str

    def log_likelihoods(self, requests: Sequence[Continuation]) -> Iterator[tuple[int, LogLikelihood]]:
        """The likelihood of each continuation."""

    def rolling(self, texts: Sequence[str]) -> Iterator[tuple[int, LogLikelihood]]:
        """The likelihood of each whole text, in windows where it is longer than the model's."""

    def generate(self, prompts: Sequence[Prompt]) -> Iterator[tuple[int, Generated]]:
        """The completion of each prompt."""


def in_order(results: Iterator[tuple[int, T]]) -> list[T]:
    """Results by their index."""
    return [result for _, result in sorted(results, key=lambda item: item[0])]
