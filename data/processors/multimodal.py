"""The multimodal processor: rules for pictures, clips and recordings and for what is said of them.

Every rule measures first and decides by a range, so that one pass also tells what other thresholds would have kept.
Media are decoded to be measured and kept byte for byte. Caption and media are compared by a scorer that the caller
hands in, CLIP for instance; without one no such rule is asked.
"""

from __future__ import annotations

import collections
import dataclasses
import re
import unicodedata
from typing import Protocol

import numpy as np

from data.document import Document, Reject
from data.formats import audio, images
from data.processors import admission, rules
from data.processors.media_view import TAG, MediaView, media_facts
from data.processors.rules import Profile, Rule
from data.processors.view import DocView

# LAION-5B kept English pairs from this cosine of CLIP ViT-B/32 on (Schuhmann et al. 2022, section 3.2).
MIN_AGREEMENT = 0.28
_ADDRESS = re.compile(
    r"(?:https?://|www\.)\S+|\b[\w\-]{1,63}\.(?:com|org|net|co|io|de|ru|fr|uk)\b(?:/\S*)?", re.IGNORECASE
)
_FILE_NAME = re.compile(
    r"[\w\-()+%]{0,100}\.(?:jpe?g|png|gif|webp|bmp|tiff?|svg|mp4|mov|avi|webm|wav|mp3|flac)\b"
    r"|\b(?:img|dsc|dscn|dscf|pict|image|photo|screenshot|untitled|mvi|vid)[_\- ]?\d{3,}\b",
    re.IGNORECASE,
)


class AgreementScorer(Protocol):
    """How well a text fits its media, as a cosine or a probability; None where it can't tell."""

    def __call__(self, text: str, media: bytes, media_type: str) -> float | None:
        """The score of one document."""


def _decodes(view: MediaView) -> float:
    return float(not view.facts.error)


def _is_svg(view: MediaView) -> float:
    return float(view.facts.error == "svg" or view.document.media_type == "image/svg+xml")


def _short_side(view: MediaView) -> float:
    return float(min(view.facts.width, view.facts.height))


def _aspect(view: MediaView) -> float:
    sides = sorted((view.facts.width, view.facts.height))
    return sides[1] / max(sides[0], 1)


def _contrast(view: MediaView) -> float:
    return view.facts.contrast


def _motion(view: MediaView) -> float:
    return view.facts.motion


def _seconds(view: MediaView) -> float:
    told = view.document.meta.get("seconds")
    if isinstance(told, (int, float)) and not isinstance(told, bool) and np.isfinite(told):
        return float(told)
    return view.facts.frames * audio.HOP / audio.SAMPLE_RATE


def _level(view: MediaView) -> float:
    return view.facts.level


def _sounding(view: MediaView) -> float:
    return view.facts.sounding


def _num_words(view: MediaView) -> float:
    return float(len(view.words))


def _num_chars(view: MediaView) -> float:
    return float(len(view.text))


def _letters(view: MediaView) -> float:
    solid = "".join(view.caption.split())
    return sum(map(str.isalpha, solid)) / len(solid) if solid else 0.0


def _names(view: MediaView) -> float:
    """Share of the caption's characters in addresses and names of files."""
    solid = len("".join(view.caption.split()))
    without = _FILE_NAME.sub(" ", _ADDRESS.sub(" ", view.caption))
    return 1.0 - len("".join(without.split())) / solid if solid else 0.0


def _repetition(view: MediaView) -> float:
    """Share of the words that the most frequent one of four letters or more takes, where it comes three times."""
    content = [word for word in view.words if len(word) > 3]
    most = max(collections.Counter(content).values(), default=0)
    return most / len(view.words) if most > 2 else 0.0


def _repeated_runs(view: MediaView) -> float:
    """Share of the runs of three words that came before."""
    runs = list(zip(view.words, view.words[1:], view.words[2:], strict=False))
    return 1.0 - len(set(runs)) / len(runs) if runs else 0.0


def _num_tags(view: MediaView) -> float:
    return float(len(TAG.findall(view.text)))


def _speech_rate(view: MediaView) -> float:
    """Characters of the transcript a second."""
    return len(view.caption) / max(_seconds(view), 1e-3)


def _show_text(view: DocView) -> str:
    return repr(view.text[:200])


def _show_media(view: MediaView) -> str:
    facts = view.facts
    return f"{facts.error or f'{facts.width} x {facts.height}'}, {len(view.document.media)} bytes"


_DATACOMP = "DataComp, basic filtering (Gadre et al. 2023, arXiv 2304.14108, appendix)"
_CC3M = "Conceptual Captions (Sharma et al. 2018, section 3)"
_CC12M = "Conceptual 12M (Changpinyo et al. 2021, arXiv 2102.08981, section 2)"
_LAION = "LAION-5B (Schuhmann et al. 2022, arXiv 2210.08402, section 3)"
_WEBSIGHT = "WebSight (Laurençon et al. 2024, arXiv 2403.09029)"
_DESIGN2CODE = "Design2Code (Si et al. 2024, arXiv 2403.03163, section 2)"
_SVD = "Stable Video Diffusion (Blattmann et al. 2023, arXiv 2311.15127, section 3)"
_WHISPER = "Whisper (Radford et al. 2022, arXiv 2212.04356, section 2.1)"
_NEMO = "NeMo speech data processor (https://github.com/NVIDIA/NeMo-speech-data-processor)"

_DECODES = Rule("undecodable", _decodes, low=1, paper=f"{_LAION}: what can't be read is dropped", show=_show_media)
_SVG = Rule("svg", _is_svg, high=0, paper="img2dataset decodes raster formats only", show=_show_media)


def _side(low: float, paper: str) -> Rule:
    return Rule("too_small", _short_side, low=low, span=(16, 1024), paper=paper, show=_show_media)


def _ratio(high: float, paper: str) -> Rule:
    return Rule("aspect_ratio", _aspect, high=high, span=(1, 20), paper=paper, show=_show_media)


def _blank(low: float, paper: str) -> Rule:
    return Rule("blank", _contrast, low=low, span=(0, 64), paper=paper, show=_show_media)


def _caption_words(low: int, high: int, paper: str) -> Rule:
    return Rule("caption_words", _num_words, low, high, span=(0, high), paper=paper, show=_show_text)


_LETTERS = Rule("caption_letters", _letters, low=0.5, paper=f"{_CC3M}: text filtering", show=_show_text)
_NAMES = Rule("caption_is_name", _names, high=0.5, paper=f"{_CC12M}: boilerplate such as file names", show=_show_text)
_REPETITION = Rule("caption_repetition", _repetition, high=0.5, paper=f"{_CC3M}: token repetition", show=_show_text)
_RUNS = Rule("caption_repeats_itself", _repeated_runs, high=0.4, paper=f"{_CC3M}: token repetition", show=_show_text)

PROFILES: dict[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile(
            "images",
            (
                _SVG,
                _DECODES,
                _side(200, f"{_DATACOMP}: shorter side of 200 pixels"),
                _ratio(3, f"{_DATACOMP}: aspect ratio below 3"),
                _blank(4, f"{_LAION}: pictures of less than 5 KB dropped, most of them blank or icons"),
                _caption_words(3, 256, f"{_DATACOMP}: more than two words; {_CC12M}: at most 256"),
                Rule("caption_chars", _num_chars, low=6, span=(0, 200), paper=f"{_DATACOMP}: over 5", show=_show_text),
                _LETTERS, _NAMES, _REPETITION, _RUNS,
            ),
        ),
        Profile(
            "figures",
            (
                _SVG,
                _DECODES,
                _side(64, "SciCap (Hsu et al. 2021, arXiv 2110.11624): figures are smaller than photographs"),
                _ratio(10, "SciCap: rows of panels are wide"),
                _blank(1, f"{_LAION}, lowered: line drawings are mostly ground"),
                _caption_words(3, 1000, f"{_DATACOMP}: more than two words; captions of papers may be long"),
                dataclasses.replace(_LETTERS, low=0.4, paper="SciCap: captions hold numbers and formulas"),
                _NAMES, _REPETITION, _RUNS,
            ),
        ),
        Profile(
            "screens",
            (
                _SVG,
                _DECODES,
                _side(200, f"{_WEBSIGHT}: pictures are whole pages"),
                _ratio(20, f"{_DESIGN2CODE}: whole pages are tall"),
                _blank(2, f"{_DESIGN2CODE}: blank pages dropped"),
                Rule("page_tags", _num_tags, low=5, span=(0, 500), paper=f"{_DESIGN2CODE}: trivial pages dropped"),
                Rule("page_chars", _num_chars, high=200_000, span=(1000, 500_000), paper=f"{_DESIGN2CODE}: long code"),
                _caption_words(5, 20_000, f"{_DESIGN2CODE}: pages without text dropped"),
                _LETTERS,
                dataclasses.replace(_RUNS, high=0.7, paper=f"{_CC3M}, raised: menus come twice on a page"),
            ),
        ),
        Profile(
            "audio",
            (
                _DECODES,
                Rule("duration", _seconds, 0.3, 120, (0, 120), f"{_NEMO}: DropHighLowDuration"),
                Rule("silence", _level, low=-5, span=(-10, 4), paper=f"{_WHISPER}: no speech", show=_show_text),
                Rule("mostly_silence", _sounding, low=0.15, paper=f"{_WHISPER}: parts without speech", show=_show_text),
                _caption_words(1, 1000, f"{_WHISPER}: empty transcripts dropped"),
                dataclasses.replace(_LETTERS, paper=f"{_NEMO}: DropNonAlphabet"),
                Rule("speech_rate", _speech_rate, 0.5, 35, (0, 60), f"{_NEMO}: DropHighLowCharrate", _show_text),
                dataclasses.replace(_RUNS, high=0.5, paper=f"{_WHISPER}: transcripts that repeat in loops"),
            ),
        ),
        Profile(
            "video",
            (
                _DECODES,
                _side(48, f"{_SVD}: sampled frames have at most 128 pixels on the shorter side"),
                _ratio(4, f"{_DATACOMP}, raised for panoramas"),
                _blank(2, f"{_SVD}: clips that fade to black"),
                Rule("duration", _seconds, 0.2, 3600, (0, 600), f"{_SVD}: clips of seconds to minutes"),
                Rule("still", _motion, low=0.05, span=(0, 40), paper=f"{_SVD}: static scenes", show=_show_media),
                _caption_words(3, 256, f"{_DATACOMP}: more than two words"),
                _LETTERS, _NAMES, _REPETITION, _RUNS,
            ),
        ),
        Profile("scenes", (_DECODES,)),
    )
}  # fmt: skip


def quality_filter(
    document: Document, profile: str, agreement: AgreementScorer | None = None, min_agreement: float = MIN_AGREEMENT
) -> Document | Reject:
    """The document, or why it is dropped: its licence, broken text, or the first rule of the profile that drops it.

    Args:
      document: with its media.
      profile: one of PROFILES.
      agreement: scores how well text and media fit; None: not asked. Asked last, as it is dear.
      min_agreement: least score kept; a document that the scorer can't judge is kept.

    Raises:
      ValueError: no such profile.
    """
    steps = _profile(profile)
    if refused := admission.admit(document, profile):
        return refused
    verdict = rules.judge(MediaView(document), steps)
    if isinstance(verdict, Reject) or agreement is None:
        return verdict if isinstance(verdict, Reject) else verdict.document
    score = agreement(document.text, document.media, document.media_type)
    if score is not None and not score >= min_agreement:
        return Reject("agreement", f"{score:.4g}, kept at least {min_agreement:g}; {document.text[:200]!r}")
    return verdict.document


def measures(document: Document, profile: str, agreement: AgreementScorer | None = None) -> dict[str, float]:
    """The measure of every rule of the profile, and `agreement` where a scorer is there and can tell."""
    found = rules.measures(MediaView(document), _profile(profile))
    score = None if agreement is None else agreement(document.text, document.media, document.media_type)
    return found if score is None else found | {"agreement": float(score)}


def _profile(name: str) -> Profile:
    if name not in PROFILES:
        raise ValueError(f"unknown profile {name!r} of multimodal; there are {', '.join(PROFILES)}")
    return PROFILES[name]


def standardize_format(document: Document) -> Document | Reject:
    """The text in NFC with plain white space, and the media type that the bytes have; the bytes stay as they are.

    In captions and transcripts runs of white space become one space; in a page's code only line ends are changed.
    """
    if not document.media:
        return Reject("no_media", document.text[:200])
    text = unicodedata.normalize("NFC", document.text.replace("\r\n", "\n").replace("\r", "\n"))
    lines = text.split("\n")
    is_code = document.meta.get("code") == "html"
    lines = [line.rstrip() if is_code else " ".join(line.split()) for line in lines]
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
    if not text:
        return Reject("no_text", f"{document.media_type}, {len(document.media)} bytes")
    found = images.format_of(document.media)
    media_type = images.MEDIA_TYPES[found] if found else document.media_type
    if (text, media_type) == (document.text, document.media_type):
        return document
    return dataclasses.replace(document, text=text, media_type=media_type)


def prepare_for_expert(document: Document) -> Document | Reject:
    """The document with what its expert is fed by in `meta`: width, height and frames, or frames, bands and seconds."""
    facts = media_facts(document)
    if facts.error:
        return Reject("undecodable", f"{facts.error}; {document.source[:200]}")
    if facts.kind == "recording":
        known = {"frames": facts.frames, "bands": facts.width, "seconds": round(_seconds(MediaView(document)), 3)}
    else:
        known = {"width": facts.width, "height": facts.height, "frames": facts.frames}
    return dataclasses.replace(document, meta=document.meta | known)
