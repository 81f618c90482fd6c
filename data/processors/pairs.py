"""Rules of sentences with their translations: two sides that say the same in two languages.

They are the rules that translation corpora are cleaned by before any model is asked: Bicleaner's hard rules
(Sánchez-Cartagena et al. 2018, https://aclanthology.org/W18-6488) and OpusFilter (Aulamo et al. 2020,
https://aclanthology.org/2020.acl-demos.20). A document's text is `en: ...` and `fr: ...` in two lines, and its meta
names `source_lang` and `target_lang`.
"""

from __future__ import annotations

import re

from data.processors.rules import Rule
from data.processors.view import DocView

_BICLEANER = "Sánchez-Cartagena et al. 2018, Bicleaner, W18-6488"
_OPUSFILTER = "Aulamo et al. 2020, OpusFilter, 2020.acl-demos.20"
_LABEL = re.compile(r"[A-Za-z]{2,3}(?:[_-][A-Za-z0-9]{2,8})*: ?")
_CJK = re.compile("[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]")
_CJK_WIDTH = 2.5  # letters of English that one sign stands for
_EVEN = 15  # added to both lengths, so that "Yes." may be a longer word elsewhere
_MIN_IDENTIFIED = 40  # letters that a language is told by
_SURE = 0.95
_LETTER = re.compile(r"[^\W\d_]")
# Languages that are told apart by no sentence, or whose names changed.
_ALIKE = tuple(
    frozenset(group.split())
    for group in (
        "id ms in jv jw su", "no nb nn da sv", "hr bs sr sh cnr", "cs sk", "bg mk", "es gl pt ca ast an oc", "it co",
        "uk be ru rue", "hi mr ne bho mai sa", "az tr tk", "fa prs tg ps ur", "zh yue wuu zht zhs", "af nl li", "he iw",
        "tl fil ceb", "ku ckb kmr", "am ti", "bn as", "zu xh ss nd", "et fi", "lt lv", "fr wa", "en sco",
    )
)  # fmt: skip


def _sides(view: DocView) -> tuple[str, str]:
    first, _, second = view.text.partition("\n")
    return _LABEL.sub("", first, count=1).strip(), _LABEL.sub("", second, count=1).strip()


def _filled_sides(view: DocView) -> float:
    return sum(bool(_LETTER.search(side)) for side in view.feature(_sides))


def _length(side: str) -> float:
    return len(side) + (_CJK_WIDTH - 1) * len(_CJK.findall(side)) + _EVEN


def _length_ratio(view: DocView) -> float:
    """The longer side's length by the shorter one's, CJK signs counted as the letters they stand for."""
    lengths = sorted(map(_length, view.feature(_sides)))
    return lengths[1] / lengths[0]


def _longest(view: DocView) -> float:
    return max(map(len, view.feature(_sides)))


def _shared_words(view: DocView) -> float:
    """Jaccard similarity of the two sides' words, numbers left out: 1 for a side that was copied."""
    first, second = (frozenset(re.findall(r"[^\W\d_]+", side.lower())) for side in view.feature(_sides))
    return len(first & second) / len(first | second) if first | second else 1.0


def _letters(view: DocView) -> float:
    return min(len(_LETTER.findall(side)) / max(1, len(side.replace(" ", ""))) for side in view.feature(_sides))


def _is_alike(one: str, other: str) -> bool:
    return one == other or any(one in group and other in group for group in _ALIKE)


def _foreign_sides(view: DocView) -> float:
    """Sides that are clearly in another language than they are said to be."""
    from data.formats.language_id import identify

    meta = view.document.meta
    foreign = 0
    for side, key in zip(view.feature(_sides), ("source_lang", "target_lang"), strict=True):
        named = re.split(r"[-_]", str(meta.get(key) or "").lower())[0]
        if len(named) != 2 or len(_LETTER.findall(side)) < _MIN_IDENTIFIED:
            continue
        found, probability = identify(side)
        foreign += probability >= _SURE and not _is_alike(named, found)
    return foreign


PAIRS: tuple[Rule, ...] = (
    Rule("empty_side", _filled_sides, low=2, span=(0, 2), paper=_BICLEANER),
    Rule("too_long", _longest, high=5000, span=(0, 10_000), paper=_BICLEANER),
    Rule("length_ratio", _length_ratio, high=3.0, span=(1.0, 10.0), paper=_OPUSFILTER),
    Rule("few_letters", _letters, low=0.3, paper=_BICLEANER),
    Rule("copied", _shared_words, high=0.8, paper=_OPUSFILTER),
    Rule("other_language", _foreign_sides, high=0, span=(0, 2), paper=_BICLEANER),
)
