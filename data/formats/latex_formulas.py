"""Formulas in the body of a LaTeX document: found, and printed as LaTeX with their labels turned into numbers."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence

from data.formats import latex_commands as commands
from data.formats import latex_scan
from data.formats.latex_cursor import Cursor

_MATH_NOISE = {"\\nonumber", "\\notag", "\\allowbreak", "\\qedhere", "\\ensuremath", "\\relax", "\\displaybreak",
               "\\narrowbreak", "\\xspace"}  # fmt: skip


@dataclasses.dataclass
class State:
    """What all readers of one document share.

    Attributes:
      counters: of equations and theorem-like environments.
      labels: kind and number of what each label names.
      sections: counters of the levels of sections.
      cited: number of each work, in the order of citing.
      anchor: kind and number of what the next label names.
    """

    counters: dict[str, int] = dataclasses.field(default_factory=dict)
    labels: dict[str, tuple[str, str]] = dataclasses.field(default_factory=dict)
    sections: list[int] = dataclasses.field(default_factory=lambda: [0] * 6)
    cited: dict[str, int] = dataclasses.field(default_factory=dict)
    anchor: tuple[str, str] = ("", "")


class Formulas(Cursor):
    """Reads formulas, and holds the text that was put out so far."""

    def __init__(self, state: State):
        super().__init__()
        self._state = state
        self._out: list[str] = []

    def _put(self, text: str) -> None:
        if text:
            self._out.append(text)

    def _math(self, opener: str, closer: str) -> None:
        end = None if closer in self._missing else self.find_closer(closer)
        if end is None:
            self._put("\\$" if opener == "$" else "")
            return
        content = self.tokens[self.at : end]
        self.at = end + 1
        display = opener in ("$$", "\\[")
        text = self._in_math(content, display)
        if text:
            self._put(f"\n\\[\n{text}\n\\]\n" if display else f"${text}$")

    def _math_environment(self, name: str) -> None:
        start = self.at
        end = self.find_end(name)
        if end is None:
            return
        closing = max(at for at in range(start, end) if self.tokens[at] == "\\end")
        content = self.tokens[start:closing]
        self.at = end
        text = self._in_math(content, True)
        if not text:
            return
        if name in commands.INLINE_MATH:
            self._put(f"${text}$")
        elif name in ("displaymath", "empheq"):
            self._put(f"\n\\[\n{text}\n\\]\n")
        else:
            self._put(f"\n\\begin{{{name}}}\n{text}\n\\end{{{name}}}\n")

    def _in_math(self, tokens: Sequence[str], display: bool) -> str:
        """LaTeX of a formula: labels become tags, references marks, and what only sets type is dropped."""
        out: list[str] = []
        at = 0
        while at < len(tokens):
            token = tokens[at]
            at += 1
            if token == "\\label" or token in commands.REFERENCES or token in commands.CITED:
                start = latex_scan.skip_spaces(tokens, at)
                end = (
                    latex_scan.group(tokens, start, limit=200) if start < len(tokens) and tokens[start] == "{" else None
                )
                if end is None:
                    continue
                name = "".join(tokens[start + 1 : end - 1]).strip()
                at = end
                if token == "\\label" and display:
                    number = self._state.counters["equation"] = self._state.counters.get("equation", 0) + 1
                    self._state.labels.setdefault(name, ("Equation", str(number)))
                    out.append(f"\\tag{{{number}}}")
                elif token in commands.REFERENCES:
                    out.append(f"\ue008{token} {name}\ue009")
            elif token not in _MATH_NOISE:
                out.append(" " if token.isspace() and not display else "\n" if token.count("\n") > 1 else token)
        return re.sub(r"\s*\n\s*", "\n", latex_scan.join(out)).strip()
