"""Reports on figures of two periods, with the summary of their key facts.

The table behind a report is rows of `[name, earlier, later]`. A summary states the total of the later period, how it
changed, which row is the largest, and which has grown or shrunk most.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from data.generators.language_report_words import REMARKS, TIERS
from data.generators.language_stories import capital
from data.generators.language_tasks import Task

Row = list[Any]


# By level: tiers of subjects, tiers of remarks, rows, largest figure, share of remarks.
_SHAPES = (
    ((0,), (0,), (3, 5), 90, 0.3),
    ((0, 1), (1, 2), (5, 9), 400, 0.6),
    ((1,), (1, 2, 2), (6, 9), 900, 0.5),
    ((1,), (2,), (5, 9), 5000, 0.9),
    ((2,), (1, 2), (4, 8), 9000, 0.5),
)


def _drawn(rng: random.Random, names: Sequence[str], count: int, top: int) -> list[Row]:
    """Rows with one largest figure, one greatest change, and a total that changes."""
    while True:
        rows: list[Row] = [[name, rng.randint(5, top), rng.randint(5, top)] for name in rng.sample(names, count)]
        largest = sorted((row[2] for row in rows), reverse=True)
        steps = sorted((abs(row[2] - row[1]) for row in rows), reverse=True)
        if largest[0] > largest[1] and steps[0] > steps[1] and sum(row[2] - row[1] for row in rows):
            return rows


def _values(rows: Sequence[Row], periods: Sequence[str], moves: Sequence[str]) -> dict[str, Any]:
    """What the sentences of the summary speak of."""
    before, total = sum(row[1] for row in rows), sum(row[2] for row in rows)
    largest = max(rows, key=lambda row: row[2])
    moved = max(rows, key=lambda row: abs(row[2] - row[1]))
    return {
        "first": periods[0],
        "second": periods[1],
        "total": total,
        "change": abs(total - before),
        "move": moves[total < before],
        "largest": largest[0],
        "most": largest[2],
        "moved": moved[0],
        "step": abs(moved[2] - moved[1]),
        "way": moves[moved[2] < moved[1]],
    }


def summary(rng: random.Random, level: int) -> Task:
    """A report and its summary."""
    tiers, remarks, (least, most), top, share = _SHAPES[level]
    subject = rng.choice(TIERS[rng.choice(tiers)])
    periods = rng.choice(subject.periods)
    count = rng.randint(least, most)
    while True:
        rows = _drawn(rng, subject.names, count, top)
        values = _values(rows, periods, subject.moves)
        figures = {value for row in rows for value in row} | set(values.values())
        if not figures & {int(period) for period in periods if period.isdecimal()}:
            break  # else nobody could tell a figure from a year
    told, unsaid = [], rng.sample(REMARKS[rng.choice(remarks)], 7)
    for name, earlier, later in rows:
        form = rng.choice(subject.rows)
        told.append(capital(form.format(name=name, earlier=earlier, later=later, **values)))
        if unsaid and rng.random() < share:
            told.append(unsaid.pop())
    stated = " ".join(capital(fact.format(**values)) for fact in subject.facts)
    prompt = f"Report: {subject.title.format(*periods)}\n{' '.join(told)}\nSummary: "
    return Task(prompt, stated, "summary", {"rows": rows, "periods": list(periods)}, {"summary": stated})
