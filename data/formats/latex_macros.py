"""A document's own macros, collected and expanded on tokens as TeX does it, within fixed bounds of work.

Expanded is what is plain substitution: `\\newcommand`, `\\def` with undelimited arguments, `\\let`,
`\\NewDocumentCommand`, `\\DeclareMathOperator`, `\\DeclarePairedDelimiter`, `\\newenvironment`, and `\\if...` of flags
that the document sets. A macro that programs (`\\csname`, `\\@ifnextchar`, ...) is left as it is written: half a
program's output is worse than its name. pylatexenc, the library at hand, parses but does not expand.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence

from data.formats import latex_scan
from data.formats.latex_stream import MARK, TokenStream

MAX_BODY_TOKENS = 4000
MAX_DEPTH = 40  # of macros in arguments of macros
_NO_VALUE = "\ue003"
_TRUE, _FALSE = "\ue004", "\ue005"

_COMMANDS = {
    "\\newcommand", "\\renewcommand", "\\providecommand", "\\DeclareRobustCommand", "\\newrobustcmd",
    "\\renewrobustcmd",
}  # fmt: skip
_DEFS = {"\\def", "\\gdef", "\\edef", "\\xdef"}
_XPARSE = {f"\\{verb}DocumentCommand" for verb in ("New", "Renew", "Provide", "Declare")}
_OPERATORS = {"\\DeclareMathOperator": "", "\\DeclareMathOperator*": "*"}
_PREFIXES = {"\\relax", "\\long", "\\global", "\\protected", "\\outer"}
_TESTS = {"\\IfNoValueTF", "\\IfValueTF", "\\IfBooleanTF", "\\IfNoValueT", "\\IfValueT", "\\IfNoValueF", "\\IfValueF"}
_CONDITIONALS = {
    f"\\if{name}"
    for name in "x num dim odd vmode hmode mmode inner cat case true false void hbox vbox eof defined csname".split()
} | {"\\if", "\\ifpdf", "\\ifxetex", "\\ifluatex", "\\unless"}
_PROGRAMS = _CONDITIONALS | _DEFS | {
    "\\csname", "\\expandafter", "\\catcode", "\\futurelet", "\\let", "\\loop", "\\write", "\\read", "\\aftergroup",
    "\\@ifnextchar", "\\@ifstar", "\\kernel@ifnextchar", "\\noexpand", "\\detokenize", "\\afterassignment", "\\setbox",
    "\\mathchoice", "\\begingroup", "\\ifthenelse", "\\foreach", "\\ExplSyntaxOn", "\\vphantom", "\\@for", "\\numexpr",
    "\\clist_map_inline", "\\newcommand", "\\renewcommand", "\\lowercase", "\\uppercase", "\\advance", "\\count",
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Macro:
    """What a command stands for.

    Attributes:
      spec: its arguments: ("m",), ("o", None or default tokens), ("s",), ("t", token).
      body: tokens; an argument is the token pair `#`, `1`.
      keeps_space: whether a space after the command is printed (`\\xspace`).
    """

    spec: tuple[tuple, ...]
    body: tuple[str, ...]
    keeps_space: bool = False


@dataclasses.dataclass
class Macros:
    """All that a document defines.

    Attributes:
      commands: by name with the backslash; `begin:X` and `end:X` are an environment's two halves.
      theorems: title of each theorem-like environment, and the environment whose counter it shares.
      flags: values of `\\newif` flags.
    """

    commands: dict[str, Macro] = dataclasses.field(default_factory=dict)
    theorems: dict[str, tuple[str, str]] = dataclasses.field(default_factory=dict)
    flags: dict[str, bool] = dataclasses.field(default_factory=dict)


class Expander(TokenStream):
    """Expands macros over a stream of tokens.

    Work is bounded: a macro isn't expanded inside its own expansion, and once `budget` tokens and four for each token
    of the source have been put in, commands stay as they are written.

    Args:
      macros: definitions so far; those met on the way are added.
      keep: commands that documents may not redefine, since the reader knows what they mean.
    """

    def __init__(self, macros: Macros, keep: Collection[str] = (), budget: int = 300_000):
        super().__init__()
        self.macros, self._keep, self._budget = macros, keep, budget
        self._depth = 0

    def expand(self, found: Sequence[str]) -> list[str]:
        """The tokens with every macro replaced and every definition taken out."""
        self._budget += 4 * len(found)
        return self._expand(found)

    def _expand(self, found: Sequence[str]) -> list[str]:
        outer, self._stack = self._stack, list(reversed(found))
        out: list[str] = []
        while (token := self._pop()) is not None:
            if token[0] != "\\" or not self._command(token, out):
                out.append(token)
        self._stack = outer
        return out

    def _expand_argument(self, found: list[str]) -> list[str]:
        """An argument, expanded before it is put in: a macro may well stand in its own argument."""
        if self._depth >= MAX_DEPTH or not any(token in self.macros.commands for token in found):
            return found
        self._depth += 1
        try:
            return self._expand(found)
        finally:
            self._depth -= 1

    def _command(self, token: str, out: list[str]) -> bool:
        """Whether the command has been dealt with."""
        if token in _PREFIXES:
            return True
        if token in _COMMANDS:
            return self._define_command(token != "\\providecommand")
        if token in _DEFS:
            return self._define_def()
        if token in _XPARSE:
            return self._define_xparse()
        handler = _HANDLERS.get(token)
        if handler is not None:
            return handler(self)
        if token in _TESTS:
            return self._test(token)
        if token.startswith("\\if") and (token in ("\\iffalse", "\\iftrue") or token[3:] in self.macros.flags):
            self._conditional(self.macros.flags.get(token[3:], token == "\\iftrue"))
            return True
        if token in ("\\else", "\\fi"):  # what is left of a conditional whose first branch was taken
            if token == "\\else":
                self._skip_branch()
            return True
        for end, value in (("true", True), ("false", False)):
            if token.endswith(end) and token[1 : -len(end)] in self.macros.flags:
                self.macros.flags[token[1 : -len(end)]] = value
                return True
        if token in ("\\begin", "\\end"):
            return self._environment(token, out)
        macro = self.macros.commands.get(token)
        return macro is not None and not self._active.get(token) and self._call(token, macro)

    # Definitions: each takes its tokens and answers True; where they can't be understood, nothing is defined.

    def _store(self, name: str | None, spec: list[tuple], body: list[str] | None, override: bool = True) -> bool:
        if name is None or body is None or name in self._keep or (not override and name in self.macros.commands):
            return True
        if len(body) > MAX_BODY_TOKENS or any(token in _PROGRAMS for token in body):
            self.macros.commands.pop(name, None)
            return True
        body = [token for token in body if not (token.isspace() and token.count("\n") > 1)]
        while body and body[-1].isspace():
            body.pop()
        spaced = bool(body) and body[-1] == "\\xspace"
        kept = tuple(token for token in body if token not in ("\\xspace", "\\ignorespaces", "\\unskip"))
        self.macros.commands[name] = Macro(tuple(spec), kept, spaced)
        return True

    def _numbered_spec(self) -> list[tuple]:
        count = "".join(self._optional() or ("0",)).strip()
        default = self._optional()
        number = min(int(count), 9) if count.isdecimal() else 0
        spec: list[tuple] = [("m",)] * number
        if default is not None and spec:
            spec[0] = ("o", tuple(default))
        return spec

    def _define_command(self, override: bool) -> bool:
        self._star()
        name = self._name()
        spec = self._numbered_spec()
        return self._store(name, spec, self._argument(), override)

    def _define_def(self) -> bool:
        name, parameters = self._pop(), []
        while (token := self._peek(skip=False)) is not None and token != "{" and len(parameters) < 40:
            parameters.append(self._pop())
        body = self._argument()
        numbers = "".join(parameters).replace("#", "").strip()
        plain = numbers == "123456789"[: len(numbers)] and len(parameters) >= len(numbers)
        if name is None or name[0] != "\\" or not plain:
            return True
        return self._store(name, [("m",)] * len(numbers), body)

    def _define_let(self) -> bool:
        name = self._pop()
        if (self._peek() or "").startswith("="):
            rest = self._pop()[1:]
            if rest:
                self._stack.append(rest)
        self._peek()
        target = self._pop()
        if name and target and name[0] == "\\" and name not in self._keep and target[0] == "\\":
            self.macros.commands[name] = self.macros.commands.get(target) or Macro((), (target,))
        return True

    def _define_xparse(self) -> bool:
        name, found, spec = self._name(), self._argument(), []
        letters = iter([letter for token in found or () for letter in ([token] if token[0] == "\\" else token)])
        for letter in letters:
            if letter == "m":
                spec.append(("m",))
            elif letter == "o":
                spec.append(("o", None))
            elif letter == "s":
                spec.append(("s",))
            elif letter in ("O", "t"):
                value = self._spec_value(letters)
                spec.append(("o", tuple(value)) if letter == "O" else ("t", value[0] if value else "*"))
            elif not letter.isspace() and letter not in "+!":
                return self._store(name, [], None) if self._argument() is not None else True
        return self._store(name, spec[:9], self._argument())

    @staticmethod
    def _spec_value(letters) -> list[str]:
        value: list[str] = []
        for letter in letters:
            if letter == "}":
                break
            if letter != "{" and not letter.isspace():
                value.append(letter)
        return value

    def _define_operator(self) -> bool:
        star = "*" if self._star() else ""
        name, body = self._name(), self._argument()
        if body is not None and body[:1] and body[0] in ("\\operatorname", "\\mathrm", "\\rm"):
            return self._store(name, [], body)
        return self._store(name, [], None if body is None else ["\\operatorname", *star, "{", *body, "}"])

    def _define_pair(self) -> bool:
        name, left, right = self._name(), self._argument(), self._argument()
        if left is None or right is None:
            return True
        # Starred it grows; a size may be given instead. Without either it stands as it is.
        body = ["\\IfBooleanTF", "{", "#", "1", "}", "{", "\\left", "}", "{", "}", *left, " ", "#", "3", " "]
        body += ["\\IfBooleanTF", "{", "#", "1", "}", "{", "\\right", "}", "{", "}", *right]
        return self._store(name, [("s",), ("o", ()), ("m",)], body)

    def _define_theorem(self) -> bool:
        self._star()
        name, shared = self._text(), "".join(self._optional() or ()).strip()
        title = latex_scan.join(self._argument() or ()).strip()
        self._optional()
        if name and title:
            self.macros.theorems[name] = (title, shared)
        return True

    def _declare_theorem(self) -> bool:
        options, name = latex_scan.join(self._optional() or ()), self._text()
        self._optional()
        values = dict(part.split("=", 1) for part in options.split(",") if "=" in part)
        values = {key.strip(): value.strip() for key, value in values.items()}
        title = values.get("name") or values.get("title") or name.capitalize()
        if name:
            self.macros.theorems[name] = (title, values.get("sibling") or values.get("numberlike") or "")
        return True

    def _define_environment(self) -> bool:
        self._star()
        name = self._text()
        spec = self._numbered_spec()
        begin, end = self._argument(), self._argument()
        programs = any(token in _PROGRAMS for token in (*(begin or ()), *(end or ())))
        if name and begin is not None and end is not None and not programs and f"begin:{name}" not in self._keep:
            self._store(f"begin:{name}", spec, begin)
            self._store(f"end:{name}", [], end)
        return True

    def _define_flag(self) -> bool:
        name = self._pop()
        if name and name.startswith("\\if"):
            self.macros.flags[name[3:]] = False
        return True

    # Use

    def _environment(self, token: str, out: list[str]) -> bool:
        if self._peek() != "{":
            return False
        self._pop()
        found = self._until("{", "}")
        if found is None:
            self._stack.append("{")
            return False
        key = f"{token[1:]}:{''.join(found).strip()}"
        macro = self.macros.commands.get(key)
        if macro is None or self._active.get(key) or not self._call(key, macro):
            out += [token, "{", *found, "}"]
        return True

    def _call(self, name: str, macro: Macro) -> bool:
        taken: list[list[str]] = []
        if not macro.spec and not macro.keeps_space and latex_scan.is_word(name):
            self._peek()
        for kind in macro.spec:
            value = self._take(kind)
            if value is None:
                # A mandatory argument is missing: the command stays, and what was taken goes back behind it.
                for argument in reversed(taken):
                    self._stack += ["}", *reversed(argument), "{"] if argument[:1] != [_NO_VALUE] else []
                return False
            taken.append(self._expand_argument(value))
        body: list[str] = []
        parts = iter(range(len(macro.body)))
        for position in parts:
            token = macro.body[position]
            following = macro.body[position + 1] if position + 1 < len(macro.body) else ""
            if token == "#" and following[:1].isdecimal() and 0 < int(following[0]) <= len(taken):
                body += taken[int(following[0]) - 1]
                if following[1:]:
                    body.append(following[1:])
                next(parts)
            else:
                body.append(token)
        if len(body) > self._budget:
            self._budget = 0
            self.macros.commands.clear()
            self._stack += list(reversed(body))
            return True
        self._budget -= len(body) + 1
        self._active[name] = self._active.get(name, 0) + 1
        self._stack.append(MARK + name)
        self._stack.extend(reversed(body))
        return True

    def _take(self, kind: tuple) -> list[str] | None:
        if kind[0] == "m":
            return self._argument()
        if kind[0] == "s":
            return [_TRUE if self._star() else _FALSE]
        if kind[0] == "t":
            token = self._peek(skip=False)
            if token is None or token[0] != kind[1][0]:
                return [_FALSE]
            self._pop()
            if token[1:]:
                self._stack.append(token[1:])
            return [_TRUE]
        found = self._optional()
        if found is None:
            return [_NO_VALUE] if kind[1] is None else list(kind[1])
        return found

    def _test(self, token: str) -> bool:
        value = self._argument() or []
        holds = value[:1] == [_NO_VALUE] if "NoValue" in token else value[:1] != [_NO_VALUE]
        if "Boolean" in token:
            holds = value[:1] == [_TRUE]
        yes = self._argument() or [] if token.endswith(("TF", "T")) else []
        no = self._argument() or [] if token.endswith("F") else []
        self._stack.extend(reversed(yes if holds else no))
        return True

    def _conditional(self, holds: bool) -> None:
        if not holds:
            self._skip_branch()

    def _skip_branch(self) -> None:
        """Drops tokens up to the matching `\\else` or `\\fi`."""
        depth = 0
        while (token := self._pop()) is not None:
            if token in _CONDITIONALS or (token.startswith("\\if") and token[3:] in self.macros.flags):
                depth += token != "\\unless"
            elif token == "\\fi":
                if not depth:
                    return
                depth -= 1
            elif token == "\\else" and not depth:
                return


_HANDLERS = {
    "\\let": Expander._define_let,
    "\\DeclareMathOperator": Expander._define_operator,
    "\\DeclarePairedDelimiter": Expander._define_pair,
    "\\newtheorem": Expander._define_theorem,
    "\\spnewtheorem": Expander._define_theorem,
    "\\declaretheorem": Expander._declare_theorem,
    "\\newenvironment": Expander._define_environment,
    "\\renewenvironment": Expander._define_environment,
    "\\newif": Expander._define_flag,
}


def collect(source: str, keep: Collection[str] = (), into: Macros | None = None) -> Macros:
    """The macros that a preamble or style file without comments defines."""
    macros = into or Macros()
    Expander(macros, keep).expand(latex_scan.tokens(source))
    return macros
