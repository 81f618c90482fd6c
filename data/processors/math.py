"""The verbs of mathematics: balanced LaTeX, formal proofs, answers that hold, certificates that replay."""

from __future__ import annotations

import collections
import dataclasses
import re

from data import difficulty
from data.document import Document, Reject
from data.processors import admission, answers, latex_balance, proof_flags, rules
from data.processors.clean_text import broken_characters, broken_share, not_text_shown, solid_bytes, standard_form
from data.processors.rules import Profile, Rule
from data.processors.view import DocView

_OPENWEBMATH = "OpenWebMath (arXiv 2310.06786)"
_GOPHER = "Gopher (arXiv 2112.11446)"
WRONG, UNKNOWN, RIGHT = 0.0, 0.5, 1.0
_LATIN_WORD = re.compile(r"(?<![\\A-Za-z_.])[A-Za-z]{4,}(?![A-Za-z0-9_(\[{])")  # but for names of functions
_NO_WORD = re.compile(r"^[^aeiouy]+$|[bcdfghjklmnpqrstvwxz]{6,}|([a-z])\1\1", re.IGNORECASE)
_MIN_WORDS = 20
_MIN_REPEATED_LINE = 20
_HAS_ANSWER = re.compile(
    r"\\boxed\b|^\s*####\s*\S|^\W{0,4}(?:Final )?(?:Answer|Solution|Proof)\b\W{0,3}\S", re.IGNORECASE | re.MULTILINE
)


def _balance(view: DocView) -> latex_balance.Balance:
    return latex_balance.balance(view.text)


def _faults(view: DocView) -> float:
    return view.feature(_balance).fault_share


def _first_fault(view: DocView) -> str:
    return repr(view.feature(_balance).first)


def _maths(view: DocView) -> float:
    return latex_balance.maths_share(view.text, view.feature(_balance))


def _gibberish(view: DocView) -> float:
    """Share of Latin words that no language has: no vowel, six consonants or a letter thrice in a row."""
    words = _LATIN_WORD.findall(view.text)
    return sum(bool(_NO_WORD.search(word)) for word in words) / len(words) if len(words) >= _MIN_WORDS else 0.0


def _repeated(view: DocView) -> float:
    """Share of the characters in lines that stand there already."""
    counts = collections.Counter(line for line in map(str.strip, view.lines) if len(line) >= _MIN_REPEATED_LINE)
    total = sum(map(len, view.lines))
    return sum(len(line) * (number - 1) for line, number in counts.items()) / total if total else 0.0


def _system(view: DocView) -> str:
    meta = view.document.meta
    path = view.document.source.partition("#")[0]
    return proof_flags.system_of(str(meta.get("language") or ""), str(meta.get("path") or path))


def _statements(view: DocView) -> float:
    return proof_flags.statements(view.text, _system(view))


def _has_answer(view: DocView) -> float:
    return float(bool(view.document.meta.get("answer")) or bool(_HAS_ANSWER.search(view.text)))


def answer_verdict(document: Document) -> float:
    """RIGHT, WRONG or UNKNOWN: what the source verified, else whether the solution arrives at the answer."""
    told = str(document.meta.get("verified") or "").lower()
    if told in ("yes", "no"):
        return RIGHT if told == "yes" else WRONG
    stated = str(document.meta.get("answer") or "") or answers.stated(document.text)
    agreed = answers.agree(stated, answers.worked(document.text))
    return UNKNOWN if agreed is None else RIGHT if agreed else WRONG


def _verdict(view: DocView) -> float:
    return answer_verdict(view.document)


def _answers_shown(view: DocView) -> str:
    stated = view.document.meta.get("answer") or answers.stated(view.text)
    return f"stated {str(stated)[:100]!r}, worked out {answers.worked(view.text)[:100]!r}"


def _replays(view: DocView) -> float:
    # The registry imports every source.
    from data.sources.registry import verify

    try:
        return float(verify(view.document))
    except (ValueError, KeyError, TypeError):
        return 0.0


def _certificate_shown(view: DocView) -> str:
    return "the certificate does not replay"


_NOT_TEXT = Rule("not_text", broken_share, high=0.001, span=(0.0, 0.01), show=not_text_shown)
_UNBALANCED = Rule("unbalanced_latex", _faults, high=0.05, span=(0.0, 0.5), paper=_OPENWEBMATH, show=_first_fault)
_GIBBERISH = Rule("gibberish", _gibberish, high=0.3)
_REPEATED = Rule("repeated_lines", _repeated, high=0.3, paper=_GOPHER)

PROFILES: dict[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile(
            "math",
            (
                _NOT_TEXT,
                Rule("too_short", solid_bytes, low=200, span=(1, 10_000)),
                Rule("no_maths", _maths, low=0.005, span=(0.0, 0.5), paper=_OPENWEBMATH),
                _UNBALANCED,
                _GIBBERISH,
                _REPEATED,
            ),
        ),
        Profile(
            "proofs",
            (
                _NOT_TEXT,
                Rule("too_short", solid_bytes, low=20, span=(1, 10_000)),
                Rule("no_statement", _statements, low=1, span=(0, 20)),
            ),
        ),
        Profile(
            "math_qa",
            (
                _NOT_TEXT,
                Rule("too_short", solid_bytes, low=20, span=(1, 10_000)),
                Rule("no_answer", _has_answer, low=1),
                # A word or formula with a brace too many is a slip in forty characters, not a broken paper.
                Rule("unbalanced_latex", _faults, high=0.15, span=(0.0, 0.5), show=_first_fault),
                _GIBBERISH,
                Rule("wrong_answer", _verdict, low=UNKNOWN, show=_answers_shown),
            ),
        ),
        Profile(
            "certified",
            (
                Rule("not_text", broken_characters, high=0, show=not_text_shown),
                Rule("certificate", _replays, low=1, show=_certificate_shown),
            ),
        ),
    )
}


def _profile(name: str) -> Profile:
    if name not in PROFILES:
        raise ValueError(f"unknown profile {name!r} of mathematics; there are {', '.join(PROFILES)}")
    return PROFILES[name]


def quality_filter(document: Document, profile: str) -> Document | Reject:
    """Drops what may not be used, what is broken, and answers that are wrong.

    Of profile `proofs`, meta gets `proof` where the source did not say: full, partial (a `sorry` is no proof) or
    none. Of `math_qa`, meta gets `verified` (yes or unknown) where the source did not say.

    Args:
      document: its meta may hold `answer`, `verified`, `language`, `proof` and a `certificate`.
      profile: a key of PROFILES.

    Raises:
      ValueError: an unknown profile.
    """
    steps = _profile(profile)
    if refused := admission.admit(document, profile):
        return refused
    view = DocView(document)
    kept = rules.judge(view, steps)
    if isinstance(kept, Reject):
        return kept
    facts = {}
    if profile == "proofs" and "proof" not in document.meta:
        facts["proof"] = proof_flags.proof_of(document.text, _system(view))
    if profile == "math_qa" and "verified" not in document.meta:
        facts["verified"] = "yes" if answer_verdict(document) == RIGHT else "unknown"
    return dataclasses.replace(document, meta={**document.meta, **facts}) if facts else document


def measures(document: Document, profile: str) -> dict[str, float]:
    """The measure of every rule of a profile, for the curves of what other thresholds would keep.

    Raises:
      ValueError: an unknown profile.
    """
    return rules.measures(DocView(document), _profile(profile))


def standardize_format(document: Document) -> Document | Reject:
    """NFC, `\\n` line ends, no trailing space, no blank lines at the ends; tabs become spaces."""
    return standard_form(document, keep_tabs=False, end="")


def prepare_for_expert(document: Document) -> Document | Reject:
    """Gives the document its level, and meta["difficulty"] the measures that it follows from."""
    level, measured = difficulty.measure(document)
    meta = {**document.meta, "difficulty": measured} if measured else document.meta
    return dataclasses.replace(document, level=level, meta=meta)
