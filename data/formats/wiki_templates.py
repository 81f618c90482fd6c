"""The few templates of Wikipedias whose words belong to a sentence; all others, boxes and notes above all, go."""

from __future__ import annotations

from collections.abc import Callable

from mwparserfromhell.nodes import Template
from mwparserfromhell.wikicode import Wikicode

_FIXED = {
    "nbsp": " ", "space": " ", "spaces": " ", "·": " · ", "•": " • ", "dot": " · ", "bull": " • ", "middot": " · ",
    "ndash": "–", "mdash": "—", "endash": "–", "emdash": "—", "spaced ndash": " – ", "spnd": " – ", "snd": " – ",
    "snds": " – ", "spaced mdash": " — ", "'": "'", "'s": "'s", "`": "'", "!": "|", "=": "=", "-": "", "pi": "π",
    "circa": "c. ", "c.": "c. ", "ca": "c. ", "fl.": "fl. ", "floruit": "fl. ", "times": "×", "minus": "−",
    "degree": "°", "ad": "AD", "bc": "BC", "ce": "CE", "bce": "BCE",
}  # fmt: skip
_FIRST = frozenset(
    {
        "nowrap", "nobr", "nobreak", "nobold", "small", "smaller", "big", "bigger", "larger", "em", "strong", "bold",
        "italic", "no italic", "noitalic", "mvar", "math", "mono", "code", "tt", "var", "sc", "smallcaps",
        "small caps", "abbr", "abbrlink", "sic", "as written", "visible anchor", "vanchor", "sub", "sup", "su",
        "strikethrough", "underline", "quote", "blockquote", "cquote", "bq", "zitat", "centered", "poem",
        "poemquote", "poem quote", "plain text", "sortname", "ill", "interlanguage link", "lien",
    }
)  # fmt: skip
_LAST = frozenset(
    {
        "transl", "transliteration", "translit", "rtl-lang", "script", "color", "font color",
        "colour", "tooltip", "langr",
    }
)  # fmt: skip
_DATES = frozenset({"start date", "end date", "date", "birth date", "death date", "dts"})
_UNITS = frozenset({"convert", "cvt", "conv", "val", "unité", "unit", "nombre"})


def template_text(template: Template, render: Callable[[Wikicode], str]) -> str:
    """The words that a template stands for, "" for most.

    Args:
      template: as parsed.
      render: text of a parameter's value.
    """
    name = str(template.name).strip().lower().replace("_", " ")
    if name.startswith("formatnum:"):
        return render(template.name).strip()[len("formatnum:") :]
    values = [render(param.value).strip() for param in template.params if not param.showkey]
    if name in _FIXED:
        return _FIXED[name] + (values[0] if values and name in ("circa", "c.", "ca", "fl.", "floruit") else "")
    if not values:
        return ""
    if name in _UNITS:
        return _quantity(name, values)
    if name in _DATES:
        return "-".join(value for value in values[:3] if value.isdigit())
    if name in ("frac", "fraction", "sfrac"):
        return "/".join(values[-2:]) if len(values) < 3 else f"{values[0]} {values[1]}/{values[2]}"
    if name == "as of":
        return f"As of {' '.join(reversed(values[:3]))}"
    if name.startswith("lang-") or name in _FIRST:
        return values[0]
    if name in ("lang", "langue", "langx"):
        return values[1] if len(values) > 1 else values[0]
    return values[-1] if name in _LAST else ""


def _quantity(name: str, values: list[str]) -> str:
    """`{{convert|5|km|mi}}` as `5 km`, `{{convert|5|-|7|km}}` as `5–7 km`, `{{val|12}}` as `12`."""
    joiners = {"-": "–", "–": "–", "to": " to ", "and": " and ", "x": " × ", "by": " by "}
    if len(values) >= 4 and values[1] in joiners:
        return f"{values[0]}{joiners[values[1]]}{values[2]} {values[3]}"
    return values[0] if name == "val" or len(values) < 2 else f"{values[0]} {values[1]}"
