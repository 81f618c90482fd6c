"""The layout that every paper is written in, whatever format it came in, and the names of licences.

A paper reads as Markdown: its title, the abstract, sections with headings as deep as they are nested, formulas as LaTeX
between dollar signs, captions of figures and tables as paragraphs of their own. References are left out.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Sequence
from typing import Any

from data.document import Document
from data.sources.reasoning.pieces import clean, joined, line

NAME = "scientific_papers"
DOMAIN = "reasoning"
_MAX_AUTHORS = 20
_MAX_HEADING = 6

_CC = re.compile(r"creativecommons\.org/licen[sc]es/(by(?:-nc)?(?:-nd|-sa)?)/(\d\.\d)", re.IGNORECASE)
_CC_SHORT = re.compile(r"\bCC[- ](BY(?:-NC)?(?:-ND|-SA)?)(?:[- ]v?(\d\.\d))?(?![\w.]*\w)", re.IGNORECASE)
_CC_WORDS = re.compile(
    r"Creative\s+Commons\s+Attribution((?:[\s\-–/]+(?:Non-?\s?Commercial|Share-?\s?Alike|No-?\s?Deriv\w*))*)"
    r"(?:\s+(?:International|Unported|Generic|Public))?(?:\s+Licen[sc]e)?[,\s]*(?:\(CC[^)]{0,20}\)\s*)?(?:v(?:ersion)?\s*)?(\d\.\d)?",
    re.IGNORECASE,
)
_SPDX_FAMILIES = ("BY", "BY-SA", "BY-NC", "BY-ND", "BY-NC-SA", "BY-NC-ND")
_SUPER = str.maketrans("0123456789+-−=()n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁿ")
_SUB = str.maketrans("0123456789+-−=()aeox", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎ₐₑₒₓ")
_SUPER_KEYS, _SUB_KEYS = frozenset("0123456789+-−=()n"), frozenset("0123456789+-−=()aeox")


def licence_of(*statements: str) -> str:
    """SPDX identifier of what a paper says about its licence, most reliable statement first.

    A Creative Commons licence without a version is no SPDX licence and is named `LicenseRef-CC-BY` and so on.
    """
    text = " ".join(filter(None, statements))
    lower = text.lower()
    if match := _CC.search(text):
        return f"CC-{match[1].upper()}-{match[2]}"
    if "publicdomain/zero" in lower or re.search(r"\bcc[- ]?0\b|\bcc zero\b", lower):
        return "CC0-1.0"
    if "publicdomain/mark" in lower or "public domain" in lower or "public-domain" in lower:
        return "LicenseRef-public-domain"
    found = ""
    if match := _CC_WORDS.search(text):
        family = "".join(
            part
            for word, part in (("commercial", "-NC"), ("alike", "-SA"), ("deriv", "-ND"))
            if word in match[1].lower()
        )
        found, version = f"BY{family}", match[2]
    elif match := _CC_SHORT.search(text.replace("_", "-")):
        found, version = match[1].upper(), match[2]
    if found in _SPDX_FAMILIES:
        return f"CC-{found}-{version}" if version else f"LicenseRef-CC-{found}"
    return "NOASSERTION"


def script(text: str, is_super: bool) -> str:
    """What stands above or below the line: by Unicode's small figures where there are some, else as LaTeX has it."""
    inner = text.strip()
    if not inner or set(inner) <= set("°*†‡§®™′″"):
        return text
    if set(inner) <= (_SUPER_KEYS if is_super else _SUB_KEYS):
        marked = inner.translate(_SUPER if is_super else _SUB)
    else:
        marked = ("^" if is_super else "_") + (inner if len(inner) == 1 else f"{{{inner}}}")
    return text.replace(inner, marked, 1)


def formula(latex: str, is_display: bool) -> str:
    """LaTeX between dollar signs; "" for none."""
    latex = latex.strip().strip("$").strip()
    if not latex:
        return ""
    return f"$${latex}$$" if is_display else f"${latex}$"


def heading(title: str, depth: int) -> str:
    """A section's heading; `depth` 1 is a section of the paper."""
    return f"{'#' * min(depth + 1, _MAX_HEADING)} {title}" if title else ""


@dataclasses.dataclass
class Paper:
    """What all formats are read into.

    Attributes:
      abstract, body: blocks of text (paragraphs, headings, formulas) in their order.
    """

    title: str = ""
    authors: Sequence[str] = ()
    abstract: list[str] = dataclasses.field(default_factory=list)
    body: list[str] = dataclasses.field(default_factory=list)
    licence: str = "NOASSERTION"
    meta: dict[str, Any] = dataclasses.field(default_factory=dict)

    def has_text(self) -> bool:
        return any(block.strip() for block in (*self.abstract, *self.body))

    def document(self, key: str) -> Document:
        """The paper as one document; `key` names it inside the source."""
        title = line(self.title)
        abstract = [heading("Abstract", 1), *self.abstract] if any(map(str.strip, self.abstract)) else []
        text = clean(joined((f"# {title}" if title else "", *_without_empty_sections([*abstract, *self.body]))))
        facts = {"title": title, "authors": [line(name) for name in self.authors][:_MAX_AUTHORS], **self.meta}
        meta = {name: value for name, value in facts.items() if value not in ("", None, [], {})}
        return Document(text, DOMAIN, f"{NAME}:{key}", self.licence, meta=meta)


def _without_empty_sections(blocks: Iterable[str]) -> list[str]:
    """Blocks without headings that nothing follows but a heading of the same level or above."""
    kept: list[str] = []
    for block in filter(None, blocks):
        level = _level(block)
        while level and kept and level <= _level(kept[-1]):
            kept.pop()
        kept.append(block)
    while kept and _level(kept[-1]):
        kept.pop()
    return kept


def _level(block: str) -> int:
    match = re.match(r"(#{1,6}) ", block)
    return len(match[1]) if match and "\n" not in block else 0
