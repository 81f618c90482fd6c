"""How varied a model's completions still are, so that a collapse is seen: taught its own words, a model narrows."""

from __future__ import annotations

import collections
from collections.abc import Hashable, Sequence
import dataclasses
import itertools
import math

from mistral_moe.improve.selection import grams, jaccard, normalised


@dataclasses.dataclass(frozen=True)
class Diversity:
    """Of k completions of each of N prompts. Compare figures of equal N and k alone: shares fall with the size.

    Attributes:
      distinct_1, distinct_2: distinct n-grams of words over all n-grams (Li et al. 2016, arXiv:1510.03055).
      self_overlap: mean Jaccard similarity of the 3-grams of two completions of one prompt, as Self-BLEU (Zhu et al.
        2018, arXiv:1802.01886) is of their BLEU; 1 where all are the same.
      answers_per_prompt: distinct answers to a prompt over k, mean over prompts. It falls as a model gets better, too.
      answer_nats: entropy of the answers to a prompt, mean over prompts.
      answer_nats_over_all: entropy of all answers together. Different prompts have different answers: it falls where a
        model gives one answer to everything, and not where it gets better.
    """

    distinct_1: float
    distinct_2: float
    self_overlap: float
    answers_per_prompt: float
    answer_nats: float
    answer_nats_over_all: float


def entropy(values: Sequence[Hashable]) -> float:
    """Nats of the empirical distribution of values; 0 of none."""
    counts = collections.Counter(values).values()
    total = sum(counts)
    # One sum for all orders of the values: a resume repeats it to the bit.
    return math.fsum(-count / total * math.log(count / total) for count in counts) if total else 0.0


def distinct(texts: Sequence[str], size: int) -> float:
    """Distinct n-grams of words over all n-grams of the texts; 0 where there are none."""
    seen: set[tuple[str, ...]] = set()
    total = 0
    for text in texts:
        words = text.split()
        own = [tuple(words[at : at + size]) for at in range(len(words) - size + 1)]
        seen.update(own)
        total += len(own)
    return len(seen) / total if total else 0.0


def measure(texts: Sequence[Sequence[str]], answers: Sequence[Sequence[str]]) -> Diversity:
    """Diversity of completions.

    Args:
      texts: of each prompt, its completions.
      answers: of each prompt, the answer that each completion comes to.

    Raises:
      ValueError: no prompts, a prompt without completions, or answers that are not one a completion.
    """
    if not texts or not all(texts) or [len(own) for own in texts] != [len(own) for own in answers]:
        raise ValueError("diversity is of at least one completion a prompt, each with its answer")
    flat = [text for own in texts for text in own]
    overlaps = []
    for own in texts:
        sets = [grams(normalised(text)) for text in own]
        overlaps += [jaccard(first, second) for first, second in itertools.combinations(sets, 2)]
    return Diversity(
        distinct_1=distinct(flat, 1),
        distinct_2=distinct(flat, 2),
        self_overlap=math.fsum(overlaps) / len(overlaps) if overlaps else 1.0,
        answers_per_prompt=math.fsum(len(set(own)) / len(own) for own in answers) / len(answers),
        answer_nats=math.fsum(entropy(own) for own in answers) / len(answers),
        answer_nats_over_all=entropy([answer for own in answers for answer in own]),
    )


def has_collapsed(start: Diversity, now: Diversity, share: float) -> bool:
    """Whether all answers together have lost more than 1 - `share` of the entropy that they had at the start."""
    return now.answer_nats_over_all < share * start.answer_nats_over_all
