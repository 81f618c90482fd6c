"""Secrets and addresses in code: found by their known formats or by their randomness, and replaced.

Formats are those that providers publish for secret scanning; a quoted value given to a name like `password` or
`api_key` is a secret when it looks random. A placeholder stands where the secret stood, inside the same quotes; names
and the treatment of addresses follow StarCoder (Li et al. 2023, arXiv:2305.06161, section 3.4). Scrubbing twice is
scrubbing once.
"""

from __future__ import annotations

import collections
import dataclasses
import functools
import ipaddress
import math
import re
from collections.abc import Iterator

from data.processors.secret_formats import (
    ASSIGNED,
    CHOSEN,
    ENVIRONMENT,
    EXAMPLE,
    FORMATS,
    HEX,
    MADE_UP,
    NAME_HINTS,
    WORDLIKE,
)

EMAIL = "<EMAIL>"
IP_ADDRESS = "<IP_ADDRESS>"
ADDRESSES = ("email", "ip")  # kinds of findings that grant no access
_MAX_PASSES = 4


@dataclasses.dataclass(frozen=True)
class Finding:
    """A secret or address at text[start:end], what kind it is, and what stands in its place."""

    start: int
    end: int
    kind: str
    replacement: str

    @property
    def is_secret(self) -> bool:
        """Whether it grants access, which an address doesn't."""
        return self.kind not in ADDRESSES


_EMAIL = re.compile(
    r"(?<![A-Za-z0-9._%+/:@-])(?P<local>[A-Za-z0-9_][A-Za-z0-9._%+-]{0,63})@"
    r"(?P<domain>(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,62})\.){1,6}(?P<top>[A-Za-z]{2,12}))(?![A-Za-z0-9_(@-]|\.[A-Za-z0-9])"
)
# With the two-letter country codes, the top domains that addresses have; `a@b.shape` is a product of matrices.
_TOP = frozenset(
    "com org net edu gov mil int info biz name pro dev app io ai tech cloud online site email blog xyz museum "
    "mobi".split()
)
_RESERVED = re.compile(r"(?:^|\.)(?:example|test|invalid|localhost|local)(?:\.(?:com|org|net))?$", re.IGNORECASE)
_SERVICE = frozenset(
    ("git", "hg", "svn", "noreply", "no-reply", "donotreply", "user", "username", "you", "name", "email")
)
_IPV4 = re.compile(r"(?<![\w.-])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\w-]|\.\d)")
_IPV6 = re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{1,4}:){2,7}(?::?[0-9A-Fa-f]{1,4}){1,6}(?![\w:.])")
_VERSION = re.compile(
    r"(?:\bv|ver(?:sion)?|release|build|assembly|rev(?:ision)?|upgrade|==|>=|<=|~=|\^|section"
    r"|oid)\W{0,12}$",
    re.IGNORECASE,
)
_RESOLVERS = frozenset(("8.8.8.8", "8.8.4.4", "1.1.1.1", "1.0.0.1", "9.9.9.9", "208.67.222.222", "208.67.220.220"))


def entropy(value: str) -> float:
    """Shannon entropy of the characters, in bits a character."""
    counts = collections.Counter(value)
    return -sum(n / len(value) * math.log2(n / len(value)) for n in counts.values()) if value else 0.0


def looks_random(value: str) -> bool:
    """Whether a value was drawn rather than written: high entropy, no words, no example."""
    if len(value) < 8 or EXAMPLE.search(value) or WORDLIKE.match(value):
        return False
    if HEX.match(value):
        return len(value) >= 16 and entropy(value) >= 2.8
    kinds = sum(bool(re.search(kind, value)) for kind in ("[a-z]", "[A-Z]", "[0-9]", "[^A-Za-z0-9]"))
    # Twelve different characters have 3.58 bits at most, so what is asked of a short value is less.
    enough = min(3.3, 0.8 * math.log2(len(value)))
    return kinds >= 2 and bool(re.search(r"\d|[^A-Za-z0-9]", value)) and entropy(value) >= enough


def _placeholder(kind: str) -> str:
    return f"<{kind.upper()}>"


def _secrets(text: str) -> Iterator[Finding]:
    for known in FORMATS:
        if not any(hint in text for hint in known.hints):
            continue
        for found in known.pattern.finditer(text):
            start, end = found.span("secret") if "secret" in known.pattern.groupindex else found.span()
            if known.kind not in CHOSEN or not MADE_UP.search(text[start:end]):
                yield Finding(start, end, known.kind, _placeholder(known.kind))
    folded = text.lower()
    if not any(hint in folded for hint in NAME_HINTS):
        return
    for pattern in (ASSIGNED, ENVIRONMENT):
        for found in pattern.finditer(text):
            if looks_random(found["secret"]):
                kind = "password" if re.search("passw|pwd", found["name"], re.IGNORECASE) else "key"
                yield Finding(*found.span("secret"), kind, _placeholder(kind))


def _addresses(text: str) -> Iterator[Finding]:
    if "@" in text:
        for found in _EMAIL.finditer(text):
            top = found["top"].lower()
            if top not in _TOP and len(top) != 2:
                continue
            if _RESERVED.search(found["domain"]) or found["local"].lower() in _SERVICE:
                continue
            yield Finding(*found.span(), "email", EMAIL)
    for pattern in (_IPV4, _IPV6):
        for found in pattern.finditer(text):
            if _is_public_address(found.group()) and not _VERSION.search(
                text, max(found.start() - 24, 0), found.start()
            ):
                yield Finding(*found.span(), "ip", IP_ADDRESS)


def _is_public_address(value: str) -> bool:
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return False
    if value in _RESOLVERS or not address.is_global:
        return False
    if address.version == 6:
        return int(address) >> 125 == 1  # 2000::/3, all that is handed out
    # Four small numbers are a version or a section far more often than a host.
    return sum(int(part) >= 20 for part in value.split(".")) >= 2


@functools.lru_cache(maxsize=4)
def find(text: str) -> tuple[Finding, ...]:
    """All secrets and addresses of a text, in order; of two that overlap the one that begins first."""
    found = sorted([*_secrets(text), *_addresses(text)], key=lambda one: (one.start, -one.end, one.kind))
    kept: list[Finding] = []
    for one in found:
        if (not kept or one.start >= kept[-1].end) and text[one.start : one.end] != one.replacement:
            kept.append(one)
    return tuple(kept)


def scrub(text: str) -> str:
    """The text with every finding replaced; the text itself where there is none."""
    for _ in range(_MAX_PASSES):  # what stood beside a secret may look like one once that is gone
        found = find(text)
        if not found:
            break
        pieces, position = [], 0
        for one in found:
            pieces += [text[position : one.start], one.replacement]
            position = one.end
        text = "".join([*pieces, text[position:]])
    return text


def counts(text: str) -> dict[str, int]:
    """How many findings of each kind a text has."""
    return dict(sorted(collections.Counter(one.kind for one in find(text)).items()))


def secret_share(text: str) -> float:
    """Share of secrets among the characters that aren't white space."""
    solid = sum(map(len, text.split()))
    secret = sum(len("".join(text[one.start : one.end].split())) for one in find(text) if one.is_secret)
    return secret / solid if solid else 0.0
