"""How close captions are to those of people: CIDEr, BLEU and ROUGE-L, as the COCO caption server computes them.

The scorers are pycocoevalcap's (CIDEr-D of Vedantam et al. 2015, BLEU of Papineni et al. 2002, ROUGE-L of Lin 2004). The
server's tokenizer, Stanford's PTBTokenizer, needs Java; its rules as far as captions need them are here, and a test holds
the two beside each other.
"""

from __future__ import annotations

import collections
from collections.abc import Sequence
import dataclasses
import functools
import re

# The server's list. Its -LRB- and the like never match, for the tokenizer lowers them: brackets stay.
_DROPPED = frozenset(('"', "'", "``", "`", ".", "?", "!", ",", ":", "-", "--", "...", ";"))
_CURLY = str.maketrans({"\u201c": '"', "\u201d": '"', "\u2018": "'", "\u2019": "'", "\u2013": "--", "\u2014": "--"})
_BRACKETS = {"(": "-lrb-", ")": "-rrb-", "[": "-lsb-", "]": "-rsb-", "{": "-lcb-", "}": "-rcb-"}
_ABBREVIATIONS = frozenset(
    "mr. mrs. ms. dr. st. jr. sr. vs. etc. ave. ft. blvd. rd. no. lb. lbs. oz. inc. co. corp. ltd. prof. gen. col. "
    "capt. lt. sgt. rev. gov. sen. rep. mt. jan. feb. mar. apr. jun. jul. aug. sep. sept. oct. nov. dec.".split()
)
_INITIALS = re.compile(r"(?:[a-z]\.)+")
_JOINED = {"cannot": "can not", "gonna": "gon na", "wanna": "wan na", "gotta": "got ta", "lemme": "lem me"}
_JOINED |= {"gimme": "gim me", "y'all": "y' all"}
# Clitics, years and the words that begin so.
_APOSTROPHE_FIRST = re.compile(r"'(?:s|m|d|re|ve|ll|n'|til|em|cause|tis|twas|\d.*)")
_SPLIT = (
    (re.compile(r"\.{2,}|\u2026"), " ... "),
    (re.compile(r"-{2,}"), " -- "),
    (re.compile(r"[!?]+"), r" \g<0> "),
    (re.compile(r"[;\"@#$%&*+=<>~^|\\`]"), r" \g<0> "),
    # Between digits a comma or colon belongs to the number.
    (re.compile(r"(?<!\d)[,:]|[,:](?!\d)"), r" \g<0> "),
    (re.compile(r"(?<=\d)'(?=\d)"), " "),
    (re.compile(r"(?<=\w)/(?=\s)"), " / "),
    (re.compile(r"(?<=\s)-(?=\w)|(?<=\w)-(?=\s)"), " "),
    (re.compile(r"[()\[\]{}]"), lambda found: f" {_BRACKETS[found.group()]} "),
)
_CLITIC = re.compile(r"(?<=\w)(n't|'(?:s|m|d|re|ve|ll))(?!\w)")


@functools.lru_cache(maxsize=1 << 17)
def tokens(caption: str) -> tuple[str, ...]:
    """Lower-cased tokens of a caption by the Penn treebank's rules, without the punctuation that the server drops."""
    text = f" {caption.translate(_CURLY).lower()} "
    for pattern, put in _SPLIT:
        text = pattern.sub(put, text)
    text = _CLITIC.sub(r" \1 ", text)
    return tuple(token for word in text.split() for token in _pieces(word) if token not in _DROPPED)


def _pieces(word: str) -> Sequence[str]:
    """A word between spaces as tokens: quotes and the full stop come off, but where they are part of the word."""
    if word in _JOINED:
        return _JOINED[word].split()
    if word.startswith("'") and not _APOSTROPHE_FIRST.fullmatch(word):
        word = word[1:]
    if word.endswith("'") and word != "'n'":
        word = word[:-1]
    if word.endswith(".") and word not in _ABBREVIATIONS and not _INITIALS.fullmatch(word):
        word = word.rstrip(".")
    return (word,) if word else ()


@dataclasses.dataclass(frozen=True)
class CaptionScores:
    """Of captions against people's.

    Attributes:
      cider: by image; the corpus' CIDEr is their mean. 10 would be n-grams all equal to those of every reference.
      bleu: BLEU-1 to BLEU-4 of the corpus.
      rouge_l: by image.
    """

    cider: tuple[float, ...]
    bleu: tuple[float, float, float, float]
    rouge_l: tuple[float, ...]


def cider(captions: Sequence[str], references: Sequence[Sequence[str]]) -> list[float]:
    """CIDEr-D of one caption an image; how rare n-grams are is told from all the references.

    Args:
      captions: one an image.
      references: of the same images, one or more each.

    Raises:
      ValueError: an image has no reference, or lengths differ.
    """
    _, found = _scored(_scorer("cider"), captions, references)
    return [float(score) for score in found]


def score(captions: Sequence[str], references: Sequence[Sequence[str]]) -> CaptionScores:
    """All metrics.

    Args:
      captions: one an image.
      references: of the same images, one or more each.

    Raises:
      ValueError: an image has no reference, or lengths differ.
    """
    bleu, _ = _scored(_scorer("bleu"), captions, references, verbose=0)
    _, rouge = _scored(_scorer("rouge"), captions, references)
    return CaptionScores(
        cider=tuple(cider(captions, references)),
        bleu=tuple(float(value) for value in bleu),
        rouge_l=tuple(float(value) for value in rouge),
    )


def _scorer(name: str):
    if name == "cider":
        from pycocoevalcap.cider.cider import Cider

        return Cider()
    if name == "bleu":
        from pycocoevalcap.bleu.bleu import Bleu

        return Bleu(4)
    from pycocoevalcap.rouge.rouge import Rouge

    return Rouge()


def _scored(scorer, captions: Sequence[str], references: Sequence[Sequence[str]], **options):
    if len(captions) != len(references) or not captions:
        raise ValueError(f"{len(captions)} captions and references of {len(references)} images")
    if not all(references):
        raise ValueError(f"image {next(i for i, of in enumerate(references) if not of)} has no reference")
    wanted = {index: [" ".join(tokens(text)) for text in texts] for index, texts in enumerate(references)}
    given = {index: [" ".join(tokens(text))] for index, text in enumerate(captions)}
    return scorer.compute_score(wanted, given, **options)


def most_typical(references: Sequence[Sequence[str]], tried: int = 10, images: int = 200) -> str:
    """The reference that would score best as the caption of every image.

    Only the `tried` of most frequent n-grams are scored, on at most `images`: what CIDEr thinks of all of them would take
    the square of their number.
    """
    frequency: collections.Counter[tuple[str, ...]] = collections.Counter()
    ngrams = {text: _ngrams(tokens(text)) for texts in references for text in texts}
    for texts in references:
        frequency.update(set().union(*(ngrams[text] for text in texts)))

    def commonness(text: str) -> float:
        return sum(frequency[ngram] for ngram in ngrams[text]) / max(len(ngrams[text]), 1)

    candidates = sorted(ngrams, key=lambda text: (-commonness(text), text))[:tried]
    some = references[:: max(1, -(-len(references) // images))]
    return max(candidates, key=lambda text: sum(cider([text] * len(some), some)))


def _ngrams(words: Sequence[str]) -> set[tuple[str, ...]]:
    return {tuple(words[start : start + size]) for size in range(1, 5) for start in range(len(words) - size + 1)}
