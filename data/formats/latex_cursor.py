"""A place in a LaTeX document's tokens, and how arguments and environments are found from it, in linear time."""

from __future__ import annotations

from collections.abc import Sequence

from data.formats import latex_scan

MAX_OPTION_TOKENS = 400


class Cursor:
    """Tokens and a position in them.

    What is found not to close is remembered, so that a source of a million unclosed groups is read as fast as any
    other.
    """

    def __init__(self) -> None:
        self.start(())

    def start(self, tokens: Sequence[str]) -> None:
        """Goes to the beginning of other tokens."""
        self.tokens, self.at = tokens, 0
        self._missing: set[str] = set()  # closers that don't occur further on
        self._closers = latex_scan.closing_braces(tokens)

    def peek(self) -> str:
        """The next token that is no space, "" where a paragraph or the source ends."""
        at = latex_scan.skip_spaces(self.tokens, self.at)
        return self.tokens[at] if at < len(self.tokens) else ""

    def take(self, opener: str = "{", closer: str = "}") -> Sequence[str] | None:
        """The group that comes next, without its braces; None where none does."""
        start = latex_scan.skip_spaces(self.tokens, self.at)
        if start >= len(self.tokens) or self.tokens[start] != opener:
            return None
        if opener == "{":
            end = self._closers.get(start)
        else:
            end = latex_scan.group(self.tokens, start, opener, closer, MAX_OPTION_TOKENS)
            end = None if end is None else end - 1
        if end is None:
            return None
        self.at = end + 1
        return self.tokens[start + 1 : end]

    def argument(self) -> Sequence[str]:
        """A mandatory argument: a group, or the next token."""
        taken = self.take()
        if taken is not None:
            return taken
        start = latex_scan.skip_spaces(self.tokens, self.at)
        if start >= len(self.tokens) or self.tokens[start] in ("}", "$", "$$", "\\end", "\\begin"):
            return ()
        if self.tokens[start].isspace():
            return ()
        self.at = start + 1
        return (self.tokens[start],)

    def skip(self, pattern: str) -> None:
        """Passes over arguments; see `latex_commands` for patterns."""
        for kind in pattern:
            if kind == "s":
                if self.peek() == "*":
                    self.at = latex_scan.skip_spaces(self.tokens, self.at) + 1
            elif kind == "o":
                self.take("[", "]")
            elif kind == "p":
                start = latex_scan.skip_spaces(self.tokens, self.at)
                token = self.tokens[start] if start < len(self.tokens) else ""
                if token.startswith("(") and token.endswith(")"):
                    self.at = start + 1
            elif self.take() is None and self.peek()[:1].isdecimal():
                self.argument()

    def find_end(self, name: str) -> int | None:
        """Position after the `\\end` of the environment that is open at the current one."""
        if name in self._missing:
            return None
        depth, at, tokens = 1, self.at, self.tokens
        while at < len(tokens):
            token = tokens[at]
            at += 1
            if token in ("\\begin", "\\end"):
                start = latex_scan.skip_spaces(tokens, at)
                end = (
                    latex_scan.group(tokens, start, limit=40) if start < len(tokens) and tokens[start] == "{" else None
                )
                if end is not None and "".join(tokens[start + 1 : end - 1]).strip() == name:
                    depth += 1 if token == "\\begin" else -1
                    if not depth:
                        return end
        self._missing.add(name)
        return None

    def find_closer(self, closer: str) -> int | None:
        """Position of the token that closes the formula begun at the current one."""
        depth = 0
        for at in range(self.at, len(self.tokens)):
            token = self.tokens[at]
            if token == closer and depth <= 0:
                return at
            if token == "{":
                depth += 1
            elif token == "}":
                depth -= 1
            elif closer in ("$", "\\)") and token.isspace() and token.count("\n") > 1:
                return None  # TeX allows no blank line inside
        self._missing.add(closer)
        return None
