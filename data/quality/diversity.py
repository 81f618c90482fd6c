"""How little a batch's documents repeat themselves and each other, on a scale that doesn't move with its size.

The share of distinct n-grams in a batch falls with its size (Heaps), so a threshold on it would mean something else
for every size. What is estimated here is a property of the source instead: the share of distinct n-grams that K of
its documents drawn at random would have among each other. For a batch of M documents, in which the n-gram i lies in
m_i of them, K of them have

    sum_i 1 - C(M - m_i, K) / C(M, K)

distinct n-grams in expectation over all ways to draw K of M (Hurlbert 1971, rarefaction by samples), which is exact
and has the same expectation for every M >= K. What one document repeats within itself is told by rarefaction in the
same way: the distinct n-grams among WINDOW of its own, drawn without replacement. diversity = between * within.

Each document counts alike, however long: it is represented by the SKETCH smallest hashes of its n-grams (Broder
1997), which for copies of one text, or edits of it, are mostly the same n-grams. A document with media has as many
hashes of those besides: one caption under two pictures is half a repetition. Of HTML what a reader sees is taken,
since all pages share their mark-up. Numbers are all the same outside mathematics and reasoning, where they are the
content: a template that only counts on is no new text.

ORDER, DRAWN, SKETCH and WINDOW were chosen so that 0.7 lies between what real sources and what spoiled batches have,
both of which `benchmarks/quality_calibration.py` prints: prose and code, mixed or not, stand at 0.9 and above,
reviews, questions, proofs and puzzles from 0.74 to 0.9; texts from one template with eight slots for words, batches
in which half the documents are copies, near-copies with a tenth of the words changed, and pages of boilerplate stay
below 0.68.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Sequence

import numpy as np
import xxhash

from data.document import Document
from data.processors.generated import visible_text

ORDER = 4  # tokens of an n-gram
DRAWN = 8  # K
SKETCH = 64
WINDOW = 64
MAX_CHARACTERS = 50_000  # of one document
_NUMERIC = ("math", "reasoning")
_NUMBER = re.compile(r"\d+")
_PAGE = re.compile(r"\s{0,100}(?:<!doctype html|<html)\b", re.IGNORECASE)
# Words, signs, and each sign of scripts without spaces by itself.
_TOKEN = re.compile(
    "[\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]|[^\\W_]+|[^\\w\\s]"
)


@dataclasses.dataclass(frozen=True)
class Diversity:
    """A batch's diversity and its two parts, all in [0, 1].

    Attributes:
      value: between * within.
      between: expected share of distinct n-grams among DRAWN documents.
      within: mean over documents of the expected share of distinct n-grams among WINDOW of each.
      documents: those that have an n-gram at all, so that they count.
    """

    value: float
    between: float
    within: float
    documents: int


@functools.lru_cache(maxsize=1 << 16)
def _token_hash(token: str) -> int:
    return xxhash.xxh3_64_intdigest(token.encode("utf-8", "surrogatepass"))


def _mixed(values: np.ndarray) -> np.ndarray:
    """splitmix64's finaliser (Steele et al. 2014): sums of hashes aren't uniform, these are."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def ngram_hashes(text: str) -> np.ndarray:
    """Hash of each n-gram of a text, in order; of a text shorter than an n-gram the hash of all of it, [n] uint64."""
    tokens = [_token_hash(token) for token in _TOKEN.findall(text.lower())]
    if not tokens:
        return np.zeros(0, np.uint64)
    hashes = np.array(tokens, np.uint64)
    order = min(ORDER, len(hashes))
    combined = np.zeros(len(hashes) - order + 1, np.uint64)
    for place in range(order):
        combined = combined * np.uint64(0x9E3779B97F4A7C15) + hashes[place : len(hashes) - order + 1 + place]
    return _mixed(combined)


def expected_distinct(counts: np.ndarray, total: int, drawn: int) -> float:
    """Expected number of kinds among `drawn` of `total` things, drawn without replacement; kind i lies in counts[i].

    sum_i 1 - C(total - counts[i], drawn) / C(total, drawn), by logarithms of gamma.
    """
    from scipy.special import gammaln

    counts = np.asarray(counts, np.float64)
    left = total - counts
    possible = left >= drawn  # else every draw holds the kind
    none = np.zeros(len(counts))
    left = left[possible]
    none[possible] = np.exp(
        gammaln(left + 1) - gammaln(left - drawn + 1) - gammaln(total + 1) + gammaln(total - drawn + 1)
    )
    return float(np.sum(1 - none))


def within(hashes: np.ndarray) -> float:
    """Expected share of distinct n-grams among WINDOW of a document's, or among all of a shorter one's."""
    drawn = min(WINDOW, len(hashes))
    return expected_distinct(np.unique(hashes, return_counts=True)[1], len(hashes), drawn) / drawn


def _text_of(document: Document) -> str:
    text = document.text[:MAX_CHARACTERS]
    if _PAGE.match(text):
        text = visible_text(text) or text
    return text if document.domain in _NUMERIC else _NUMBER.sub("0", text)


def _sketch(hashes: np.ndarray, media: bytes) -> np.ndarray:
    chosen = np.unique(hashes)[:SKETCH]
    if not media:
        return chosen
    seed = np.uint64(xxhash.xxh3_64_intdigest(media))
    return np.concatenate([chosen, _mixed(seed + np.arange(len(chosen), dtype=np.uint64))])


def measure(documents: Sequence[Document]) -> Diversity:
    """Diversity of a batch. Of fewer than DRAWN documents all are drawn, so that the value is a little higher.

    A batch without any n-gram has diversity 0.
    """
    hashed = [(ngram_hashes(_text_of(document)), document.media) for document in documents]
    hashed = [(hashes, media) for hashes, media in hashed if len(hashes)]
    if not hashed:
        return Diversity(0.0, 0.0, 0.0, 0)
    sketches = [_sketch(hashes, media) for hashes, media in hashed]
    drawn = min(DRAWN, len(sketches))
    counts = np.unique(np.concatenate(sketches), return_counts=True)[1]
    distinct = expected_distinct(counts, len(sketches), drawn)
    between = min(distinct / (drawn * sum(map(len, sketches)) / len(sketches)), 1.0)
    repeats = min(sum(within(hashes) for hashes, _ in hashed) / len(hashed), 1.0)
    return Diversity(between * repeats, between, repeats, len(hashed))
