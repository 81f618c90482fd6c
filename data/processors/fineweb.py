"""FineWeb's own rules, found by comparing good and bad crawls (Penedo et al. 2024, https://arxiv.org/abs/2406.17557,
3.5).

Asked of the text that C4's cleaning leaves, as in FineWeb's pipeline and datatrove 0.10.
"""

from __future__ import annotations

from data.processors.languages import is_spaced
from data.processors.repetition import repeated
from data.processors.rules import Rule
from data.processors.view import DocView, ratio
from data.processors.word_rules import TERMINALS

_PAPER = "Penedo et al. 2024, FineWeb, arXiv:2406.17557"
_SHORT_LINE = 30


def _full_lines(view: DocView) -> list[str]:
    return [line for line in view.lines if line and not line.isspace()]


def _ended_lines(view: DocView) -> float:
    lines = view.feature(_full_lines)
    return ratio(sum(line[-1] in TERMINALS for line in lines), len(lines))


def _short_lines(view: DocView) -> float:
    lines = view.feature(_full_lines)
    return ratio(sum(len(line) <= _SHORT_LINE for line in lines), len(lines))


def _repeated_lines(view: DocView) -> float:
    return ratio(repeated(view.feature(_full_lines))[1], len(view.text) - view.text.count("\n"))


def _line_feeds(view: DocView) -> float:
    return ratio(view.text.count("\n"), len(view.word_numbers))


FINEWEB: tuple[Rule, ...] = (
    Rule("fineweb_lines_without_stop", _ended_lines, low=0.12, paper=_PAPER, applies=is_spaced),
    Rule("fineweb_short_lines", _short_lines, high=0.67, paper=_PAPER, applies=is_spaced),
    Rule("fineweb_repeated_lines", _repeated_lines, high=0.01, span=(0.0, 0.2), paper=_PAPER),
    Rule("fineweb_line_feeds", _line_feeds, high=0.3, paper=_PAPER, applies=is_spaced),
)
