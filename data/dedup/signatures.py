"""What a document is compared by: a key of its exact content, the set of its shingles, and MinHash bands of that set.

MinHash: word 5-grams, 112 values, grouped twice into 14 bands of 8 rows: in their order, which is FineWeb's setting
(arXiv 2406.17557: a pair of Jaccard similarity 0.72 shares a band with probability 0.64, one of 0.8 with 0.92), and by every
fourteenth. The second grouping finds part of what the first misses, for no further hashing; the pairs that it brings in
vain are thrown out by exact comparison. The values come from `rensa`, fed with the
hashes of the shingles: a digest takes under 1 ms a MB, numpy's `min(a * h + b)` about 12, and making the strings that
rensa is usually fed with alone 65 to 85 (benchmarks/data_dedup.py --parts=signatures). Its `rho` sketch is no MinHash:
equal positions say nothing of the Jaccard similarity.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import rensa
import xxhash

from data.dedup import words

VALUES, ROWS = 112, 8
BANDS = 2 * VALUES // ROWS
SHINGLE_WORDS = 5
# In the place of a band's hash: the document has none, as it holds no text.
NO_BAND = 0
_SEED = 1
_STRIDE = VALUES // ROWS
_PACK = struct.Struct(f"<{2 * VALUES}I").pack


def version() -> str:
    """Names all that bands depend on: documents of two versions can't be compared."""
    return f"minhash-{VALUES}-{BANDS}x{ROWS}-words{SHINGLE_WORDS}-seed{_SEED}-rensa{rensa.RMinHash.ALGORITHM_VERSION}"


def exact_key(text: str, media: bytes = b"") -> bytes:
    """16 bytes, the same for contents that differ only in Unicode form, case and white space of the text.

    Args:
      text: of the document.
      media: its bytes, compared as they are.
    """
    digest = xxhash.xxh3_128(" ".join(words.fold(text).split()).encode("utf-8", "surrogatepass"))
    digest.update(b"\x00")
    digest.update(media)
    return digest.digest()


def shingles(text: str) -> np.ndarray:
    """Sorted different hashes of the word 5-grams, uint64; character 5-grams in scripts without spaces.

    A text of fewer words is one shingle, and so is one without any word; a text of white space alone has none.
    """
    return shingle_sets([text])[0]


def shingle_sets(texts: Iterable[str]) -> list[np.ndarray]:
    """`shingles` of each text, several times as fast where the texts are short."""
    return [one for group in words.batches(texts) for one in _shingles_of_group(group)]


def _shingles_of_group(folded: Sequence[str]) -> Iterator[np.ndarray]:
    found, cuts = words.words_of(folded)
    grams = words.ngrams(found.hashes, SHINGLE_WORDS)[0]
    for text, first, end in zip(folded, cuts[:-1].tolist(), cuts[1:].tolist(), strict=True):
        if end - first >= SHINGLE_WORDS:
            yield _distinct(grams[first : end - SHINGLE_WORDS + 1])
        elif end > first:
            yield words.ngrams(found.hashes[first:end], end - first)[0]
        else:
            whole = " ".join(text.split()).encode("utf-8", "surrogatepass")
            yield np.array([xxhash.xxh3_64_intdigest(whole)] if whole else [], np.uint64)


def _distinct(values: np.ndarray) -> np.ndarray:
    values = np.sort(values)
    fresh = np.ones(len(values), bool)
    np.not_equal(values[1:], values[:-1], out=fresh[1:])
    return values[fresh]


def bands_of(shingle_sets: Sequence[np.ndarray]) -> np.ndarray:
    """Band hashes of several documents, uint64 [N, BANDS]; NO_BAND for a document without shingles.

    Each band's hash depends on the band's number as well, so that it names a bucket alone.
    """
    offsets = np.zeros(len(shingle_sets) + 1, np.uint64)
    np.cumsum([len(one) for one in shingle_sets], out=offsets[1:])
    flat = np.concatenate(shingle_sets) if len(shingle_sets) else np.empty(0, np.uint64)
    rows = rensa.RMinHash.digest_matrix_from_flat_token_hashes(flat, offsets, VALUES, _SEED).to_rows()
    found = np.full((len(shingle_sets), BANDS), NO_BAND, np.uint64)
    width = 4 * ROWS
    for number, (row, one) in enumerate(zip(rows, shingle_sets, strict=True)):
        if len(one):
            data = _PACK(*row, *(value for first in range(_STRIDE) for value in row[first::_STRIDE]))
            found[number] = [
                xxhash.xxh3_64_intdigest(data[band * width : (band + 1) * width], seed=band) or 1
                for band in range(BANDS)
            ]
    return found


def band_hashes(text: str) -> np.ndarray:
    """MinHash bands of a text, uint64 [BANDS]: documents that share one are candidates to be near duplicates."""
    return bands_of([shingles(text)])[0]
