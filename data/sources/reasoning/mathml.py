"""Presentation MathML as LaTeX, so that formulas of papers read like those of every other source.

Follows MathML Core and the elements of MathML 3 that publishers write; a TeX annotation, where there is one, is taken
as it stands. Symbols become commands by pylatexenc's table.
"""

from __future__ import annotations

import functools
import re

from lxml import etree

from data.formats.xml import local_name

_FUNCTIONS = frozenset(
    "arccos arcsin arctan arg cos cosh cot coth csc deg det dim exp gcd hom inf ker lg lim liminf limsup ln log max "
    "min Pr sec sin "
    "sinh sup tan tanh".split()
)
_SPECIAL = {
    "{": r"\{",
    "}": r"\}",
    "%": r"\%",
    "#": r"\#",
    "&": r"\&",
    "$": r"\$",
    "_": r"\_",
    "\\": r"\backslash ",
    "~": r"\sim ",
}
_OPERATORS = {
    "\u2212": "-", "\u2217": "*", "\u22c5": r"\cdot ", "\u00b7": r"\cdot ", "\u2211": r"\sum ", "\u220f": r"\prod ",
    "\u00d7": r"\times ", "\u222b": r"\int ", "\u2032": "'", "\u2033": "''", "\u2061": "", "\u2062": "",
    "\u2063": "", "\u2064": "", "\u200b": "",
    "\u2009": " ", "\u200a": " ", "\u2003": r"\quad ", "\u2016": r"\| ", "\u2223": "|", "\u2026": r"\ldots ",
    "\u22ef": r"\cdots ",
    "\u2192": r"\to ", "\u27e8": r"\langle ", "\u27e9": r"\rangle ", "\u2329": r"\langle ", "\u232a": r"\rangle ",
}  # fmt: skip
_ACCENTS = {
    "\u00af": "bar", "\u203e": "overline", "\u0304": "bar", "\u0305": "overline", "^": "hat", "\u02c6": "hat",
    "\u0302": "hat",
    "~": "tilde", "\u02dc": "tilde", "\u0303": "tilde", "\u2192": "vec", "\u20d7": "vec", "\u02d9": "dot",
    "\u0307": "dot",
    ".": "dot", "\u00a8": "ddot", "\u0308": "ddot", "\u23de": "overbrace", "\u02c7": "check", "\u02d8": "breve",
    "-": "bar",
}  # fmt: skip
_UNDER_ACCENTS = {"\u0332": "underline", "_": "underline", "\u23df": "underbrace", "\u00af": "underline"}
_FENCES = frozenset("()[]|/")
_VARIANTS = {
    "bold": "mathbf", "bold-italic": "boldsymbol", "double-struck": "mathbb", "script": "mathcal",
    "bold-script": "mathcal",
    "fraktur": "mathfrak", "sans-serif": "mathsf", "monospace": "mathtt", "normal": "mathrm",
}  # fmt: skip
_SPACES = re.compile(r"[ \t\n]+")


@functools.cache
def _commands() -> dict[int, str]:
    from pylatexenc.latexencode import get_builtin_uni2latex_dict

    table = {}
    for code, latex in get_builtin_uni2latex_dict().items():
        command = re.sub(r"^\\ensuremath\{(.*)\}$", r"\1", latex)
        if re.fullmatch(r"\\[A-Za-z]+(\{[A-Za-z]\})?", command) and not command.startswith(r"\text"):
            table[code] = command + " "
    return table


def _symbols(text: str) -> str:
    commands = _commands()
    return "".join(
        _OPERATORS.get(c) if c in _OPERATORS else _SPECIAL.get(c) or (c if ord(c) < 128 else commands.get(ord(c), c))
        for c in text
    )


def to_latex(math: etree._Element) -> str:
    """LaTeX of a `math` element, without dollar signs; "" for an empty one."""
    for annotation in math.iter("{*}annotation"):
        if "tex" in (annotation.get("encoding") or "").lower() and (annotation.text or "").strip():
            return _SPACES.sub(" ", annotation.text).strip().strip("$").strip()
    latex = _SPACES.sub(" ", _row(math)).strip()
    return re.sub(r"(\\[A-Za-z]+) (?=[^A-Za-z]|$)", r"\1", latex)


def _row(element: etree._Element) -> str:
    own = _symbols((element.text or "").strip())
    return own + "".join(_convert(child) + _symbols((child.tail or "").strip()) for child in element)


def _group(latex: str) -> str:
    return "{" + latex.strip() + "}"


def _base(latex: str) -> str:
    """What scripts are attached to; one symbol or command needs no braces."""
    latex = latex.strip()
    return latex if re.fullmatch(r"[A-Za-z0-9]|\\[A-Za-z]+(\{[^{}]*\})?|[)\]|]", latex) else "{" + latex + "}"


def _script(base: str, below: str = "", above: str = "") -> str:
    below, above = below.strip(), above.strip()
    if above and set(above) == {"'"}:
        return _base(base) + above + (f"_{{{below}}}" if below else "")
    return _base(base) + (f"_{{{below}}}" if below else "") + (f"^{{{above}}}" if above else "")


def _convert(element: etree._Element) -> str:
    name = local_name(element)
    if name in _LEAVES:
        return _LEAVES[name](element)
    children = [child for child in element if local_name(child)]
    arity = {"mfrac": 2, "mroot": 2, "msub": 2, "msup": 2, "mover": 2, "munder": 2, "msubsup": 3, "munderover": 3}.get(
        name
    )
    if arity is not None and len(children) == arity:
        return _fixed(name, element, [_convert(child) for child in children])
    if name == "msqrt":
        return rf"\sqrt{_group(_row(element))}"
    if name == "mfenced":
        separators = element.get("separators", ",").strip() or ""
        inner = (separators[:1] + " ").join(_convert(child) for child in children)
        return f"{_symbols(element.get('open', '('))}{inner}{_symbols(element.get('close', ')'))}"
    if name == "mtable":
        rows = [row for row in children if local_name(row) in ("mtr", "mlabeledtr")]
        lines = [" & ".join(_row(cell).strip() for cell in row if local_name(cell) == "mtd") for row in rows]
        return r"\begin{matrix} " + r" \\ ".join(lines) + r" \end{matrix} "
    if name == "mmultiscripts":
        return _multiscripts(children)
    if name == "semantics":
        return _convert(children[0]) if children else ""
    if name == "menclose" and element.get("notation") == "radical":
        return rf"\sqrt{_group(_row(element))}"
    return "" if name in ("mphantom", "annotation", "annotation-xml", "") else _row(element)


def _fixed(name: str, element: etree._Element, parts: list[str]) -> str:
    if name == "mfrac":
        is_binomial = element.get("linethickness", "").strip() in ("0", "0pt", "0em")
        return ("\\binom" if is_binomial else "\\frac") + _group(parts[0]) + _group(parts[1])
    if name == "mroot":
        return rf"\sqrt[{parts[1].strip()}]{_group(parts[0])}"
    if name in ("mover", "munder"):
        mark = "".join(element[-1].itertext()).strip()
        accent = (_ACCENTS if name == "mover" else _UNDER_ACCENTS).get(mark)
        if accent:
            return rf"\{accent}{_group(parts[0])}"
    if name in ("msup", "mover"):
        return _script(parts[0], above=parts[1])
    return _script(parts[0], parts[1], parts[2] if len(parts) == 3 else "")


def _multiscripts(children: list[etree._Element]) -> str:
    if not children:
        return ""
    before: list[str] = []
    after: list[str] = []
    target = after
    for child in children[1:]:
        if local_name(child) == "mprescripts":
            target = before
        else:
            target.append("" if local_name(child) == "none" else _convert(child))
    pre = "".join(_script("", *before[at : at + 2]) for at in range(0, len(before), 2))
    latex = _convert(children[0])
    for at in range(0, len(after), 2):
        latex = _script(latex, *after[at : at + 2])
    return pre + latex


def _text(element: etree._Element) -> str:
    return _SPACES.sub(" ", "".join(element.itertext())).strip()


def _identifier(element: etree._Element) -> str:
    text = _text(element)
    if text in _FUNCTIONS:
        return rf"\{text} "
    latex = _symbols(text).strip()
    variant = _VARIANTS.get(element.get("mathvariant", ""))
    if variant and latex and not (variant == "mathrm" and len(text) == 1 and not text.isalpha()):
        return rf"\{variant}{{{latex}}}"
    return (
        rf"\mathrm{{{latex}}}"
        if len(text) > 1 and text.isascii() and text.isalpha()
        else latex + " " * latex.startswith("\\")
    )


def _operator(element: etree._Element) -> str:
    text = _text(element)
    if text in _FUNCTIONS:
        return rf"\{text} "
    latex = _symbols(text)
    if element.get("fence") == "true" or text in _FENCES:
        return latex
    return rf"\operatorname{{{latex}}} " if len(text) > 1 and text.isascii() and text.isalpha() else latex


def _words(element: etree._Element) -> str:
    text = _text(element)
    return rf"\text{{{''.join(_SPECIAL.get(c, c) for c in text)}}}" if text else " "


def _number(element: etree._Element) -> str:
    return _symbols(_text(element))


def _space(element: etree._Element) -> str:
    return " "


_LEAVES = {"mi": _identifier, "mo": _operator, "mn": _number, "mtext": _words, "ms": _words, "mspace": _space}
