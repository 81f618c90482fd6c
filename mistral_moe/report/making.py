"""How the run was made: its stages, training curves, curriculum and data, its cost, and how to make it again."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Mapping
from html import escape
from typing import Any

from mistral_moe.report import plots, wording
from mistral_moe.report.inputs import ReportInput, in_order
from mistral_moe.report.markup import Cell, Row, Section, details, figure, pair, paragraph, table

_PNG = b"\x89PNG\r\n\x1a\n"
_BETWEEN = " \u00b7 "
_STORY = {
    "data": "Documents are gathered, filtered, deduplicated, graded by difficulty and split: training, held out.",
    "tokenizer": "One vocabulary for all that follows.",
    "seed": "One dense Mistral learns from all domains: the common ancestor.",
    "experts": "Copies of the seed, one a domain, each train on their own curriculum without talking to each other.",
    "mix": "The copies\u2019 feed-forward layers are stacked into experts of one model; nothing is trained.",
    "router": "The router learns which expert reads a passage best, taught by what each expert would have lost on it.",
    "joint": "Experts, router and reasoning module train together, each group at its own rate.",
    "sft": "The model is shown worked solutions of problems that a program can check.",
    "reward": "A copy of the model learns which of two answers is preferred.",
    "ppo": "The model answers problems that a program can check, and learns from how the answers score.",
    "improve": "The model is taught its own answers that were found right, as long as that helps on problems held out.",
    "dense": "The yardstick: the seed goes on as a dense model, to the training FLOPs of the mixture.",
    "evaluate": "Every model is scored on the held-out text of every domain.",
    "report": "This page.",
}


def stages(run: ReportInput) -> Section:
    """What happened, in order, with the time that each stage took."""
    seconds = {s: f["seconds"] for s, f in run.stages.items() if wording.is_number(f.get("seconds"))}
    longest = max(seconds.values(), default=0) or 1
    items = []
    for stage, facts in run.stages.items():
        told = []
        read = _tokens(run, stage)
        if read:
            told.append(f"{wording.count(read)} tokens")
        _, loss = plots.scalar(run.metrics.get(stage) or (), "loss")
        if len(loss):
            told.append(
                f"training loss {wording.nats(loss[0].item())} \u2192 {wording.nats(plots.smooth(loss)[-1].item())}"
            )
        if wording.is_number(facts.get("peak_rss_bytes")):
            told.append(f"peak memory {wording.size(facts['peak_rss_bytes'])}")
        items.append(
            f'<li><span class="name">{escape(wording.stage(stage))}</span>'
            f'<span class="what">{escape(_STORY.get(stage.split("/")[0], ""))}</span>'
            f'<span class="time">{escape(wording.duration(seconds.get(stage)))}</span>'
            f'<span class="facts">{escape(_BETWEEN.join(told))}</span>'
            f'<span class="bar"><i style="width:{100 * seconds.get(stage, 0) / longest:.1f}%"></i></span></li>'
        )
    if not items:
        return Section("stages", "The road", "")
    intro = paragraph(
        f"{len(items)} stages, {wording.duration(sum(seconds.values()))} in all. Bars compare their durations."
    )
    return Section("stages", "The road", f'{intro}<ol class="stages">{"".join(items)}</ol>')


def _tokens(run: ReportInput, stage: str) -> float:
    """Tokens that a stage read, its parts (`experts/code`, ...) together."""
    read = run.results.get("training_tokens") or {}
    parts = [n for name, n in read.items() if name.startswith(f"{stage}/") and wording.is_number(n)]
    return read[stage] if wording.is_number(read.get(stage)) else sum(parts)


def training(run: ReportInput) -> Section:
    """A loss curve for each stage that trained."""
    rows = {stage: of_stage for stage, of_stage in run.metrics.items() if len(plots.scalar(of_stage, "loss")[0])}
    branches = {stage.split("/", 1)[1]: of_stage for stage, of_stage in rows.items() if stage.startswith("experts/")}
    html = []
    dense = [
        figure(plots.loss_curve(f"loss-{stage}", label, rows[stage], colour), caption)
        for stage, label, colour, caption in (
            ("seed", "Seed", "accent", "The seed, trained on all domains."),
            ("dense", "Dense baseline", "general", "The dense yardstick of equal FLOPs, continued from the seed."),
        )
        if stage in rows
    ]
    if dense:
        html.append(pair(dense))
    for stage in ("seed", "joint"):
        if plots.tasks_of(rows.get(stage, ())):
            html.append(
                figure(
                    plots.task_curves(f"tasks-{stage}", wording.capital(stage), rows[stage]),
                    "Each task by itself: prompts are read and not learned, so a completion may cost less than plain text.",
                )
            )
    if branches:
        html.append(
            figure(
                plots.expert_curves(branches),
                "Each branch on its own domain. A sudden rise is the curriculum: the text got harder.",
            )
        )
    if "router" in rows:
        html.append(
            figure(
                plots.router_panels(rows["router"]), "The router\u2019s objective and each term of it that was logged."
            )
        )
    if "joint" in rows:
        html.append(
            figure(
                plots.joint_curve(rows["joint"]), "Bands are sub-phases: the part of the model that was being trained."
            )
        )
    intro = paragraph(
        "Training loss. Pale lines are single batches, strong lines their running mean, with its last value."
    )
    return Section("training", "Learning", intro + "".join(html) if html else "")


def curriculum(run: ReportInput) -> Section:
    """When each domain moved up a level, and what its batches were made of."""
    html = []
    for domain in in_order(run.curriculum):
        rows = [
            row
            for row in run.curriculum[domain]
            if wording.is_number(row.get("level")) and wording.is_number(row.get("step"))
        ]
        if rows:
            count = max([len(row.get("weights") or ()) for row in rows] + [max(int(row["level"]) for row in rows) + 1])
            names = list(run.level_names.get(domain) or [f"level {level + 1}" for level in range(count)])
            first, last = int(rows[0]["level"]), int(rows[-1]["level"])
            caption = (
                f"{wording.capital(domain)} started at level {first + 1} and ended at level {last + 1} of {len(names)}."
            )
            html.append(figure(plots.curriculum(domain, rows, names), caption))
    intro = paragraph(
        "Each expert starts with the easiest text of its domain and moves up as its held-out score improves. Earlier levels stay "
        "in the batch, so that they are not forgotten. Above: the level in training (line) and the performance it follows (dashes, "
        "0 at the bottom, 1 at the top). Below: the share of each level in the batch, harder levels further from the background."
    )
    return Section("curriculum", "From easy to hard", intro + pair(html) if html else "")


def _licences(of_levels: Mapping[str, Mapping[str, Any]]) -> str:
    counted: Counter[str] = Counter()
    for level in of_levels.values():
        counted.update(level.get("licences") or {})
    whole = sum(counted.values())
    ranked = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{spdx} {wording.percent(n / whole)}" for spdx, n in ranked) if whole else wording.ABSENT


def data(run: ReportInput) -> Section:
    """What was read: documents, bytes and licences by domain and level, what was dropped and why, and some images."""
    html, levels = [], []
    totals = []
    for domain in in_order({*run.data, *run.dropped}):
        of_levels, lost = run.data.get(domain) or {}, run.dropped.get(domain) or {}
        ranked = sorted(lost.items(), key=lambda item: (-item[1], item[0]))
        reasons = ", ".join(f"{wording.name(reason)} {wording.count(n)}" for reason, n in ranked) or "nothing"
        sums = [
            sum(level.get(key) or 0 for level in of_levels.values())
            for key in ("documents", "heldout_documents", "bytes")
        ]
        shown = [wording.count(sums[0]), wording.count(sums[1]), wording.size(sums[2])]
        totals.append(Row(domain, [*shown, Cell(_licences(of_levels), "text"), Cell(reasons, "text")], dot=domain))
        order = {name: position for position, name in enumerate(run.level_names.get(domain) or ())}
        for level in sorted(of_levels, key=lambda name, o=order: (o.get(name, len(o)), name)):
            facts = of_levels[level]
            levels.append(
                Row(
                    f"{domain} \u00b7 {wording.name(level)}",
                    [
                        wording.count(facts.get("documents")),
                        wording.count(facts.get("heldout_documents")),
                        wording.size(facts.get("bytes")),
                        Cell(_licences({level: facts}), "text"),
                    ],
                    dot=domain,
                )
            )
    columns = ["documents", "held out", "bytes", Cell("licences", "text")]
    if totals:
        caption = "By domain: what was kept, under which licences, and what was dropped."
        html.append(table(caption, ["Domain", *columns, Cell("dropped", "text")], totals))
    if levels:
        caption = "Levels run from easy to hard within a domain."
        html.append(details(f"All {len(levels)} levels", table(caption, ["Level", *columns], levels)))
    pictures = "".join(_picture(caption, png) for caption, png in run.images if png.startswith(_PNG))
    if pictures:
        html.append(f'<h3>A look at the images</h3><div class="gallery">{pictures}</div>')
    return Section("data", "What it read", "".join(html))


def _picture(caption: str, png: bytes) -> str:
    source = f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"
    return f'<figure><img src="{source}" alt="{escape(caption)}"><figcaption>{escape(caption)}</figcaption></figure>'


def cost(run: ReportInput) -> Section:
    """Training operations by stage."""
    operations = {s: n for s, n in (run.results.get("training_flops") or {}).items() if wording.is_number(n)}
    if not operations:
        return Section("cost", "What it cost", "")
    drawn = plots.training_flops(operations, run.results.get("training_tokens") or {})
    return Section(
        "cost",
        "What it cost",
        figure(drawn, "Floating-point operations spent in training, by stage, with the tokens read."),
    )


def again(run: ReportInput) -> Section:
    """The command, the config's hash, the versions and the model's facts."""
    html = []
    if run.command:
        html.append(f'<pre class="command">{escape(run.command)}</pre>')
    begun = [facts["started"] for facts in run.stages.values() if facts.get("started")]
    ended = [facts["finished"] for facts in run.stages.values() if facts.get("finished")]
    facts = {
        "Config": run.config_name,
        "Config hash": run.config_hash,
        "Started": wording.moment(begun[0]) if begun else "",
        "Finished": wording.moment(ended[-1]) if ended else "",
    }
    facts = {label: text for label, text in facts.items() if text}
    tables = []
    for caption, rows in (("This run", facts), ("The model", run.model_card), ("Versions", run.versions)):
        if rows:
            listed = [Row(wording.name(str(label)), [Cell(str(text), "text")]) for label, text in rows.items()]
            tables.append(table(caption, ["Name", Cell("Value", "text")], listed))
    if tables:
        html.append(pair(tables))
    return Section("again", "Make it again", "".join(html))
