"""What a curve of measurements says of a side that learns: how much it had to draw before it was good enough."""

from __future__ import annotations

from collections.abc import Sequence
import dataclasses


@dataclasses.dataclass(frozen=True)
class Point:
    """A measurement.

    Attributes:
      answers: drawn for training until then.
      solved: share of held-out problems solved, drawn as training draws.
      seconds: of drawing and learning until then; measuring is not counted.
    """

    answers: int
    solved: float
    seconds: float


def reached(curve: Sequence[Point], level: float) -> Point | None:
    """Where a curve first stands at a level, by straight lines between its points; None where it never does.

    Args:
      curve: in the order of answers.
      level: share of problems.
    """
    before = None
    for point in curve:
        if point.solved >= level:
            if before is None:
                return Point(point.answers, level, point.seconds)
            part = (level - before.solved) / (point.solved - before.solved)
            answers = before.answers + part * (point.answers - before.answers)
            return Point(round(answers), level, before.seconds + part * (point.seconds - before.seconds))
        before = point
    return None


def table(curves: dict[str, Sequence[Point]]) -> str:
    """Markdown: a row for each number of answers, a column a side; a side without a measurement there has a dash."""
    counts = sorted({point.answers for curve in curves.values() for point in curve})
    lines = ["| answers drawn | " + " | ".join(curves) + " |", "|---" * (len(curves) + 1) + "|"]
    for count in counts:
        found = [next((f"{p.solved:.3f}" for p in curve if p.answers == count), "-") for curve in curves.values()]
        lines.append(f"| {count:,} | " + " | ".join(found) + " |")
    return "\n".join(lines)


def levels_table(curves: dict[str, Sequence[Point]], levels: Sequence[float]) -> str:
    """Markdown: a row for each level, answers and seconds to it for each side."""
    heads = [f"{name}: {what}" for name in curves for what in ("answers", "seconds")]
    lines = ["| pass@1 | " + " | ".join(heads) + " |", "|---" * (len(heads) + 1) + "|"]
    for level in levels:
        cells = []
        for curve in curves.values():
            point = reached(curve, level)
            cells += [f"{point.answers:,}", f"{point.seconds:.0f}"] if point else ["not reached", "-"]
        lines.append(f"| {level:.3f} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
