"""The licence that a source file itself states, as an SPDX identifier."""

from __future__ import annotations

import re

UNKNOWN = "NOASSERTION"
_LOOK = 20_000  # characters at either end: licences stand in headers and footers
_CREATIVE = re.compile(r"creativecommons\.org/(licenses|publicdomain)/(by(?:-nc)?(?:-sa|-nd)?|zero)/(\d\.\d)")
_SPOKEN = re.compile(
    r"(?:CC|Creative Commons)[ -](?:BY|Attribution)(-NC|[ -]NonCommercial)?(-SA|-ND|[ -]ShareAlike|[ -]NoDerivatives)?"
    r"[ -](?:International )?(\d\.\d)",
    re.IGNORECASE,
)
_STATED = (
    (re.compile(r"Apache(?: License,?)?(?: Version)? 2\.0", re.IGNORECASE), "Apache-2.0"),
    (re.compile(r"Lesser\s+General\s+Public\s+License\W+(?:as\W+)?Version\s+2\.1", re.IGNORECASE), "LGPL-2.1-only"),
    (re.compile(r"\bLGPL[- ]?2\.1\b|license:\s*LGPL\b", re.IGNORECASE), "LGPL-2.1-only"),
    (re.compile(r"\bCC0\b|UNLICENSE|waived of all rights", re.IGNORECASE), "CC0-1.0"),
    (re.compile(r"\bMIT licen[cs]e\b", re.IGNORECASE), "MIT"),
    (re.compile(r"license:\s*BSD\b|\b3-clause BSD\b|\bBSD[- ]3[- ]clause\b", re.IGNORECASE), "BSD-3-Clause"),
    (re.compile(r"GNU Free Documentation License", re.IGNORECASE), "GFDL-1.3-or-later"),
)


def stated(text: str) -> str:
    """SPDX identifier of the licence that a text names at its beginning or end, else NOASSERTION."""
    ends = text if len(text) <= 2 * _LOOK else text[:_LOOK] + "\n" + text[-_LOOK:]
    if match := _CREATIVE.search(ends):
        kind = match.group(2).upper()
        return f"CC0-{match.group(3)}" if kind == "ZERO" else f"CC-{kind}-{match.group(3)}"
    for pattern, identifier in _STATED:
        if pattern.search(ends):
            return identifier
    if match := _SPOKEN.search(ends):
        commercial = "-NC" if match.group(1) else ""
        sharing = (match.group(2) or "").upper()
        shared = "-SA" if "S" in sharing[:2] else "-ND" if sharing else ""
        return f"CC-BY{commercial}{shared}-{match.group(3)}"
    return UNKNOWN
