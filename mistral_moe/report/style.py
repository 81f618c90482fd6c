"""The report's look: a palette with a light and a dark value for each name, and the style sheet.

Plots are drawn with stand-in colours (`paint`) that become CSS variables in the SVG (`themed`), so that one drawing
follows the reader's light or dark setting, and prints light.
"""

from __future__ import annotations

import re

HEAT_STEPS = 20

# name -> (light, dark). The domains' hues are Okabe and Ito's, safe for the common colour blindnesses.
_PALETTE: dict[str, tuple[str, str]] = {
    "paper": ("#fcfbf9", "#14171c"),
    "card": ("#ffffff", "#1b1f26"),
    "ink": ("#1c222b", "#e7eaee"),
    "soft": ("#5a6472", "#a3adba"),
    "line": ("#e4e2dc", "#313844"),
    "wash": ("#f4f2ed", "#222831"),
    "accent": ("#17507e", "#8cc4ee"),
    "good": ("#0a7350", "#4fd0a2"),
    "bad": ("#b3340f", "#ff9a73"),
    "code": ("#0072b2", "#5db4ea"),
    "math": ("#d55e00", "#f58b4c"),
    "language": ("#009e73", "#3fcb9e"),
    "reasoning": ("#c25f97", "#e59cc6"),
    "multimodal": ("#d99400", "#f2bd55"),
    "general": ("#78818e", "#98a2af"),
    "mixture_after_mix": ("#c3ccd6", "#4a5563"),
    "mixture_after_router": ("#7fa3c2", "#6c93b5"),
    "mixture_after_joint": ("#17507e", "#a9d5f7"),
    "level_0": ("#dfe8f0", "#2b3a48"),
    "level_1": ("#aac5db", "#3f5d78"),
    "level_2": ("#729fc3", "#5684a9"),
    "level_3": ("#3b77a6", "#7cb0d8"),
    "level_4": ("#123f64", "#b9dcf6"),
}
_HEAT_ENDS = (("#eff3f7", "#17507e"), ("#222b36", "#93c9f1"))
_DARK_INK, _LIGHT_INK = "#080c11", "#ffffff"


def _rgb(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[at : at + 2], 16) for at in (1, 3, 5))


def _between(low: str, high: str, share: float) -> str:
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in zip(_rgb(low), _rgb(high), strict=True))


def contrast(one: str, other: str) -> float:
    """WCAG contrast ratio of two `#rrggbb` colours, 1 to 21."""

    def luminance(colour: str) -> float:
        linear = [c / 3294.6 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in _rgb(colour)]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    bright, dim = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def _with_heat(palette: dict[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
    """Adds the ramp `heat_0` (far) to `heat_20` (near), and for each step the ink that reads best on it."""
    whole = dict(palette)
    for step in range(HEAT_STEPS + 1):
        fills = tuple(_between(low, high, step / HEAT_STEPS) for low, high in _HEAT_ENDS)
        whole[f"heat_{step}"] = fills
        whole[f"heat_ink_{step}"] = tuple(
            max((_DARK_INK, _LIGHT_INK), key=lambda i, f=f: contrast(i, f)) for f in fills
        )
    return whole


PALETTE = _with_heat(_PALETTE)
_STAND_IN = {key: f"#5a{index:04x}" for index, key in enumerate(PALETTE)}
_BY_STAND_IN = {colour: key for key, colour in _STAND_IN.items()}
_STAND_IN_USE = re.compile(r"\b(fill|stroke): (#5a[0-9a-f]{4})")


def paint(key: str) -> str:
    """The colour to draw with for a name of the palette; `general` for a name it does not know."""
    return _STAND_IN[key if key in PALETTE else "general"]


def css_colour(key: str) -> str:
    """The same colour for HTML: `var(--code)`."""
    return f"var(--{key if key in PALETTE else 'general'})"


def themed(svg: str) -> str:
    """Replaces stand-in colours by CSS variables, the light value beside them for readers without our style sheet."""

    def variable(match: re.Match[str]) -> str:
        key = _BY_STAND_IN.get(match[2])
        return match[0] if key is None else f"{match[1]}: var(--{key}, {PALETTE[key][0]})"

    return _STAND_IN_USE.sub(variable, svg)


def _variables(side: int) -> str:
    return "".join(f"--{key}:{values[side]};" for key, values in PALETTE.items())


_RULES = """
*{box-sizing:border-box}
html{scroll-behavior:smooth;-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);font:17px/1.6 var(--sans);font-variant-numeric:tabular-nums}
main,header,footer,nav ul{max-width:1080px;margin:0 auto;padding:0 28px}
h1,h2{font-family:var(--serif);font-weight:600;line-height:1.15;letter-spacing:-.01em;text-wrap:balance}
h1{font-size:clamp(2rem,5.2vw,3.3rem);margin:.25em 0 .4em;max-width:18em}
h2{font-size:clamp(1.5rem,3.4vw,2.1rem);margin:0 0 .35em}
h3{font-size:1.05rem;margin:2.4em 0 .5em}
p{max-width:44em;margin:.5em 0 1em;text-wrap:pretty}
a{color:var(--accent)}
code,pre{font-family:var(--mono);font-size:.86em}
section{padding:64px 0 8px;scroll-margin-top:24px}
header{padding-top:64px}
.eyebrow{color:var(--soft);font-size:.85rem;margin:0;overflow-wrap:anywhere}
.lead{font-size:1.22rem;line-height:1.55;max-width:40em}
.note,figcaption,.absent{color:var(--soft);font-size:.88rem;line-height:1.5;max-width:52em}
.good{color:var(--good)}.bad{color:var(--bad)}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(205px,1fr));gap:14px;margin:32px 0;padding:0}
.tile{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:18px 20px}
.tile dt{color:var(--soft);font-size:.85rem}
.tile dd{margin:0}
.tile .big{font:600 2.05rem/1.25 var(--serif);white-space:nowrap}
.tile .small{color:var(--soft);font-size:.82rem;line-height:1.4}
nav{border-block:1px solid var(--line);margin-top:40px}
nav ul{display:flex;flex-wrap:wrap;gap:4px 22px;list-style:none;padding-block:12px;font-size:.9rem}
nav a{text-decoration:none}nav a:hover{text-decoration:underline}
figure{margin:22px 0 30px}
.plot{overflow-x:auto;background:var(--card);border:1px solid var(--line);border-radius:12px;padding:14px}
.plot svg{display:block;width:100%;height:auto;margin:0 auto}
.plot svg text{font-family:var(--sans)!important}
figcaption{margin-top:10px}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,440px),1fr));gap:0 22px;align-items:start}
.pair figure{margin-bottom:18px;min-width:0}
.scroll{overflow-x:auto;margin:18px 0 26px}
table{border-collapse:collapse;width:100%;font-size:.9rem}
caption{text-align:left;color:var(--soft);font-size:.88rem;padding-bottom:8px}
th,td{padding:8px 12px;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap;vertical-align:top}
th{font-weight:600}thead th{color:var(--soft);font-weight:500;border-bottom-color:var(--soft)}
th:first-child,td:first-child{text-align:left;padding-left:0}
td.text,th.text{text-align:left;white-space:normal;min-width:15em;overflow-wrap:anywhere}
tr.key{background:var(--wash)}tr.key th,tr.key td{font-weight:600}
tr.key>:first-child{padding-left:10px}
tr.bound{font-style:italic;color:var(--soft)}
td.best{color:var(--accent);font-weight:700}
.dot{display:inline-block;width:.7em;height:.7em;border-radius:50%;margin-right:.5em}
.checks,.stages{list-style:none;padding:0;margin:18px 0 26px}
.checks li,.stages li{border-bottom:1px solid var(--line);padding:11px 0}
.checks li{display:grid;grid-template-columns:5.4em 1fr;gap:2px 14px}
.checks li>:first-child{white-space:nowrap}
.checks .name{font-weight:600;overflow-wrap:anywhere}
.checks .detail{grid-column:2;color:var(--soft);font-size:.9rem;overflow-wrap:anywhere}
.stages li{display:grid;grid-template-columns:9em 1fr 7.5em;gap:2px 16px;align-items:baseline}
.stages .name{font-weight:600}.stages .time{text-align:right}.stages .what{font-size:.93rem}
.stages .facts{grid-column:2;color:var(--soft);font-size:.85rem}
.bar{grid-column:2/-1;height:5px;border-radius:3px;background:var(--wash);margin-top:5px}
.bar i{display:block;height:100%;border-radius:3px;background:var(--accent);min-width:2px}
.sample{border-top:1px solid var(--line);padding:20px 0}
.sample pre{white-space:pre-wrap;overflow-wrap:anywhere;margin:0}
.sample .prompt{background:var(--wash);border-left:4px solid var(--general);border-radius:0 8px 8px 0;padding:12px 16px}
.answers{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,228px),1fr));gap:12px;margin-top:12px}
.answer{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:12px 14px}
.answer h4{margin:0 0 6px;font-size:.82rem;color:var(--soft);font-weight:500}
.answer.key{border-color:var(--accent)}.answer.key h4{color:var(--accent);font-weight:700}
details{margin:12px 0 24px}summary{cursor:pointer;color:var(--accent);font-size:.92rem}
.gallery{display:grid;grid-template-columns:repeat(auto-fill,minmax(170px,1fr));gap:16px}
.gallery figure{margin:0}
.gallery img{width:100%;height:auto;border:1px solid var(--line);border-radius:8px;background:#fff}
pre.command{background:var(--wash);border-radius:8px;padding:14px 16px;white-space:pre-wrap;overflow-wrap:anywhere}
footer{padding-top:36px;padding-bottom:64px}
@media(max-width:640px){
body{font-size:16px}main,header,footer,nav ul{padding-inline:16px}header{padding-top:36px}section{padding-top:44px}
.plot{padding:8px}.plot svg{min-width:460px}.plot svg.wide{min-width:640px}
.tiles{grid-template-columns:1fr 1fr;gap:10px}.tile{padding:14px}.tile .big{font-size:1.5rem}
.stages li{grid-template-columns:1fr auto}
.stages .what,.stages .facts,.bar{grid-column:1/-1}.stages .time{grid-row:1;grid-column:2}
caption{position:sticky;left:0;width:fit-content;max-width:calc(100vw - 32px)}
}
@media print{
body{font-size:10.5pt}nav{display:none}section{padding-top:20px}
figure,.tile,.sample,tr,li{break-inside:avoid}h2,h3{break-after:avoid}
.plot,.scroll{overflow:visible}.tile,.plot,.answer{border-color:#ccc}
details::details-content{content-visibility:visible;block-size:auto}
}
"""


def style_sheet() -> str:
    """The whole CSS of the page; dark applies to screens only, so that paper stays white."""
    fonts = (
        "--sans:system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif;"
        "--serif:'Iowan Old Style','Palatino Linotype',Palatino,'Book Antiqua',Georgia,serif;"
        "--mono:ui-monospace,SFMono-Regular,Menlo,Consolas,'Liberation Mono',monospace;"
    )
    return (
        f":root{{color-scheme:light dark;{fonts}{_variables(0)}}}\n"
        f"@media screen and (prefers-color-scheme:dark){{:root{{{_variables(1)}}}}}{_RULES}"
    )
