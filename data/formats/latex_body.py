"""The body of a LaTeX document, its macros expanded, turned into text; `data.formats.latex` is the way in."""

from __future__ import annotations

import collections
import functools
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from data.formats import latex_commands as commands
from data.formats import latex_scan
from data.formats.latex_formulas import Formulas, State

_REFERENCE = re.compile("\ue008([^\ue009]*)\ue009")
_MAX_INLINE_DEPTH = 8
_INDENT = "\ue006"


@functools.cache
def _text_symbols() -> dict[str, str]:
    """What pylatexenc's tables print for control words without arguments: \\ss, \\copyright, \\textemdash, ..."""
    from pylatexenc import latex2text

    found = {}
    for category in latex2text.get_default_latex_context_db().d.values():
        for name, spec in category["macros"].items():
            if isinstance(spec.simplify_repl, str) and "%" not in spec.simplify_repl and len(name) > 1:
                found[f"\\{name}"] = spec.simplify_repl
    return found | {"\\o": "ø", "\\O": "Ø", "\\l": "ł", "\\L": "Ł", "\\i": "ı", "\\j": "ȷ", "\\P": "¶", "\\S": "§"}


class Body(Formulas):
    """Reads one document's body.

    Args:
      theorems: title and counter-sharing environment of each theorem-like environment that the document defines.

    Attributes:
      title: text of `\\title`, with references unresolved.
      authors: tokens of each `\\author`.
    """

    def __init__(self, theorems: Mapping[str, tuple[str, str]], depth: int = 0, shared: State | None = None):
        super().__init__(shared or State())
        self._theorems, self._depth = theorems, depth
        self.title, self.authors = "", []
        self._stack: list[tuple[str, str, Any]] = []  # (kind, name, what closes it)
        self._open: collections.Counter[str] = collections.Counter()  # environments by name
        self._lists: list[int] = []  # places of lists in the stack
        self._tables = 0

    # The way in

    def run(self, tokens: Sequence[str]) -> str:
        """Text of the tokens; references in it are marks for `resolve`."""
        self.start(tokens)
        self._out = []
        while self.at < len(tokens):
            token = tokens[self.at]
            self.at += 1
            if token[0] == "\\":
                self._command(token)
            elif token in ("$", "$$"):
                self._math(token, token)
            elif token == "{":
                self._push("group", "", "")
            elif token == "}":
                self._close_group()
            elif token.isspace():
                self._put("\n\n" if token.count("\n") > 1 else " ")
            else:
                self._text(token)
        while self._stack:
            kind, _, closing = self._pop()
            self._put(closing if kind != "list" else "")
        return "".join(self._out)

    def inline(self, tokens: Sequence[str]) -> str:
        """Text of an argument."""
        if self._depth >= _MAX_INLINE_DEPTH:
            return latex_scan.join(tokens)
        inner = Body(self._theorems, self._depth + 1, self._state)
        return re.sub(r"[ \t]+", " ", inner.run(tokens)).strip()

    def resolve(self, text: str) -> str:
        """The text with the numbers of labels in the places of references to them."""
        return _REFERENCE.sub(self._reference, text)

    def note_front_matter(self, command: str, tokens: Sequence[str]) -> None:
        """Takes the argument of a `\\title` or `\\author`."""
        if command == "\\author":
            self.authors.append(list(tokens))
        elif tokens:
            self.title = self.inline(tokens)

    def _reference(self, match: re.Match[str]) -> str:
        command, _, label = match.group(1).partition(" ")
        before, after, named = commands.REFERENCES[command]
        found = []
        for name in filter(None, (part.strip() for part in label.split(","))):
            kind, number = self._state.labels.get(name, ("", ""))
            shown = f"{kind} {number}" if named and kind else number
            found.append(shown or f"[{name}]")
        return f"{before}{', '.join(found)}{after}"

    def _push(self, kind: str, name: str, closing: Any) -> None:
        self._stack.append((kind, name, closing))
        if kind != "group":
            self._open[name] += 1
            self._tables += name in commands.TABLES
            if kind == "list":
                self._lists.append(len(self._stack) - 1)

    def _pop(self) -> tuple[str, str, Any]:
        kind, name, closing = self._stack.pop()
        if kind != "group":
            self._open[name] -= 1
            self._tables -= name in commands.TABLES
            if kind == "list":
                self._lists.pop()
        return kind, name, closing

    def _text(self, token: str) -> None:
        if token == "~":
            token = " "
        elif token in ("&", "#"):
            token = " | " if token == "&" and self._tables else token
        else:
            token = token.replace("---", "—").replace("--", "–").replace("``", '"').replace("''", '"').replace("`", "'")
        self._put(token)

    def _close_group(self) -> None:
        if self._stack and self._stack[-1][0] == "group":
            self._put(self._pop()[2])

    # Commands

    def _command(self, token: str) -> None:
        if token == "\\begin":
            self._begin("".join(self.argument()).strip())
        elif token == "\\end":
            self._end("".join(self.argument()).strip())
        elif token in ("\\(", "\\["):
            self._math(token, {"\\(": "\\)", "\\[": "\\]"}[token])
        elif token in commands.SECTIONS:
            self._section(token)
        elif token in ("\\title", "\\author"):
            self.skip("o")
            self.note_front_matter(token, self.argument())
        elif token == "\\label":
            self._state.labels.setdefault("".join(self.argument()).strip(), self._state.anchor)
        elif token in commands.REFERENCES:
            self.skip("so")
            self._put(f"\ue008{token} {''.join(self.argument())}\ue009")
        elif token in commands.CITED:
            self._cite(token)
        elif token == "\\item":
            self._item()
        elif token == "\\ensuremath":
            self._put(f"${self._in_math(self.argument(), False)}$")
        elif token == "\\texorpdfstring":
            shown = self.argument()
            self.argument()
            self._put(self.inline(shown))
        elif token in commands.RAW:
            self._raw(token)
        elif token in commands.SHOWN:
            skipped, before, after = commands.SHOWN[token]
            self.skip(skipped)
            self._open_group(before, after)
        elif token in commands.SYMBOLS:
            self._symbol(token)
        elif token in commands.DROPPED:
            self.skip(commands.DROPPED[token])
            self._skip_space(token)
        elif len(token) == 2 and token[1] in commands.ACCENTS:
            self._accent(token)
        elif token.startswith("\\index"):  # and whatever a document derives from it
            while self.take("[", "]") is not None or self.take() is not None:
                pass
        else:
            self._unknown(token)

    def _raw(self, token: str) -> None:
        arguments = []
        while (argument := self.take()) is not None:
            arguments.append(f"{{{self._in_math(argument, False)}}}")
        last = token == "\\DisplayProof"
        self._put(f"\n{token}{''.join(arguments)}{chr(10) if last else ''}")
        if not last:
            self.at = latex_scan.skip_spaces(self.tokens, self.at)

    def _open_group(self, before: str, after: str) -> None:
        start = latex_scan.skip_spaces(self.tokens, self.at)
        if start < len(self.tokens) and self.tokens[start] == "{":
            self.at = start + 1
            self._put(before)
            self._push("group", "", after)

    def _symbol(self, token: str) -> None:
        if token == "\\\\":
            self.skip("so")
        self._put(commands.SYMBOLS[token])
        if latex_scan.is_word(token):
            self._skip_space(token)

    def _skip_space(self, token: str) -> None:
        """TeX drops the space after a control word; `{}` behind it is there to keep one."""
        if self.tokens[self.at : self.at + 2] == ["{", "}"]:
            self.at += 2
        elif self.at < len(self.tokens) and self.tokens[self.at].isspace() and latex_scan.is_word(token):
            self.at = latex_scan.skip_spaces(self.tokens, self.at)
            # Where the command stood alone on its line, its neighbours still are two words.
            if self._out and not self._out[-1][-1].isspace() and token in commands.DROPPED:
                self._put(" ")

    def _accent(self, token: str) -> None:
        argument = list(self.argument())
        base = "".join(argument)
        base = {"\\i": "i", "\\j": "j"}.get(base, base)
        if base[:1] == "\\":
            base = _text_symbols().get(base, "")
        if base.startswith(latex_scan.OPEN):  # a verbatim passage, whose mark no accent may split
            self._put(base)
        elif base:
            self._put(unicodedata.normalize("NFC", base[0] + commands.ACCENTS[token[1]]) + base[1:])

    def _unknown(self, token: str) -> None:
        symbol = _text_symbols().get(token)
        if symbol is not None:
            self._put(symbol)
            self._skip_space(token)
            return
        following = self.tokens[self.at] if self.at < len(self.tokens) else ""
        if following == "[":
            self.take("[", "]")
        elif following != "{" and not self._alone():
            # In running text it stands for a word or a sign that only a file out of reach defines.
            self._put(token)

    def _alone(self) -> bool:
        """Whether nothing else stands on the command's line: then it is layout."""
        before = self.tokens[self.at - 2] if self.at > 1 else "\n"
        after = self.tokens[self.at] if self.at < len(self.tokens) else "\n"
        return before.isspace() and "\n" in before and after.isspace() and "\n" in after

    def _cite(self, token: str) -> None:
        self.skip(commands.CITED[token])
        numbers = []
        for key in "".join(self.argument()).split(","):
            if key.strip():
                numbers.append(str(self._state.cited.setdefault(key.strip(), len(self._state.cited) + 1)))
        if numbers:
            self._put(f"[{', '.join(numbers)}]")

    def _section(self, token: str) -> None:
        level = commands.SECTIONS[token]
        starred = self.peek() == "*"
        self.skip("so")
        title = self.inline(self.argument()).replace("\n", " ").strip()
        sections = self._state.sections
        number = ""
        if not starred and level < 5:
            sections[level] += 1
            first = next((at for at in range(1, level) if sections[at]), level)
            if level:
                sections[level + 1 :] = [0] * (5 - level)
                number = ".".join(str(value) for value in sections[first : level + 1])
            else:
                number = str(sections[0])
            kind = token[1:].removeprefix("sub").removeprefix("sub").capitalize()
            self._state.anchor = (kind, number)
        if not title:
            return
        if level == 5:
            self._put(f"\n\n**{title.rstrip('.')}.** ")
        else:
            self._put(f"\n\n{'#' * max(level, 1)} {number}{' ' if number else ''}{title}\n\n")

    def _item(self) -> None:
        label = self.take("[", "]")
        if not self._lists:
            self._put("\n- ")
            return
        kind, name, state = self._stack[self._lists[-1]]
        marker = commands.LISTS.get(name, "-")
        indent = _INDENT * min(len(self._lists) - 1, 8)
        if label is not None:
            marker = self.inline(label)
            self._put(f"\n{indent}- {marker} " if commands.LISTS.get(name) else f"\n{indent}- {marker}: ")
            self._state.anchor = ("Item", marker)
        elif marker == "1":
            self._stack[self._lists[-1]] = (kind, name, int(state or 0) + 1)
            self._state.anchor = ("Item", str(int(state or 0) + 1))
            self._put(f"\n{indent}{int(state or 0) + 1}. ")
        else:
            self._put(f"\n{indent}- ")

    # Environments

    def _begin(self, name: str) -> None:
        if name in commands.MATH:
            self._math_environment(name)
        elif name in commands.DROPPED_ENVIRONMENTS:
            self.at = self.find_end(name) or self.at
        elif name in commands.LISTS:
            self.skip(commands.ENVIRONMENT_ARGUMENTS.get(name, "o"))
            if not self._lists:
                self._put("\n\n")
            self._push("list", name, "")
        elif name in commands.TABLES:
            self.skip(commands.TABLES[name])
            self._put("\n")
            self._push("env", name, "\n")
        elif name == "proof":
            note = self.take("[", "]")
            self._put(f"\n\n*{self.inline(note).rstrip('.') if note else 'Proof'}.* ")
            self._push("env", name, " ∎\n\n")
        elif name == "abstract":
            self._put("\n\n## Abstract\n\n")
            self._push("env", name, "\n\n")
        elif name in self._theorems or name.rstrip("*") in commands.THEOREMS:
            self._theorem(name)
        else:
            self.skip(commands.ENVIRONMENT_ARGUMENTS.get(name, "o"))
            block = name in commands.ENVIRONMENT_ARGUMENTS or self.peek() in ("", "\\item")
            self._put("\n\n" if block else " ")
            self._push("env", name, "\n\n" if block else " ")

    def _theorem(self, name: str) -> None:
        title, shared = self._theorems.get(name) or (commands.THEOREMS[name.rstrip("*")], "")
        note = self.take("[", "]")
        number = ""
        if name not in commands.UNNUMBERED and not name.endswith("*"):
            # One counter for all theorems unless the document says otherwise, as its printed form most often has.
            root, seen = shared or name, {name}
            while root in self._theorems and self._theorems[root][1] and root not in seen:
                seen.add(root)
                root = self._theorems[root][1]
            count = self._state.counters[root] = self._state.counters.get(root, 0) + 1
            number = str(count)
        title = self.inline(latex_scan.tokens(title))
        self._state.anchor = (title, number or title)
        heading = f"{title} {number}".strip()
        shown = f" ({self.inline(note)})" if note else ""
        self._put(f"\n\n**{heading}**{shown}. ")
        self._push("env", name, "\n\n")

    def _end(self, name: str) -> None:
        """Closes the environment, and what was left open inside it."""
        if not self._open[name]:
            return
        while self._stack:
            kind, found, closing = self._pop()
            if kind == "list":
                self._put("\n\n" if not self._lists else "" if self.peek() in ("\\item", "\\end") else "\n")
            elif closing:
                if closing.startswith(" ∎"):
                    while self._out and self._out[-1].isspace():
                        self._out.pop()
                self._put(closing)
            if found == name and kind != "group":
                return
