"""The table of benchmarks on the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

_NEAR = 2.0  # standard errors that a score must be away from its floor to count as above or below it


def format_score(value: float | None) -> str:
    """Three digits after the point, without the zero before it where there is one."""
    if value is None:
        return ""
    text = f"{value:.3f}"
    return text[1:] if text.startswith("0.") else text


def against_floor(entry: Mapping[str, Any]) -> str:
    """ "above", "at" or "below" the floor, by two standard errors."""
    difference = entry["value"] - entry["floor"]
    if abs(difference) <= _NEAR * entry["stderr"]:
        return "at"
    return "above" if difference > 0 else "below"


def build(benchmarks: Mapping[str, Mapping[str, Any]], model: str) -> Table:
    """A row a benchmark, by category."""
    table = Table(title=f"benchmarks of {model}", title_justify="left", expand=False, highlight=False)
    for name, justify in (
        ("benchmark", "left"),
        ("metric", "left"),
        ("score", "right"),
        ("±", "right"),
        ("floor", "right"),
    ):
        table.add_column(name, justify=justify, no_wrap=True)
    table.add_column("", no_wrap=True)
    for name in ("n", "shots", "s"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("note", overflow="fold")
    styles = {"above": "green", "at": "yellow", "below": "red"}
    for category, entries in benchmarks.items():
        table.add_row(Text(category, "bold"), end_section=False)
        for name, entry in entries.items():
            if entry["status"] != "scored":
                dashes = ["-"] * 4
                table.add_row(
                    f"  {name}", Text("unavailable", "dim"), *dashes, "", "", f"{entry['seconds']:.0f}", entry["reason"]
                )
                continue
            where = against_floor(entry)
            counted = ", ".join(f"{n} {what.replace('_', ' ')}" for what, n in entry["counted"].items())
            note = "; ".join(filter(None, (entry["reason"], counted)))
            table.add_row(
                f"  {name}",
                entry["metric"],
                format_score(entry["value"]),
                format_score(entry["stderr"]),
                format_score(entry["floor"]),
                Text(f"{where} {entry['floor_name']}", styles[where]),
                f"{entry['n']:,}",
                str(entry["fewshot"]),
                f"{entry['seconds']:.0f}",
                note,
            )
    return table


def show(benchmarks: Mapping[str, Mapping[str, Any]], model: str) -> None:
    """Prints the table; where stdout is no terminal as wide as it needs."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=240)
    console.print(build(benchmarks, model))
