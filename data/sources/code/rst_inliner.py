"""docutils' parser of inline markup, without its quadratic time on marks that are never closed.

docutils looks for the end of each `*`, `` ` `` or `|` through the whole rest of the paragraph: 100 KB of `*a *a *a`
take a minute. What was not found in a longer rest of the same paragraph is not looked for in a shorter one.
"""

from __future__ import annotations

import re

from docutils import nodes
from docutils.parsers.rst import states


class Inliner(states.Inliner):
    """Parses as its base does, but tells no warnings after the first of a kind in a paragraph."""

    def __init__(self) -> None:
        super().__init__()
        # By pattern, the length of the longest rest of the paragraph without a match.
        self._unclosed: dict[re.Pattern[str], int] = {}

    def parse(self, text, lineno, memo, parent):
        outer, self._unclosed = self._unclosed, {}  # a role may parse its own text
        try:
            return super().parse(text, lineno, memo, parent)
        finally:
            self._unclosed = outer

    def inline_obj(self, match, lineno, end_pattern, nodeclass, restore_backslashes=False):
        end = match.end("start")
        if self._is_unclosed(end_pattern, match, end):
            return self._as_text(match, match.start("start"), end) + ("",)
        result = super().inline_obj(match, lineno, end_pattern, nodeclass, restore_backslashes)
        self._remember(end_pattern, match, end, result[3])
        return result

    def interpreted_or_phrase_ref(self, match, lineno):
        pattern, end = self.patterns.interpreted_or_phrase_ref, match.end("backquote")
        if self._is_unclosed(pattern, match, end):
            return self._as_text(match, match.start("backquote"), end)
        result = super().interpreted_or_phrase_ref(match, lineno)
        if result[2] == match.string[end:]:
            self._remember(pattern, match, end, result[3])
        return result

    dispatch = {**states.Inliner.dispatch, "`": interpreted_or_phrase_ref}

    def _is_unclosed(self, pattern: re.Pattern[str], match: re.Match[str], end: int) -> bool:
        return len(match.string) - end <= self._unclosed.get(pattern, -1)

    def _remember(self, pattern: re.Pattern[str], match: re.Match[str], end: int, messages: list) -> None:
        if messages:
            self._unclosed[pattern] = max(self._unclosed.get(pattern, -1), len(match.string) - end)

    @staticmethod
    def _as_text(match: re.Match[str], start: int, end: int) -> tuple:
        string = match.string
        return string[:start], [nodes.Text(string[start:end])], string[end:], []


# The base builds its patterns out of its class's own attributes, and does not look for inherited ones.
for _name, _value in vars(states.Inliner).items():
    if isinstance(_value, str) and not _name.startswith("__"):
        setattr(Inliner, _name, _value)
