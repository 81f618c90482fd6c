"""Final answers in the solutions of competition problems: `\\boxed{...}`, `#### 42`."""

from __future__ import annotations

import re

_BOX = re.compile(r"\\(?:boxed|fbox)\s*(?:(\{)|(\\?[^\s\\{}$]))")
_HASHES = re.compile(r"^\s*####\s*(.+?)\s*$", re.MULTILINE)
_MAX_TRIED = 20
_CALCULATION = re.compile(r"<<[^<>\n]{0,200}>>")


def boxed(solution: str) -> str:
    """What the last `\\boxed` holds, braces balanced; "" where nothing is boxed or its braces don't close."""
    for match in reversed(list(_BOX.finditer(solution))[-_MAX_TRIED:]):
        if match.group(2):
            return match.group(2)
        end = closing_brace(solution, match.end())
        if end is not None:
            return solution[match.end() : end].strip()
    return ""


def closing_brace(text: str, start: int) -> int | None:
    """Position of the brace that closes the group whose inside begins at `start`; `\\{` and `\\}` do not count."""
    depth, position = 1, start
    while position < len(text):
        letter = text[position]
        if letter == "\\":
            position += 1
        elif letter == "{":
            depth += 1
        elif letter == "}":
            depth -= 1
            if not depth:
                return position
        position += 1
    return None


def split_hashes(answer: str) -> tuple[str, str]:
    """A worked answer and the value behind its last `####`; ("...", "") where there is none."""
    marks = list(_HASHES.finditer(answer))
    if not marks:
        return answer, ""
    found = marks[-1]
    value = found.group(1).strip()
    if re.fullmatch(r"[-+$]*\d{1,3}(?:,\d{3})+(?:\.\d+)?", value):
        value = value.replace(",", "")
    return answer[: found.start()].rstrip(), value


def without_calculations(answer: str) -> str:
    """A worked answer without the calculator's annotations: `6 * 7 = <<6*7=42>>42`."""
    return _CALCULATION.sub("", answer)
