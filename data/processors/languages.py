"""Which language a document is in, as far as rules care: whether it is English, and whether its words stand apart."""

from __future__ import annotations

from data.processors.view import DocView

# ISO 639 codes of languages that are written without spaces between words.
_UNSPACED = frozenset(
    (
        "zh zho chi cmn yue wuu lzh zh_classical gan hak nan ja jpn th tha lo lao km khm my mya bur bo bod tib dz dzo "
        "ii iii"
    ).split()
)
_ENGLISH = frozenset(("", "en", "eng", "english"))


def language(view: DocView) -> str:
    """The document's language as its meta names it, lower case, without a region: `en` of `en-GB`; "" if unnamed."""
    named = str(view.document.meta.get("language") or "").lower()
    return named if named in _UNSPACED else named.replace("_", "-").split("-")[0]


def _is_english(view: DocView) -> bool:
    return language(view) in _ENGLISH


def _is_spaced(view: DocView) -> bool:
    return language(view) not in _UNSPACED


def is_english(view: DocView) -> bool:
    """Whether rules about English hold: the document is named English, or nothing is said."""
    return view.feature(_is_english)


def is_spaced(view: DocView) -> bool:
    """Whether the document's language puts spaces between words."""
    return view.feature(_is_spaced)


def is_unspaced(view: DocView) -> bool:
    """Whether the document's language writes words without spaces between them."""
    return not view.feature(_is_spaced)
