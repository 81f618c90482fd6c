"""Benchmarks of the run's models: bars against the floor of each, and the figures behind them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mistral_moe.report import svg, wording
from mistral_moe.report.markup import Cell, Row, Section, details, figure, paragraph, table
from mistral_moe.report.style import paint

_COLOURS = {"seed": "general", "dense_equal_flops": "mixture_after_mix"}
_NEAR = 2.0  # standard errors

Entries = Mapping[str, Mapping[str, Mapping[str, Any]]]


def _colour(model: str) -> str:
    return paint(_COLOURS.get(model, model.removeprefix("expert_")))


def _scored(entries: Entries) -> dict[str, Mapping[str, Any]]:
    """Benchmark -> entry of those that have a score."""
    return {n: e for of_category in entries.values() for n, e in of_category.items() if e.get("status") == "scored"}


def _bars(category: str, of_model: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    """One category: a group of bars a benchmark, a bar a model, with two standard errors and a mark at the floor."""
    names = list(dict.fromkeys(name for entries in of_model.values() for name in entries))
    height = 0.8 / len(of_model)
    told = []
    with svg.drawing(f"benchmarks-{category}"):
        picture, (axes,) = svg.axes_grid(1, 1, 10.6, 0.34 * len(names) * max(len(of_model), 2) + 0.9)
        for index, (model, entries) in enumerate(of_model.items()):
            for row, name in enumerate(names):
                entry = entries.get(name)
                if entry is None:
                    continue
                at = row + (index - (len(of_model) - 1) / 2) * height
                axes.barh(at, entry["value"], height * 0.88, color=_colour(model))
                error = _NEAR * entry["stderr"]
                axes.plot([entry["value"] - error, entry["value"] + error], [at, at], color=paint("ink"), linewidth=0.9)
                text = f"{wording.nats(entry['value'])} {entry['metric']}"
                end = max(entry["value"] + error, entry["floor"])
                axes.annotate(text, (end, at), xytext=(8, 0), textcoords="offset points", va="center", fontsize=8)
                told.append(f"{wording.name(model)} {name} {wording.nats(entry['value'])}")
        for row, name in enumerate(names):
            floor = next(entries[name]["floor"] for entries in of_model.values() if name in entries)
            axes.plot([floor, floor], [row - 0.46, row + 0.46], color=paint("bad"), linewidth=1.6)
        for model in of_model:
            axes.barh(0, 0, color=_colour(model), label=wording.name(model))
        axes.set_yticks(range(len(names)), names, color=paint("ink"))
        axes.set_ylim(len(names) - 0.5, -0.5)
        high = max(
            max(entry["value"] + _NEAR * entry["stderr"], entry["floor"])
            for entries in of_model.values()
            for entry in entries.values()
        )
        low = min(0.0, *(entry["value"] for entries in of_model.values() for entry in entries.values()))
        axes.set_xlim(low, max(1.0, high) * 1.3)
        axes.set_xticks(np.linspace(0, 1, 5))
        axes.grid(True, axis="x")
        axes.grid(False, axis="y")
        axes.set_title(wording.capital(wording.name(category)))
        if len(of_model) > 1:
            picture.legend(loc="outside upper right", ncols=min(len(of_model), 4))
        return svg.inline(picture, f"benchmarks-{category}", f"Benchmarks, {category}", "; ".join(told) + ".")


def _table(model: str, entries: Entries) -> str:
    rows = []
    for category, of_category in entries.items():
        for name, entry in of_category.items():
            if entry.get("status") != "scored":
                rows.append(Row(name, [category, *[wording.ABSENT] * 6, Cell(entry["reason"], "text")], "", "bound"))
                continue
            difference = entry["value"] - entry["floor"]
            tone = "" if abs(difference) <= _NEAR * entry["stderr"] else "good" if difference > 0 else "bad"
            counted = ", ".join(f"{n} {what.replace('_', ' ')}" for what, n in (entry.get("counted") or {}).items())
            cells = [
                category,
                entry["metric"],
                Cell(wording.nats(entry["value"]), tone),
                f"\u00b1 {wording.nats(entry['stderr'])}",
                f"{wording.nats(entry['floor'])} ({entry['floor_name']})",
                f"{entry['n']:,}",
                str(entry["fewshot"]),
                Cell("; ".join(filter(None, (entry.get("reason"), counted))), "text"),
            ]
            rows.append(Row(name, cells))
    caption = f"{wording.name(model)}: green is above the floor by two standard errors, red below it by as much."
    return table(caption, ["Benchmark", "category", "metric", "score", "error", "floor", "n", "shots", "note"], rows)


def section(by_model: Mapping[str, Entries]) -> Section:
    """Benchmarks of all models that were evaluated, the last one's figures open.

    Args:
      by_model: model -> category -> benchmark -> entry of `eval/results.json`.
    """
    kept = {model: entries for model, entries in by_model.items() if any(entries.values())}
    if not kept:
        return Section("benchmarks", "Benchmarks", "")
    html = [
        paragraph(
            "Public benchmarks with their official metrics. The red mark is the floor: what the best trivial answer "
            "(always yes, the longest choice, ...) scores. A model that is not above it has learned nothing there."
        )
    ]
    categories = list(dict.fromkeys(category for entries in kept.values() for category in entries))
    for category in categories:
        of_model = {model: _scored({category: entries.get(category, {})}) for model, entries in kept.items()}
        of_model = {model: entries for model, entries in of_model.items() if entries}
        if of_model:
            html.append(figure(_bars(category, of_model), "Bars with two standard errors; the red mark is the floor."))
    *others, last = kept
    html.append(_table(last, kept[last]))
    html += [details(f"The same for {wording.name(model)}", _table(model, kept[model])) for model in others[::-1]]
    return Section("benchmarks", "Benchmarks", "".join(html))
