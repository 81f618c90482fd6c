"""How toxic a text reads: alt-profanity-check's linear model over words, trained on 200,000 comments, English only.

A bag of words can't tell a slur from its discussion: `benchmarks/toxicity_auroc.py` prints what it is worth.
https://pypi.org/project/alt-profanity-check
"""

from __future__ import annotations

from collections.abc import Sequence

MAX_CHARACTERS = 100_000


def scores(texts: Sequence[str]) -> list[float]:
    """The probability that each text is offensive, in [0, 1]; of a long text its first MAX_CHARACTERS decide."""
    # Loads scikit-learn and the model.
    from profanity_check import predict_prob

    if not texts:
        return []
    return [float(score) for score in predict_prob([text[:MAX_CHARACTERS] for text in texts])]


def score(text: str) -> float:
    """The probability that a text is offensive, in [0, 1]."""
    return scores([text])[0]
