"""C4's cleaning of pages line by line (Raffel et al. 2020, https://jmlr.org/papers/v21/20-074.html, section 2.2).

As datatrove 0.10 reads it for FineWeb: lines need no full stop at their end, and pages with bad words are not dropped
here.
"""

from __future__ import annotations

import dataclasses
import re

from data.processors.languages import is_english, is_spaced
from data.processors.rules import Edit, Rule
from data.processors.view import DocView

_PAPER = "Raffel et al. 2020, C4, JMLR 21:140"
_CITATION = re.compile(r"\[\d*]|\[edit]|\[citation needed]")
_POLICIES = ("terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies")
_MIN_WORDS = 3
_MAX_WORD_LENGTH = 1000
_ODD_SPACE = re.compile(r"\s\s|[^\S \n]")
_SPACE = re.compile(r"(\s+)")


@dataclasses.dataclass(frozen=True)
class _Cleaned:
    """What is left of a page.

    Attributes:
      text: the lines that are kept.
      sentences: in them.
      lorem_ipsum, curly_brackets: lines that hold what a page is dropped for.
    """

    text: str
    sentences: int
    lorem_ipsum: int
    curly_brackets: int


def _marks_with_space(line: str, view: DocView) -> str:
    """Sentence marks of a line in which a run of white space is a word as well, as the sentence splitter sees it."""
    marks = []
    for part in _SPACE.split(line):
        if part.isspace():
            marks.append("" if part == " " else "n")
        elif part:
            marks.append(view.sentence_marks([part]))
    return "".join(marks)


def _clean(view: DocView) -> _Cleaned:
    """Goes through the lines once; what no line of the text can hold is not looked for in each."""
    text, lowered = view.text, view.lowered
    has_citation = "[" in text and _CITATION.search(text) is not None
    # Taking a citation out may join what stood on its sides.
    has_phrase = has_citation or "javascript" in lowered or "lorem ipsum" in lowered
    has_phrase = has_phrase or "cookie" in lowered or "privacy policy" in lowered or "terms of use" in lowered
    has_bracket = "{" in text
    has_odd_space = has_citation or _ODD_SPACE.search(text) is not None
    kept = []
    sentences = lorem_ipsum = curly_brackets = 0
    for line in view.all_lines:
        line = line.strip()
        chunks = line.split()
        if len(line) > _MAX_WORD_LENGTH and max(map(len, chunks)) > _MAX_WORD_LENGTH:
            continue
        if len(chunks) < _MIN_WORDS:
            continue
        if has_citation and "[" in line:
            cited, line = line, _CITATION.sub("", line)
            if line != cited:
                chunks = line.split()
        if has_phrase:
            low = line.lower()
            if "lorem ipsum" in low:
                lorem_ipsum += 1
                continue
            if "javascript" in low:
                continue
        if has_bracket and "{" in line:
            curly_brackets += 1
            continue
        if has_phrase and any(policy in low for policy in _POLICIES):
            continue
        odd = has_odd_space and _ODD_SPACE.search(line)
        marks = _marks_with_space(line, view) if odd else view.sentence_marks(chunks)
        sentences += marks.count("tn") + 1
        kept.append(line)
    return _Cleaned("\n".join(kept).strip(), sentences, lorem_ipsum, curly_brackets)


def _lorem_ipsum(view: DocView) -> float:
    return view.feature(_clean).lorem_ipsum


def _curly_brackets(view: DocView) -> float:
    return view.feature(_clean).curly_brackets


def _sentences(view: DocView) -> float:
    return view.feature(_clean).sentences


def _cleaned_text(view: DocView) -> str:
    return view.feature(_clean).text


C4: tuple[Rule | Edit, ...] = (
    Rule("c4_lorem_ipsum", _lorem_ipsum, high=0, span=(0, 10), paper=_PAPER, applies=is_spaced),
    Rule("c4_curly_brackets", _curly_brackets, high=0, span=(0, 50), paper=_PAPER, applies=is_spaced),
    Rule("c4_too_few_sentences", _sentences, low=5, span=(0, 50), paper=_PAPER, applies=is_english),
    Edit("c4_lines", _cleaned_text, paper=_PAPER, applies=is_spaced),
)
