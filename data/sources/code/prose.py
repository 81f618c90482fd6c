"""What every text about code needs: clean characters, fences that hold what is in them, names of licences."""

from __future__ import annotations

import re

# What no text holds: control characters but tab and line feed, lone surrogates, non-characters.
_UNCLEAN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_FENCE = re.compile(r"\s*(`{3,}|~{3,})")
_HIDDEN = re.compile(r"<!--|<(script|style)\b", re.IGNORECASE)
_BLANKS = re.compile(r"\n{4,}")
# GitHub's and SPDX's old names say no "or later", so none is assumed.
_SPDX = {
    **{
        name.lower(): name
        for name in (
            "MIT MIT-0 Apache-2.0 BSD-2-Clause BSD-3-Clause BSD-4-Clause BSD-3-Clause-Clear 0BSD ISC Zlib MPL-2.0 "
            "EPL-1.0 EPL-2.0 CC0-1.0 CC-BY-4.0 CC-BY-SA-4.0 Unlicense WTFPL BSL-1.0 Artistic-2.0 MS-PL MS-RL "
            "PostgreSQL AFL-3.0 OSL-3.0 EUPL-1.1 EUPL-1.2 ECL-2.0 LPPL-1.3c OFL-1.1 UPL-1.0 Vim PSF-2.0 Python-2.0 "
            "GPL-2.0-only GPL-2.0-or-later GPL-3.0-only GPL-3.0-or-later AGPL-3.0-only AGPL-3.0-or-later "
            "LGPL-2.1-only LGPL-2.1-or-later LGPL-3.0-only LGPL-3.0-or-later"
        ).split()
    },
    **{name.lower(): f"{name}-only" for name in ("GPL-2.0", "GPL-3.0", "AGPL-3.0", "LGPL-2.1", "LGPL-3.0")},
    **{"apache": "Apache-2.0", "apache2": "Apache-2.0", "apache 2.0": "Apache-2.0", "apache license 2.0": "Apache-2.0"},
    **{"mit license": "MIT", "cc0": "CC0-1.0", "mpl": "MPL-2.0", "artistic": "Artistic-2.0"},
}
_UNKNOWN = frozenset(("", "none", "null", "other", "unknown", "noassertion", "no license", "proprietary"))
NO_LICENCE = "NOASSERTION"


def spdx(name: object) -> str:
    """The SPDX identifier of what a data set or GitHub calls a licence; an unknown name stays as it is.

    Args:
      name: `apache-2.0`, `MIT`, `{"spdx_id": "MIT"}`, or nothing.
    """
    if isinstance(name, dict):
        name = name.get("spdx_id") or name.get("key") or ""
    if isinstance(name, (list, tuple)):
        found = sorted({spdx(one) for one in name} - {NO_LICENCE})
        return " OR ".join(found) or NO_LICENCE
    if not isinstance(name, str) or name.strip().lower() in _UNKNOWN:
        return NO_LICENCE
    return _SPDX.get(name.strip().lower(), clean(name).strip())


def clean(text: str) -> str:
    """Text with one kind of line end and without characters that no text holds; lone surrogates become U+FFFD."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text.isascii() and text.isprintable():
        return text
    return _UNCLEAN.sub(lambda found: "\ufffd" if found.group() >= "\ud800" else "", text)


def user_markdown(text: object) -> str:
    """Markdown that a person typed into a form: clean, without the form's hidden comments. Anything else is ""."""
    if not isinstance(text, str):
        return ""
    return _BLANKS.sub("\n\n\n", without_comments(clean(text))).strip()


def without_comments(text: str) -> str:
    """Markdown without HTML comments, scripts and styles outside of code. What is not closed hides the rest."""
    if "<" not in text:
        return text
    out: list[str] = []
    fence = closing = ""
    for line in text.split("\n"):
        start = 0
        if closing:
            end = line.find(closing)
            if end < 0:
                continue
            start, closing = end + len(closing), ""
            if not line[start:].strip():
                continue
        mark = _FENCE.match(line)
        if mark and not start and (not fence or (mark[1].startswith(fence) and not line.strip(" \t`~"))):
            fence = "" if fence else mark[1]
        shown = line[start:]
        if not fence:
            shown, closing = _cut_hidden(line, start)
            if shown != line[start:] and not shown.strip():
                continue
        out.append(shown)
    return "\n".join(out)


def _cut_hidden(line: str, start: int) -> tuple[str, str]:
    """The rest of a line without what it hides, and the mark that ends what is still open."""
    kept: list[str] = []
    num_ticks, counted = 0, start
    position = start
    while found := _HIDDEN.search(line, position):
        num_ticks += line.count("`", counted, found.start())
        counted = position = found.start()
        if num_ticks % 2:  # a comment that is shown as code is text
            position = found.end()
            continue
        kept.append(line[start : found.start()])
        closing = f"</{found[1]}>" if found[1] else "-->"
        end = line.find(closing, found.end())
        if end < 0:
            return "".join(kept), closing
        start = counted = position = end + len(closing)
    return "".join([*kept, line[start:]]), ""


def fenced(code: str, language: str = "") -> str:
    """A Markdown code block whose fence is longer than any in the code."""
    longest = max((len(run) for run in re.findall(r"`{3,}", code)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{code.strip(chr(10)).rstrip()}\n{fence}"


def inline_code(code: str) -> str:
    """Markdown code inside a line, whatever backticks it holds."""
    code = " ".join(code.split("\n"))
    if "`" not in code:
        return f"`{code}`" if code.strip() else ""
    fence = "`" * (max(map(len, re.findall(r"`+", code))) + 1)
    return f"{fence} {code} {fence}"


def paragraphs(*parts: str) -> str:
    """The parts that say something, a blank line between them."""
    return "\n\n".join(part for part in parts if part.strip())
