"""Markdown of documentation, with what MyST, MkDocs and Docusaurus add to it -> plain Markdown for reading.

The blocks: front matter and comments go, directives keep their content, notes their words, tabs their titles; code in
fences is copied as it is. What happens inside a paragraph is `markdown_inline`'s.
"""

from __future__ import annotations

import posixpath
import re
import textwrap
from collections.abc import Mapping

from data.sources.code import docs_code, markdown_inline
from data.sources.code.docs_page import LANGUAGES, Page
from data.sources.code.prose import fenced, without_comments

_MAX_DEPTH = 30
_FENCE = re.compile(r"([ \t]*(?:[-*+][ \t]+|\d{1,3}[.)][ \t]+)?)(`{3,}|~{3,}|:{3,})([^`]*)$")
_DIRECTIVE = re.compile(r"\{([\w:.+-]+)\}[ \t]*(.*)")
_CONTAINER = re.compile(r"(\w[\w-]*)[ \t]*(?:\[([^\]]*)\]|\{[^}]*\})?[ \t]*(.*)")
_OPTION = re.compile(r":([\w-]{1,60}):(.*)")
_NOTE = re.compile(r"([ \t]*)(?:!!!|\?\?\?\+?)[ \t]{1,8}([\w -]{1,80}?)[ \t]{0,8}(?:\"([^\"]*)\")?[ \t]*$")
_TAB = re.compile(r"([ \t]*)===[!+]?[ \t]+\"([^\"]+)\"[ \t]*$")
_SNIPPET = re.compile(r"[ \t]*-{1,2}8<-{1,2}[ \t]+[\"']([^\"']+)[\"'][ \t]*$")
_TARGET = re.compile(r"[ \t]*\([^()\s][^()\n]{0,200}\)=[ \t]*$")
_FRONT = re.compile(r"---[ \t]*\n(.*?\n)??(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_TITLE = re.compile(r"^title:[ \t]{0,8}(\S.{0,300})$", re.MULTILINE)
_NOTES = frozenset(
    "note tip hint important warning caution danger error attention seealso todo info admonition abstract success "
    "question failure bug example quote details margin aside".split()
)
_VERSIONS = {
    "versionadded": "New in version",
    "versionchanged": "Changed in version",
    "deprecated": "Deprecated since version",
    "versionremoved": "Removed in version",
}
_CODE = {
    **{"code-block": "", "code": "", "sourcecode": "", "code-cell": "python", "doctest": "pycon", "testcode": "python"},
    **{"testoutput": "text", "mermaid": "mermaid", "graphviz": "dot", "plot": "python", "prompt": "bash"},
}
_DROPPED = frozenset(
    "toctree contents tableofcontents index image raw bibliography meta currentmodule module testsetup testcleanup "
    "click argparse program-output nbgallery iframe embed".split()
)
_TITLED = frozenset(("tab-item", "tab", "dropdown", "card", "grid-item-card", "rubric"))


def render(page: Page, text: str, source: str) -> str:
    """Plain Markdown of a page or a part of one.

    Args:
      page: whom references mean, and where included files are found.
      text: clean Markdown.
      source: name of the file that it is from.
    """
    title = ""
    if front := _FRONT.match(text):
        text = text[front.end() :]
        found = _TITLE.search(front[1] or "")
        title = found[1].strip().strip("\"'") if found else ""
    text = without_comments(text)
    definitions = markdown_inline.definitions(text)
    is_mdx = source.lower().endswith(".mdx")
    lines = text.split("\n")
    if is_mdx:
        lines = _without_imports(lines)
    shown = _Blocks(page, source, definitions, is_mdx).shown(lines, 0)
    if title and not re.search(r"^# ", shown[:2000], re.MULTILINE):
        shown = f"# {title}\n\n{shown}"
    return re.sub(r"\n{3,}", "\n\n", shown).strip("\n")


def _without_imports(lines: list[str]) -> list[str]:
    """An MDX page's lines without its imports and exports, which stand before the first title or blank-separated."""
    return [line for line in lines if not re.match(r"(?:import\s.+from\s|import\s+['\"]|export\s)", line)]


class _Blocks:
    """The blocks of one text. Lines of prose are gathered, so that a link may go over several of them."""

    def __init__(self, page: Page, source: str, definitions: frozenset[str], is_mdx: bool):
        self._page, self._source, self._definitions, self._is_mdx = page, source, definitions, is_mdx

    def shown(self, lines: list[str], depth: int) -> str:
        """Markdown of lines."""
        if depth > _MAX_DEPTH:
            return "\n".join(lines)
        out: list[str] = []
        prose: list[str] = []
        number = 0

        def flush() -> None:
            if prose:
                out.append(markdown_inline.shown("\n".join(prose), self._page, self._definitions, self._is_mdx))
                prose.clear()

        while number < len(lines):
            line = lines[number]
            fence = _FENCE.match(line)
            if fence and not (fence[2][0] == ":" and not fence[3].strip()):
                end = _closing(lines, number, fence[2], nests=fence[2][0] == ":")
                flush()
                out.append(self._fence(lines[number:end], fence, depth))
                number = end
            elif (note := _NOTE.match(line)) or (tab := _TAB.match(line)):
                body, number = _indented(lines, number + 1, len((note or tab)[1]))
                flush()
                title = (note[2].split()[0].capitalize() if note[3] is None else note[3]) if note else tab[2]
                out.append(_indent(self._titled(title, self.shown(body, depth + 1)), (note or tab)[1]))
            elif snippet := _SNIPPET.match(line):
                flush()
                out.append(self._include(snippet[1].partition(":")[0], {}, depth))
                number += 1
            else:
                if not _TARGET.match(line) and not line.startswith("% "):
                    prose.append(line)
                number += 1
        flush()
        return "\n".join(out)

    def _fence(self, block: list[str], fence: re.Match[str], depth: int) -> str:
        """A fenced block: `block` holds its first line, and its last where it is closed."""
        prefix, marks, info = fence[1], fence[2], fence[3].strip()
        closed = len(block) > 1 and _is_closing(block[-1], marks)
        body = block[1 : len(block) - closed]
        indent = " " * len(prefix.expandtabs(4))
        directive = _DIRECTIVE.match(info)
        if marks[0] != ":" and not directive:
            language = re.sub(r"^\{?\.?([\w+#.-]*).*", r"\1", info)
            return "\n".join([f"{prefix}{marks}{language}", *body, f"{indent}{marks}"])
        body = [line[_width(line, len(indent)) :] for line in body]
        if directive:
            shown = self._directive(directive[1].lower(), directive[2], body, depth)
        else:
            kind = _CONTAINER.match(info)
            name, title = (kind[1], kind[2] or kind[3]) if kind else ("", "")
            inner = self.shown(body, depth + 1)
            shown = self._titled(title or name.capitalize(), inner) if name.lower() in _NOTES else inner
        lead = prefix if prefix.strip() else ""
        return (lead + _indent(shown, indent)[len(indent) :] if lead else _indent(shown, indent)) if shown else ""

    def _directive(self, name: str, argument: str, body: list[str], depth: int) -> str:
        """A MyST directive (https://myst-parser.readthedocs.io/en/latest/syntax/directives.html)."""
        if name == "eval-rst":
            return self._page.render("\n".join(body), "rst", self._source)
        options, body = _options(body)
        kind = name.rpartition(":")[2]
        if kind.startswith(("auto", "doxygen")) or kind in _DROPPED:
            return ""
        if kind in _CODE:
            language = _CODE[kind] or argument.split(" ")[0]
            return fenced("\n".join(body), language) if "\n".join(body).strip() else ""
        if kind == "math":
            formula = "\n".join(filter(None, (argument, *body))).strip()
            return f"$$\n{formula}\n$$" if formula else ""
        if kind in ("include", "literalinclude"):
            return self._include(argument, options, depth, as_code=kind == "literalinclude")
        if kind in ("csv-table", "list-table", "productionlist"):
            text = "\n".join([f".. {kind}:: {argument}", *[f"   :{n}: {v}" for n, v in options.items()], ""])
            return self._page.render(text + "\n" + textwrap.indent("\n".join(body), "   "), "rst", self._source)
        inner = self.shown(body, depth + 1)
        argument = markdown_inline.shown(argument, self._page, self._definitions, self._is_mdx)
        if kind in _VERSIONS:
            version, _, words = argument.partition(" ")
            return self._titled(f"{_VERSIONS[kind]} {version}", "\n\n".join(filter(None, (words, inner))))
        if kind in _NOTES:
            has_title = kind in ("admonition", "dropdown", "details")
            inner = inner if has_title else "\n\n".join(filter(None, (argument, inner)))
            return self._titled(argument if has_title else _spoken(kind), inner)
        if kind in _TITLED:
            return "\n\n".join(filter(None, (f"**{argument}**" if argument else "", inner)))
        return inner

    def _include(self, path: str, options: Mapping[str, str], depth: int, as_code: bool = False) -> str:
        found = self._page.include(path, self._source)
        if found is None:
            return ""
        name, text = found
        text = docs_code.part(text, options)
        suffix = posixpath.splitext(name)[1].lower()
        if as_code or "literal" in options or "code" in options:
            return fenced(text, options.get("language") or options.get("code") or LANGUAGES.get(suffix, ""))
        if suffix in (".rst", ".rest") or options.get("parser", "").startswith("rst"):
            return self._page.render(text, "rst", name)
        return self._page.render(text, "markdown", name) if depth < _MAX_DEPTH else text

    def _titled(self, title: str, inner: str) -> str:
        inner = inner.strip("\n")
        if not inner.strip() or not title:
            return inner
        is_prose = inner[0].isalnum() or (inner[0] in "`*(\"'" and not inner.startswith(("```", "* ")))
        return f"\n**{title}:**{' ' if is_prose else chr(10) * 2}{inner}\n"


def _spoken(kind: str) -> str:
    return "See also" if kind == "seealso" else kind.capitalize()


def _is_closing(line: str, marks: str) -> bool:
    line = line.strip()
    return len(line) >= len(marks) and not line.strip(marks[0])


def _closing(lines: list[str], start: int, marks: str, nests: bool) -> int:
    """Number of the line after a fence's end; the end of the text where it is not closed."""
    opened = [len(marks)]
    for number in range(start + 1, len(lines)):
        line = lines[number].strip()
        if not line.startswith(marks[:3]):
            continue
        if not line.strip(marks[0]):
            # Colons of any length close the innermost container; a fence of code only by as many marks as opened it.
            if nests:
                opened.pop()
            elif len(line) >= opened[0]:
                opened.pop()
            if not opened:
                return number + 1
        elif nests:
            opened.append(len(line))
    return len(lines)


def _options(body: list[str]) -> tuple[dict[str, str], list[str]]:
    """The options at the head of a directive, as `:name: value` lines or between lines of dashes, and the rest."""
    options: dict[str, str] = {}
    number = 0
    if body and body[0].strip() == "---":
        end = next((n for n in range(1, len(body)) if body[n].strip() == "---"), None)
        if end is not None:
            for line in body[1:end]:
                name, _, value = line.partition(":")
                options[name.strip()] = value.strip()
            return options, body[end + 1 :]
    while number < len(body) and (option := _OPTION.match(body[number])):
        options[option[1]] = option[2].strip()
        number += 1
    return options, body[number:]


def _indented(lines: list[str], start: int, indent: int) -> tuple[list[str], int]:
    """The lines from `start` that are indented by more than `indent`, dedented by four, and the number of the next."""
    body: list[str] = []
    number = start
    while number < len(lines):
        line = lines[number].expandtabs(4)
        if line.strip() and len(line) - len(line.lstrip()) < indent + 2:
            break
        body.append(line[_width(line, indent + 4) :])
        number += 1
    while body and not body[-1].strip():
        body.pop()
        number -= 1
    return body, number


def _width(line: str, most: int) -> int:
    return min(len(line) - len(line.lstrip()), most)


def _indent(text: str, indent: str) -> str:
    return textwrap.indent(text, indent) if indent.strip() == "" and indent else text
