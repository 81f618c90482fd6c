"""The picture at the head of the report: one model branches into experts, and they come together in a mixture."""

from __future__ import annotations

from html import escape

from mistral_moe.report import wording
from mistral_moe.report.inputs import ReportInput
from mistral_moe.report.style import css_colour

_WIDTH, _STEP = 1000, 58
_SEED, _EXPERT, _MIXTURE = (20, 200), (375, 250), (780, 200)  # x and width of the three columns' boxes


def _box(
    x: float, y: float, width: float, height: float, colour: str, texts: tuple[str, str], inks: tuple[str, str]
) -> str:
    middle = x + width / 2
    return (
        f'<rect x="{x}" y="{y - height / 2}" width="{width}" height="{height}" rx="10" fill="{colour}" '
        f'stroke="var(--line)"/>'
        f'<text x="{middle}" y="{y - 5}" text-anchor="middle" font-weight="600" font-size="16" fill="{inks[0]}">'
        f"{escape(texts[0])}</text>"
        f'<text x="{middle}" y="{y + 16}" text-anchor="middle" font-size="14" fill="{inks[1]}">{escape(texts[1])}</text>'
    )


def _link(start: tuple[float, float], end: tuple[float, float], colour: str) -> str:
    bend = (start[0] + end[0]) / 2
    return (
        f'<path d="M{start[0]} {start[1]}C{bend} {start[1]} {bend} {end[1]} {end[0]} {end[1]}" fill="none" '
        f'stroke="{colour}" stroke-width="4" stroke-linecap="round" opacity="0.75"/>'
    )


def family(run: ReportInput) -> str:
    """Seed, experts and mixture with their held-out losses, as an inline SVG."""
    losses, means, domains = run.held_out_loss, run.held_out_loss_mean, run.domains
    height = _STEP * max(len(domains), 2) + 20
    centre = height / 2
    soft = ("var(--ink)", "var(--soft)")
    links, boxes, told = [], [], []
    for index, domain in enumerate(domains):
        y = centre + (index - (len(domains) - 1) / 2) * _STEP
        own = wording.nats(losses.get(f"expert_{domain}", {}).get(domain))
        colour = css_colour(domain)
        spread = (index - (len(domains) - 1) / 2) * 9
        links.append(_link((_SEED[0] + _SEED[1], centre + spread), (_EXPERT[0], y), colour))
        links.append(_link((_EXPERT[0] + _EXPERT[1], y), (_MIXTURE[0], centre + spread), colour))
        boxes.append(
            f'<rect x="{_EXPERT[0]}" y="{y - 21}" width="{_EXPERT[1]}" height="42" rx="21" fill="var(--card)" '
            f'stroke="{colour}" stroke-width="2"/>'
            f'<text x="{_EXPERT[0] + 22}" y="{y + 5}" font-weight="600" font-size="15" fill="{colour}">{escape(domain)}</text>'
            f'<text x="{_EXPERT[0] + _EXPERT[1] - 22}" y="{y + 5}" text-anchor="end" font-size="15" fill="var(--ink)">'
            f"{own}</text>"
        )
        told.append(f"{domain} {own}")
    seed, mixture = wording.nats(means.get("seed")), wording.nats(means.get(run.final_mixture or ""))
    boxes.append(_box(_SEED[0], centre, _SEED[1], 92, "var(--card)", ("One dense Mistral", f"seed: {seed}"), soft))
    on_accent = ("var(--paper)", "var(--paper)")
    boxes.append(_box(_MIXTURE[0], centre, _MIXTURE[1], 92, "var(--accent)", ("One mixture", f"{mixture}"), on_accent))
    description = f"Seed {seed}; experts on their own domains: {', '.join(told)}; mixture {mixture}. Nats per token."
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" class="wide" '
        f'style="max-width:{_WIDTH}px" aria-labelledby="family-title family-desc">'
        f'<title id="family-title">From one dense model through domain experts to a mixture</title>'
        f'<desc id="family-desc">{escape(description)}</desc>{"".join(links)}{"".join(boxes)}</svg>'
    )
