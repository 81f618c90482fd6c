"""Models of known score: what they answer is decided by the test, not learned."""

from __future__ import annotations

import random

from mistral_moe.evaluation.language_model import Generated, LogLikelihood


class StubModel:
    """Answers by functions of the text.

    Args:
      likelihood: (context, text) -> nats of the continuation.
      complete: prompt -> completion's text.
    """

    identity = "stub"

    def __init__(self, likelihood=lambda context, text: 0.0, complete=lambda prompt: ""):
        self._likelihood, self._complete = likelihood, complete

    def log_likelihoods(self, requests):
        for index, request in enumerate(requests):
            yield index, LogLikelihood(self._likelihood(request.context, request.text), False, len(request.text))

    def rolling(self, texts):
        for index, text in enumerate(texts):
            yield index, LogLikelihood(self._likelihood("", text), False, len(text))

    def generate(self, prompts):
        for index, prompt in enumerate(prompts):
            yield index, Generated(self._complete(prompt), 1, "stop")


def longest():
    """Prefers the continuation of most characters."""
    return StubModel(lambda context, text: float(len(text)))


def shortest():
    """Prefers the continuation of fewest characters."""
    return StubModel(lambda context, text: -float(len(text)))


def constant(answer):
    """Prefers continuations equal to `answer`, and generates it."""
    return StubModel(lambda context, text: float(text.strip() == answer.strip()), lambda prompt: answer)


def at_random(seed=0):
    """Draws each likelihood."""
    rng = random.Random(seed)
    return StubModel(lambda context, text: rng.random(), lambda prompt: str(rng.random()))


def perfect(answers):
    """Prefers the right continuation and generates the right answer.

    Args:
      answers: right text by context or prompt.
    """
    return StubModel(
        lambda context, text: float(answers.get(context, "").strip() == text.strip()),
        lambda prompt: answers.get(prompt.text, ""),
    )
