"""What is asked of the engine, and what it answers: requests, tokens as they come, whole completions."""

from __future__ import annotations

from collections.abc import Sequence
import dataclasses

MAX_STOPS = 8


@dataclasses.dataclass(frozen=True)
class Request:
    """A prompt and how it goes on.

    Attributes:
      prompt: token ids, at least one.
      max_tokens: the most tokens to add, at least 1.
      temperature, top_k, top_p, min_p: see `inference.sampling.Sampling`.
      seed: 0 to 2**32 - 1; equal requests of equal seeds get equal tokens.
      stop: ids that end the completion, at most `MAX_STOPS`.
    """

    prompt: Sequence[int]
    max_tokens: int
    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    seed: int = 0
    stop: tuple[int, ...] = ()

    def check(self, name: str, vocab_size: int) -> None:
        """Raises ValueError where a value is out of its range; `name` says which request it is."""
        for what, is_wrong, fix in (
            ("an empty prompt", not len(self.prompt), "give it at least the BOS id"),
            ("max_tokens below 1", self.max_tokens < 1, "ask for at least one token"),
            ("a negative temperature", not self.temperature >= 0, "0 is greedy"),
            ("a negative top_k", self.top_k < 0, "0 keeps all"),
            ("top_p outside (0, 1]", not 0 < self.top_p <= 1, "1 keeps all"),
            ("min_p outside [0, 1]", not 0 <= self.min_p <= 1, "0 keeps all"),
            ("a seed outside 32 bits", not 0 <= self.seed < 2**32, "take it modulo 2**32"),
            (f"{len(self.stop)} stop ids", len(self.stop) > MAX_STOPS, f"give at most {MAX_STOPS}"),
        ):
            if is_wrong:
                raise ValueError(f"{name} has {what}; {fix}")
        if not 0 <= min(self.prompt) <= max(self.prompt) < vocab_size:
            raise ValueError(
                f"{name} has a token outside the vocabulary of {vocab_size}; is the tokenizer the model's?"
            )


@dataclasses.dataclass(frozen=True)
class Token:
    """A token as it comes.

    Attributes:
      request: which request it is of, counted from 0.
      id: the token's.
      log_prob: nats, by the model's own distribution (temperature 1, no filter).
      ends: None, or why it is the request's last: "stop" (it is one of the stop ids) or "length".
    """

    request: int
    id: int
    log_prob: float
    ends: str | None


@dataclasses.dataclass(frozen=True)
class Completion:
    """All tokens of a request.

    Attributes:
      tokens: the new ones, the stop id that ended them included.
      log_probs: of each.
      ends: "stop" or "length".
    """

    tokens: list[int]
    log_probs: list[float]
    ends: str

    @property
    def text_tokens(self) -> list[int]:
        """The new tokens without the stop id."""
        return self.tokens[:-1] if self.ends == "stop" else self.tokens
