"""What records of pictures, clips and recordings have in common: columns under several names, licences, clean text."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

UNKNOWN_LICENCE = "NOASSERTION"
_MAX_META_CHARS = 2000
_CC_URL = re.compile(
    r"creativecommons\.org/(?:licenses|publicdomain)/([a-z\-]{2,20})(?:/(\d\.\d))?(?:/([a-z]{2})(?![a-z]))?",
    re.IGNORECASE,
)
_CC_NAME = re.compile(r"cc[ _\-]?(by(?:[ _\-](?:nc|sa|nd)){0,2})(?:[ _\-]?(\d\.\d))?", re.IGNORECASE)
_PLAIN_LICENCES = {
    "mit": "MIT", "apache-2.0": "Apache-2.0", "cc0": "CC0-1.0", "cc0-1.0": "CC0-1.0", "cc0 1.0": "CC0-1.0",
    "public domain": "LicenseRef-PublicDomain", "bsd-3-clause": "BSD-3-Clause",
    "no known copyright restrictions": "LicenseRef-NoKnownCopyrightRestrictions",
}  # fmt: skip


def clean_text(value: Any) -> str:
    """Text without NUL and lone surrogates, in NFC, with its ends stripped; "" for what is no text."""
    if not isinstance(value, str):
        return ""
    if any("\ud800" <= mark <= "\udfff" for mark in value):
        value = value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return unicodedata.normalize("NFC", value.replace("\x00", "")).strip()


def one_line(value: Any) -> str:
    """Clean text with every run of white space as one space: captions and transcripts are sentences."""
    return " ".join(clean_text(value).split())


def first(row: Mapping[str, Any], names: Iterable[str]) -> Any:
    """The value of the first of the columns that holds something, whatever case the record writes its name in."""
    folded = {str(key).lower(): value for key, value in row.items()}
    return next((folded[name] for name in names if folded.get(name) not in (None, "", b"", [], {})), None)


def bare_meta(row: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Those columns that hold a text, a truth or a finite number, under their lower-case names."""
    found = {}
    for name in names:
        value = first(row, (name,))
        if isinstance(value, str):
            found[name] = clean_text(value)[:_MAX_META_CHARS]
        elif isinstance(value, (bool, int)) or (isinstance(value, float) and math.isfinite(value)):
            found[name] = value
    return found


def spdx(*values: Any) -> str:
    """The SPDX identifier of the first of the values that names a licence; NOASSERTION where none does.

    Creative Commons are told by address or name; the version is 4.0 where a name leaves it out.
    """
    for value in values:
        text = value.strip()[:300] if isinstance(value, str) else ""
        if found := _CC_URL.search(text):
            kind, version, port = found.group(1).lower(), found.group(2), found.group(3)
            if kind in ("zero", "publicdomain"):
                return "CC0-1.0"
            if kind == "mark":
                return "LicenseRef-PublicDomain"
            ported = f"-{port.upper()}" if port and version in ("2.0", "2.5", "3.0") else ""
            return f"CC-{kind.upper()}-{version or '4.0'}{ported}"
        if "flickr.com/commons/usage" in text:
            return "LicenseRef-NoKnownCopyrightRestrictions"
        if text.lower() in _PLAIN_LICENCES:
            return _PLAIN_LICENCES[text.lower()]
        if found := _CC_NAME.match(text):
            return f"CC-{re.sub('[ _]', '-', found.group(1)).upper()}-{found.group(2) or '4.0'}"
    return UNKNOWN_LICENCE
