"""Heat maps of the report: loss by model and domain, expert shares by layer, forced experts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from mistral_moe.report import svg, wording
from mistral_moe.report.inputs import ORACLE, in_order
from mistral_moe.report.style import HEAT_STEPS, paint

_GAP = 0.035


def _cells(axes: Axes, shades: np.ndarray, texts: Sequence[Sequence[str]] | None, best: Sequence[int | None]) -> None:
    """Draws cells of shade 0 to 1 (NaN: an empty cell) with their texts, framing one row a column."""
    rows, columns = shades.shape
    for row in range(rows):
        for column in range(columns):
            known = np.isfinite(shades[row, column])
            step = round(float(np.clip(shades[row, column], 0, 1)) * HEAT_STEPS) if known else None
            corner = (column + _GAP, row + _GAP)
            fill = paint("wash" if step is None else f"heat_{step}")
            axes.add_patch(Rectangle(corner, 1 - 2 * _GAP, 1 - 2 * _GAP, facecolor=fill, edgecolor="none"))
            if texts is not None:
                winner = best[column] == row
                ink = paint("soft" if step is None else f"heat_ink_{step}")
                label = texts[row][column] + (" \u2605" if winner else "")
                axes.text(
                    column + 0.5,
                    row + 0.52,
                    label,
                    ha="center",
                    va="center",
                    color=ink,
                    fontweight="bold" if winner else "normal",
                )
    axes.set_xlim(0, columns)
    axes.set_ylim(rows, 0)
    svg.bare(axes)


def _label(axes: Axes, rows: Sequence[str], columns: Sequence[str]) -> None:
    axes.set_yticks(np.arange(len(rows)) + 0.5, rows, color=paint("ink"))
    axes.set_xticks(np.arange(len(columns)) + 0.5, columns, color=paint("ink"))
    axes.xaxis.tick_top()


def _number(value: object) -> float:
    return float(value) if wording.is_number(value) else np.nan


def _shades(values: np.ndarray, rows: Sequence[int]) -> np.ndarray:
    """1 for the lowest of each column among `rows`, 0 for the highest; the root keeps near misses apart from the best."""
    scale = values[rows]
    low = np.min(scale, axis=0, initial=np.inf, where=np.isfinite(scale))
    high = np.max(scale, axis=0, initial=-np.inf, where=np.isfinite(scale))
    span = np.where(high > low, high - low, 1.0)
    return 1 - np.sqrt(np.clip((values - low) / span, 0, None))


def _lowest(values: np.ndarray, rows: Sequence[int]) -> list[int | None]:
    best: list[int | None] = []
    for column in range(values.shape[1]):
        known = [row for row in rows if np.isfinite(values[row, column])]
        best.append(min(known, key=lambda row, c=column: values[row, c]) if known else None)
    return best


def loss_heat_map(losses: Mapping[str, Mapping[str, float]], means: Mapping[str, float], domains: Sequence[str]) -> str:
    """Held-out loss, models down and domains across with the mean at the end; the best real model is starred."""
    models = list(losses)
    values = np.array([[_number(losses[m].get(d)) for d in domains] + [_number(means.get(m))] for m in models])
    real = [row for row, model in enumerate(models) if model != ORACLE] or [0]
    best = _lowest(values, real)
    with svg.drawing("loss-map"):
        figure, (axes,) = svg.axes_grid(1, 1, 10.2, 0.42 * len(models) + 0.6)
        _cells(axes, _shades(values, real), [[wording.nats(v) for v in row] for row in values.tolist()], best)
        _label(axes, [wording.name(m) for m in models], [*domains, "mean"])
        axes.axvline(len(domains), color=paint("soft"), linewidth=1)
        winners = [
            f"{d}: {wording.name(models[b])}" for d, b in zip([*domains, "mean"], best, strict=True) if b is not None
        ]
        return svg.inline(
            figure, "loss-map", "Held-out loss of each model on each domain", "Lowest loss, " + "; ".join(winners) + "."
        )


def shared_by_all_layers(shares: Mapping[str, Sequence[Sequence[float]]]) -> bool:
    """True when every layer of every domain has the same expert shares: one decision for the whole depth."""
    return all(np.allclose(layers, np.asarray(layers)[:1], atol=1e-6) for layers in shares.values() if len(layers))


def utilisation(name: str, title: str, shares: Mapping[str, Sequence[Sequence[float]]], experts: Sequence[str]) -> str:
    """Expert shares, one small map of domain x expert a layer, or a single map where all layers agree.

    Args:
      name: unique name of the drawing in the page.
      title: what the drawing shows, for assistive technology.
      shares: domain -> layer -> share of each expert.
      experts: the experts' names.
    """
    domains = in_order(shares)
    single = shared_by_all_layers(shares)
    layers = 1 if single else min(len(shares[domain]) for domain in domains)
    columns = 2 if layers in (2, 4) else min(layers, 3)
    rows = -(-layers // columns)
    panel = (0.85 * len(experts) + 1.6, 0.46 * len(domains) + 0.95)
    with svg.drawing(name):
        figure, grid = svg.axes_grid(columns, rows, panel[0] if single else 10.6, panel[1] * rows)
        for layer, axes in enumerate(grid):
            if layer >= layers:
                axes.set_axis_off()
                continue
            values = np.array([[_number(share) for share in shares[domain][layer]] for domain in domains])
            # A narrow panel has room for `42`, not for `42 %`; the caption names the unit.
            texts = [[f"{100 * v:.0f}" if np.isfinite(v) else wording.ABSENT for v in row] for row in values]
            _cells(axes, values, texts, [None] * values.shape[1])
            first = layer % columns == 0
            _label(
                axes, domains if first else [""] * len(domains), [short(e, 7 if columns > 2 else 12) for e in experts]
            )
            axes.tick_params(axis="x", labelsize=8.5 if columns > 1 else 10)
            axes.set_title("All layers" if single else f"Layer {layer + 1}")
        own = {d: float(np.mean([layer[experts.index(d)] for layer in shares[d]])) for d in domains if d in experts}
        told = ", ".join(f"{domain} {wording.percent(share)}" for domain, share in own.items())
        return svg.inline(figure, name, title, f"Share of tokens sent to the domain's own expert: {told}.")


def short(expert: str, room: int) -> str:
    """An expert's name, cut to the letters there is room for."""
    words = wording.name(expert)
    return words if len(words) <= room else words[: room - 2] + "."


def forced_experts(name: str, title: str, losses: Mapping[str, Mapping[str, float]]) -> str:
    """Loss by forced expert (down) and domain (across), the best expert of each domain starred."""
    experts = in_order(losses)
    domains = in_order({domain for row in losses.values() for domain in row})
    values = np.array([[_number(losses[expert].get(domain)) for domain in domains] for expert in experts])
    rows = list(range(len(experts)))
    best = _lowest(values, rows)
    with svg.drawing(name):
        figure, (axes,) = svg.axes_grid(1, 1, 1.15 * len(domains) + 1.5, 0.46 * len(experts) + 0.6)
        _cells(axes, _shades(values, rows), [[wording.nats(v) for v in row] for row in values.tolist()], best)
        _label(axes, [wording.name(e) for e in experts], domains)
        own = sum(best[c] is not None and experts[best[c]] == d for c, d in enumerate(domains))
        return svg.inline(
            figure, name, title, f"On {own} of {len(domains)} domains the domain's own expert is the best."
        )
