"""The whole report: one HTML file that loads nothing from elsewhere."""

from __future__ import annotations

from html import escape

from mistral_moe.report import benchmarks, making, outcome, post_training, wording
from mistral_moe.report.inputs import ReportInput
from mistral_moe.report.style import style_sheet

_TITLE = "From one dense Mistral to a mixture of domain experts"
_NUMBERS = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six", 7: "seven", 8: "eight"}
# The browser itself then refuses every script and every request, whatever a document or a model may have written.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def _title(run: ReportInput) -> str:
    number = _NUMBERS.get(len(run.domains))
    return _TITLE.replace("domain experts", f"{number} domain experts") if number else _TITLE


def render(run: ReportInput) -> str:
    """The report of a run as one self-contained HTML document; the same run gives the same bytes."""
    parts = [
        outcome.checks(run),
        outcome.losses(run),
        benchmarks.section(run.results.get("benchmarks_by_model") or {}),
        post_training.section(run),
        making.stages(run),
        making.training(run),
        making.curriculum(run),
        outcome.experts_at_work(run),
        outcome.samples(run),
        making.data(run),
        making.cost(run),
        making.again(run),
    ]
    shown = [part for part in parts if part.html]
    absent = [part.title for part in parts if not part.html]
    links = "".join(f'<li><a href="#{part.key}">{escape(part.title)}</a></li>' for part in shown)
    body = "".join(
        f'<section id="{part.key}" aria-labelledby="{part.key}-head"><h2 id="{part.key}-head">{escape(part.title)}</h2>'
        f"{part.html}</section>"
        for part in shown
    )
    seconds = [facts["seconds"] for facts in run.stages.values() if wording.is_number(facts.get("seconds"))]
    known = ["mistral_moe run report", run.config_name, wording.duration(sum(seconds)) if seconds else ""]
    eyebrow = " \u00b7 ".join(part for part in known if part)
    gap = (
        f'<p class="absent">Left out, since this run holds no data for it: {escape(", ".join(absent))}.</p>'
        if absent
        else ""
    )
    title = escape(_title(run))
    contents = f'<nav aria-label="Sections"><ul>{links}</ul></nav>' if links else ""
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f'<meta name="referrer" content="no-referrer"><link rel="icon" href="data:,">'
        f"<title>{title}</title><style>{style_sheet()}</style></head>\n"
        f'<body><header><p class="eyebrow">{escape(eyebrow)}</p>'
        f"<h1>{title}</h1>{outcome.headline(run)}</header>{contents}\n<main>{body}</main>\n"
        f'<footer>{gap}<p class="note">Losses are in nats per token, lower is better, on text held out from training.</p>'
        f"</footer></body></html>\n"
    )
