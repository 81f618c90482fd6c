"""What every document must pass before any rule of quality: it may be used, and it is text.

Licences are asked by kind: programs must be permissive, since what is learned of them may come back word for word;
texts may also be under the public licences that ask for attribution or for sharing alike. What forbids commercial use
or changes, and what is nobody's to give, is refused everywhere. A program that names no licence is refused; a text that names
none is let through, since pages, books, papers' sources and exercises as they are published hold none: whoever names the input
answers for it.
"""

from __future__ import annotations

import re

from data.document import Document, Reject
from data.processors.licences import PERMISSIVE, UNKNOWN, WEAK_COPYLEFT, strictness

# Profiles of programs and their packages, as strict as permissive.
_PROGRAMS = frozenset(("code", "stdlib_code", "package_docs"))
# Formal libraries are used, not copied, by what builds on them, and most of Coq's and Isabelle's have no other licence.
_LIBRARIES = frozenset(("proofs",))
_REFUSED = re.compile(r"(?:^|-)(?:NC|ND|NONCOMMERCIAL|NODERIVATIVES|NODERIVS)(?:-|$)|PROPRIETARY|ALL-RIGHTS-RESERVED")
_PUBLIC = re.compile(
    r"CC-BY(?:-SA)?(?:-\d\.\d)?(?:-[A-Z]{2,4})?|CC0(?:-\d\.\d)?|CC-PDM(?:-\d\.\d)?|CC-PDDC|PDDL-1\.0|ODC-BY(?:-1\.0)?|ODBL-1\.0"
    r"|OGL-UK-\d\.\d|ETALAB-2\.0|GFDL-[\w.]+|PUBLIC-?DOMAIN(?:-[\w-]*)?|US-(?:GOVERNMENT-WORKS?|PD)|NOKNOWNCOPYRIGHTRESTRICTIONS"
)
_OPERATORS = frozenset(("AND", "OR", "WITH", "(", ")"))
_TOKEN = re.compile(r"[()]|[^\s()]+")
_CREATIVE_COMMONS = re.compile(r"\bCC[\s_-]+(BY(?:[\s_-]+(?:NC|SA|ND))*)(?:[\s_-]+v?(\d\.\d))?\b", re.IGNORECASE)
_PUBLIC_DOMAIN = re.compile(r"\bpublic\s+domain\b(?:\s+(?:in|\()[\w\s]*\)?)?", re.IGNORECASE)
_MAX_LICENCE = 500
_MAX_BROKEN = 1e-3
_BROKEN = re.compile("[\x01-\x08\x0e-\x1a\x7f\ufffd\ufffe\uffff]")


def _identifiers(licence: str) -> str:
    """The licence with names in words made into identifiers: `CC BY-SA 3.0` -> CC-BY-SA-3.0."""

    def dashed(found: re.Match[str]) -> str:
        return "-".join(filter(None, ("CC", *re.split(r"[\s_-]+", found[1]), found[2]))).upper()

    return _PUBLIC_DOMAIN.sub("public-domain", _CREATIVE_COMMONS.sub(dashed, licence.strip()))


def is_usable(licence: str, profile: str = "") -> bool:
    """Whether documents of this licence may be learned from.

    Args:
      licence: an SPDX expression, or a name that a source gives. Of a choice one must be usable, of a conjunction all.
      profile: what the documents are held to; "" for texts without special rules.
    """
    licence = _identifiers(licence)
    if len(licence) > _MAX_LICENCE:
        return False
    if licence in ("", UNKNOWN):
        return profile not in _PROGRAMS
    strictest = WEAK_COPYLEFT if profile in _LIBRARIES else PERMISSIVE

    def judged(token: str) -> str:
        if token.upper() in _OPERATORS:
            return token.upper()
        name = token.upper().removeprefix("LICENSEREF-")
        if _REFUSED.search(name):
            return "refused"
        is_public = profile not in _PROGRAMS and _PUBLIC.fullmatch(name) is not None
        return "0BSD" if is_public or strictness(token) <= strictest else "refused"

    # With every name put as known and usable or not, what an expression asks is what its parts ask.
    return strictness(" ".join(map(judged, _TOKEN.findall(licence)))) == PERMISSIVE


def what_is_broken(text: str) -> str:
    """Why a text is none: NUL, lone surrogates, or a flood of control and replacement characters; "" for a text."""
    if "\x00" in text:
        return "holds NUL"
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        return f"holds a lone surrogate at character {error.start}"
    broken = len(_BROKEN.findall(text))
    if broken > _MAX_BROKEN * len(text):
        return f"{broken} of {len(text)} characters are control or replacement characters"
    return ""


def admit(document: Document, profile: str = "") -> Reject | None:
    """Why a document is refused whatever its quality, None if it is not: `licence` or `not_text`."""
    if not is_usable(document.licence, profile):
        return Reject("licence", document.licence[:_MAX_LICENCE])
    if broken := what_is_broken(document.text):
        return Reject("not_text", broken)
    return None
