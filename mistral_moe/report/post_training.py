"""What followed the joint phase: worked solutions, the reward model, reinforcement learning, and what the model taught itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mistral_moe.report import plots, svg, wording
from mistral_moe.report.inputs import ReportInput
from mistral_moe.report.markup import Cell, Row, Section, figure, paragraph, table
from mistral_moe.report.style import paint

_PANELS = {
    "score": "Score, mean of the answers",
    "kl": "KL from the start, nats an answer",
    "length": "Length, tokens",
    "pass_at_1": "Held-out pass@1, greedy",
    "sampled_pass_at_1": "Held-out pass@1, drawn",
}

Rows = Sequence[Mapping[str, Any]]


def _share(value: Any) -> str:
    return wording.percent(value)


def _ppo_curves(rows: Rows) -> str:
    keys = [key for key in _PANELS if len(plots.scalar(rows, key)[0])]
    with svg.drawing("ppo"):
        picture, grid = svg.axes_grid(2, -(-len(keys) // 2), 10.6, 2.6 * -(-len(keys) // 2))
        for axes in grid[len(keys) :]:
            axes.set_axis_off()
        told = []
        for key, axes in zip(keys, grid, strict=False):
            steps, values = plots.scalar(rows, key)
            axes.plot(steps, values, color=paint("accent"), marker="o" if len(steps) < 25 else "", markersize=3)
            axes.set_title(_PANELS[key])
            axes.set_xlabel("iteration")
            told.append(f"{_PANELS[key]} {wording.nats(values[0].item())} to {wording.nats(values[-1].item())}")
        return svg.inline(picture, "ppo", "Reinforcement learning over its iterations", "; ".join(told) + ".")


def _sft(manifest: Mapping[str, Any]) -> str:
    before, after = manifest.get("before") or {}, manifest.get("after") or {}
    if not wording.is_number(after.get("pass_at_1")):
        return ""
    rows = [
        Row(
            label,
            [
                *(_share(check.get(key)) for key in ("pass_at_1", "pass_at_k", "greedy_pass_at_1")),
                wording.nats(check.get("held_out_loss")),
            ],
        )
        for label, check in (("Before", before), ("After", after))
    ]
    taught = (manifest.get("records") or {}).get("out", 0)
    caption = (
        f"{taught:,} worked solutions, mixed with the run\u2019s own data; held-out loss "
        f"{wording.percent(manifest.get('held_out_loss_change'), signed=True)}."
    )
    return "<h3>Worked solutions</h3>" + table(caption, ["", "pass@1", "pass@k", "greedy", "held-out loss"], rows)


def _reward(manifest: Mapping[str, Any]) -> str:
    report = manifest.get("heldout") or {}
    floors = report.get("floors") or {}
    if not wording.is_number(report.get("accuracy")):
        return ""
    rows = [Row("Reward model", [wording.nats(report["accuracy"]), f"\u00b1 {wording.nats(report.get('stderr'))}"])]
    names = {"bag_of_words": "Bag of words", "longer_wins": "The longer answer wins"}
    rows += [
        Row(names.get(name, wording.name(name)), [wording.nats(floor.get("accuracy")), ""], "", "bound")
        for name, floor in floors.items()
    ]
    told = (
        f"Accuracy on {report.get('pairs', 0):,} held-out pairs; calibration error "
        f"{wording.nats(report.get('calibration_error'))}, correlation with length {wording.nats(report.get('length_correlation'))}."
    )
    return "<h3>The reward model</h3>" + table(told, ["Which of two answers is preferred", "accuracy", "error"], rows)


def _ppo(manifest: Mapping[str, Any], rows: Rows) -> str:
    if not wording.is_number(manifest.get("pass_at_1_after")):
        return ""
    before, after = manifest["pass_at_1_before"], manifest["pass_at_1_after"]
    html = "<h3>Reinforcement learning</h3>" + paragraph(
        f"Held-out pass@1 {_share(before)} before, {_share(after)} after (drawn at random "
        f"{_share(manifest.get('sampled_pass_at_1_before'))} and {_share(manifest.get('sampled_pass_at_1_after'))}; the best "
        f"answer to all problems {_share(manifest.get('pass_at_1_floor'))}); KL {wording.nats(manifest.get('kl'))} nats an answer; "
        f"held-out loss of language {wording.percent(manifest.get('held_out_loss_change'), signed=True)}; the first ratio of "
        f"every update is 1 within {manifest.get('first_ratio_error', 0):.1g}."
    )
    # What an iteration's row can't have: the model as it came in.
    start = [
        {"step": 0, "pass_at_1": point["value"], "sampled_pass_at_1": point["sampled"]}
        for point in manifest.get("pass_at_1") or ()
        if point["iteration"] == 0
    ]
    rows = [*start, *rows]
    if any(len(plots.scalar(rows, key)[0]) for key in _PANELS):
        html += figure(
            _ppo_curves(rows),
            "One point an iteration, held-out ones with the start; pass@1 is measured on problems never trained on, greedily "
            "and as the training draws.",
        )
    for finding in manifest.get("findings") or ():
        html += paragraph(f"Monitor {wording.name(finding['name'])}: {finding['message']}", "absent")
    return html


def _improve(manifest: Mapping[str, Any]) -> str:
    iterations = manifest.get("iterations") or []
    if not iterations:
        return ""
    rows = []
    for row in iterations:
        state = Cell("taken back", "bad") if row.get("rolled_back") else Cell("kept", "good")
        reasons = ", ".join(
            f"{count:,} {wording.name(why)}" for why, count in (row.get("rejected") or {}).items() if count
        )
        cells = [
            f"{row.get('kept', 0):,}",
            _share(row.get("kept_share")),
            _share(row.get("pass_at_1")),
            _share(row.get("pass_at_k")),
            wording.nats(row.get("held_out_loss")),
            state,
            Cell(reasons, "text"),
        ]
        rows.append(Row(f"Iteration {row.get('iteration', '')}", cells))
    before, after = manifest.get("pass_at_1_before"), manifest.get("pass_at_1_after")
    caption = f"Held-out pass@1 {_share(before)} before the first iteration, {_share(after)} at the end."
    columns = ["", "accepted", "share", "pass@1", "pass@k", "held-out loss", "model", "rejected"]
    return "<h3>Self-improvement</h3>" + table(caption, columns, rows) + _examples(iterations[-1])


def _examples(iteration: Mapping[str, Any]) -> str:
    examples = iteration.get("examples") or ()
    rows = [
        Row(
            one["problem"],
            [
                Cell(one["completion"], "text"),
                Cell(wording.name(one["rejected"]), "bad") if one["rejected"] else Cell("kept", "good"),
            ],
        )
        for one in examples
    ]
    caption = f"What the model answered in iteration {iteration.get('iteration', '')}: the first of each fate."
    return table(caption, ["Problem", "Completion", "Fate"], rows) if rows else ""


def section(run: ReportInput) -> Section:
    """The stages after the joint phase, those of them that ran."""
    made = run.post_training
    html = _sft(made.get("sft") or {})
    html += _reward(made.get("reward") or {})
    html += _ppo(made.get("ppo") or {}, run.metrics.get("ppo") or ())
    html += _improve(made.get("improve") or {})
    intro = paragraph(
        "Answers that a program can check: shown first, then learned from by reward and by the model's own right ones."
    )
    return Section("post-training", "After the joint phase", intro + html if html else "")
