"""The corpus on one static page: what each step dropped and why, lengths and licences, curves, samples of kept and dropped.

Bars are CSS, curves inline SVG: the page needs nothing from elsewhere, and the same corpus gives the same bytes.
"""

from __future__ import annotations

import collections
import html
from collections.abc import Iterable, Mapping
from typing import Any

from data.pipeline.ledger import STEPS
from data.pipeline.store import Store
from data.processors.registry import all_profiles
from data.quality.curves import CurveAccumulator

_STYLE = """
:root { --ink: #1f2933; --soft: #64748b; --line: #dbe2ea; --bar: #3b6ea5; --bad: #c2554d; --paper: #fbfcfd }
* { box-sizing: border-box }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 70rem;
       margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.6rem } h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line) } h3 { margin-top: 1.6rem }
table { border-collapse: collapse; width: 100% } th { text-align: left; color: var(--soft); font-weight: 500 }
td, th { padding: .2rem .6rem .2rem 0; vertical-align: top } td.n, th.n { text-align: right; font-variant-numeric: tabular-nums }
.bar { background: var(--bar); height: .8rem; min-width: 1px; border-radius: 2px } .bad .bar { background: var(--bad) }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: #fff; border: 1px solid var(--line); padding: .6rem;
      font-size: .8rem; max-height: 14rem; overflow: auto; margin: .3rem 0 1rem }
.curves { display: grid; grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); gap: 1rem }
.curves figure { margin: 0 } figcaption { font-size: .8rem; color: var(--soft) } svg { width: 100%; height: auto }
summary { cursor: pointer; color: var(--soft) }
"""


def render(store: Store, manifests: Mapping[str, Mapping[str, Any]]) -> str:
    """The page of a build.

    Args:
      store: the build's folder.
      manifests: each domain's.
    """
    sections = "".join(_domain(store, domain, manifest) for domain, manifest in manifests.items())
    totals = [_total_row(domain, manifest) for domain, manifest in manifests.items()]
    head = _table(
        ("domain", "records read", "kept", "dropped", "quarantined", "bytes kept"), totals, numbers=(1, 2, 3, 4, 5)
    )
    return (
        "<!doctype html><html lang='en'><meta charset='utf-8'><meta name='viewport' content='width=device-width'>"
        f"<title>Corpus</title><style>{_STYLE}</style><h1>Corpus</h1>{head}{sections}</html>\n"
    )


def _total_row(domain: str, manifest: Mapping[str, Any]) -> tuple[str, ...]:
    rows = manifest["records"]
    lost = sum(rows["dropped"].values()), sum(rows["quarantined"].values())
    size = sum(level["bytes"] for level in manifest["levels"].values())
    return (domain, *(f"{n:,}" for n in (rows["in"], rows["out"], *lost, size)))


def _text(value: object) -> str:
    return html.escape(str(value), quote=True)


def _table(header: Iterable[str], rows: Iterable[Iterable[str]], numbers: tuple[int, ...] = ()) -> str:
    def cells(tag: str, row: Iterable[str]) -> str:
        return "".join(f"<{tag}{' class=n' if i in numbers else ''}>{cell}</{tag}>" for i, cell in enumerate(row))

    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    return f"<table><tr>{cells('th', header)}</tr>{body}</table>"


def _bars(counts: Mapping[str, int], bad: bool = False) -> str:
    most = max(counts.values(), default=0) or 1
    rows = [
        (_text(name), f"{count:,}", f"<div class=bar style='width:{100 * count / most:.1f}%'></div>")
        for name, count in counts.items()
    ]
    return f"<div{' class=bad' if bad else ''}>" + _table(("", "", ""), rows, numbers=(1,)) + "</div>"


def _domain(store: Store, domain: str, manifest: Mapping[str, Any]) -> str:
    funnel, reasons = {}, collections.Counter()
    for step in STEPS:
        rows = manifest["steps"][step]["records"]
        funnel[f"after {step}"] = rows["out"]
        for name, count in (*rows["dropped"].items(), *rows["quarantined"].items()):
            reasons[f"{step}: {name}"] += count
    ranges = [
        row for name in store.names(f"{domain}/work/write") if name.endswith(".json") for row in [store.read_json(name)]
    ]
    lengths: collections.Counter[int] = collections.Counter()
    sources: collections.Counter[str] = collections.Counter()
    for written in ranges:
        for file in written["files"].values():
            lengths.update({int(bits): count for bits, count in file["lengths"].items()})
            sources.update(file["sources"])
    levels = {level: row["records"] for level, row in manifest["levels"].items()}
    named = {f"{2 ** (bits - 1) if bits else 0:,} bytes and more": lengths[bits] for bits in sorted(lengths)}
    quality = manifest["quality"]
    scores = ", ".join(f"{name} {value:.3f}" for name, value in quality["mean"].items())
    parts = [
        f"<h2>{_text(domain)}</h2><h3>Funnel, in documents</h3>{_bars(funnel)}",
        f"<h3>Dropped and quarantined</h3>{_bars(dict(reasons.most_common()), bad=True)}" if reasons else "",
        f"<h3>Levels</h3>{_bars(levels)}<h3>Length of the texts kept</h3>{_bars(named)}",
        f"<h3>Sources</h3>{_bars(dict(sorted(sources.items())))}<h3>Licences</h3>{_bars(manifest['licences'])}",
        f"<h3>Batches judged</h3><p>{quality['batches']:,}, of which {quality['rejected']:,} rejected. Mean scores: "
        f"{scores or 'none'}.</p>",
        _curves(store.read_json(f"{domain}/curves.json") or {}),
        _samples(ranges, store, domain),
    ]
    return "".join(parts)


def _curves(found: Mapping[str, Any]) -> str:
    figures = []
    for name, value in found.items():
        profile = all_profiles()[name]
        curves = CurveAccumulator.from_json(profile, value)
        for rule in curves.rules():
            figures.append(_curve(f"{name}: {rule.name}", rule, curves))
    if not figures:
        return ""
    return (
        "<h3>What other thresholds would keep</h3><p>Share of the measured documents that each rule would keep by itself; the "
        f"mark is the threshold in force.</p><div class=curves>{''.join(figures)}</div>"
    )


def _curve(title: str, rule, curves: CurveAccumulator) -> str:
    """One rule's share kept, as a polyline of 100 x 60."""
    low, high = rule.span
    steps = [low + (high - low) * i / 40 for i in range(41)]
    line = " ".join(f"{100 * i / 40:.1f},{58 - 54 * curves.kept_share(rule.name, x):.1f}" for i, x in enumerate(steps))
    bound = rule.low if rule.low > float("-inf") else rule.high
    place = 100 * (min(max(bound, low), high) - low) / (high - low) if high > low else 0
    return (
        "<figure><svg viewBox='0 0 100 62'><rect x='0' y='0' width='100' height='60' fill='#fff' stroke='#dbe2ea' "
        f"stroke-width='.5'/><polyline points='{line}' fill='none' stroke='#3b6ea5' stroke-width='1.2'/>"
        f"<line x1='{place:.1f}' x2='{place:.1f}' y1='0' y2='60' stroke='#c2554d' stroke-width='.6'/></svg>"
        f"<figcaption>{_text(title)}, {low:g} to {high:g}</figcaption></figure>"
    )


def _samples(ranges: list[dict[str, Any]], store: Store, domain: str) -> str:
    kept = []
    for written in ranges[:1]:
        for place, file in written["files"].items():
            for sample in file["samples"][:1] if place.endswith("/train") else []:
                kept.append(
                    f"<p>{_text(place)} · {_text(sample['source'])} · {sample['id']}</p><pre>{_text(sample['text'])}</pre>"
                )
    lost, shown = [], collections.Counter()
    for row in store.read_lines(f"{domain}/rejects.jsonl"):
        key = row["step"], row["reason"]
        shown[key] += 1
        if shown[key] <= 3:
            lost.append(
                f"<p>{_text(row['step'])}: {_text(row['reason'])} · {_text(row['evidence'])} · {_text(row['source'])} · "
                f"{row['read_id']}</p><pre>{_text(row['excerpt'])}</pre>"
            )
    return (
        f"<details><summary>Samples of what was kept</summary>{''.join(kept)}</details>"
        f"<details><summary>Samples of what was dropped</summary>{''.join(lost)}</details>"
    )
