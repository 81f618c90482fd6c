"""The difficulty of prose: Flesch-Kincaid for English, the automated readability index for every other language."""

from __future__ import annotations

import math
import re
import unicodedata

from data.document import Document

DEFINITION = (
    "score = Flesch-Kincaid grade (0.39 words/sentence + 11.8 syllables/word - 15.59), held within 0 to 30, plus "
    "LENGTH_WEIGHT * log2(words / 50); the levels are the score's ranges between LANGUAGE_BOUNDS. Of a document in "
    "another "
    "language than English, or one whose letters are mostly not A to Z, the grade is the automated readability index "
    "(Smith "
    "and Senter 1967: 4.71 letters/word + 0.5 words/sentence - 21.43), which counts no syllables and so asks for no "
    "language; "
    "sentences end at the marks of any script, and scripts without spaces count SIGNS_PER_WORD signs as a word of "
    "LETTERS_OF_SIGNS letters."
)

LENGTH_WEIGHT = 1.5
LANGUAGE_BOUNDS = (9.0, 11.0, 13.0, 15.5)
SIGNS_PER_WORD = 1.7
LETTERS_OF_SIGNS = 4.7
_LEVELS = ("plain", "explanatory", "instructive", "technical", "scholarly")
_SENTENCE_END = re.compile(r"[.!?]+(?:\s|$)|\n\n")
_WORD = re.compile(r"[A-Za-z]+")
_VOWELS = re.compile(r"[aeiouy]+")
# Full stops of Latin, CJK, Devanagari, Arabic, Armenian, Ethiopic, Khmer, Myanmar and Tibetan; Thai has spaces for
# them.
_ANY_SENTENCE_END = re.compile(
    r"[.!?\u0589\u061f\u06d4\u1362\u17d4\u104b\u0f0d]+(?=\s|$)|[\u3002\uff01\uff1f\uff0e\u0964\u0965]+|\n\n"
)
# Han, Kana, Thai, Lao, Khmer, Myanmar, Tibetan: no spaces between words.
_UNSPACED = re.compile(
    "[\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff]+"
)


def _syllables(word: str) -> int:
    groups = len(_VOWELS.findall(word))
    silent = word.endswith("e") and not word.endswith("le") and groups > 1
    return max(groups - silent, 1)


def _measured(grade: float, words: float, sentences: int) -> dict[str, float]:
    grade = min(max(grade, 0.0), 30.0)
    score = grade + LENGTH_WEIGHT * math.log2(max(words, 1) / 50)
    return {"words": round(words), "sentences": sentences, "grade": round(grade, 2), "score": round(score, 2)}


def language_measures(text: str) -> dict[str, float]:
    """Words, sentences, Flesch-Kincaid grade and the score that levels are cut from, of English."""
    words = _WORD.findall(text.lower())
    sentences = max(sum(1 for part in _SENTENCE_END.split(text) if _WORD.search(part)), 1)
    count = max(len(words), 1)
    syllables = sum(map(_syllables, words))
    return _measured(0.39 * count / sentences + 11.8 * syllables / count - 15.59, len(words), sentences)


def _letters(chunk: str) -> int:
    letters = sum(map(str.isalpha, chunk))
    # The vowel signs of Indic scripts are marks, not letters, to Unicode.
    return letters if chunk.isascii() else letters + sum(unicodedata.category(sign)[0] == "M" for sign in chunk)


def counts(text: str) -> tuple[float, float, int]:
    """(letters, words, sentences) of a text in any script; words and sentences are at least 1."""
    signs = sum(map(len, _UNSPACED.findall(text)))
    lengths = [_letters(chunk) for chunk in _UNSPACED.sub(" ", text).split()]
    lengths = [length for length in lengths if length]
    words = max(len(lengths) + signs / SIGNS_PER_WORD, 1.0)
    letters = sum(lengths) + signs / SIGNS_PER_WORD * LETTERS_OF_SIGNS
    sentences = max(sum(1 for part in _ANY_SENTENCE_END.split(text) if any(map(str.isalpha, part))), 1)
    return letters, words, sentences


def any_language_measures(text: str) -> dict[str, float]:
    """The same measures by letters alone, of a text in any script."""
    letters, words, sentences = counts(text)
    return _measured(4.71 * letters / words + 0.5 * words / sentences - 21.43, words, sentences)


def language_level(measures: dict[str, float]) -> str:
    """Level of a prose document from its measures."""
    return _LEVELS[sum(measures["score"] >= bound for bound in LANGUAGE_BOUNDS)]


def is_english(document: Document) -> bool:
    """Whether a document is named English or, where it is named nothing, is written in the letters of English."""
    named = str(document.meta.get("language") or "").lower().replace("_", "-").split("-")[0]
    if named:
        return named in ("en", "eng", "english")
    letters = sum(map(str.isalpha, document.text))
    return 2 * len("".join(_WORD.findall(document.text))) >= letters


def measure(document: Document) -> tuple[str, dict[str, float]]:
    """(level, measures) of a prose document."""
    counts = language_measures(document.text) if is_english(document) else any_language_measures(document.text)
    return language_level(counts), counts
