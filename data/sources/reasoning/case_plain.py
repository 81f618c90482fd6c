"""Opinions in plain text, as courts' PDF were printed: hard line ends, words cut at them, centred headings, page
numbers.

`reflow` makes paragraphs of it. A word cut at a line's end is joined without its hyphen, unless the opinion writes it
with one elsewhere.
"""

from __future__ import annotations

import re

from data.sources.reasoning.case_text import Case, Opinion, iso_date
from data.sources.reasoning.pieces import clean, line

_PAGE = re.compile(r"\s*(?:-+\s*)?(?:Page\s+)?\d{1,4}(?:\s*of\s*\d{1,4})?(?:\s*-+)?\s*$", re.IGNORECASE)
_CUT = re.compile(r"(?<![A-Za-z])([A-Za-z]{1,40})-\n([a-z]{1,40})(?![a-z])")
_HYPHENATED = re.compile(r"(?<![A-Za-z])[A-Za-z]{1,40}-[a-z]{1,40}(?![a-z])")
_MIN_CUT_PARAGRAPH = 60
_SIGNS = (
    r"\bcourts?\b", r"\bopinion\b", r"\bjudge\b|\bjustice\b|\bj\.", r"\bplaintiffs?\b", r"\bdefendants?\b",
    r"\bappell(?:ant|ee|ate)s?\b",
    r"\bpetitioners?\b", r"\brespondents?\b", r"\bv(?:s)?\.",
    r"\baffirm(?:ed)?\b|\brevers(?:ed)?\b|\bremand(?:ed)?\b", r"\bno\. \d",
)  # fmt: skip
_MIN_SIGNS = 4
_HEAD = 20_000
_DATE = re.compile(r"((?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*)\.? (\d{1,2}), (\d{4})")
_DECIDED = re.compile(r"(?:Decided|Filed|Entered)[: ]+([A-Z][a-z]{2,8})\.? (\d{1,2}), (\d{4})", re.IGNORECASE)
_DOCKET = re.compile(r"\bNos?\.\s*(\d[\w:\-.]{2,20}\w)")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def is_opinion(text: str) -> bool:
    """Whether a text speaks as opinions do in its first pages."""
    head = text[:_HEAD].lower()
    return sum(bool(re.search(sign, head)) for sign in _SIGNS) >= _MIN_SIGNS


def reflow(text: str) -> str:
    """Paragraphs on one line each, page numbers and form feeds gone, cut words joined."""
    text = clean(text.replace("\x0c", "\n\n").expandtabs(8))
    hyphenated = set(_HYPHENATED.findall(text))
    paragraphs: list[str] = []
    for block in text.split("\n\n"):
        lines = [part for part in block.split("\n") if part.strip()]
        if not lines or (len(lines) == 1 and _PAGE.match(lines[0])):
            continue
        for paragraph in _split_at_indents(lines):
            words = _CUT.sub(
                lambda m: m[0].replace("\n", "") if m[0].replace("\n", "") in hyphenated else m[1] + m[2], paragraph
            )
            paragraphs.append(line(words))
    return "\n\n".join(_rejoined(paragraphs))


def _split_at_indents(lines: list[str]) -> list[str]:
    """A block's paragraphs: where all lines begin at the margin but some, those begin paragraphs."""
    indents = [len(part) - len(part.lstrip()) for part in lines]
    margin = min(indents)
    found: list[list[str]] = []
    for part, indent in zip(lines, indents, strict=True):
        starts = 2 <= indent - margin <= 10 and indents.count(margin) > 1
        if starts or not found:
            found.append([])
        found[-1].append(part.strip())
    return ["\n".join(part) for part in found]


def _rejoined(paragraphs: list[str]) -> list[str]:
    """Paragraphs that a page's end had cut in the midst of a sentence are put together."""
    groups: list[list[str]] = []
    for paragraph in paragraphs:
        last = groups[-1][-1] if groups else ""
        is_cut = len(last) > _MIN_CUT_PARAGRAPH and (last[-1].islower() or last[-1] == ",") and paragraph[:1].islower()
        if is_cut:
            groups[-1].append(paragraph)
        else:
            groups.append([paragraph])
    return [" ".join(group) for group in groups]


def read(text: str) -> Case:
    """A case of one opinion; its facts as far as the first lines tell them."""
    head = text[:4000]
    decided = _DECIDED.search(head) or _DATE.search(head)
    court = next(
        (
            line(part)
            for part in head.split("\n")[:40]
            if re.search(r"\bCourt\b", part, re.IGNORECASE) and len(part.strip()) < 90
        ),
        "",
    )
    docket = _DOCKET.search(head)
    date = ""
    if decided and decided[1][:3].lower() in _MONTHS:
        date = iso_date(f"{decided[3]}-{_MONTHS.index(decided[1][:3].lower()) + 1}-{decided[2]}")
    # The text begins with these facts itself, so they stand in its meta data only.
    facts = {"court": court, "date": date, "docket": f"No. {docket[1]}" if docket else ""}
    return Case(opinions=[Opinion(reflow(text))], meta=facts)
