"""How much of a text is mathematics, and whether its LaTeX closes what it opens.

One pass over the delimiters, by the rules of TeX (Knuth 1986, chapters 3 and 7): a backslash hides the next
character, a blank line ends a formula, `%` at the start of a line hides the rest of it, and the contents of verbatim
environments are no TeX. Texts that aren't LaTeX sources write dollars for money, so that a lone dollar before a digit
is none of TeX's.
"""

from __future__ import annotations

import dataclasses
import re

_TOKEN = re.compile(
    r"\\(?:begin|end)\s{0,4}\{(?P<environment>[A-Za-z@]{1,40}\*?)\}"
    r"|\\[\[\]()]|\\(?:[A-Za-z@]+|.)|\$\$|\$|[{}]|^[ \t]*%[^\n]*|\n[ \t]*\n",
    re.MULTILINE,
)
_VERBATIM = frozenset("verbatim verbatim* Verbatim lstlisting minted comment tikzpicture alltt filecontents".split())
_MATHS = frozenset(
    name + star
    for name in ("equation", "align", "alignat", "gather", "multline", "displaymath", "math", "eqnarray", "flalign")
    for star in ("", "*")
)
_CLOSES = {"\\[": "\\]", "\\(": "\\)", "{": "}"}
_OPENS = {close: opening for opening, close in _CLOSES.items()}
_FENCED = re.compile(r"^(```+|~~~+)[^\n]*\n.*?^\1[ \t]*$", re.MULTILINE | re.DOTALL)
_SIGNS = re.compile(r"[\d+\-*/=<>^_|\u00d7\u00f7\u00b1\u2200-\u22ff\u2190-\u21ff\u2a00-\u2aff\u0370-\u03ff]")
_PLAIN_FORMULA = re.compile(
    r"(?<![A-Za-z])[A-Za-z]\s?[\^=<>+]\s?[\w(]|\d\s?[+\-*/=^\u00d7\u00f7]\s?[\d(A-Za-z]|\\[A-Za-z]+"
)


@dataclasses.dataclass(frozen=True)
class Balance:
    """What one pass over a text found.

    Attributes:
      delimiters: braces, dollars, brackets of formulas and ends of environments.
      faults: those without a partner.
      maths: characters inside formulas, delimiters included.
      first: the first fault in its surroundings, for a person; "" without faults.
    """

    delimiters: int
    faults: int
    maths: int
    first: str = ""

    @property
    def fault_share(self) -> float:
        """Share of the delimiters that have no partner; 0 of a text without delimiters."""
        return self.faults / self.delimiters if self.delimiters else 0.0


class _Pass:
    """The open delimiters at one point of a text."""

    def __init__(self, text: str):
        self.text = text
        self.open: list[tuple[str, int]] = []  # (delimiter or environment, where it stands)
        self.faulty: list[int] = []
        self.delimiters = self.maths = 0
        self.formula = -1  # where the outermost formula begins

    def opened(self, name: str, at: int, maths: bool) -> None:
        self.delimiters += 1
        self.open.append((name, at))
        if maths and self.formula < 0:
            self.formula = at

    def closed(self, name: str, at: int, end: int) -> None:
        """Closes the innermost `name`; what was opened after it is at fault."""
        self.delimiters += 1
        depth = next(
            (d for d in range(len(self.open) - 1, max(len(self.open) - 200, 0) - 1, -1) if self.open[d][0] == name),
            None,
        )
        if depth is None:
            self.faulty.append(at)
            return
        self.faulty += [place for _, place in self.open[depth + 1 :]]
        _, start = self.open[depth]
        del self.open[depth:]
        if 0 <= self.formula and start <= self.formula:
            self.maths += end - self.formula
            self.formula = -1

    def dollar(self, name: str, at: int, end: int) -> None:
        if any(opened == name for opened, _ in self.open[-50:]):
            self.closed(name, at, end)
        else:
            self.opened(name, at, maths=True)

    def paragraph(self) -> None:
        """At a blank line no formula between dollars goes on."""
        while (
            depth := next((d for d, (name, _) in enumerate(self.open[-50:]) if name in ("$", "$$")), None)
        ) is not None:
            depth += max(len(self.open) - 50, 0)
            name, at = self.open.pop(depth)
            if name == "$" and self.text[at + 1 : at + 2].isdigit():
                self.delimiters -= 1  # money
            else:
                self.faulty.append(at)
            if self.formula >= at:
                self.formula = -1


def balance(text: str) -> Balance:
    """Counts the delimiters of a text and those without a partner. Fenced code blocks are left out."""
    text = _FENCED.sub("", text)
    state, position = _Pass(text), 0
    while found := _TOKEN.search(text, position):
        token, position = found.group(), found.end()
        name = found["environment"]
        if name and token.startswith("\\begin"):
            if name in _VERBATIM:
                end = text.find(f"\\end{{{name}}}", position)
                position = len(text) if end < 0 else end + len(name) + 6
                continue
            state.opened(name, found.start(), name in _MATHS)
        elif name:
            state.closed(name, found.start(), position)
        elif token in _CLOSES:
            state.opened(token, found.start(), token != "{")
        elif token in _OPENS:
            state.closed(_OPENS[token], found.start(), position)
        elif token in ("$", "$$"):
            state.dollar(token, found.start(), position)
        elif token.startswith("\n"):
            position = found.end() - 1  # the second line feed may begin another blank line or a comment
            state.paragraph()
    state.paragraph()
    faulty = sorted([*state.faulty, *(at for _, at in state.open)])
    first = text[max(faulty[0] - 30, 0) : faulty[0] + 50].replace("\n", " ") if faulty else ""
    return Balance(state.delimiters, len(faulty), state.maths, first)


def maths_share(text: str, found: Balance | None = None) -> float:
    """Share of a text that is mathematics: characters of formulas, or of digits and signs and plain formulas if more.

    Args:
      text: any.
      found: its balance, where it is known already.
    """
    found = found or balance(text)
    solid = sum(map(len, text.split()))
    if not solid:
        return 0.0
    plain = len(_SIGNS.findall(text)) + sum(len(one.group()) for one in _PLAIN_FORMULA.finditer(text))
    return min(max(found.maths, plain) / solid, 1.0)
