"""The safety gates' page: who was judged, by what, on what, with which verdict, and where to sign.

One HTML file that loads nothing from elsewhere, made to be printed. It shows what results.json holds and computes nothing
anew; the hash that is signed is that file's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from mistral_moe.report import wording
from mistral_moe.report.markup import Cell, Row, Section, details, paragraph, table
from mistral_moe.report.style import style_sheet

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_STORY = {
    "toxicity": "How often the model goes on toxically after harmless beginnings, the worst of several continuations.",
    "bias": "Whether its choices follow stereotypes, where the context leaves them open and where it does not.",
    "hallucination": "Whether it prefers what is true to what many people believe.",
    "security": "Whether it writes insecure code, does what it should refuse, gives secrets away, or obeys documents.",
}
_RULES = """
.verdict{font:600 1.35rem/1.4 var(--serif);border-left:6px solid var(--good);padding:8px 18px;background:var(--wash)}
.verdict.bad{border-color:var(--bad)}
.scale{position:relative;display:block;width:100%;min-width:170px;height:16px;background:var(--wash);border-radius:4px}
.scale i{position:absolute;top:4px;height:8px;border-radius:3px;background:var(--general);opacity:.75}
.scale b{position:absolute;top:1px;height:14px;width:3px;margin-left:-1px;background:var(--ink)}
.scale u{position:absolute;top:-3px;height:22px;width:2px;background:var(--accent)}
.parts th,.parts td{white-space:normal}.parts td.scalecell{min-width:190px}
.why{color:var(--bad)}.why li{margin:.35em 0;overflow-wrap:anywhere}
.sign{display:grid;grid-template-columns:repeat(auto-fit,minmax(220px,1fr));gap:44px 28px;margin:44px 0 24px}
.sign div{border-top:1px solid var(--ink);padding-top:6px;color:var(--soft);font-size:.85rem}
.hash{font-family:var(--mono);font-size:.82rem;overflow-wrap:anywhere;background:var(--wash);padding:10px 14px;border-radius:8px}
@media print{.scale,.scale *{-webkit-print-color-adjust:exact;print-color-adjust:exact}section.sheet{break-before:page}}
"""


def _number(value: Any) -> str:
    return wording.nats(value)


def _scale(part: Mapping[str, Any]) -> str:
    """The value (dark mark), the way to its bound (grey) and the threshold (blue line) on a line from 0 to 1."""
    value, bound, threshold = part.get("value"), part.get("bound"), part.get("threshold")
    if not all(map(wording.is_number, (value, bound, threshold))):
        return wording.ABSENT
    low, high = sorted(100 * min(max(end, 0.0), 1.0) for end in (value, bound))
    told = f"value {_number(value)}, bound {_number(bound)}, threshold {_number(threshold)}"
    return (
        f'<span class="scale" role="img" aria-label="{escape(told)}"><i style="left:{low:.2f}%;width:{high - low:.2f}%"></i>'
        f'<b style="left:{100 * min(max(value, 0.0), 1.0):.2f}%"></b>'
        f'<u style="left:{100 * min(max(threshold, 0.0), 1.0):.2f}%"></u></span>'
    )


def _verdict(passed: Any) -> str:
    return '<span class="good">passed</span>' if passed is True else '<span class="bad">failed</span>'


def _part_row(name: str, part: Mapping[str, Any]) -> str:
    side = "\u2264" if part.get("bound_must_be") == "at most" else "\u2265"
    verdict = _verdict(part.get("passed")) + ("" if part.get("required") else '<br><span class="note">told only</span>')
    auroc = part.get("detector_auroc")
    by = " ".join(str(part.get(field) or "") for field in ("detector", "detector_version")).strip() or wording.ABSENT
    cells = (
        f"<td>{verdict}</td><td>{_number(part.get('value'))}</td><td>{_number(part.get('bound'))}</td>"
        f"<td>{side}\u00a0{_number(part.get('threshold'))}</td>"
        f"<td>{escape(str(part.get('n', 0)))}<br>"
        f"<span class='note'>of {escape(str(part.get('min_samples', '')))} needed</span></td>"
        f'<td class="scalecell">{_scale(part)}</td>'
        f'<td class="text">{escape(by)}<br><span class="note">AUROC {_number(auroc)}. '
        f"{escape(str(part.get('detector_note') or ''))}</span></td>"
    )
    return f'<tr><th scope="row">{escape(wording.name(name))}</th>{cells}</tr>'


def _parts_table(parts: Mapping[str, Mapping[str, Any]], caption: str) -> str:
    heads = ("measure", "verdict", "value", "bound", "threshold", "samples", "0 to 1", "detector")
    columns = "".join(f'<th scope="col">{head}</th>' for head in heads)
    rows = "".join(_part_row(name, part) for name, part in parts.items())
    return (
        f'<div class="scroll" tabindex="0"><table class="parts"><caption>{escape(caption)}</caption>'
        f"<thead><tr>{columns}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _gate(name: str, gate: Mapping[str, Any]) -> Section:
    parts = gate.get("parts") or {}
    required = {key: part for key, part in parts.items() if part.get("required")}
    beside = {key: part for key, part in parts.items() if not part.get("required")}
    html = f"<p>{escape(_STORY.get(name, ''))} Verdict: <strong>{_verdict(gate.get('passed'))}</strong>.</p>"
    reasons = [f"{wording.name(key)}: {part.get('reason')}" for key, part in required.items() if not part.get("passed")]
    if not gate.get("passed") and not reasons:
        reasons = [str(gate.get("reason") or "no reason is recorded")]
    if reasons:
        html += f'<ul class="why">{"".join(f"<li>{escape(reason)}</li>" for reason in reasons)}</ul>'
    html += _parts_table(required, "What the gate depends on: all of these must pass.")
    if beside:
        html += details("Told beside it", _parts_table(beside, "These decide nothing."))
    found = {key: part["measures"] for key, part in parts.items() if part.get("measures")}
    if found:
        text = "\n".join(f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in found.items())
        html += details("What else was counted", f'<pre class="command">{escape(text)}</pre>')
    html += "".join(paragraph(note, "note") for note in gate.get("notes") or ())
    return Section(name, wording.capital(wording.name(name)), html)


def _facts(caption: str, facts: Sequence[tuple[str, Any]]) -> str:
    return table(caption, ("", Cell("", "text")), [Row(name, (Cell(str(value), "text"),)) for name, value in facts])


def _judged(results: Mapping[str, Any]) -> Section:
    model = results.get("model") or {}
    branch = model.get("domain")
    facts = [
        ("stage", f"{model.get('stage', wording.ABSENT)}{f', branch {branch}' if branch else ''}"),
        ("digest of its parameters", model.get("digest", wording.ABSENT)),
        ("started", results.get("started", wording.ABSENT)),
        ("finished", results.get("finished", wording.ABSENT)),
        ("hash of the safety config", results.get("config_hash", wording.ABSENT)),
        ("tokens of its window", results.get("max_length") or wording.ABSENT),
        ("most samples of each part", results.get("limit") or "as the config says"),
        ("data read from", results.get("data_dir", wording.ABSENT)),
    ]
    html = _facts("The model and the run", facts)
    html += details("Versions", _facts("Packages", sorted((results.get("versions") or {}).items())))
    data = _facts("SHA-256 of every file that was read", sorted((results.get("data") or {}).items()))
    html += details("Data", data)
    config = json.dumps(results.get("config") or {}, indent=1, ensure_ascii=False)
    html += details("Thresholds and settings", f'<pre class="command">{escape(config)}</pre>')
    return Section("judged", "What was judged", html)


def _sign(results_sha256: str) -> Section:
    lines = "".join(f"<div>{field}</div>" for field in ("Name", "Role", "Date", "Signature"))
    html = (
        paragraph(
            "Whoever signs has read the verdicts, their reasons, and what the detectors are worth. The signature is for the "
            "results file of this hash and for no other:"
        )
        + f'<p class="hash">results.json SHA-256 {escape(results_sha256)}</p>'
        + paragraph("Decision: \u2610 release   \u2610 release with conditions (attached)   \u2610 do not release")
        + f'<div class="sign">{lines}</div>'
    )
    return Section("sign", "Sign-off", html)


def render(results: Mapping[str, Any], results_sha256: str) -> str:
    """The page.

    Args:
      results: what `safety/results.json` holds.
      results_sha256: of that file.
    """
    gates = results.get("gates") or {}
    failed = [name for name, gate in gates.items() if gate.get("passed") is not True]
    passed = bool(gates) and not failed and results.get("passed") is True
    told = (
        f"All {len(gates)} gates passed."
        if passed
        else f"{len(failed)} of {len(gates)} gates failed: {', '.join(failed)}. This model is not to be given away."
    )
    sections = [*(_gate(name, gate) for name, gate in gates.items()), _judged(results), _sign(results_sha256)]
    tiles = "".join(
        f'<div class="tile"><dt>{escape(wording.capital(name))}</dt><dd class="big">{_verdict(gate.get("passed"))}</dd>'
        f'<dd class="small">{escape(wording.name(str(gate.get("part", ""))))}: bound {_number(gate.get("bound"))}, '
        f"threshold {_number(gate.get('threshold'))}</dd></div>"
        for name, gate in gates.items()
    )
    body = "".join(
        f'<section id="{part.key}"{" class=sheet" if part.key in ("judged", "sign") else ""} aria-labelledby="{part.key}-head">'
        f'<h2 id="{part.key}-head">{escape(part.title)}</h2>{part.html}</section>'
        for part in sections
    )
    links = "".join(f'<li><a href="#{part.key}">{escape(part.title)}</a></li>' for part in sections)
    model = results.get("model") or {}
    eyebrow = " \u00b7 ".join(
        str(part)
        for part in ("mistral_moe safety gates", model.get("stage"), model.get("domain"), results.get("finished"))
        if part
    )
    reading = (
        "Bounds are one-sided 95 % Wilson bounds on the unfavourable side; they, not the values, are held against the thresholds. "
        "Grey runs from the value to its bound, the blue line is the threshold. What could not be measured has failed."
    )
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f'<meta name="referrer" content="no-referrer"><link rel="icon" href="data:,">'
        f"<title>Safety gates</title><style>{style_sheet()}{_RULES}</style></head>\n"
        f'<body><header><p class="eyebrow">{escape(eyebrow)}</p><h1>Safety gates</h1>'
        f'<p class="verdict{"" if passed else " bad"}">{escape(told)}</p><dl class="tiles">{tiles}</dl></header>'
        f'<nav aria-label="Sections"><ul>{links}</ul></nav>\n<main>{body}</main>\n'
        f"<footer>{paragraph(reading, 'note')}</footer></body></html>\n"
    )
