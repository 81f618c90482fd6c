"""LaTeX source as tokens, its comments gone and its verbatim passages set aside.

TeX's own lexing, as far as documents use it: control words, control symbols, groups, and text between them. Nothing
here knows what a command means.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from data import streams

# Private-use characters stand for what later passes must not touch; a source's own ones are dropped first.
OPEN, CLOSE = "\ue000", "\ue001"
_PRIVATE = re.compile("[\ue000-\ue00f]")
_CONTROL = re.compile("[\x01-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")
_TOKEN = re.compile(
    r"\\(?:[A-Za-z]+(?:@[A-Za-z@]*)?|@[A-Za-z@]+|[\s\S]?)"  # control word (with @ inside), control symbol
    r"|\$\$?|[{}\[\]&#^_~]|\s+|" + OPEN + r"\d+" + CLOSE + r"|[^\\{}\[\]$&#^_~\s" + OPEN + r"]+|."
)
_VERBATIM_ENVIRONMENTS = "verbatim|Verbatim|BVerbatim|LVerbatim|lstlisting|minted|alltt|comment|filecontents"
_SPECIAL = re.compile(
    rf"\\begin\s*\{{(?P<env>(?:{_VERBATIM_ENVIRONMENTS})\*?)\}}"
    r"|\\(?:verb|lstinline|mintinline)(?![A-Za-z])\*?"
    r"|\\[\s\S]"
    r"|%[^\n]*(?:\n[ \t]*)?"
)
_DECLARED = re.compile(rb"\\usepackage\s*\[([A-Za-z0-9, =-]{1,60})\]\s*\{inputenc\}")
_ENCODINGS = {
    "latin1": "latin-1",
    "latin2": "iso8859-2",
    "latin5": "iso8859-9",
    "latin9": "iso8859-15",
    "latin10": "iso8859-16",
    "ansinew": "cp1252",
    "cp1252": "cp1252",
    "cp1250": "cp1250",
    "cp1251": "cp1251",
    "cp850": "cp850",
    "cp437": "cp437",
    "koi8-r": "koi8-r",
    "applemac": "mac-roman",
}


def declared_encoding(data: bytes) -> str | None:
    """The single-byte encoding that the source tells inputenc, None where it tells none."""
    for match in _DECLARED.finditer(data):
        for name in match.group(1).decode("ascii").split(","):
            if name.strip() in _ENCODINGS:
                return _ENCODINGS[name.strip()]
    return None


def decode(data: bytes, fallback: str | None = None) -> str:
    """Text of a LaTeX source: UTF-8, else as it tells inputenc, else as `fallback` (its root's encoding) says.

    Raises:
      StreamError: it is none of these, or binary.
    """
    try:
        text = streams.decode(data)
    except streams.StreamError as error:
        encoding = declared_encoding(data) or fallback
        if error.reason == "binary" or encoding is None:
            raise
        text = streams.decode(data, encoding)
    return text.replace("\r\n", "\n").replace("\r", "\n")


class Verbatim:
    """Passages that are printed as they stand, numbered; the text holds a mark in the place of each."""

    def __init__(self) -> None:
        self._kept: list[str] = []

    def mark(self, text: str) -> str:
        """Sets a passage aside. Returns the mark to put in its place."""
        self._kept.append(text)
        return f"{OPEN}{len(self._kept) - 1}{CLOSE}"

    def restore(self, text: str) -> str:
        """The text with every mark replaced by its passage."""
        return re.sub(f"{OPEN}([0-9]+){CLOSE}", self._passage, text)

    def _passage(self, match: re.Match[str]) -> str:
        number = int(match.group(1))
        return self._kept[number] if number < len(self._kept) else ""


def strip_comments(text: str, verbatim: Verbatim) -> str:
    """The source without comments, and with marks for what is verbatim.

    A comment takes its line's end and the next line's indentation along, as in TeX; `comment` environments go as well.
    """
    text = _CONTROL.sub(" ", _PRIVATE.sub("", text))
    parts, position, unclosed = [], 0, set()
    while match := _SPECIAL.search(text, position):
        parts.append(text[position : match.start()])
        position = match.end()
        found = match.group()
        environment = match.group("env")
        if environment:
            closing = f"\\end{{{environment}}}"
            end = -1 if environment in unclosed else text.find(closing, position)
            if end < 0:
                unclosed.add(environment)  # there can't be one further on: don't search again
                continue
            if not environment.startswith(("comment", "filecontents")):
                parts.append(_code_block(environment, text[position:end], verbatim))
            position = end + len(closing)
        elif found.startswith(("\\verb", "\\lstinline", "\\mintinline")):
            code, end = _inline_code(text, position, found)
            if code and not re.search(r"#\d", code):  # `#1`: a macro's body, which is no verbatim text yet
                position = end
                parts.append(verbatim.mark(f"`{code}`"))
            elif not found.startswith("\\verb"):
                parts.append(found)
        elif found.startswith("\\"):
            parts.append(found)
        elif found.startswith("%") and parts and parts[-1].endswith("\n") and "\n" in found:
            parts.append("\n" if text.startswith("\n", position) else "")
    parts.append(text[position:])
    return "".join(parts)


def _code_block(environment: str, body: str, verbatim: Verbatim) -> str:
    # Options of the environment stand on the line of its \begin.
    first, _, rest = body.partition("\n")
    if environment.rstrip("*") in ("lstlisting", "minted", "Verbatim") and first.strip().startswith(("[", "{")):
        body = rest
    fence = "```" if "```" not in body else "~~~~"
    return "\n\n" + verbatim.mark(f"{fence}\n{body.strip(chr(10)).rstrip()}\n{fence}") + "\n\n"


def _inline_code(text: str, position: int, command: str) -> tuple[str, int]:
    """What `\\verb|...|` or `\\lstinline[...]{...}` shows, and where it ends."""
    line_end = text.find("\n", position)
    line_end = len(text) if line_end < 0 else line_end
    if not command.startswith("\\verb"):
        groups = 2 if command.startswith("\\mint") else 1
        for _ in range(3):
            opener = text[position : position + 1]
            closer = {"[": "]", "{": "}"}.get(opener)
            if closer is None:
                break
            end = text.find(closer, position, line_end)
            if end < 0:
                return "", position
            if closer == "}":
                groups -= 1
                if not groups:
                    return text[position + 1 : end], end + 1
            position = end + 1
    delimiter = text[position : position + 1]
    end = text.find(delimiter, position + 1, line_end) if delimiter and not delimiter.isspace() else -1
    return ("", position) if end < 0 else (text[position + 1 : end], end + 1)


def tokens(text: str) -> list[str]:
    """The source cut into tokens; joined, they are the source."""
    return _TOKEN.findall(text)


def is_word(token: str) -> bool:
    """Whether a token is a control word, after which TeX skips spaces."""
    return len(token) > 1 and token[0] == "\\" and (token[-1].isalpha() or token[-1] == "@")


def join(parts: Sequence[str]) -> str:
    """Source of tokens, with the space that keeps a control word from running into the letter after it."""
    out: list[str] = []
    after_word = False
    for token in parts:
        if not token:
            continue
        if after_word and (token[0].isalpha() or token[0] == "@"):
            out.append(" ")
        out.append(token)
        after_word = is_word(token)
    return "".join(out)


def group(found: Sequence[str], start: int, opener: str = "{", closer: str = "}", limit: int = 2000) -> int | None:
    """Position after the group that `opener` at `start` begins, None where it doesn't end within `limit` tokens.

    Brackets inside braces do not count: `[{]}]` is one optional argument.
    """
    depth = braces = 0
    for position in range(start, min(len(found), start + limit)):
        token = found[position]
        if opener != "{" and token == "{":
            braces += 1
        elif opener != "{" and token == "}":
            braces -= 1
            if braces < 0:
                return None
        elif token == opener and not braces:
            depth += 1
        elif token == closer and not braces:
            depth -= 1
            if not depth:
                return position + 1
    return None


def closing_braces(found: Sequence[str]) -> dict[int, int]:
    """Position of the brace that closes each one that is closed."""
    closers: dict[int, int] = {}
    opened: list[int] = []
    for position, token in enumerate(found):
        if token == "{":
            opened.append(position)
        elif token == "}" and opened:
            closers[opened.pop()] = position
    return closers


def skip_spaces(found: Sequence[str], position: int) -> int:
    """Position of the next token that is no whitespace; a blank line is not skipped, for it ends a paragraph."""
    while position < len(found) and found[position].isspace() and found[position].count("\n") < 2:
        position += 1
    return position


def find_document(text: str) -> tuple[str, str] | None:
    """Preamble and body of a source without comments that has a `\\begin{document}`; None for a fragment."""
    begin = re.search(r"\\begin\s*\{document\}", text)
    if begin is None:
        return None
    end = re.compile(r"\\end\s*\{document\}").search(text, begin.end())
    return text[: begin.start()], text[begin.end() : end.start() if end else len(text)]
