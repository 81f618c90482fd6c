"""Words of any language as 64-bit hashes, in numpy: what near-duplicate search and decontamination both start from.

A word is a maximal run of letters, digits, underscores and the marks that belong to them (`\\w+`, but Hindi vowel signs
don't cut words). Scripts that are written without spaces give one word a character, so that n-grams of words are
n-grams of characters there, also where such text stands between words of another script. No Python object is
made of it.
"""

from __future__ import annotations

import dataclasses
import functools
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

# Characters that are hashed at once: few enough to stay in the cache, which doubles the speed on prose.
BLOCK = 1 << 17
_OTHER, _WORD, _ALONE = 0, 1, 2
# Thai, Lao, Tibetan, Myanmar, Khmer; kana and Bopomofo; ideographs with their extensions and compatibility forms.
_NO_SPACES = (
    (0x0E00, 0x0FFF),
    (0x1000, 0x109F),
    (0x1780, 0x17FF),
    (0x3005, 0x3007),
    (0x3040, 0x312F),
    (0x31A0, 0x31BF),
    (0x31F0, 0x31FF),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0xFF66, 0xFF9F),
    (0x1B000, 0x1B16F),
    (0x20000, 0x3FFFF),
)
_CODE_POINTS = 0x110000
_BASE = np.uint64(0x9E3779B97F4A7C15)
_NGRAM_BASE = np.uint64(0xD1342543DE82EF95)
# Longer words repeat the powers; what is lost is only the order of characters a whole period apart.
_PERIOD = 4096


def fold(text: str) -> str:
    """The text in NFC and without case: what counts as the same word."""
    return (text if text.isascii() else unicodedata.normalize("NFC", text)).casefold()


def mix(values: np.ndarray) -> np.ndarray:
    """The finaliser of splitmix64: a bijection of uint64 after which every bit depends on every bit."""
    values = values.copy()
    values ^= values >> np.uint64(30)
    values *= np.uint64(0xBF58476D1CE4E5B9)
    values ^= values >> np.uint64(27)
    values *= np.uint64(0x94D049BB133111EB)
    values ^= values >> np.uint64(31)
    return values


@functools.cache
def _classes() -> np.ndarray:
    """uint8 for each code point: no part of a word, part of one, a word of its own."""
    table = np.zeros(_CODE_POINTS, np.uint8)
    # Beyond the ideographs of plane 3 there are only variation selectors and private use.
    for point in range(0x32400):
        character = chr(point)
        if character.isalnum() or character == "_" or unicodedata.category(character)[0] == "M":
            table[point] = _WORD
    for first, last in _NO_SPACES:
        table[first : last + 1] *= _ALONE
    return table


@functools.cache
def _values() -> np.ndarray:
    """A random odd uint64 for each code point."""
    return mix(np.arange(1, _CODE_POINTS + 1, dtype=np.uint64) * _BASE) | np.uint64(1)


@functools.cache
def _powers() -> np.ndarray:
    return np.multiply.accumulate(np.full(_PERIOD, _BASE, np.uint64))


@dataclasses.dataclass(frozen=True)
class Words:
    """The words of a text.

    Attributes:
      hashes: uint64 [W].
      starts, ends: int64 [W], where they lie in the text.
    """

    hashes: np.ndarray
    starts: np.ndarray
    ends: np.ndarray

    def __len__(self) -> int:
        return len(self.hashes)


def words(text: str) -> Words:
    """The words of a folded text, in order. Equal words have equal hashes, in every process and on every machine."""
    parts = []
    begin = 0
    while begin < len(text):
        block = text[begin : begin + BLOCK]
        classes, points = _classified(block)
        if begin + len(block) < len(text):
            # The block ends behind its last separator; a word longer than a block is cut.
            cut = np.flatnonzero(classes == _OTHER)
            size = int(cut[-1]) + 1 if len(cut) else len(block)
            classes, points = classes[:size], points[:size]
        parts.append(_block_words(classes, points, begin))
        begin += len(classes)
    if not parts:
        return Words(np.empty(0, np.uint64), np.empty(0, np.int64), np.empty(0, np.int64))
    return Words(*map(np.concatenate, zip(*map(_columns, parts), strict=True)))


def batches(texts: Iterable[str]) -> Iterator[list[str]]:
    """Folded texts in groups that `words_of` takes at once: short ones together, a long one alone.

    A group is no longer than a block, so that where a text is cut into blocks does not depend on its neighbours.
    """
    group: list[str] = []
    size = 0
    for folded in map(fold, texts):
        if group and size + len(folded) > BLOCK:
            yield group
            group, size = [], 0
        group.append(folded)
        size += len(folded) + 1
    if group:
        yield group


def words_of(folded: Sequence[str]) -> tuple[Words, np.ndarray]:
    """The words of several folded texts, for far less than one call each costs where they are short.

    Returns:
      The words, placed in the texts joined by line feeds, and cuts int64 [N + 1]: words cuts[i] to cuts[i + 1] are text
      i's.
    """
    # Line feeds are in no word, so that none reaches from a text into the next.
    found = words("\n".join(folded))
    return found, np.searchsorted(found.starts, np.cumsum([0, *(len(text) + 1 for text in folded)]))


def _columns(found: Words) -> tuple[np.ndarray, ...]:
    return found.hashes, found.starts, found.ends


def _classified(block: str) -> tuple[np.ndarray, np.ndarray]:
    if block.isascii():
        points = np.frombuffer(block.encode("ascii"), np.uint8)
    else:
        points = np.frombuffer(block.encode("utf-32-le", "surrogatepass"), np.uint32)
    return _classes()[points], points


def _block_words(classes: np.ndarray, points: np.ndarray, begin: int) -> Words:
    inside = np.flatnonzero(classes)
    kinds = classes[inside]
    # A word starts where the character before it is in no word, or either of the two stands alone.
    first = np.ones(len(inside), bool)
    first[1:] = (np.diff(inside) != 1) | (kinds[1:] == _ALONE) | (kinds[:-1] == _ALONE)
    heads = np.flatnonzero(first)
    lengths = np.diff(heads, append=len(inside))
    places = np.arange(len(inside)) - np.repeat(heads, lengths)
    if len(places) and int(lengths.max()) > _PERIOD:
        places %= _PERIOD
    terms = _values()[points[inside]] * _powers()[places]
    hashes = mix(np.add.reduceat(terms, heads)) if len(heads) else np.empty(0, np.uint64)
    starts = inside[heads] + begin
    return Words(hashes, starts, starts + lengths)


def ngrams(hashes: np.ndarray, shortest: int, longest: int | None = None) -> list[np.ndarray]:
    """Hashes of the n-grams of words.

    Args:
      hashes: uint64 [W] of the words.
      shortest, longest: lengths n; only `shortest` where there is no `longest`.

    Returns:
      For each n an array uint64 [W - n + 1], empty where there are fewer words; n-grams of different lengths differ.
    """
    longest = longest or shortest
    found = []
    running = np.zeros(len(hashes), np.uint64)
    for n in range(1, longest + 1):
        count = max(len(hashes) - n + 1, 0)
        running = running[:count] * _NGRAM_BASE + hashes[n - 1 : n - 1 + count]
        if n >= shortest:
            found.append(mix(running + np.uint64(n * int(_BASE) % 2**64)))
    return found


def ngrams_at(hashes: np.ndarray, firsts: np.ndarray, shortest: int, longest: int) -> list[np.ndarray]:
    """Hashes of the n-grams that begin at these words, uint64 [F] for each n, equal to those of `ngrams`.

    Those that would reach beyond the last word are of no meaning.
    """
    found = []
    running = np.zeros(len(firsts), np.uint64)
    for n in range(1, longest + 1):
        running = running * _NGRAM_BASE + hashes[np.minimum(firsts + (n - 1), len(hashes) - 1)]
        if n >= shortest:
            found.append(mix(running + np.uint64(n * int(_BASE) % 2**64)))
    return found
