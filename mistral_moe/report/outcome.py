"""What came of the run: the headline, its checks, held-out loss, the experts at work, and what the models write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from mistral_moe.report import diagram, heatmaps, plots, wording
from mistral_moe.report.inputs import DENSE, MIXTURES, ORACLE, ReportInput, in_order
from mistral_moe.report.markup import Cell, Row, Section, details, figure, pair, paragraph, table
from mistral_moe.report.style import css_colour

_STAGE_OF = {
    "mixture_after_mix": "after mixing",
    "mixture_after_router": "after the router",
    "mixture_after_joint": "after the joint phase",
}


def _against(run: ReportInput) -> list[tuple[str, str, Mapping[str, float], float | None]]:
    """(who, full name, loss by domain, mean) of what the final mixture is held against."""
    losses, means = run.held_out_loss, run.held_out_loss_mean
    rows = [(m, wording.name(m), losses[m], means.get(m)) for m in ("seed", DENSE) if m in losses]
    own = {d: losses[f"expert_{d}"][d] for d in run.domains if d in losses.get(f"expert_{d}", {})}
    if own:
        complete = len(own) == len(run.domains) and all(map(wording.is_number, own.values()))
        rows.append(("own", "Each domain\u2019s own expert", own, sum(own.values()) / len(own) if complete else None))
    return rows


def _direction(change: float) -> str:
    return f"{wording.percent(abs(change))} {'below' if change < 0 else 'above'}"


def _worst_against_own(run: ReportInput, own: Mapping[str, float]) -> tuple[float, str] | None:
    mixture = run.held_out_loss[run.final_mixture]
    changes = [(wording.relative(mixture.get(domain), loss), domain) for domain, loss in own.items()]
    return max(((change, domain) for change, domain in changes if change is not None), default=None)


def _tile(label: str, big: str, small: str, role: str = "") -> str:
    tone = f" {role}" if role else ""
    return (
        f'<div class="tile"><dt>{escape(label)}</dt><dd class="big{tone}">{escape(big)}</dd>'
        f'<dd class="small">{escape(small)}</dd></div>'
    )


def _tone(change: float | None) -> str:
    if change is None or abs(change) < 5e-5:
        return ""
    return "good" if change < 0 else "bad"


def headline(run: ReportInput) -> str:
    """The result in one sentence, the family's picture and its few decisive figures."""
    checks, mixture = run.results.get("checks") or [], run.final_mixture
    tiles, said = [], []
    if mixture:
        mean = run.held_out_loss_mean.get(mixture)
        for who, _, losses, reference in _against(run):
            if who == "own":
                worst = _worst_against_own(run, losses)
                if worst:
                    said.append(f"at worst {_direction(worst[0])} a domain\u2019s own expert ({worst[1]})")
                    tiles.append(
                        _tile(
                            "Against each domain\u2019s own expert, at worst",
                            wording.percent(worst[0], signed=True),
                            f"on {worst[1]}; lower is better",
                            "" if worst[0] > 0 else "good",
                        )
                    )
                continue
            change = wording.relative(mean, reference)
            if change is not None:
                named = "the seed" if who == "seed" else "a dense model of equal training FLOPs"
                said.append(f"{_direction(change)} {named}")
                tiles.append(
                    _tile(
                        f"Loss against {named}",
                        wording.percent(change, signed=True),
                        f"{wording.nats(mean)} against {wording.nats(reference)} nats, mean",
                        _tone(change),
                    )
                )
        joined = (
            said[0]
            if len(said) == 1
            else f"{', '.join(said[:-1])}, and {said[-1]}"
            if said
            else "nothing to compare with"
        )
        lead = (
            f"<strong>{wording.nats(mean)} nats per token</strong> on held-out text, the mean of {len(run.domains)} domains: "
            f"{escape(_STAGE_OF[mixture])}, the mixture is {escape(joined)}."
        )
        picture = figure(
            diagram.family(run),
            "Held-out loss in nats per token, lower is better: the seed and the mixture on "
            "the mean of all domains, each expert on its own domain.",
        )
    else:
        lead, picture = "This run has no evaluated mixture yet. What it does have follows.", ""
    if checks:
        passed = sum(bool(check.get("passed")) for check in checks)
        whole = passed == len(checks)
        tiles.append(
            _tile(
                "The run\u2019s own checks",
                f"{passed} of {len(checks)}",
                "all passed" if whole else "some failed",
                "good" if whole else "bad",
            )
        )
    shown = f'<dl class="tiles">{"".join(tiles)}</dl>' if tiles else ""
    return f'<p class="lead">{lead}</p>{shown}{picture}'


def checks(run: ReportInput) -> Section:
    """What the run demanded of itself, failures first."""
    listed = sorted(run.results.get("checks") or [], key=lambda check: bool(check.get("passed")))
    marks = {True: ("good", "\u2713 passed"), False: ("bad", "\u2717 failed")}
    items = "".join(
        '<li><span class="{}">{}</span>'.format(*marks[bool(check.get("passed"))])
        + f'<span class="name">{escape(wording.name(str(check.get("name", ""))))}</span>'
        f'<span class="detail">{escape(str(check.get("detail", "")))}</span></li>'
        for check in listed
    )
    intro = paragraph("Conditions that the run sets itself and ends with an error when one fails.")
    return Section("checks", "Checks", f'{intro}<ul class="checks">{items}</ul>' if items else "")


def _delta_cell(value: Any, reference: Any) -> Cell:
    change = wording.relative(value, reference)
    return Cell(wording.percent(change, signed=True), _tone(change))


def _losses_table(run: ReportInput) -> str:
    losses, means, domains = run.held_out_loss, run.held_out_loss_mean, run.domains
    models = [model for model in losses if model != ORACLE]

    def lowest(of: Mapping[str, Any]) -> Any:
        return min((value for value in of.values() if wording.is_number(value)), default=None)

    best = {domain: lowest({model: losses[model].get(domain) for model in models}) for domain in domains}
    best_mean = lowest({model: means.get(model) for model in models})
    rows = []
    for model in losses:
        real = model != ORACLE
        cells = [
            Cell(wording.nats(v), "best" if real and v is not None and v == best[d] else "")
            for d in domains
            for v in (losses[model].get(d),)
        ]
        mean = means.get(model)
        cells.append(Cell(wording.nats(mean), "best" if real and mean is not None and mean == best_mean else ""))
        cells += [
            _delta_cell(mean, means.get(reference)) if model != reference else Cell(wording.ABSENT)
            for reference in ("seed", DENSE)
            if reference in losses
        ]
        role = "key" if model == run.final_mixture else "" if real else "bound"
        rows.append(
            Row(wording.name(model), cells, model.removeprefix("expert_") if model.startswith("expert_") else "", role)
        )
    references = [label for label, model in (("vs seed", "seed"), ("vs dense", DENSE)) if model in losses]
    caption = "Held-out loss, nats per token; the best of each column in bold. The last columns compare means."
    return table(caption, ["Model", *domains, "mean", *references], rows)


def _deltas_table(run: ReportInput) -> str:
    if run.final_mixture is None:
        return ""
    mixture, mean = run.held_out_loss[run.final_mixture], run.held_out_loss_mean.get(run.final_mixture)
    rows = [
        Row(
            f"against {label[0].lower()}{label[1:]}",
            [*(_delta_cell(mixture.get(d), losses.get(d)) for d in run.domains), _delta_cell(mean, reference)],
        )
        for _, label, losses, reference in _against(run)
    ]
    caption = f"{wording.name(run.final_mixture)}: relative difference in held-out loss, negative is better."
    return table(caption, ["The mixture", *run.domains, "mean"], rows) if rows else ""


def losses(run: ReportInput) -> Section:
    """Held-out loss of every model on every domain, drawn and in figures."""
    if not run.held_out_loss:
        return Section("results", "Held-out loss", "")
    drawn = heatmaps.loss_heat_map(run.held_out_loss, run.held_out_loss_mean, run.domains)
    caption = (
        "Each column has its own scale: the darker (in dark mode, the brighter) a cell, the nearer it is to the "
        "column\u2019s lowest loss. A star marks the best model; the oracle, a bound that picks the best expert after "
        "the fact, takes no part."
    )
    intro = paragraph("Text that no stage has trained on, scored by every model of the run. Lower is better.")
    return Section("results", "Held-out loss", intro + figure(drawn, caption) + _deltas_table(run) + _losses_table(run))


def experts_at_work(run: ReportInput) -> Section:
    """Which experts are used where, what forcing one costs, and how far the router is from the oracle."""
    shares = run.results.get("expert_utilisation") or {}
    names = list(run.results.get("expert_names") or run.domains)
    forced, regret = run.results.get("forced_expert_loss") or {}, run.results.get("oracle_regret") or {}
    html = []
    present = _mixtures(shares)
    for index, model in enumerate(present[::-1]):
        title = f"{wording.name(model)}: share of tokens by domain and expert"
        drawn = heatmaps.utilisation(f"use-{model}", title, shares[model], names)
        scope = "one decision for all layers" if heatmaps.shared_by_all_layers(shares[model]) else "layer by layer"
        shown = figure(
            drawn,
            f"{wording.name(model)}, {scope}. Rows are the text\u2019s domain, columns the expert, cells the share "
            "of routed tokens in %. A strong diagonal means that text finds its own expert.",
        )
        html.append(shown if index == 0 else details(f"The same for the {wording.name(model).lower()}", shown))
    if html:
        html.insert(0, "<h3>Who is asked</h3>")
    regret = {grain: of_model for grain, of_model in regret.items() if of_model}
    if regret:
        html.append("<h3>How far from the best choice</h3>")
        html.append(
            figure(
                plots.oracle_regret(regret),
                "Regret is the mixture\u2019s loss minus the loss under the best expert. Per "
                "window is the fair goal; per token is out of reach for any router, since that choice peeks at the answer. "
                "Below zero, mixing experts beats picking one.",
            )
        )
    drawn_forced = [
        figure(
            heatmaps.forced_experts(
                f"forced-{model}", f"{wording.name(model)}: loss under one forced expert", forced[model]
            ),
            f"{wording.name(model)}: every token sent to one expert (row), loss by domain (column). A star marks the best expert.",
        )
        for model in _mixtures(forced)[::-1]
    ]
    if drawn_forced:
        html.append("<h3>What if one expert answered everything</h3>" + pair(drawn_forced))
    intro = paragraph("Inside the mixture: where the router sends the tokens, and what each expert is worth.")
    return Section("experts", "The experts at work", intro + "".join(html) if html else "")


def _mixtures(of_model: Mapping[str, Any]) -> list[str]:
    """Models that have something to show: the mixtures in the order of the stages, then any others."""
    known = [model for model in MIXTURES if of_model.get(model)]
    return [model for model in of_model if model not in MIXTURES and of_model[model]] + known


def samples(run: ReportInput) -> Section:
    """Prompts with every model's completion side by side, the final mixture's first."""
    given: Sequence[Mapping[str, Any]] = run.results.get("samples") or []
    rank = {domain: position for position, domain in enumerate(in_order({str(s.get("domain", "")) for s in given}))}
    html = []
    for sample in sorted(given, key=lambda sample: rank[str(sample.get("domain", ""))]):
        domain, written = str(sample.get("domain", "")), sample.get("completions") or {}
        first = [run.final_mixture, "seed", DENSE, f"expert_{domain}"]
        shown = [model for model in first if model in written]
        cards = [_answer(model, written[model], model == run.final_mixture) for model in shown or written]
        others = [_answer(model, text, False) for model, text in written.items() if shown and model not in shown]
        more = details(f"{len(others)} more models", f'<div class="answers">{"".join(others)}</div>') if others else ""
        colour = css_colour(domain)
        html.append(
            f'<article class="sample"><p class="note"><span class="dot" style="background:{colour}"></span>{escape(domain)}</p>'
            f'<pre class="prompt" style="border-color:{colour}">{escape(str(sample.get("prompt", "")))}</pre>'
            f'<div class="answers">{"".join(cards)}</div>{more}</article>'
        )
    intro = paragraph("The same prompt, continued by each model. A small model shows its domain before it shows sense.")
    return Section("samples", "In their own words", intro + "".join(html) if html else "")


def _answer(model: str, text: Any, key: bool) -> str:
    role = "answer key" if key else "answer"
    return f'<div class="{role}"><h4>{escape(wording.name(model))}</h4><pre>{escape(str(text))}</pre></div>'
