"""Gopher's rules of repetition and quality (Rae et al. 2021, https://arxiv.org/abs/2112.11446, table A1 and section
A.1.1).

Thresholds and readings of the paper are those of datatrove 0.10's filters, so that decisions can be held against it.
A rule that counts n-grams or words of known lengths asks only texts whose language puts spaces between words.
"""

from __future__ import annotations

import functools
import re

import numpy as np

from data.processors.languages import is_english, is_spaced
from data.processors.repetition import NGrams, repeated
from data.processors.rules import Rule
from data.processors.view import DocView, ratio
from data.processors.words import HAS_LETTER, HAS_OTHER_THAN_PUNCTUATION, STOP_MASK

_PAPER = "Rae et al. 2021, Gopher, arXiv:2112.11446"
_PARAGRAPH_END = re.compile(r"\n{2,}")


def _repeated_paragraphs(view: DocView) -> tuple[float, float]:
    parts = _PARAGRAPH_END.split(view.text.strip())
    number, characters = repeated(parts)
    return ratio(number, len(parts)), ratio(characters, len(view.text))


def _repeated_lines(view: DocView) -> tuple[float, float]:
    parts = list(filter(None, view.lines))
    # Runs of line feeds separate; one at either end leaves an empty line there.
    parts += [""] * (view.text.startswith("\n") + view.text.endswith("\n"))
    number, characters = repeated(parts)
    return ratio(number, len(parts)), ratio(characters, len(view.text))


def _n_grams(view: DocView) -> NGrams:
    return NGrams(view.word_numbers, view.word_lengths)


def _top_share(n: int, view: DocView) -> float:
    return ratio(view.feature(_n_grams).top_characters(n), len(view.text))


def _repeated_share(n: int, view: DocView) -> float:
    return ratio(view.feature(_n_grams).repeated_characters(n), len(view.text))


def _paragraph_share(view: DocView) -> float:
    return view.feature(_repeated_paragraphs)[0]


def _paragraph_characters(view: DocView) -> float:
    return view.feature(_repeated_paragraphs)[1]


def _line_share(view: DocView) -> float:
    return view.feature(_repeated_lines)[0]


def _line_characters(view: DocView) -> float:
    return view.feature(_repeated_lines)[1]


def _real_words(view: DocView) -> np.ndarray:
    """bool [words], which of them are more than punctuation."""
    return (view.word_flags & HAS_OTHER_THAN_PUNCTUATION) != 0


def _real_word_count(view: DocView) -> float:
    return int(np.count_nonzero(view.feature(_real_words)))


def _mean_length(view: DocView) -> float:
    real = view.feature(_real_words)
    return ratio(int(view.word_lengths[real].sum()), int(np.count_nonzero(real)))


def _hashes(view: DocView) -> float:
    return ratio(view.text.count("#"), len(view.word_numbers))


def _ellipses(view: DocView) -> float:
    return ratio(view.text.count("...") + view.text.count("…"), len(view.word_numbers))


def _bullets(view: DocView) -> float:
    return ratio(sum(line.lstrip().startswith(("•", "-")) for line in view.all_lines), len(view.all_lines))


def _ellipsis_ends(view: DocView) -> float:
    return ratio(sum(line.rstrip().endswith(("...", "…")) for line in view.all_lines), len(view.all_lines))


def _words_with_letters(view: DocView) -> float:
    return ratio(int(np.count_nonzero(view.word_flags & HAS_LETTER)), len(view.word_flags))


def _stop_words(view: DocView) -> float:
    return (int(np.bitwise_or.reduce(view.word_flags, initial=0)) & STOP_MASK).bit_count()


_TOP_SHARES = {2: 0.20, 3: 0.18, 4: 0.16}
_REPEATED_SHARES = {5: 0.15, 6: 0.14, 7: 0.13, 8: 0.12, 9: 0.11, 10: 0.10}

LINE_REPETITION: tuple[Rule, ...] = (
    Rule("gopher_paragraph_repeats", _paragraph_share, high=0.30, paper=_PAPER),
    Rule("gopher_paragraph_repeat_characters", _paragraph_characters, high=0.20, paper=_PAPER),
    Rule("gopher_line_repeats", _line_share, high=0.30, paper=_PAPER),
    Rule("gopher_line_repeat_characters", _line_characters, high=0.20, paper=_PAPER),
)
TOP_N_GRAMS: tuple[Rule, ...] = tuple(
    Rule(f"gopher_top_{n}_gram", functools.partial(_top_share, n), high=high, paper=_PAPER, applies=is_spaced)
    for n, high in _TOP_SHARES.items()
)
REPEATED_N_GRAMS: tuple[Rule, ...] = tuple(
    Rule(
        f"gopher_repeated_{n}_grams", functools.partial(_repeated_share, n), high=high, paper=_PAPER, applies=is_spaced
    )
    for n, high in _REPEATED_SHARES.items()
)
REPETITION: tuple[Rule, ...] = (*LINE_REPETITION, *TOP_N_GRAMS, *REPEATED_N_GRAMS)


def word_bounds(min_words: int, max_words: int) -> tuple[Rule, Rule]:
    """The first two of Gopher's rules of quality: bounds on the number of words that are more than punctuation."""
    return (
        Rule("gopher_too_few_words", _real_word_count, low=min_words, span=(0, 500), paper=_PAPER, applies=is_spaced),
        Rule(
            "gopher_too_many_words",
            _real_word_count,
            high=max_words,
            span=(0, 2 * max_words),
            paper=_PAPER,
            applies=is_spaced,
        ),
    )


def quality(min_words: int = 50, max_words: int = 100_000, min_lettered: float = 0.8) -> tuple[Rule, ...]:
    """Gopher's rules of quality, with bounds on the number of words and on the share of words that hold a letter."""
    return (
        *word_bounds(min_words, max_words),
        Rule("gopher_short_words", _mean_length, low=3, span=(0, 15), paper=_PAPER, applies=is_english),
        Rule("gopher_long_words", _mean_length, high=10, span=(0, 15), paper=_PAPER, applies=is_english),
        Rule("gopher_hashes", _hashes, high=0.1, paper=_PAPER, applies=is_spaced),
        Rule("gopher_ellipses", _ellipses, high=0.1, paper=_PAPER, applies=is_spaced),
        Rule("gopher_bullets", _bullets, high=0.9, paper=_PAPER),
        Rule("gopher_ellipsis_ends", _ellipsis_ends, high=0.3, paper=_PAPER),
        Rule("gopher_words_without_letters", _words_with_letters, low=min_lettered, paper=_PAPER, applies=is_spaced),
        Rule("gopher_stop_words", _stop_words, low=2, span=(0, 8), paper=_PAPER, applies=is_english),
    )
