"""Curves and bars of the report: losses over steps, the curriculum, oracle regret, training operations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter, FuncFormatter, MaxNLocator

from mistral_moe.report import svg, wording
from mistral_moe.report.inputs import in_order
from mistral_moe.report.style import paint

Rows = Sequence[Mapping[str, Any]]
_HALF = (5.6, 3.3)  # inches: two side by side on a wide screen
_WIDE = (10.6, 3.5)
_TASK = "task_loss/"
_COLOURS = ("code", "math", "language", "reasoning", "multimodal", "general")


def scalar(rows: Rows, key: str) -> tuple[np.ndarray, np.ndarray]:
    """Steps and values of one scalar, without the rows that lack it or hold no finite number."""
    kept = [
        (row["step"], row[key])
        for row in rows
        if wording.is_number(row.get(key)) and wording.is_number(row.get("step"))
    ]
    points = np.array(kept, dtype=float).reshape(-1, 2)
    return points[:, 0], points[:, 1]


def smooth(values: np.ndarray) -> np.ndarray:
    """Centred running mean over a thirtieth of the curve; at the ends, over what there is of it."""
    half = max(1, len(values) // 60)
    total = np.concatenate([[0.0], np.cumsum(values)])
    at = np.arange(len(values))
    low, high = np.maximum(at - half, 0), np.minimum(at + half + 1, len(values))
    return (total[high] - total[low]) / (high - low)


def _curve(axes: Axes, rows: Rows, key: str, colour: str, label: str | None = None) -> float | None:
    """Draws raw values pale and their running mean over them; returns where the mean ends."""
    steps, values = scalar(rows, key)
    if not len(steps):
        return None
    mean = smooth(values)
    axes.plot(steps, values, color=colour, alpha=0.22, linewidth=0.9)
    axes.plot(steps, mean, color=colour, label=label)
    return float(mean[-1])


def _steps(axes: Axes) -> None:
    axes.set_xlabel("step")
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.margins(x=0.01)


def _ends(axes: Axes, ends: Sequence[tuple[float, float, str, str]]) -> None:
    """Writes (x, y, text, colour) beside the curves' ends, moved apart where they would overlap."""
    low, high = axes.get_ylim()
    apart = (high - low) * 0.075
    last = -np.inf
    for x, y, text, colour in sorted(ends, key=lambda end: end[1]):
        last = max(y, last + apart)
        axes.annotate(
            text, (x, last), xytext=(7, 0), textcoords="offset points", va="center", color=colour, annotation_clip=False
        )


def loss_curve(name: str, title: str, rows: Rows, colour: str = "accent") -> str:
    """One stage's training loss over steps."""
    with svg.drawing(name):
        figure, (axes,) = svg.axes_grid(1, 1, *_HALF)
        end = _curve(axes, rows, "loss", paint(colour))
        axes.set_title(f"{title}: loss, nats per token")
        if end is not None:
            _ends(axes, [(scalar(rows, "loss")[0][-1], end, wording.nats(end), paint("ink"))])
        _steps(axes)
        return svg.inline(
            figure, name, f"{title}: training loss over steps", f"Ends at {wording.nats(end)} nats per token."
        )


def expert_curves(rows_of: Mapping[str, Rows]) -> str:
    """The branches' training losses in one plot, a colour a domain."""
    with svg.drawing("loss-experts"):
        figure, (axes,) = svg.axes_grid(1, 1, *_WIDE)
        ends = []
        for domain in in_order(rows_of):
            end = _curve(axes, rows_of[domain], "loss", paint(domain), domain)
            if end is not None:
                ends.append(
                    (scalar(rows_of[domain], "loss")[0][-1], end, f"{domain} {wording.nats(end)}", paint(domain))
                )
        axes.set_title("Experts: loss, nats per token")
        _ends(axes, ends)
        _steps(axes)
        told = ", ".join(text for *_, text, _ in ends)
        return svg.inline(figure, "loss-experts", "Five experts: training loss over steps", f"Final losses: {told}.")


def tasks_of(rows: Rows) -> list[str]:
    """Names of the tasks whose losses were logged apart, in the order of their names."""
    return sorted({key.removeprefix(_TASK) for row in rows for key in row if key.startswith(_TASK)})


def task_curves(name: str, title: str, rows: Rows) -> str:
    """The loss of each task over steps, one colour after another."""
    names = tasks_of(rows)
    with svg.drawing(name):
        figure, (axes,) = svg.axes_grid(1, 1, *_WIDE)
        ends = []
        for place, task in enumerate(names):
            colour = paint(_COLOURS[place % len(_COLOURS)])
            end = _curve(axes, rows, _TASK + task, colour, task)
            if end is not None:
                ends.append(
                    (scalar(rows, _TASK + task)[0][-1], end, f"{wording.name(task)} {wording.nats(end)}", colour)
                )
        axes.set_title(f"{title}: loss of each task, nats per token that counts")
        _ends(axes, ends)
        _steps(axes)
        told = ", ".join(text for *_, text, _ in ends)
        return svg.inline(figure, name, f"{title}: loss of each task over steps", f"Final losses: {told}.")


def router_panels(rows: Rows) -> str:
    """The router's loss and each further scalar that it logged, a panel each."""
    named = {
        "loss": "Loss",
        "cross_entropy": "Cross-entropy to the oracle",
        "balance": "Load balance",
        "z_loss": "z-loss",
        "regret_window_64": "Regret, windows of 64 tokens",
    }
    keys = [key for key in named if len(scalar(rows, key)[0])]
    columns = min(len(keys), 2)
    deep = -(-len(keys) // columns)
    with svg.drawing("loss-router"):
        figure, grid = svg.axes_grid(columns, deep, 5.3 * columns, 2.6 * deep)
        for axes in grid[len(keys) :]:
            axes.set_axis_off()
        told = []
        for key, axes in zip(keys, grid, strict=False):
            end = _curve(axes, rows, key, paint("accent"))
            axes.set_title(named[key])
            _ends(axes, [(scalar(rows, key)[0][-1], end, wording.nats(end), paint("ink"))])
            _steps(axes)
            told.append(f"{named[key]} {wording.nats(end)}")
        return svg.inline(
            figure, "loss-router", "Router: training scalars over steps", f"At the end: {'; '.join(told)}."
        )


def phases(rows: Rows) -> list[tuple[str, float, float]]:
    """(phase, first step, last step) of each run of rows with the same phase."""
    spans: list[tuple[str, float, float]] = []
    for row in rows:
        phase, step = str(row.get("phase") or ""), row.get("step")
        if not wording.is_number(step):
            continue
        if spans and spans[-1][0] == phase:
            spans[-1] = (phase, spans[-1][1], step)
        else:
            spans.append((phase, step, step))
    return spans


def joint_curve(rows: Rows) -> str:
    """The joint phase's loss with its sub-phases as bands."""
    with svg.drawing("loss-joint"):
        figure, (axes,) = svg.axes_grid(1, 1, *_WIDE)
        end = _curve(axes, rows, "loss", paint("accent"))
        spans = phases(rows)
        # A band reaches to the start of the next one, so that no step lies between two phases.
        edges = [start for _, start, _ in spans] + [spans[-1][2]] if spans else []
        for index, (phase, *_) in enumerate(spans):
            left, right = edges[index], edges[index + 1]
            if index % 2 == 0:
                axes.axvspan(left, right, facecolor=paint("wash"), edgecolor="none", zorder=0)
            axes.text(
                (left + right) / 2,
                0.97,
                wording.name(phase),
                transform=axes.get_xaxis_transform(),
                ha="center",
                va="top",
                color=paint("soft"),
            )
        axes.margins(y=0.14)
        axes.set_title("Joint phase: loss, nats per token")
        if end is not None:
            _ends(axes, [(scalar(rows, "loss")[0][-1], end, wording.nats(end), paint("ink"))])
        _steps(axes)
        order = ", ".join(wording.name(phase) for phase, *_ in spans)
        return svg.inline(
            figure,
            "loss-joint",
            "Joint phase: training loss over steps",
            f"Sub-phases in order: {order}. Ends at {wording.nats(end)} nats per token.",
        )


def curriculum(domain: str, rows: Rows, levels: Sequence[str]) -> str:
    """One domain's level and performance over steps, and under it the share that each level has in the mixture."""
    name = f"curriculum-{domain}"
    rows = [row for row in rows if wording.is_number(row.get("step")) and wording.is_number(row.get("level"))]
    steps = np.array([row["step"] for row in rows], dtype=float)
    reached = np.array([row["level"] for row in rows], dtype=float)
    with svg.drawing(name):
        figure, (upper, lower) = svg.axes_grid(1, 2, 5.6, 4.5)
        upper.step(steps, reached + 0.5, where="post", color=paint(domain), linewidth=2.6)
        at, performance = scalar(rows, "performance")
        upper.plot(
            at, np.clip(performance, 0, 1) * len(levels), color=paint("soft"), linewidth=1.1, linestyle=(0, (3, 2))
        )
        upper.set_yticks(np.arange(len(levels)) + 0.5, [wording.name(level) for level in levels])
        upper.set_ylim(0, len(levels))
        upper.grid(False)
        for edge in range(0, len(levels), 2):
            upper.axhspan(edge, edge + 1, facecolor=paint("wash"), edgecolor="none", zorder=0)
        upper.set_title(f"{wording.capital(domain)}: level", color=paint(domain))
        upper.tick_params(axis="x", labelbottom=False)
        weighted = [row for row in rows if len(row.get("weights") or ()) == len(levels)]
        if weighted:
            weights = np.array([row["weights"] for row in weighted], dtype=float).T
            weights = weights / np.maximum(weights.sum(axis=0), 1e-12)
            colours = [paint(f"level_{level}") for level in range(len(levels))]
            lower.stackplot([row["step"] for row in weighted], weights, colors=colours, step="post", edgecolor="none")
        lower.set_ylim(0, 1)
        lower.set_yticks([0, 0.5, 1], ["0 %", "50 %", "100 %"])
        lower.grid(False)
        lower.set_title("Share of each level in the batch")
        _steps(lower)
        for axes in (upper, lower):
            axes.set_xlim(steps[0], max(steps[-1], steps[0] + 1))
        last = int(reached[-1])
        ended = wording.name(levels[last]) if last < len(levels) else str(last)
        return svg.inline(
            figure,
            name,
            f"Curriculum of {domain} over steps",
            f"Starts at level {int(reached[0]) + 1} of {len(levels)}, ends at {last + 1} ({ended}).",
        )


def oracle_regret(regret: Mapping[str, Mapping[str, Mapping[str, float]]]) -> str:
    """Loss above the oracle's: a panel a grain, a group of bars a domain, a bar a mixture."""
    grains = list(regret)
    with svg.drawing("regret"):
        figure, grid = svg.axes_grid(1, len(grains), 10.6, 2.9 * len(grains))
        told = []
        for axes, grain in zip(grid, grains, strict=True):
            models = list(regret[grain])
            domains = in_order({domain for losses in regret[grain].values() for domain in losses})
            width = 0.8 / len(models)
            for index, model in enumerate(models):
                values = [regret[grain][model].get(domain) for domain in domains]
                values = [value if wording.is_number(value) else np.nan for value in values]
                at = np.arange(len(domains)) + (index - (len(models) - 1) / 2) * width
                axes.bar(at, values, width * 0.92, color=paint(model), label=wording.name(model))
                for x, value in zip(at, values, strict=True):
                    if np.isfinite(value):
                        axes.annotate(
                            wording.nats(value),
                            (x, max(value, 0)),
                            xytext=(0, 3),
                            fontsize=8,
                            ha="center",
                            textcoords="offset points",
                            color=paint("soft"),
                        )
                known = [value for value in values if np.isfinite(value)]
                if known:
                    told.append(f"{wording.name(model)} {wording.nats(np.mean(known).item())} {wording.grain(grain)}")
            axes.set_xticks(range(len(domains)), domains, color=paint("ink"))
            axes.set_title(f"Oracle regret {wording.grain(grain)}, nats")
            axes.margins(y=0.15)
            axes.axhline(0, color=paint("soft"), linewidth=0.8)
        handles = {
            label: handle for axes in grid for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
        }
        figure.legend(handles.values(), handles.keys(), loc="outside upper right", ncols=3)
        return svg.inline(figure, "regret", "Oracle regret of the mixtures by domain", f"Means: {'; '.join(told)}.")


def training_flops(operations: Mapping[str, float], tokens: Mapping[str, float]) -> str:
    """Training operations of each stage as bars, with the tokens that each one read."""
    stages = [stage for stage, value in operations.items() if wording.is_number(value)]
    values = [operations[stage] for stage in stages]
    with svg.drawing("flops"):
        figure, (axes,) = svg.axes_grid(1, 1, 10.6, 0.42 * len(stages) + 0.9)
        for row, (stage, value) in enumerate(zip(stages, values, strict=True)):
            colour = paint(stage.split("/")[-1]) if "/" in stage else paint("general" if "dense" in stage else "accent")
            axes.barh(row, value, 0.66, color=colour)
            read = f" \u00b7 {wording.count(tokens[stage])} tokens" if wording.is_number(tokens.get(stage)) else ""
            axes.annotate(
                wording.flops(value) + read, (value, row), xytext=(6, 0), textcoords="offset points", va="center"
            )
        axes.set_yticks(range(len(stages)), [wording.stage(stage) for stage in stages], color=paint("ink"))
        axes.set_ylim(len(stages) - 0.5, -0.5)
        axes.set_xlim(0, max(values) * 1.32 or 1)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: wording.flops(value)))
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.grid(True, axis="x")
        axes.grid(False, axis="y")
        axes.spines["left"].set_visible(False)
        told = "; ".join(
            f"{wording.stage(stage)} {wording.flops(value)}" for stage, value in zip(stages, values, strict=True)
        )
        return svg.inline(figure, "flops", "Training operations by stage", told + ".")
