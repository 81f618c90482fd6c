"""What a reward model is held against: programs that have read no sentence."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from data.preferences.pair import Pair


def bag_of_words(train: Sequence[Pair], heldout: Sequence[Pair]) -> np.ndarray:
    """Bradley-Terry on TF-IDF of words and pairs of words: a logistic regression of the sides' difference.

    Args:
      train: what it learns from.
      heldout: what it is asked about.

    Returns:
      [N] float64, for each held-out pair the score of the chosen minus that of the rejected side; 0, a tie, where there
      is not one word to learn from.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    # Single letters and digits count as words: answers may be numbers.
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True, token_pattern=r"\w+|[^\w\s]")
    try:
        vectorizer.fit([text for pair in train for text in (pair.chosen, pair.rejected)])
    except ValueError:  # no word is in two texts
        return np.zeros(len(heldout))
    better, worse = (vectorizer.transform([getattr(pair, side) for pair in train]) for side in ("chosen", "rejected"))
    signs = np.where(np.arange(len(train)) % 2, -1.0, 1.0)
    model = LogisticRegression(fit_intercept=False, max_iter=1000)
    # Every other pair is turned round, since a regression wants both classes.
    model.fit((better - worse).multiply(signs[:, None]).tocsr(), signs > 0)
    better, worse = (vectorizer.transform([getattr(pair, side) for pair in heldout]) for side in ("chosen", "rejected"))
    return np.asarray((better - worse) @ model.coef_[0]).ravel()


def accuracy(margins: np.ndarray) -> dict[str, float]:
    """Share of pairs [N] whose margin is above 0, a tie being half, with its standard error."""
    right = (np.sign(margins) + 1) / 2
    stderr = right.std(ddof=1) / np.sqrt(len(right)) if len(right) > 1 else 0.0
    return {"accuracy": float(right.mean()), "stderr": float(stderr)}


def measured(train: Sequence[Pair], heldout: Sequence[Pair], lengths: np.ndarray) -> dict[str, dict[str, float]]:
    """The floors on the held-out pairs.

    Args:
      train: what the first learns from, which is what the reward model does.
      heldout: the pairs.
      lengths: [N, 2] tokens of the chosen and the rejected answers.

    Returns:
      `bag_of_words` and `longer_wins`, each {accuracy, stderr}.
    """
    # A single training pair leaves a regression with one class.
    words = bag_of_words(train, heldout) if len(train) > 1 else np.zeros(len(heldout))
    return {
        "bag_of_words": accuracy(words),
        "longer_wins": accuracy((lengths[:, 0] - lengths[:, 1]).astype(np.float64)),
    }
