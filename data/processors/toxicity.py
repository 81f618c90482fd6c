"""How toxic a text reads: alt-profanity-check's linear model over words, trained on 200,000 comments, English only.

A bag of words can't tell a slur from its discussion: `benchmarks/toxicity_auroc.py` prints what it is worth.
https://pypi.org/project/alt-profanity-check
"""

from __future__ import annotations

from collections.abc import Sequence

MAX_CHARACTERS = 100_000
PASSAGE_WORDS = 50
_OFFENSIVE = 0.5


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


def offensive_shares(texts: Sequence[str]) -> list[float]:
    """The share of each text's passages of PASSAGE_WORDS words that are more likely offensive than not, in [0, 1].

    The probability of a whole text grows with its length, and its mean over plain prose is about 0.1; a share of passages
    has neither fault.
    """
    cut = [text[:MAX_CHARACTERS].split() for text in texts]
    starts = [range(0, len(words), PASSAGE_WORDS) for words in cut]
    passages = [" ".join(words[at : at + PASSAGE_WORDS]) for words, own in zip(cut, starts, strict=True) for at in own]
    found = iter(scores(passages))
    return [sum(next(found) >= _OFFENSIVE for _ in own) / max(len(own), 1) for own in starts]
