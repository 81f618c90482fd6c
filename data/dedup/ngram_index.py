"""The n-grams of benchmarks in sorted arrays, and which of them a text holds.

A text is first asked for n-grams that begin as one of the index does: one table of bits, probed with the hashes of its
first words, answers no for almost all of them; only the rest are built to their full length and looked up.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from data.dedup import words

NGRAM = 13
# Items with fewer words are no evidence: "is there a circle in the image" is anybody's sentence.
MIN_WORDS = 8
_FILTER_BITS = 16  # for each n-gram; two probes let one other n-gram in 64 through
_BLOCK = 1 << 15  # words whose n-grams are looked up at once
_BIT = np.left_shift(1, np.arange(8)).astype(np.uint8)


@dataclasses.dataclass(frozen=True)
class Hit:
    """A benchmark that a document holds text of.

    Attributes:
      benchmark: its name.
      ngram: the first text that they share, as folded.
      share: part of the document's words that lie in n-grams of the benchmark, 0 to 1.
    """

    benchmark: str
    ngram: str
    share: float


@dataclasses.dataclass(frozen=True, eq=False)
class NgramIndex:
    """The n-grams of benchmarks, in 12 bytes each; made by `IndexBuilder`, kept as .npz.

    Attributes:
      benchmarks: names, sorted; `owners` counts by them.
      hashes: uint64 [G] sorted; an n-gram of several benchmarks stands there several times.
      owners: uint16 [G].
      beginnings: uint8 [2^k / 8], the bits of the hashes of the n-grams' first words; may hold more than needed.
      longest: words of an n-gram; shorter ones are whole items.
      problems: what of the benchmark files could not be read, in words.
    """

    benchmarks: tuple[str, ...]
    hashes: np.ndarray
    owners: np.ndarray
    beginnings: np.ndarray
    longest: int = NGRAM
    problems: tuple[str, ...] = ()

    @property
    def shortest(self) -> int:
        """Words of the shortest item."""
        return min(MIN_WORDS, self.longest)

    def save(self, path: str) -> None:
        """Writes the index as .npz."""
        values = dataclasses.asdict(self)
        for name in ("benchmarks", "problems"):
            values[name] = np.array(values[name], np.str_)
        with open(path, "wb") as file:
            np.savez(file, **values)

    @classmethod
    def load(cls, path: str) -> NgramIndex:
        """Reads what `save` wrote."""
        with np.load(path, allow_pickle=False) as found:
            values: dict[str, Any] = dict(found)
        for name in ("benchmarks", "problems"):
            values[name] = tuple(values[name].tolist())
        return cls(**values | {"longest": int(values["longest"])})

    def hits(self, text: str) -> list[Hit]:
        """The benchmarks that a text holds n-grams of, by name."""
        return self.hits_of([text])[0]

    def hits_of(self, texts: Iterable[str]) -> list[list[Hit]]:
        """`hits` of each text, several times as fast where the texts are short."""
        return [hits for group in words.batches(texts) for hits in self._hits_of_group(group)]

    def _hits_of_group(self, folded: list[str]) -> list[list[Hit]]:
        all_words, cuts = words.words_of(folded)
        hashes, firsts, lengths, texts = self._found(all_words.hashes, cuts)
        hits: list[list[Hit]] = [[] for _ in folded]
        if not len(hashes):
            return hits
        joined = "\n".join(folded)
        # An n-gram of several benchmarks counts for each of them.
        left = np.searchsorted(self.hashes, hashes, "left")
        counts = np.searchsorted(self.hashes, hashes, "right") - left
        rows = np.repeat(left - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())
        owners = self.owners[rows].astype(np.int64)
        firsts, lengths, texts = (np.repeat(values, counts) for values in (firsts, lengths, texts))
        for pair in np.unique(texts * len(self.benchmarks) + owners).tolist():
            text, owner = divmod(pair, len(self.benchmarks))
            mine = (texts == text) & (owners == owner)
            begins, ends = firsts[mine], firsts[mine] + lengths[mine]
            edges = np.zeros(cuts[text + 1] - cuts[text] + 1, np.int64)
            np.add.at(edges, begins - cuts[text], 1)
            np.add.at(edges, ends - cuts[text], -1)
            share = float(np.count_nonzero(np.cumsum(edges))) / (len(edges) - 1)
            first = np.lexsort((-ends, begins))[0]
            ngram = joined[all_words.starts[begins[first]] : all_words.ends[ends[first] - 1]]
            hits[text].append(Hit(self.benchmarks[owner], ngram, share))
        return hits

    def _found(self, hashes: np.ndarray, cuts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Hash, first word, length and text of each n-gram that the index holds, from the words of several texts."""
        none = np.empty(0, np.int64)
        parts = [(np.empty(0, np.uint64), none, none, none)]
        lengths = np.arange(self.shortest, self.longest + 1)
        for begin in range(0, len(hashes) if len(self.hashes) else 0, _BLOCK):
            block = hashes[begin : begin + _BLOCK + self.shortest - 1]
            firsts = _known(self.beginnings, words.ngrams(block, self.shortest)[0]) + begin
            texts = np.searchsorted(cuts, firsts, "right") - 1
            inside = firsts + self.shortest <= cuts[texts + 1]
            firsts, texts = firsts[inside], texts[inside]
            if not len(firsts):
                continue
            grams = np.stack(words.ngrams_at(hashes, firsts, self.shortest, self.longest))
            rows = np.searchsorted(self.hashes, grams)
            rows[rows == len(self.hashes)] = 0
            same = (self.hashes[rows] == grams) & (firsts + lengths[:, None] <= cuts[texts + 1])
            kinds, places = np.nonzero(same)
            parts.append((grams[same], firsts[places], lengths[kinds], texts[places]))
        return tuple(np.concatenate(columns) for columns in zip(*parts, strict=True))


def _probes(table: np.ndarray, hashes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The two bits of each hash in a table of bits."""
    bits = np.uint64(8 * len(table) - 1)
    return hashes & bits, (hashes >> np.uint64(32)) & bits


def _has_bit(table: np.ndarray, places: np.ndarray) -> np.ndarray:
    return table[places >> np.uint64(3)] & _BIT[(places & np.uint64(7)).astype(np.intp)] != 0


def _known(table: np.ndarray, hashes: np.ndarray) -> np.ndarray:
    """Places of the hashes that may be in the table."""
    low, high = _probes(table, hashes)
    found = np.flatnonzero(_has_bit(table, low))
    return found[_has_bit(table, high[found])]


class IndexBuilder:
    """Collects the n-grams of benchmarks, item by item."""

    def __init__(self, ngram: int = NGRAM):
        if ngram < 1:
            raise ValueError(f"an n-gram of {ngram} words")
        self._longest, self._shortest = ngram, min(MIN_WORDS, ngram)
        self._numbers: dict[str, int] = {}
        self._waiting: list[tuple[int, str]] = []
        self._size = 0
        self._hashes = [np.empty(0, np.uint64)]
        self._beginnings = [np.empty(0, np.uint64)]
        self._owners = [np.empty(0, np.int64)]

    def add(self, benchmark: str, item: str) -> None:
        """Takes a question, context or answer; one of less than MIN_WORDS words has no effect."""
        self._waiting.append((self._numbers.setdefault(benchmark, len(self._numbers)), item))
        self._size += len(item)
        if self._size > words.BLOCK:
            self._flush()

    def _flush(self) -> None:
        owners = np.array([owner for owner, _ in self._waiting], np.int64)
        begin = 0
        for group in words.batches(item for _, item in self._waiting):
            self._take(group, owners[begin : begin + len(group)])
            begin += len(group)
        self._waiting, self._size = [], 0

    def _take(self, folded: list[str], owners: np.ndarray) -> None:
        """Takes the n-grams of several items at once, since most are short."""
        found, cuts = words.words_of(folded)
        lengths = np.minimum(np.diff(cuts), self._longest)
        items = np.repeat(np.arange(len(folded)), np.diff(cuts))
        grams = words.ngrams(found.hashes, self._shortest, self._longest)
        for length, hashes in enumerate(grams, self._shortest):
            # An n-gram lies in an item of that length, or of at least the full length.
            last = items[length - 1 : length - 1 + len(hashes)]
            firsts = np.flatnonzero((items[: len(hashes)] == last) & (lengths[last] == length))
            self._hashes.append(hashes[firsts])
            self._beginnings.append(grams[0][firsts])
            self._owners.append(owners[items[firsts]])

    def build(self, problems: Sequence[str] = ()) -> NgramIndex:
        """The index of all items so far."""
        self._flush()
        names = sorted(self._numbers)
        ranks = np.array([names.index(name) for name in self._numbers], np.uint16)
        owners = ranks[np.concatenate(self._owners)] if names else np.empty(0, np.uint16)
        hashes = np.concatenate(self._hashes)
        order = np.lexsort((owners, hashes))
        owners, hashes = owners[order], hashes[order]
        fresh = np.append(True, (np.diff(hashes) != 0) | (np.diff(owners) != 0))[: len(hashes)]
        beginnings = np.unique(np.concatenate(self._beginnings))
        table = np.zeros(1 << (max(_FILTER_BITS * len(beginnings), 64).bit_length() - 3), np.uint8)
        for places in _probes(table, beginnings):
            np.bitwise_or.at(table, places >> np.uint64(3), _BIT[(places & np.uint64(7)).astype(np.intp)])
        return NgramIndex(tuple(names), hashes[fresh], owners[fresh], table, self._longest, tuple(problems))
