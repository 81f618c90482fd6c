"""English words, split as spaCy's English tokenizer splits them, and their numbers in a vocabulary.

A chunk between white space is split once and remembered, so that most of a text costs one look-up a chunk, and rules
compute on arrays of numbers. Splitting follows https://spacy.io/usage/linguistic-features#how-tokenizer-works:
affixes off, special cases kept, infixes cut. Texts of any language are split so; CJK is not segmented.
"""

from __future__ import annotations

import array
import itertools
import re
import threading
import unicodedata
from collections.abc import Callable, Container, Iterable
from typing import Any

import numpy as np

from data.processors.word_rules import (
    ANY_CUTS,
    ASCII_CUTS,
    INFIX_MARKS,
    MAX_SUFFIX,
    PREFIX,
    PREFIX_STARTS,
    PUNCTUATION,
    SENTENCE_ENDS,
    SINGLE_PREFIXES,
    SINGLE_SUFFIXES,
    SPECIAL_CASES,
    SUFFIX_ENDS,
    Cuts,
)

HAS_LETTER, HAS_OTHER_THAN_PUNCTUATION = 1, 2
STOP_WORDS = ("the", "be", "to", "of", "and", "that", "have", "with")
_FIRST_STOP_WORD = 2  # the bit
_STOP_FLAGS = {word: 1 << (_FIRST_STOP_WORD + number) for number, word in enumerate(STOP_WORDS)}
STOP_MASK = sum(_STOP_FLAGS.values())
_MAX_CHUNKS = 1 << 18
_MAX_CHARACTERS = 1 << 24
_REMEMBERED_LENGTH = 64
_MAX_SPECIAL = max(map(len, SPECIAL_CASES))
_PLAIN = re.compile(r"""(["'(\[]?)([A-Za-z]+)((?:[,;:!?)\]"']|(?<=[a-z])\.)?)""")


def _prefix_end(chunk: str, low: int, high: int) -> int:
    """Where the prefix of chunk[low:high] ends; `low` where it has none."""
    if chunk[low] in SINGLE_PREFIXES:
        return low + 1
    found = PREFIX.match(chunk, low, high) if chunk[low] in PREFIX_STARTS else None
    return found.end() if found else low


def _suffix_start(cuts: Cuts, chunk: str, low: int, high: int) -> int:
    """Where the suffix of chunk[low:high] begins; `high` where it has none."""
    if low == high:
        return high
    last = chunk[high - 1]
    if last in SINGLE_SUFFIXES:
        return high - 1
    if last not in SUFFIX_ENDS:
        return high
    if chunk.endswith("..", low, high):
        while high > low and chunk[high - 1] == ".":
            high -= 1
        return high
    tail = chunk[max(low, high - MAX_SUFFIX) : high]
    found = cuts.suffix.search(tail)
    return high - len(tail) + found.start() if found else high


def _peel(chunk: str, specials: Container[str]) -> tuple[list[str], str, list[str]]:
    """Takes affixes off until none or a special case is left: (prefixes, what is left, suffixes)."""
    cuts = ASCII_CUTS if chunk.isascii() else ANY_CUTS
    low, high = 0, len(chunk)
    before: list[str] = []
    after: list[str] = []
    # Slices are taken only where they are short: a chunk may be a megabyte of brackets.
    while low < high and (high - low > _MAX_SPECIAL or chunk[low:high] not in specials):
        start = _prefix_end(chunk, low, high)
        end = _suffix_start(cuts, chunk, start, high)
        if start > low:
            before.append(chunk[low:start])
            if high - start <= _MAX_SPECIAL and chunk[start:high] in specials:
                low = start
                break
        if end < high and end - low <= _MAX_SPECIAL and chunk[low:end] in specials:
            if start > low:
                before.pop()
            after.append(chunk[end:high])
            high = end
            break
        if end < high:
            after.append(chunk[end:high])
        if (start, end) == (low, high):
            break
        low, high = start, end
    after.reverse()
    return before, chunk[low:high], after


def _cut(rest: str) -> list[str]:
    """What is left without affixes, cut at infixes unless it is an address."""
    if INFIX_MARKS.isdisjoint(rest):
        return [rest] if rest else []
    cuts = ASCII_CUTS if rest.isascii() else ANY_CUTS
    if "." in rest and cuts.url.match(rest):
        return [rest]
    parts, start = [], 0
    for infix in cuts.infix.finditer(rest):
        if infix.start() == 0:
            continue
        if infix.start() > start:
            parts.append(rest[start : infix.start()])
        parts.append(infix.group())
        start = infix.end()
    if start < len(rest):
        parts.append(rest[start:])
    return parts


def _torn() -> dict[tuple[str, str], list[tuple[tuple[str, ...], tuple[str, ...]]]]:
    """Special cases that affixes or infixes tear apart, by the first two words left: (words left, words wanted)."""
    found: dict[tuple[str, str], list[tuple[tuple[str, ...], tuple[str, ...]]]] = {}
    as_wanted = []
    for case, wanted in SPECIAL_CASES.items():
        before, rest, after = _peel(case, ())
        left = (*before, *_cut(rest), *after)
        if len(left) > 1 and left == wanted:
            as_wanted.append(left)
        elif len(left) > 1:
            found.setdefault(left[:2], []).append((left, wanted))
    # What is as wanted must not be mended into something shorter: the `c.` of `°c.`.
    for words in as_wanted:
        if not found.keys().isdisjoint(itertools.pairwise(words)):
            found.setdefault(words[:2], []).append((words, words))
    return found


_TORN = _torn()
_TORN_PAIRS = frozenset(_TORN)


def _mend(words: list[str]) -> list[str]:
    """Puts together what is a special case after all, the longest first."""
    matches = []
    for index, pair in enumerate(itertools.pairwise(words)):
        for left, wanted in _TORN.get(pair, ()):
            if tuple(words[index : index + len(left)]) == left:
                matches.append((index, len(left), wanted))
    seen: set[int] = set()
    chosen = {}
    for index, length, wanted in sorted(matches, key=lambda match: (-match[1], match[0])):
        if index not in seen and index + length - 1 not in seen:
            chosen[index] = (length, wanted)
        seen.update(range(index, index + length))
    mended, index = [], 0
    while index < len(words):
        length, wanted = chosen.get(index, (1, (words[index],)))
        mended.extend(wanted)
        index += length
    return mended


def split_chunk(chunk: str) -> tuple[str, ...]:
    """The words of a chunk that holds no white space."""
    if chunk in SPECIAL_CASES:
        return SPECIAL_CASES[chunk]
    if plain := _PLAIN.fullmatch(chunk):
        # What follows would do the same to it, and most chunks look so.
        before, letters, after = plain.groups()
        if SPECIAL_CASES.keys().isdisjoint((letters, before + letters, letters + after)):
            words = [part for part in (before, letters, after) if part]
            return tuple(words if _TORN_PAIRS.isdisjoint(itertools.pairwise(words)) else _mend(words))
    prefixes, rest, suffixes = _peel(chunk, SPECIAL_CASES)
    words = [*prefixes, *(SPECIAL_CASES.get(rest) or _cut(rest)), *suffixes]
    return tuple(words if _TORN_PAIRS.isdisjoint(itertools.pairwise(words)) else _mend(words))


def split_words(text: str) -> list[str]:
    """The words of a text."""
    return [word for chunk in text.split() for word in split_chunk(chunk)]


def _sentence_mark(word: str) -> str:
    """`t` for a word that ends sentences, `n` for one that may begin them, nothing for other punctuation."""
    if word in SENTENCE_ENDS:
        return "t"
    return "n" if word.isalnum() or any(unicodedata.category(c)[0] != "P" for c in word) else ""


def _flags(word: str) -> int:
    if word.isalpha():
        return HAS_LETTER | HAS_OTHER_THAN_PUNCTUATION | _STOP_FLAGS.get(word, 0)
    letter = HAS_LETTER if any(map(str.isalpha, word)) else 0
    return letter if PUNCTUATION.issuperset(word) else letter | HAS_OTHER_THAN_PUNCTUATION


class _Chunks(dict):
    """Chunk -> the numbers of its words; unknown chunks are split when they are asked for."""

    def __init__(self, learn: Callable[[str], Any]):
        super().__init__()
        self._learn = learn

    def __missing__(self, chunk: str) -> Any:
        return self._learn(chunk)


class Vocabulary:
    """Words and their numbers. Numbers say nothing but equality, and hold within one vocabulary."""

    def __init__(self):
        self.words: list[str] = []
        self._chunks = _Chunks(self._learn)
        self._marks = _Chunks(self._learn_marks)
        self._numbers: dict[str, int] = {}
        self._lengths = array.array("q")
        self._flags = array.array("H")
        self._characters = 0
        self._lock = threading.Lock()

    def is_full(self) -> bool:
        """Whether a new one should take its place, so that memory stays bounded."""
        return len(self._chunks) > _MAX_CHUNKS or self._characters > _MAX_CHARACTERS

    def _learn(self, chunk: str) -> tuple[int, ...]:
        words = split_chunk(chunk)
        with self._lock:
            numbers = tuple([self._numbers.get(word) or self._number(word) for word in words])
            self._characters += len(chunk)
        if len(chunk) <= _REMEMBERED_LENGTH:
            self._chunks[chunk] = numbers
        return numbers

    def _number(self, word: str) -> int:
        number = self._numbers.get(word)
        if number is None:
            number = self._numbers[word] = len(self.words)
            self.words.append(word)
            self._lengths.append(len(word))
            self._flags.append(_flags(word))
        return number

    def _learn_marks(self, chunk: str) -> str:
        marks = "".join([_sentence_mark(self.words[number]) for number in self._chunks[chunk]])
        if len(chunk) <= _REMEMBERED_LENGTH:
            self._marks[chunk] = marks
        return marks

    def numbers(self, text: str) -> np.ndarray:
        """The numbers of a text's words, int64."""
        found = itertools.chain.from_iterable(map(self._chunks.__getitem__, text.split()))
        return np.fromiter(found, np.int64)

    def lengths(self, numbers: np.ndarray) -> np.ndarray:
        """Characters of words by their numbers, int64."""
        with self._lock:
            return np.frombuffer(self._lengths, np.int64)[numbers] if len(numbers) else numbers

    def flags(self, numbers: np.ndarray) -> np.ndarray:
        """HAS_LETTER, HAS_OTHER_THAN_PUNCTUATION and a bit for each of STOP_WORDS, by words' numbers; uint16."""
        with self._lock:
            return np.frombuffer(self._flags, np.uint16)[numbers] if len(numbers) else numbers.astype(np.uint16)

    def marks_of(self, chunks: Iterable[str]) -> str:
        """The sentence marks of chunks: a `tn` in them is where a sentence begins."""
        return "".join(map(self._marks.__getitem__, chunks))


_current = Vocabulary()


def vocabulary() -> Vocabulary:
    """The process's vocabulary; texts that are compared must be numbered by the same."""
    global _current
    if _current.is_full():
        _current = Vocabulary()
    return _current
