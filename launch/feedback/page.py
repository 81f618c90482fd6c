"""The page on which two completions are compared. What it shows comes as JSON; the HTML holds no text of any model."""

from __future__ import annotations

import functools
from html import escape
import pathlib

from mistral_moe.report import style

_SCRIPT = pathlib.Path(__file__).with_name("page.js")

_RULES = """
body{min-height:100vh;min-height:100dvh;display:flex;flex-direction:column}
header,main{width:100%}main{flex:1}
header{padding-top:28px}
h1{font-size:clamp(1.5rem,3.4vw,2.1rem);margin:.1em 0 .5em}
h2{font-family:var(--sans);font-size:.9rem;font-weight:600;color:var(--soft);letter-spacing:0;margin:0 0 6px}
.eyebrow{margin-top:4px}
.standing{display:flex;flex-wrap:wrap;gap:4px 16px;align-items:center;font-size:.9rem;color:var(--soft)}
progress{flex:1 1 160px;height:8px;border:0;border-radius:4px;background:var(--line);overflow:hidden;appearance:none}
progress::-webkit-progress-bar{background:var(--line)}
progress::-webkit-progress-value{background:var(--accent)}
progress::-moz-progress-bar{background:var(--accent)}
main{padding-block:18px 24px}section{padding:0}
[hidden]{display:none!important}
.said{white-space:pre-wrap;overflow-wrap:anywhere;margin:0;unicode-bidi:isolate;tab-size:4}
.prompt{background:var(--wash);border-left:4px solid var(--general);border-radius:0 8px 8px 0;padding:12px 16px}
.sides{display:grid;grid-template-columns:1fr 1fr;gap:14px;margin-top:14px}
.side{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:14px 16px;min-width:0}
.hidden-character{background:var(--wash);border:1px solid var(--bad);border-radius:4px;color:var(--bad);
font:600 .78em var(--mono);padding:0 3px;margin:0 1px;unicode-bidi:isolate;direction:ltr;white-space:nowrap}
#pause{font-size:1.1rem;padding:40px 0;text-align:center;max-width:none}
.controls{position:sticky;bottom:0;background:var(--paper);border-top:1px solid var(--line)}
.controls>div{max-width:1080px;margin:0 auto;padding:10px 28px 12px}
.buttons{display:grid;grid-template-columns:repeat(6,1fr);gap:8px}
button{grid-column:span 2;font:inherit;font-size:.95rem;min-height:44px;padding:6px 10px;
color:var(--ink);cursor:pointer;background:var(--card);border:1px solid var(--soft);border-radius:8px}
button.first{grid-column:span 3;font-weight:600;border-color:var(--accent);color:var(--accent)}
button:hover:enabled{background:var(--wash)}
button:disabled{opacity:.5;cursor:default}
button:focus-visible,[tabindex]:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
kbd{font:600 .82em var(--mono);border:1px solid currentcolor;border-radius:4px;padding:1px 6px;margin-right:2px}
#status{min-height:1.5em;margin:0 0 6px;font-size:.88rem;color:var(--soft);max-width:none}
#status.bad{color:var(--bad)}
@media(max-width:640px){
header{padding-top:16px}.controls>div{padding-inline:16px}
.sides{grid-template-columns:1fr}
button{padding:6px 4px}
}
@media(prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
"""

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="feedback-token" content="{token}">
<title>Which answer is better?</title>
<link rel="stylesheet" href="/page.css">
<script src="/page.js" defer></script>
</head>
<body data-status="loading">
<header>
<p class="eyebrow">Human feedback</p>
<h1>Which answer is better?</h1>
<div class="standing">
<progress id="progress" value="0" max="1" aria-labelledby="answered"></progress>
<span id="answered">…</span><span id="counts"></span>
</div>
</header>
<main>
<noscript>This page needs JavaScript, which comes from this server alone.</noscript>
<div id="question" hidden>
<section aria-labelledby="prompt-title">
<h2 id="prompt-title">Prompt</h2><pre class="said prompt" id="prompt" dir="auto"></pre>
</section>
<div class="sides">
<section class="side" aria-labelledby="left-title"><h2 id="left-title">Answer A</h2>
<pre class="said" id="left" dir="auto"></pre></section>
<section class="side" aria-labelledby="right-title"><h2 id="right-title">Answer B</h2>
<pre class="said" id="right" dir="auto"></pre></section>
</div>
</div>
<p id="pause" aria-live="polite">Loading…</p>
</main>
<div class="controls" role="region" aria-label="Your answer"><div>
<p id="status" role="status" aria-live="polite"></p>
<div class="buttons">
<button class="first" type="button" data-choice="A" aria-keyshortcuts="a" disabled><kbd>A</kbd> is better</button>
<button class="first" type="button" data-choice="B" aria-keyshortcuts="b" disabled><kbd>B</kbd> is better</button>
<button type="button" data-choice="tie" aria-keyshortcuts="t" disabled><kbd>T</kbd> Tie</button>
<button type="button" data-choice="skip" aria-keyshortcuts="s" disabled><kbd>S</kbd> Skip</button>
<button type="button" id="undo" aria-keyshortcuts="u" disabled><kbd>U</kbd> Undo</button>
</div>
</div></div>
</body>
</html>
"""


def html(token: str) -> str:
    """The page, with the token that it proves itself by."""
    return _PAGE.format(token=escape(token))


@functools.cache
def style_sheet() -> str:
    """The report's palette and rules, and this page's own."""
    return style.style_sheet() + _RULES


@functools.cache
def script() -> str:
    """What the page does."""
    return _SCRIPT.read_text(encoding="utf-8")
