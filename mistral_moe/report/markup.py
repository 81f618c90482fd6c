"""Small pieces of HTML that every section is put together from. Text is escaped here, `html` is not."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from html import escape

from mistral_moe.report.style import css_colour


@dataclasses.dataclass(frozen=True)
class Section:
    """One part of the page: `key` is its anchor, `title` its heading, `html` its body, "" where data is absent."""

    key: str
    title: str
    html: str


@dataclasses.dataclass(frozen=True)
class Cell:
    """A table cell: text, and CSS classes for its role (`best`, `good`, `bad`, `text`)."""

    text: str
    role: str = ""


@dataclasses.dataclass(frozen=True)
class Row:
    """A table row: its heading, its cells, the colour of its dot and its role (`key`, `bound`)."""

    head: str
    cells: Sequence[Cell | str]
    dot: str = ""
    role: str = ""


def paragraph(text: str, role: str = "") -> str:
    """Escaped text in a paragraph."""
    return f"<p{_class(role)}>{escape(text)}</p>"


def figure(svg: str, caption: str) -> str:
    """A plot with the line that says how to read it; scrolls sideways where the screen is narrow."""
    return f'<figure><div class="plot" tabindex="0">{svg}</div><figcaption>{escape(caption)}</figcaption></figure>'


def pair(figures: Iterable[str]) -> str:
    """Figures side by side where there is room."""
    return f'<div class="pair">{"".join(figures)}</div>'


def details(summary: str, html: str) -> str:
    """A part that opens on demand."""
    return f"<details><summary>{escape(summary)}</summary>{html}</details>"


def table(caption: str, columns: Sequence[str | Cell], rows: Iterable[Row]) -> str:
    """A table whose first column heads its rows."""
    heads = "".join(f'<th scope="col"{_class(_cell(c).role)}>{escape(_cell(c).text)}</th>' for c in columns)
    body = []
    for row in rows:
        dot = f'<span class="dot" style="background:{css_colour(row.dot)}"></span>' if row.dot else ""
        cells = "".join(f"<td{_class(_cell(c).role)}>{escape(_cell(c).text)}</td>" for c in row.cells)
        body.append(f'<tr{_class(row.role)}><th scope="row">{dot}{escape(row.head)}</th>{cells}</tr>')
    return (
        f'<div class="scroll" tabindex="0"><table><caption>{escape(caption)}</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
    )


def _cell(cell: Cell | str) -> Cell:
    return cell if isinstance(cell, Cell) else Cell(cell)


def _class(role: str) -> str:
    return f' class="{role}"' if role else ""
