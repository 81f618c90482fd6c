"""The verbs of texts: prose of any language, and texts about code, games, laws and puzzles. One profile a kind.

The web's rules erase everything that is no web page: of 2,400 documents of code and documentation they let 57
through. So each kind has rules of its own, English is held to English rules, and other languages to those that fit
any script.
"""

from __future__ import annotations

import dataclasses

from data.document import Document, Reject
from data.processors import admission, pii, rules, secrets
from data.processors.c4 import C4
from data.processors.fineweb import FINEWEB
from data.processors.gopher import LINE_REPETITION, REPEATED_N_GRAMS, REPETITION, quality, word_bounds
from data.processors.languages import language
from data.processors.pairs import PAIRS
from data.processors.prose import (
    NOT_ENCODED,
    PACKAGE_DOCS,
    UNSPACED_LENGTH,
    few_letters,
    few_letters_outside_code,
    solid_characters,
    too_long,
    too_short,
)
from data.processors.rules import Profile, Rule
from data.processors.standard_text import standard_text
from data.processors.view import DocView

_MANY = 1_000_000  # words of the longest books
_FINEWEB = "Penedo et al. 2024, FineWeb, arXiv:2406.17557"


def _language_probability(view: DocView) -> float:
    return float(view.document.meta.get("language_probability", 1.0))


def _named_language(view: DocView) -> str:
    return f"as {language(view) or 'unnamed'}"


_KNOWN_LANGUAGE = Rule("language", _language_probability, low=0.65, paper=_FINEWEB, show=_named_language)
# Texts that hold code, tables or formulas: of repetition only what stands in whole lines says anything.
_ABOUT_CODE = (too_long(2_000_000), NOT_ENCODED)
_PROSE_OUTSIDE = few_letters_outside_code(40)
# A stub of an article is its title and a sentence about it: the most frequent pair of words is a good part of it.
_WIKI_REPETITION = (*LINE_REPETITION, *REPEATED_N_GRAMS)

PROFILES: dict[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile("web", (_KNOWN_LANGUAGE, *REPETITION, *quality(), UNSPACED_LENGTH, *C4, *FINEWEB)),
        # Dialogues and footnotes have more marks beside their words than pages have.
        Profile("prose", (*REPETITION, *quality(max_words=_MANY, min_lettered=0.7), UNSPACED_LENGTH, few_letters(0.6))),
        Profile("wiki", (too_short(100), *_WIKI_REPETITION, *word_bounds(10, _MANY), few_letters(0.5))),
        Profile("pairs", PAIRS),
        Profile("qa", (too_short(80, solid_characters), *_ABOUT_CODE, _PROSE_OUTSIDE, few_letters(0.4))),
        Profile("docs", (too_short(100, solid_characters), *_ABOUT_CODE, few_letters(0.4), LINE_REPETITION[-1])),
        Profile("reviews", (too_short(40, solid_characters), *_ABOUT_CODE, few_letters(0.3))),
        Profile("puzzles", (too_short(20, solid_characters), too_long(100_000), NOT_ENCODED)),
        Profile("papers", (too_short(1000), *LINE_REPETITION, *word_bounds(200, _MANY), few_letters(0.5))),
        Profile("legal", (too_short(200), *LINE_REPETITION, *word_bounds(30, _MANY), few_letters(0.5))),
        Profile("games", (too_short(10, solid_characters), too_long(1_000_000))),
        Profile("package_docs", PACKAGE_DOCS),
    )
}


def _profile(name: str) -> Profile:
    if name not in PROFILES:
        raise ValueError(f"unknown profile {name!r} of texts; there are {', '.join(PROFILES)}")
    return PROFILES[name]


def _with_language(document: Document, profile: str) -> Document:
    """A page's language is found out where its reader did not."""
    if profile != "web" or "language" in document.meta:
        return document
    from data.formats.language_id import identify

    found, probability = identify(document.text)
    return dataclasses.replace(document, meta={**document.meta, "language": found, "language_probability": probability})


def quality_filter(document: Document, profile: str) -> Document | Reject:
    """Drops what an expert should not learn from: what may not be used, what is no text, what a rule of the profile
    drops.

    Args:
      document: its meta may name `language`, `language_probability`, `source_lang` and `target_lang`.
      profile: a key of PROFILES. `web` also cleans lines as C4 does.

    Raises:
      ValueError: an unknown profile.
    """
    steps = _profile(profile)
    if refused := admission.admit(document, profile):
        return refused
    kept = rules.judge(DocView(_with_language(document, profile)), steps)
    return kept if isinstance(kept, Reject) else kept.document


def measures(document: Document, profile: str) -> dict[str, float]:
    """The measure of every rule of a profile, for the curves of what other thresholds would keep.

    Raises:
      ValueError: an unknown profile.
    """
    return rules.measures(DocView(_with_language(document, profile)), _profile(profile))


def standardize_format(document: Document) -> Document | Reject:
    """NFC, `\\n` line ends, no trailing space, at most two blank lines in a row, no control characters, no mojibake.

    Tabs become spaces, except in texts about code, where they may be part of it.
    """
    text = standard_text(document.text, keep_tabs=document.domain == "code")
    if not text:
        return Reject("empty", "nothing is left after normalisation")
    return document if text == document.text else dataclasses.replace(document, text=text)


def prepare_for_expert(document: Document) -> Document | Reject:
    """Replaces personal data, and in texts about code secrets too; meta["pii"] counts what was replaced, by kind."""
    text, counts = document.text, {}
    if document.domain == "code":
        counts = secrets.counts(text)
        text = secrets.scrub(text) if counts else text
    text, found = pii.scrub(text)
    for kind, number in found.items():
        counts[kind] = counts.get(kind, 0) + number
    if text == document.text:
        return document
    return dataclasses.replace(document, text=text, meta={**document.meta, "pii": counts})
