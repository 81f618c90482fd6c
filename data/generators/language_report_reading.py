"""Reads the table out of a generated report and holds its summary against what follows from the figures."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from typing import Any

from data.generators.language_report_words import REMARKS, TIERS, Subject
from data.generators.language_tasks import ReadingError

_GROUPS = {name: r"\d+" for name in ("earlier", "later", "total", "change", "most", "step")}
_GROUPS |= {"first": r"\w+", "second": r"\w+", "move": "[a-z]+", "way": "[a-z]+"}
_GROUPS |= dict.fromkeys(("name", "largest", "moved"), r"[\w ]+?")
_FIELD = re.compile(r"\{(\w+)\}")


def _pattern(template: str) -> re.Pattern[str]:
    """What a template makes of itself as a sentence, with a group for each of its fields."""
    parts = enumerate(_FIELD.split(template))
    text = "".join(f"(?P<{part}>{_GROUPS[part]})" if place % 2 else re.escape(part) for place, part in parts)
    return re.compile(text[0].upper() + text[1:])


@functools.cache
def _patterns(subject: Subject) -> tuple[list[re.Pattern[str]], list[re.Pattern[str]]]:
    return [_pattern(form) for form in subject.rows], [_pattern(fact) for fact in subject.facts]


def _subject(title: str) -> tuple[Subject, tuple[str, str]]:
    """What a report is about, and its two periods, from its title."""
    for subject in (subject for tier in TIERS for subject in tier):
        before, middle, after = subject.title.split("{}")
        match = re.fullmatch(rf"{re.escape(before)}(\w+){re.escape(middle)}(\w+){re.escape(after)}", title)
        if match and match.groups() in subject.periods:
            return subject, (match[1], match[2])
    raise ReadingError(f"{title!r} is the title of no report")


def _row_name(match: re.Match[str], field: str, names: tuple[str, ...]) -> str:
    """The name in a field; at the start of a sentence it has a capital letter."""
    for name in names:
        if match[field] == (name[0].upper() + name[1:] if match.start(field) == match.start() else name):
            return name
    raise ReadingError(f"{match[field]!r} is in no row")


def _table(body: str, subject: Subject, periods: tuple[str, str]) -> Iterator[list[Any]]:
    """The rows that a report tells, in its order."""
    forms, _ = _patterns(subject)
    remarks = [remark for tier in REMARKS for remark in tier]
    while body:
        match = next(filter(None, (form.match(body) for form in forms)), None)
        remark = next((remark for remark in remarks if body.startswith(remark)), "")
        if match is not None:
            if (match["first"], match["second"]) != periods:
                raise ReadingError(f"{match[0]!r} speaks of other times")
            yield [_row_name(match, "name", subject.names), int(match["earlier"]), int(match["later"])]
        elif not remark:
            raise ReadingError(f"{body!r} begins with no sentence of a report")
        rest = body[match.end() if match else len(remark) :]
        if rest and rest[0] != " ":
            raise ReadingError(f"{rest!r} follows without a space")
        body = rest[1:]


def _stated(summary: str, subject: Subject) -> dict[str, str]:
    """What the sentences of a summary say, by field; a period that is named twice is the same."""
    said: dict[str, str] = {}
    for fact in _patterns(subject)[1]:
        match = fact.match(summary)
        if match is None or match.end() < len(summary) and summary[match.end()] != " ":
            raise ReadingError(f"{summary!r} does not go on with a fact")
        values = match.groupdict()
        values |= {field: _row_name(match, field, subject.names) for field in ("largest", "moved") if field in values}
        if any(said.setdefault(name, value) != value for name, value in values.items()):
            raise ReadingError(f"{match[0]!r} says something else than before")
        summary = summary[match.end() + 1 :]
    if summary:
        raise ReadingError(f"{summary!r} is no fact of the report")
    return said


def check(facts: Mapping[str, Any], prompt: str, completion: str) -> bool:
    """The report's figures are the certificate's, and each sentence of the summary states what they add up to."""
    title, body, _ = prompt.split("\n")
    subject, periods = _subject(title.removeprefix("Report: "))
    rows = list(_table(body, subject, periods))
    said = _stated(completion, subject)
    growth = {name: later - earlier for name, earlier, later in rows}
    highest = sorted(later for _, _, later in rows)
    steepest = sorted(map(abs, growth.values()))
    up, down = subject.moves
    largest, moved = said["largest"], said["moved"]
    whole = sum(growth.values())
    return (
        rows == facts["rows"]
        and list(periods) == facts["periods"] == [said["first"], said["second"]]
        and highest[-1] > highest[-2]
        and steepest[-1] > steepest[-2]
        and int(said["total"]) == sum(highest)
        and int(said["change"]) == abs(whole) > 0
        and said["move"] == (up if whole > 0 else down)
        and [largest, int(said["most"])] in [[name, later] for name, _, later in rows if later == highest[-1]]
        and int(said["step"]) == steepest[-1] == abs(growth[moved])
        and said["way"] == (up if growth[moved] > 0 else down)
    )
