"""The layout that every case is written in, whatever format it came in, and what all readers of cases need.

A case reads as it is cited: its name, court, docket number, date and citations, the matter before the opinions, then
each opinion under a line that says whose it is. Opinions of courts of the United States and of its states are edicts
of government, which are in the public domain (Georgia v. Public.Resource.Org, 2020); all documents carry that
licence.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from typing import Any

from data.document import Document
from data.sources.reasoning.pieces import clean, joined, line

NAME = "legal_cases"
DOMAIN = "reasoning"
LICENCE = "LicenseRef-US-government-work"

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_ISO = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?(?:[T ].*)?$")
_US = re.compile(r"(\d{1,2})[-/](\d{1,2})[-/](\d{4})$")
_KINDS = {
    "majority": "Opinion of the court", "lead": "Lead opinion", "leadopinion": "Lead opinion", "combined": "Opinion",
    "unanimous": "Unanimous opinion", "plurality": "Plurality opinion", "concurrence": "Concurring opinion",
    "concurringopinion": "Concurring opinion", "concurring": "Concurring opinion", "concur": "Concurring opinion",
    "concurrenceinpart": "Opinion concurring in part", "concurringinpart": "Opinion concurring in part",
    "dissent": "Dissenting opinion", "dissenting": "Dissenting opinion", "dissentingopinion": "Dissenting opinion",
    "concurring-in-part-and-dissenting-in-part": "Opinion concurring in part and dissenting in part",
    "concurringinpartdissenting": "Opinion concurring in part and dissenting in part",
    "remittitur": "Remittitur", "rehearing": "Opinion on rehearing", "onthemerits": "Opinion on the merits",
    "on-the-merits": "Opinion on the merits", "onmotiontostrike": "Opinion on a motion to strike cost bill",
    "on-motion-to-strike": "Opinion on a motion to strike cost bill", "addendum": "Addendum",
    "trialcourt": "Opinion of the trial court",
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Opinion:
    """One opinion: its kind as the source names it, its author, its text in paragraphs."""

    text: str
    kind: str = ""
    author: str = ""


@dataclasses.dataclass
class Case:
    """What all formats are read into. Dates are ISO 8601, as exact as the source has them."""

    name: str = ""
    court: str = ""
    docket: str = ""
    date: str = ""
    citations: Sequence[str] = ()
    head: str = ""
    opinions: Sequence[Opinion] = ()
    meta: dict[str, Any] = dataclasses.field(default_factory=dict)

    def has_opinion(self) -> bool:
        return any(opinion.text.strip() for opinion in self.opinions)

    def document(self, key: str) -> Document:
        """The case as one document; `key` names it inside the source."""
        citations = ", ".join(self.citations)
        heading = joined((self.name, self.court, self.docket, spoken_date(self.date), citations), "\n")
        parts = [heading, self.head]
        for opinion in self.opinions:
            if opinion.text.strip():
                parts.append(joined((_title(opinion), opinion.text), "\n\n"))
        facts = {
            "name": self.name,
            "court": self.court,
            "docket": self.docket,
            "date": self.date,
            "citations": list(self.citations),
            "opinions": [opinion.kind for opinion in self.opinions if opinion.kind],
            **self.meta,
        }
        meta = {name: value for name, value in facts.items() if value not in ("", None, [], {})}
        return Document(clean(joined(parts)), DOMAIN, f"{NAME}:{key}", LICENCE, meta=meta)


def _title(opinion: Opinion) -> str:
    """`Dissenting opinion by Holmes, J.`; nothing where the source tells neither kind nor author."""
    key = re.sub(r"^\d{3}", "", opinion.kind.strip().lower()).replace(" ", "-")
    known = _KINDS.get(key) or _KINDS.get(key.replace("-", "")) or ("Opinion" if opinion.kind or opinion.author else "")
    author = opinion.author.strip().rstrip(":.-—– ") if known else ""
    return f"{known} by {author}" if author else known


def iso_date(value: Any) -> str:
    """ISO 8601 of a date as sources write it: 1819-12, 2014-01-13, 08-29-2014, 1/13/2014; "" for none."""
    words = line(value)
    if match := _ISO.match(words):
        year, month, day = match.groups()
    elif match := _US.match(words):
        month, day, year = match.groups()
    else:
        return ""
    if month and not 1 <= int(month) <= 12 or day and not 1 <= int(day) <= 31:
        return year
    return "-".join(filter(None, (year, month and f"{int(month):02}", day and f"{int(day):02}")))


def spoken_date(date: str) -> str:
    """`January 13, 2014` of 2014-01-13."""
    year, month, day = (*date.split("-"), "", "")[:3]
    if not month:
        return year
    name = _MONTHS[int(month) - 1]
    return f"{name} {int(day)}, {year}" if day else f"{name} {year}"
