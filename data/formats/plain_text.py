"""Text as documents hold it: UTF-8 clean, one kind of line end, no control characters, no trailing blanks."""

from __future__ import annotations

import re

# Controls but tab and line feed, lone surrogates, non-characters, soft hyphens and byte order marks inside a text.
_REMOVED = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\ufeff\ufffe\uffff\ud800-\udfff]")
_LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_BLANK_LINES = re.compile(r"\n{3,}")


def clean(text: str) -> str:
    """The text without what no text holds, with `\\n` line ends, at most one blank line in a row and no blank ends."""
    text = _REMOVED.sub("", _LINE_ENDS.sub("\n", text))
    text = "\n".join(map(str.rstrip, text.split("\n")))
    return _BLANK_LINES.sub("\n\n", text).strip("\n")


def one_line(text: str) -> str:
    """The cleaned text with every run of white space a single blank."""
    return " ".join(clean(text).split())
