"""The part of an included file that the options of `include` and `literalinclude` choose."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping


def part(text: str, options: Mapping[str, str | None]) -> str:
    """The lines that the options of docutils' `include` and Sphinx's `literalinclude` select; all without options.

    A mark that is not in the text selects nothing less than all: a changed file should not cost its example.
    """
    lines = text.split("\n")
    if name := options.get("pyobject"):
        lines = _object(lines, name)
    lines = _ranged(lines, options)
    lines = _marked(lines, options)
    if (dedent := options.get("dedent", "absent")) != "absent":
        if dedent and dedent.strip().isdecimal():
            count = int(dedent[:6])
            lines = [line[:count].lstrip() + line[count:] for line in lines]
        else:
            lines = textwrap.dedent("\n".join(lines)).split("\n")
    before, after = options.get("prepend"), options.get("append")
    return "\n".join([*([before] if before else []), *lines, *([after] if after else [])])


def _ranged(lines: list[str], options: Mapping[str, str | None]) -> list[str]:
    """`:lines: 1-3,7,9-` counts from one; `:start-line:` and `:end-line:` from zero, negative from the end."""
    if chosen := options.get("lines"):
        numbers: list[int] = []
        for piece in chosen.replace(" ", "").split(","):
            if bounds := re.fullmatch(r"(\d{0,7})(-?)(\d{0,7})", piece):
                first = int(bounds[1] or 1)
                last = (int(bounds[3]) if bounds[3] else len(lines)) if bounds[2] else first
                numbers += range(max(first, 1), min(last, len(lines)) + 1)
            if len(numbers) > len(lines):
                break
        return [lines[number - 1] for number in numbers]
    bounds = []
    for name in ("start-line", "end-line"):
        value = (options.get(name) or "").strip()
        bounds.append(int(value) if re.fullmatch(r"-?\d{1,7}", value) else None)
    return lines[bounds[0] : bounds[1]]


def _marked(lines: list[str], options: Mapping[str, str | None]) -> list[str]:
    """`start-after` and `start-at` name a piece of the first line, `end-before` and `end-at` one of the last."""
    after, at = options.get("start-after"), options.get("start-at")
    if mark := after or at:
        number = next((n for n, line in enumerate(lines) if mark in line), None)
        if number is not None:
            lines = lines[number + bool(after) :]
    before, at = options.get("end-before"), options.get("end-at")
    if mark := before or at:
        number = next((n for n, line in enumerate(lines) if mark in line), None)
        if number is not None:
            lines = lines[: number + (not before)]
    return lines


def _object(lines: list[str], name: str) -> list[str]:
    """The lines of a class or function of Python, `Class.method` too, with its decorators."""
    start, end = 0, len(lines)
    for piece in name.split("."):
        pattern = re.compile(rf"(\s*)(?:async\s+def|def|class)\s+{re.escape(piece)}\b")
        found = next(((n, m) for n in range(start, end) if (m := pattern.match(lines[n]))), None)
        if found is None:
            return lines
        start, indent = found[0], len(found[1][1])
        end = next(
            (
                n
                for n in range(start + 1, end)
                if (line := lines[n]).strip()
                and len(line) - len(line.lstrip()) <= indent
                and not line.lstrip().startswith((")", "]", "}", "#"))
            ),
            end,
        )
    while start and lines[start - 1].lstrip().startswith("@"):
        start -= 1
    while end > start and not lines[end - 1].strip():
        end -= 1
    return lines[start:end]
