"""Measures of any text, whatever its language, and the rules of the documentation that the demo's corpus is made of."""

from __future__ import annotations

import collections
import re
import unicodedata
from collections.abc import Callable

from data.processors.languages import is_english, is_unspaced
from data.processors.rules import Rule
from data.processors.view import DocView, ratio

_ASCII_LETTERS = re.compile(r"[A-Za-z]")
_LETTERS = re.compile(r"[^\W\d_]")
_ASCII_WORD = re.compile(r"[a-z]+")
_STOP_WORDS = frozenset(
    "the a an of to and in is for that it be are this with as or not on by can if from at which will you when has have "
    "was but all its used use one may any only then should each more than your we".split()
)
_GOPHER = "after Rae et al. 2021, Gopher, arXiv:2112.11446, by characters"
_BLOB = 200
_BLOBS = re.compile(rf"(?<![\w+/=%-])[\w+/=%-]{{{_BLOB},}}", re.ASCII)
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")
_MIN_DISTINCT_OF = 200
_UNSPACED = "Penedo et al. 2025, FineWeb2, arXiv:2506.20920 (lengths per language)"


def characters(view: DocView) -> float:
    """Characters of the text."""
    return len(view.text)


def solid_characters(view: DocView) -> float:
    """Characters that are no white space."""
    return sum(map(len, view.text.split()))


def _letters(view: DocView) -> int:
    if view.text.isascii():
        return len(_ASCII_LETTERS.findall(view.text))
    # Marks as well: half of what an Indic script writes are signs of vowels.
    return sum(
        n for character, n in collections.Counter(view.text).items() if unicodedata.category(character)[0] in "LM"
    )


def letters(view: DocView) -> float:
    """Letters of any script."""
    return view.feature(_letters)


def letter_share(view: DocView) -> float:
    """Share of letters among the characters that are no white space."""
    return ratio(view.feature(_letters), solid_characters(view))


def blob_share(view: DocView) -> float:
    """Share of the characters in runs of 200 and more without white space that look encoded."""
    return ratio(sum(map(len, _BLOBS.findall(view.text))), len(view.text))


def _letters_outside_code(view: DocView) -> float:
    """Letters in what is not fenced as code; as CommonMark has it, a fence that nothing closes reaches to the end."""
    found, opened = 0, ""
    for line in view.lines:
        fence = _FENCE.match(line)
        if opened:
            if fence and fence[1].startswith(opened) and not fence[2].strip():
                opened = ""
        elif fence:
            opened = fence[1]
        else:
            found += len(_LETTERS.findall(line))
    return found


def _english_words(view: DocView) -> list[str]:
    return _ASCII_WORD.findall(view.lowered)


def _ascii_letter_share(view: DocView) -> float:
    return ratio(len(_ASCII_LETTERS.findall(view.text)), solid_characters(view))


def _stop_word_share(view: DocView) -> float:
    found = view.feature(_english_words)
    return ratio(sum(word in _STOP_WORDS for word in found), len(found))


def _distinct_share(view: DocView) -> float:
    """Different words for each of the first 200: a long text repeats its words without being repetitive."""
    found = view.feature(_english_words)
    return ratio(len(set(found)), min(len(found), _MIN_DISTINCT_OF))


def too_short(low: int, measure: Callable[[DocView], float] = characters) -> Rule:
    """Drops documents of fewer characters."""
    return Rule("too_short", measure, low=low, span=(0, 10 * low), paper=_GOPHER)


def too_long(high: int) -> Rule:
    """Drops documents of more characters than anybody wrote at once."""
    return Rule("too_long", characters, high=high, span=(0, 2 * high), paper=_GOPHER)


NOT_ENCODED = Rule("encoded_data", blob_share, high=0.2, paper="Kocetkov et al. 2022, The Stack, arXiv:2211.15533")
# Word counts say nothing of languages without spaces; a Chinese text of 100 characters is one of about 60 words.
UNSPACED_LENGTH = Rule("too_few_letters", letters, low=100, span=(0, 1000), paper=_UNSPACED, applies=is_unspaced)


def few_letters(low: float) -> Rule:
    """Drops tables, listings and decoration."""
    return Rule("few_letters", letter_share, low=low, paper=_GOPHER)


def few_letters_outside_code(low: int) -> Rule:
    """Drops listings without a word about them."""
    return Rule("few_letters_outside_code", _letters_outside_code, low=low, span=(0, 10 * low), paper=_GOPHER)


PACKAGE_DOCS: tuple[Rule, ...] = (
    too_short(200),
    Rule("few_letters", _ascii_letter_share, low=0.66, paper=_GOPHER),
    Rule(
        "not_english_prose",
        _stop_word_share,
        low=0.18,
        paper="after Gopher's stop words, arXiv:2112.11446",
        applies=is_english,
    ),
    Rule("repetitive", _distinct_share, low=0.25, span=(0.0, 2.0), paper=_GOPHER),
)
