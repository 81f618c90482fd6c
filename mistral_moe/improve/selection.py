"""Which of a model's own completions it is taught: good enough, no two alike, and not too many of one prompt.

Rejection sampling as in STaR (Zelikman et al. 2022, arXiv:2203.14465) and ReST-EM (Singh et al. 2023,
arXiv:2312.06585), whose cap per prompt keeps easy prompts from crowding out the hard ones.
"""

from __future__ import annotations

import collections
from collections.abc import Iterable, Sequence
import dataclasses
import hashlib
import re
import unicodedata

GRAM = 3
DUPLICATE, NEAR_DUPLICATE, OVER_CAP = "duplicate", "near_duplicate", "over_cap"
_TOKEN = re.compile(r"\w+|[^\w\s]")


@dataclasses.dataclass(frozen=True)
class Candidate:
    """A completion that may be taught.

    Attributes:
      prompt: names the prompt; completions are compared with those of the same prompt.
      text: the completion.
      quality: 0 to 1.
      reason: why its quality is low, where who judged it knows; what it is counted under if it is too low.
    """

    prompt: str
    text: str
    quality: float
    reason: str = "below_threshold"


def normalised(text: str) -> str:
    """A text as duplicates are told by: NFKC, runs of blanks as one space, no blank at a line's end or around the text.

    Lines and their indentation stay, for they are part of a program's meaning.
    """
    lines = []
    for line in unicodedata.normalize("NFKC", text).split("\n"):
        body = line.lstrip()
        lines.append(line[: len(line) - len(body)] + re.sub(r"\s+", " ", body).rstrip())
    return "\n".join(line for line in lines if line.strip())


def grams(text: str, size: int = GRAM) -> frozenset[tuple[str, ...]]:
    """The n-grams of a text's words and marks; a shorter text is one gram."""
    tokens = tuple(_TOKEN.findall(text))
    return frozenset(tokens[at : at + size] for at in range(max(len(tokens) - size + 1, 1)))


def jaccard(first: frozenset, second: frozenset) -> float:
    """Shared members over all members, 0 to 1; 1 of two empty sets."""
    return len(first & second) / len(first | second) if first or second else 1.0


def order_key(candidate: Candidate) -> tuple[float, str, str]:
    """What decides among completions of one prompt: quality, and a hash where that is equal.

    A hash, and not the length or the place: no kind of completion is preferred, and shuffling the candidates changes
    nothing.
    """
    digest = hashlib.sha256(candidate.text.encode("utf-8", "surrogatepass")).hexdigest()
    return -candidate.quality, digest, candidate.text


def select(
    candidates: Sequence[Candidate],
    threshold: float,
    per_prompt: int,
    near: float,
    known: Iterable[tuple[str, str]] = (),
) -> list[str]:
    """Judges candidates; which completions are kept does not depend on their order.

    Args:
      candidates: all of them.
      threshold: completions above it are kept; a quality that is NaN is not above anything.
      per_prompt: the most that are kept of one prompt, those already known included.
      near: completions of one prompt whose 3-grams have a Jaccard similarity of at least this are one; above 1 only
        equal ones are.
      known: (prompt, text) of what was kept before.

    Returns:
      For each candidate "" where it is kept, else the reason: its own, or DUPLICATE, NEAR_DUPLICATE or OVER_CAP.

    Raises:
      ValueError: `threshold` outside 0 to 1, `per_prompt` below 1, or `near` not above 0.
    """
    if not 0 <= threshold <= 1 or per_prompt < 1 or not near > 0:
        raise ValueError(
            f"threshold {threshold} must be from 0 to 1, per_prompt {per_prompt} at least 1 and near {near} above 0"
        )
    kept: dict[str, list[tuple[str, frozenset]]] = collections.defaultdict(list)
    for prompt, text in known:
        plain = normalised(text)
        kept[prompt].append((plain, grams(plain)))
    # Equal texts of one prompt differ by nothing but their place, so that it may decide which of them is the one.
    order = sorted(range(len(candidates)), key=lambda at: (candidates[at].prompt, order_key(candidates[at]), at))
    reasons = [""] * len(candidates)
    for at in order:
        candidate = candidates[at]
        if not candidate.quality > threshold:
            reasons[at] = candidate.reason
            continue
        plain, others = normalised(candidate.text), kept[candidate.prompt]
        own = grams(plain)
        if any(plain == other for other, _ in others):
            reasons[at] = DUPLICATE
        elif any(jaccard(own, other) >= near for _, other in others):
            reasons[at] = NEAR_DUPLICATE
        elif len(others) >= per_prompt:
            reasons[at] = OVER_CAP
        else:
            others.append((plain, own))
    return reasons
