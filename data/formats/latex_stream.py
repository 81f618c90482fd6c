"""A stack of LaTeX tokens that a macro expander takes from and puts back to."""

from __future__ import annotations

MAX_ARGUMENT_TOKENS = 20_000
MAX_FAILURES = 100  # groups that do not end; in a source with more, braces say nothing
MARK = "\ue002"  # begins the token that ends a macro's expansion


class TokenStream:
    """Tokens to come, and the macros inside whose expansions the next one lies."""

    def __init__(self) -> None:
        self._stack: list[str] = []
        self._active: dict[str, int] = {}
        self._failures = 0

    def _pop(self) -> str | None:
        while self._stack:
            token = self._stack.pop()
            if token[0] != MARK:
                return token
            self._active[token[1:]] -= 1
        return None

    def _peek(self, skip: bool = True) -> str | None:
        """The next token; with `skip`, spaces before it are dropped unless they are a blank line."""
        while (token := self._pop()) is not None:
            if not (skip and token.isspace() and token.count("\n") < 2):
                self._stack.append(token)
                return token
        return None

    def _argument(self) -> list[str] | None:
        """The next undelimited argument without its braces; None at the end or where a group doesn't end."""
        token = self._peek()
        if token is None or token.isspace() or token == "}":
            return None
        self._pop()
        if token == "{":
            taken = self._until("{", "}")
            if taken is None:
                self._stack.append("{")
            return taken
        if token[0] not in "\\\ue000" and len(token) > 1:
            self._stack.append(token[1:])
            return [token[0]]
        return [token]

    def _until(self, opener: str, closer: str) -> list[str] | None:
        taken: list[str] = []
        depth = braces = 0
        if self._failures > MAX_FAILURES:
            return None
        while len(taken) <= MAX_ARGUMENT_TOKENS and (token := self._pop()) is not None:
            if opener != "{":
                braces += (token == "{") - (token == "}")
            if token == closer and not braces:
                if not depth:
                    return taken
                depth -= 1
            elif token == opener and not braces:
                depth += 1
            taken.append(token)
            if braces < 0:
                break
        self._failures += 1
        self._stack.extend(reversed(taken))
        return None

    def _optional(self) -> list[str] | None:
        if self._peek() != "[":
            return None
        self._pop()
        taken = self._until("[", "]")
        if taken is None:
            self._stack.append("[")
        return taken

    def _star(self) -> bool:
        token = self._peek()
        if token is None or token[0] != "*":
            return False
        self._pop()
        if token[1:]:
            self._stack.append(token[1:])
        return True

    def _name(self) -> str | None:
        """The command that a definition is about, with or without braces."""
        found = self._argument()
        names = [token for token in found or () if not token.isspace()]
        return names[0] if len(names) == 1 and names[0][0] == "\\" and len(names[0]) > 1 else None

    def _text(self) -> str:
        return "".join(self._argument() or ()).strip()
