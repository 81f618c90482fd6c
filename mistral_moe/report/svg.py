"""A matplotlib figure as an SVG element to stand inside a page: themed, titled, and the same bytes every time."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterator
from html import escape
from typing import Any

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mistral_moe.report.style import paint, themed

_SETTINGS: dict[str, Any] = {
    "svg.fonttype": "none",  # real text: selectable, read aloud, and set in the reader's own font
    "text.parse_math": False,  # a `$` in a name is a dollar sign
    "font.family": ["DejaVu Sans"],  # ships with matplotlib, so that layouts agree on every machine
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.titlepad": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "axes.facecolor": "none",
    "axes.linewidth": 0.8,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "figure.facecolor": "none",
    "legend.frameon": False,
    "legend.handlelength": 1.2,
    "lines.linewidth": 1.9,
    "lines.solid_capstyle": "round",
}
_COLOURS = {
    "text.color": "ink",
    "axes.labelcolor": "soft",
    "axes.edgecolor": "line",
    "axes.titlecolor": "ink",
    "xtick.color": "soft",
    "ytick.color": "soft",
    "grid.color": "line",
}


@contextlib.contextmanager
def drawing(name: str) -> Iterator[None]:
    """Settings to draw and export one plot in; `name` seeds the identifiers inside its SVG."""
    colours = {key: paint(value) for key, value in _COLOURS.items()}
    with matplotlib.style.context(["default", {**_SETTINGS, **colours, "svg.hashsalt": name}]):
        yield


def axes_grid(columns: int, rows: int, width: float, height: float) -> tuple[Figure, list[Axes]]:
    """A figure of columns x rows axes, in inches, and its axes row by row."""
    figure = Figure(figsize=(width, height), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.08, h_pad=0.06)
    return figure, list(figure.subplots(rows, columns, squeeze=False).flat)


def bare(axes: Axes) -> None:
    """Takes away the frame and the grid, for plots whose marks are frame enough."""
    axes.grid(False)
    for spine in axes.spines.values():
        spine.set_visible(False)


def inline(figure: Figure, name: str, title: str, description: str) -> str:
    """The figure as one `<svg>` element, to be called inside `drawing(name)`.

    Args:
      name: unique in the page; its letters and digits prefix every id, so that drawings can share one document.
      title: what assistive technology announces.
      description: what a reader who can't see the drawing should know of it.
    """
    name = re.sub(r"[^A-Za-z0-9_-]", "-", name)
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    body = text[text.index("<svg") :].strip()
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', body)
    body = body.replace("url(#", f"url(#{name}-").replace('xlink:href="#', f'href="#{name}-')
    root, _, rest = body.partition(">")
    box = re.search(r'viewBox="([^"]+)"', root)[1]
    width = float(box.split()[2]) * 4 / 3  # points to CSS pixels
    shape = ' class="wide"' if width > 700 else ""
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}" role="img"{shape} style="max-width:{width:.0f}px" '
        f'aria-labelledby="{name}-title {name}-desc"><title id="{name}-title">{escape(title)}</title>'
        f'<desc id="{name}-desc">{escape(description)}</desc>'
    )
    return themed(opening + rest)
