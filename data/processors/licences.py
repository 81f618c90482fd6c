"""The licence that a file states in its own head: by an SPDX line, by a licence's words, or by its name.

Repositories hold files of other licences than their own, so a file's own word counts where it is the stricter one
(The Stack looks at both: Kocetkov et al. 2022, arXiv 2211.15533). Identifiers and expressions are those of SPDX 2.3.
"""

from __future__ import annotations

import functools
import re

from data.processors.licence_texts import CHOICE, NAMED, PROPRIETARY, PUBLIC_DOMAIN, TEMPLATES

UNKNOWN = "NOASSERTION"
HEAD_LINES = 60
# A licence text as a whole, when the file is one, is told by its first words, and passages may stand at the end of
# MIT's.
HEAD_CHARS = 6000
_SPDX_LINE = re.compile(r"SPDX-License-Identifier:[ \t]*([^\n\r]{1,200})", re.IGNORECASE)
_TOKEN = re.compile(r"\s*(\(|\)|[A-Za-z0-9][A-Za-z0-9.\-:]*\+?)")
_OPERATORS = ("AND", "OR", "WITH")
_WORDS = re.compile(r"[a-z0-9]+")
_SHINGLE = 3
_ENOUGH = 0.85  # of a passage's three-word runs

PERMISSIVE, WEAK_COPYLEFT, COPYLEFT, NETWORK_COPYLEFT, RESTRICTED = range(5)
_STRICTNESS = {
    PERMISSIVE: (
        "0BSD AFL-3.0 Apache-1.1 Apache-2.0 Artistic-2.0 BlueOak-1.0.0 BSD-1-Clause BSD-2-Clause BSD-2-Clause-Patent "
        "BSD-3-Clause BSD-3-Clause-Clear BSD-4-Clause BSD-Source-Code BSL-1.0 CC0-1.0 CC-BY-3.0 CC-BY-4.0 CC-PDDC "
        "CNRI-Python curl ECL-2.0 FTL HPND ICU ISC JSON Libpng LicenseRef-public-domain MIT MIT-0 MIT-CMU "
        "MIT-Modern-Variant "
        "MulanPSL-2.0 NCSA NTP OLDAP-2.8 OpenSSL PDDL-1.0 PHP-3.01 PostgreSQL PSF-2.0 Python-2.0 Ruby Unicode-3.0 "
        "Unicode-DFS-2016 Unlicense UPL-1.0 Vim W3C WTFPL X11 Zlib zlib-acknowledgement ZPL-2.1"
    ),
    WEAK_COPYLEFT: (
        "LGPL-2.0-only LGPL-2.0-or-later LGPL-2.1-only LGPL-2.1-or-later LGPL-3.0-only LGPL-3.0-or-later MPL-1.0 "
        "MPL-1.1 "
        "MPL-2.0 EPL-1.0 EPL-2.0 CDDL-1.0 CDDL-1.1 CPL-1.0 IPL-1.0 MS-RL OSL-3.0 CC-BY-SA-3.0 CC-BY-SA-4.0 CECILL-C "
        "Artistic-1.0 Artistic-1.0-Perl MS-PL OFL-1.1"
    ),
    COPYLEFT: (
        "GPL-1.0-only GPL-1.0-or-later GPL-2.0-only GPL-2.0-or-later GPL-3.0-only GPL-3.0-or-later CECILL-2.1 EUPL-1.1 "
        "EUPL-1.2 GFDL-1.1-or-later GFDL-1.2-or-later GFDL-1.3-only GFDL-1.3-or-later Sleepycat"
    ),
    NETWORK_COPYLEFT: "AGPL-1.0-only AGPL-3.0-only AGPL-3.0-or-later SSPL-1.0 RPL-1.5",
}
_RANK = {name.lower(): rank for rank, names in _STRICTNESS.items() for name in names.split()}
_CANONICAL = {name.lower(): name for names in _STRICTNESS.values() for name in names.split()}
_GNU = re.compile(r"^(a?gpl|lgpl|gfdl)-(\d\.\d)(\+?)$")


def canonical(identifier: str) -> str:
    """An SPDX identifier in its usual letters, of today's list: `gpl-2.0+` is GPL-2.0-or-later."""
    if found := _GNU.match(identifier.lower()):
        return f"{found[1].upper()}-{found[2]}-{'or-later' if found[3] else 'only'}"
    return _CANONICAL.get(identifier.lower().rstrip("+"), identifier)


def expression_of(words: str, whole: bool = False) -> str | None:
    """The SPDX expression that a line begins with, its identifiers canonical; None where it begins with none.

    Args:
      words: an expression, and whatever follows it, as the end of a comment does.
      whole: whether nothing may follow.
    """
    tokens: list[str] = []
    position, depth = 0, 0
    while found := _TOKEN.match(words, position):
        token = found[1]
        wants_name = not tokens or tokens[-1] in (*_OPERATORS, "(")
        if token == "(" and wants_name:
            depth += 1
        elif token == ")" and depth and not wants_name:
            depth -= 1
        elif token.upper() in _OPERATORS and not wants_name:
            token = token.upper()
        elif token not in "()" and wants_name:
            token = canonical(token)
        else:
            break
        tokens.append(token)
        position = found.end()
    while tokens and tokens[-1] in (*_OPERATORS, "("):
        depth -= tokens.pop() == "("
    if not tokens or depth or (whole and words[position:].strip()):
        return None
    return " ".join(tokens).replace("( ", "(").replace(" )", ")")


def strictness(expression: str) -> int:
    """How much a licence asks, PERMISSIVE to RESTRICTED: of a choice the mildest part, of a conjunction the strictest.

    A name that isn't known is RESTRICTED: nothing is known to be allowed.
    """
    tokens = re.findall(r"[()]|[^\s()]+", expression)
    position = 0

    def one() -> int:
        nonlocal position
        if position >= len(tokens):
            return RESTRICTED
        token = tokens[position]
        position += 1
        if token == "(":
            value = either()
            position += 1
            return value
        if position < len(tokens) and tokens[position] == "WITH":
            position += 2  # an exception only ever allows more
        return _RANK.get(canonical(token).lower(), RESTRICTED)

    def both() -> int:
        nonlocal position
        value = one()
        while position < len(tokens) and tokens[position] == "AND":
            position += 1
            value = max(value, one())
        return value

    def either() -> int:
        nonlocal position
        value = both()
        while position < len(tokens) and tokens[position] == "OR":
            position += 1
            value = min(value, both())
        return value

    if expression.count("(") > 20:
        return RESTRICTED
    value = either()
    return value if position >= len(tokens) else RESTRICTED


def _shingles(words: list[str]) -> set[tuple[str, ...]]:
    return {tuple(words[at : at + _SHINGLE]) for at in range(len(words) - _SHINGLE + 1)}


@functools.cache
def _templates() -> tuple[tuple[str, tuple[set[tuple[str, ...]], ...]], ...]:
    return tuple((spdx, tuple(_shingles(p.split()) for p in passages)) for spdx, passages in TEMPLATES)


def _by_words(head: str) -> str | None:
    present = _shingles(_WORDS.findall(head.lower()))
    best: tuple[int, float, str] | None = None
    for spdx, passages in _templates():
        shares = [len(passage & present) / len(passage) for passage in passages]
        if min(shares) < _ENOUGH:
            continue
        # Of two that fit, GPL-2.0-only and -or-later share most words, so the fuller match is meant.
        rank = (len(passages), min(shares), spdx)
        best = max(best, rank, key=lambda found: found[:2]) if best else rank
    return best[2] if best else None


def spdx_of(text: str) -> str | None:
    """The licence that the head of a file states, as an SPDX expression; None where it states none.

    Several SPDX lines hold together (AND). `LicenseRef-proprietary` stands for a head that forbids copying,
    `LicenseRef-public-domain` for one that gives the file to everybody.
    """
    head = "\n".join(text[: 4 * HEAD_CHARS].split("\n", HEAD_LINES)[:HEAD_LINES])[:HEAD_CHARS]
    stated = [expression for line in _SPDX_LINE.findall(head) if (expression := expression_of(line))]
    if stated:
        different = list(dict.fromkeys(stated))
        return (
            different[0]
            if len(different) == 1
            else " AND ".join(f"({one})" if " " in one else one for one in different)
        )
    if found := _by_words(head):
        return found
    flat = " ".join(re.sub(r"^[\s#/*;%!<>-]+", " ", line) for line in head.split("\n"))
    flat = re.sub(r"\s+", " ", flat)
    if "licen" in flat.lower() or "gpl" in flat.lower():
        named = list(dict.fromkeys(spdx for pattern, spdx in NAMED if pattern.search(flat)))
        if named:
            return " OR ".join(named) if CHOICE.search(flat) else named[0]
    if PROPRIETARY.search(flat):
        return "LicenseRef-proprietary"
    return "LicenseRef-public-domain" if PUBLIC_DOMAIN.search(flat) else None


def reconcile(upstream: str, text: str) -> str:
    """The licence to go by: the file's own word where upstream has none or is the milder, else upstream's.

    Args:
      upstream: the licence that the source gives, in any letters; "" or NOASSERTION for none.
      text: the file.
    """
    stated = spdx_of(text)
    known = (expression_of(upstream, whole=True) or upstream) if upstream and upstream != UNKNOWN else ""
    if stated is None:
        return known or UNKNOWN
    return stated if not known or strictness(stated) > strictness(known) else known
