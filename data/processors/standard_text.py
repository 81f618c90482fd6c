"""The form that every text is written in: NFC, plain line ends and spaces, no control characters, no mojibake.

Deterministic, and idempotent: the standard form of a standard form is itself.
"""

from __future__ import annotations

import re
import unicodedata

_LINE_ENDS = re.compile("\r\n?|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
# What no text means: controls but tab and line feed, the byte order mark, noncharacters, and surrogates.
_REMOVED = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff\ufffe\uffff\ud800-\udfff]")
_SPACES = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f]")  # not U+3000, which Chinese indents by
_MANY_BLANK_LINES = re.compile(r"\n{4,}")
_TAB_WIDTH = 4


def _repaired_line(line: str) -> str:
    from ftfy import fix_encoding
    from ftfy.badness import badness

    before = badness(line)
    if not before:
        return line
    repaired = fix_encoding(line)
    # Only where nothing odd is left is the repair the one right reading.
    return repaired if repaired != line and not badness(repaired) and "\ufffd" not in repaired else line


def without_mojibake(text: str) -> str:
    """UTF-8 that was read as a single-byte encoding, put right line by line where that leaves nothing odd.

    As ftfy decides (https://ftfy.readthedocs.io/en/latest/heuristic.html): `schÃ¶n` becomes `schön`, `Ã la` in a text
    that has nothing else stays.
    """
    if text.isascii():
        return text
    return "\n".join(line if line.isascii() else _repaired_line(line) for line in text.split("\n"))


def _once(text: str, keep_tabs: bool) -> str:
    text = without_mojibake(_LINE_ENDS.sub("\n", text))
    # Control characters go after the repair: mojibake has some in it.
    text = unicodedata.normalize("NFC", _SPACES.sub(" ", _REMOVED.sub("", text)))
    if not keep_tabs:
        text = text.expandtabs(_TAB_WIDTH)
    text = "\n".join(map(str.rstrip, text.split("\n"))).strip("\n")
    return _MANY_BLANK_LINES.sub("\n\n\n", text)


def standard_text(text: str, keep_tabs: bool = False) -> str:
    """The standard form; "" where nothing is left.

    Args:
      text: any.
      keep_tabs: else they become spaces to the next multiple of 4.
    """
    # What one pass leaves may be mojibake only now; each repair makes the text shorter, so this ends.
    while (standard := _once(text, keep_tabs)) != text:
        text = standard
    return standard
