"""MediaWiki's markup to text: headings, lists, links' words and formulas stay; tables, notes, files and templates go.

mwparserfromhell reads templates and links. Time is bounded before it is called: it backtracks at each opening without
an end (24 kB of `[[a|{{b|` take 11 s), so whatever opens and does not close within a sane depth is made plain text
first, and tables, tags and lists, which need no tree, are resolved by scans of linear time.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Collection

import mwparserfromhell
from mwparserfromhell.nodes import Argument, ExternalLink, Heading, HTMLEntity, Template, Text, Wikilink
from mwparserfromhell.wikicode import Wikicode

from data.formats.plain_text import clean, one_line
from data.formats.wiki_templates import template_text

_MAX_DEPTH = 20
# Placeholders of verbatim pieces: control characters, which the text is cleaned of before.
_KEPT = re.compile("\x01(\\d+)\x02")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
# Tags whose content is verbatim or no text: (tag, what becomes of it).
_VERBATIM = ("nowiki", "math", "chem", "ce", "pre", "syntaxhighlight", "source", "code")
_REMOVED = (
    "ref",
    "references",
    "gallery",
    "timeline",
    "imagemap",
    "score",
    "templatedata",
    "graph",
    "mapframe",
    "maplink",
    "hiero",
    "inputbox",
    "categorytree",
    "style",
    "script",
    "noinclude",
    "indicator",
    "templatestyles",
)
_OPENING = re.compile(r"<(" + "|".join((*_VERBATIM, *_REMOVED)) + r")\b((?:[^<>\"]|\"[^\"<]*\")*)>", re.IGNORECASE)
_BREAK = re.compile(r"<\s*(?:br|hr|p|/p|/?div|/?blockquote|/?poem|/?center)\b[^<>]*>", re.IGNORECASE)
_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
_TOKEN = re.compile(r"\{\{|\}\}|\[\[|\]\]")
_TABLE_EDGE = re.compile(r"^[: \t]*\{\||^[ \t]*\|\}(?!\})", re.MULTILINE)
_PROTOCOL = r"(?:(?:https?:|ftp:)?//|mailto:)"
_EXTERNAL = re.compile(rf"\[{_PROTOCOL}[^\s\]<>\[]+(?:[ \t]+((?:[^\[\]\n]|\[\[[^\[\]\n]{{0,300}}\]\])*))?\]")
_OPEN_EXTERNAL = re.compile(rf"\[(?={_PROTOCOL})")
_MAGIC = re.compile(r"__[A-ZÀ-ÞА-Я]{3,30}__")
_VARIANT = re.compile(
    r"-\{(?:[A-Za-z;\-]{0,20}\|)?(?:[a-z]{2,4}(?:-[a-z]{2,8})?:)?([^{};]{0,500})(?:;[^{}]{0,2000})?\}-"
)
_QUOTES = re.compile(r"'{2,5}")
_LIST = re.compile(r"([*#:;]+)\s*(.*)$")
_FILE_END = re.compile(r"\.(?:jpe?g|png|svg|gif|tiff?|webm|og[gv]|pdf|webp|mp[34]|xcf|djvu)$", re.IGNORECASE)
_LANGUAGE_LINK = re.compile(r"[a-z]{2,3}(?:-[a-z]{2,10}){0,2}|simple")
_OTHER_WIKIS = frozenset({"w", "wikt", "wikipedia", "s", "q", "b", "n", "v", "voy", "commons", "c", "meta", "m", "d"})
_EMPTY_BRACKETS = re.compile(r"[ \t]*\([\s,;:]*\)")
_BRACKET_START = re.compile(r"\([;,][;, ]*")
_BLANKS = re.compile(r"(?<=\S)[ \t]{2,}")
_SPACE_BEFORE = re.compile(r"[ \t]+([,.;:])(?=\s|$)", re.MULTILINE)


def to_text(markup: str, hidden_namespaces: Collection[str]) -> str:
    """The text of a page.

    Args:
      markup: its wikitext.
      hidden_namespaces: lower-case names of the namespaces whose links are no text: files and categories.
    """
    kept: list[str] = []
    code = mwparserfromhell.parse(prepared(markup, kept), skip_style_tags=True)
    text = _render(code, frozenset(hidden_namespaces)).replace("\xa0", " ")
    text = _layout(_QUOTES.sub("", text))
    return clean(_KEPT.sub(lambda found: _restored(kept, int(found.group(1))), text))


def prepared(markup: str, kept: list[str]) -> str:
    """Markup of which every template and link closes, nested no deeper than 20, without tables and tags.

    Args:
      markup: a page's wikitext.
      kept: takes the verbatim pieces, which are placeholders in what is returned.
    """
    markup = _protect(_COMMENT.sub("", clean(markup)), kept)
    markup = _without_tables(markup)
    markup = _OPEN_EXTERNAL.sub("&#91;", _EXTERNAL.sub(lambda found: found.group(1) or "", markup))
    markup = _TAG.sub("", _BREAK.sub("\n", markup)).replace("<", "&lt;")
    return _MAGIC.sub("", _VARIANT.sub(r"\1", _balanced(markup)))


def _restored(kept: list[str], number: int) -> str:
    return kept[number] if number < len(kept) else ""


def _protect(markup: str, kept: list[str]) -> str:
    """Markup in which formulas, code and unparsed text are placeholders of `kept`, and notes and galleries are gone."""
    pieces, position = [], 0
    lowered = markup.lower()
    unclosed: set[str] = set()
    for opening in _OPENING.finditer(markup):
        if opening.start() < position:
            continue
        tag, attributes = opening.group(1).lower(), opening.group(2)
        pieces.append(markup[position : opening.start()])
        position = opening.end()
        if attributes.rstrip().endswith("/") or tag in unclosed:
            continue
        end = lowered.find(f"</{tag}", position)
        if end < 0:
            unclosed.add(tag)
            continue
        content = markup[position:end]
        closing = markup.find(">", end)
        position = closing + 1 if closing >= 0 else len(markup)
        if tag in _VERBATIM:
            pieces.append(f"\x01{len(kept)}\x02")
            kept.append(_verbatim(tag, attributes, content))
    return "".join([*pieces, markup[position:]])


def _verbatim(tag: str, attributes: str, content: str) -> str:
    if tag in ("math", "chem", "ce"):
        tex = " ".join(content.split())
        dollars = "$$" if re.search(r"display\s*=\s*[\"']?block", attributes) else "$"
        return f"{dollars}{tex if tag == 'math' else f'{chr(92)}ce{{{tex}}}'}{dollars}" if tex else ""
    if tag in ("pre", "syntaxhighlight", "source") and "\n" in content.strip():
        return f"\n{html.unescape(content)}\n"
    return html.unescape(content)


def _without_tables(markup: str) -> str:
    """Markup without its outermost tables; an end without a beginning, and a beginning without an end, are text."""
    edges = list(_TABLE_EDGE.finditer(markup))
    spans, stack = [], []
    for edge in edges:
        if edge.group().rstrip().endswith("{|"):
            stack.append(edge.start())
        elif stack:
            spans.append((stack.pop(), edge.end()))
    spans.sort(key=lambda span: (span[0], -span[1]))
    pieces, position = [], 0
    for start, end in spans:
        if start >= position:
            pieces.append(markup[position:start])
            position = end
    return "".join([*pieces, markup[position:]]).replace("{|", "&#123;|")


def _balanced(markup: str) -> str:
    """Markup in which only braces and brackets that close, properly nested and not too deep, are left as such."""
    stack: list[tuple[str, int]] = []
    paired: set[int] = set()
    for token in _TOKEN.finditer(markup):
        mark, start = token.group(), token.start()
        if mark in ("{{", "[["):
            stack.append((mark, start))
            continue
        opening = "{{" if mark == "}}" else "[["
        # What was opened since and does not close is text; what closes nothing is too.
        depth = next((n for n, (found, _) in enumerate(reversed(stack[-_MAX_DEPTH:])) if found == opening), None)
        if depth is not None:
            del stack[len(stack) - depth :]
            paired |= {stack.pop()[1], start} if len(stack) <= _MAX_DEPTH else set()

    def shown(token: re.Match[str]) -> str:
        return token.group() if token.start() in paired else "".join(f"&#{ord(mark)};" for mark in token.group())

    return _TOKEN.sub(shown, markup)


def _render(code: Wikicode, hidden: frozenset[str]) -> str:
    pieces = []
    for node in code.nodes:
        if isinstance(node, Text):
            pieces.append(str(node.value))
        elif isinstance(node, Wikilink):
            pieces.append(_link_text(node, hidden))
        elif isinstance(node, Template):
            pieces.append(template_text(node, _renderer(hidden)))
        elif isinstance(node, HTMLEntity):
            pieces.append(html.unescape(str(node)))
        elif isinstance(node, Heading):
            mark = "=" * node.level
            pieces.append(f"{mark}{_render(node.title, hidden)}{mark}")
        elif isinstance(node, Argument):
            pieces.append(_render(node.default, hidden) if node.default is not None else "")
        elif isinstance(node, ExternalLink):
            pieces.append(_render(node.title, hidden) if node.title is not None else str(node.url))
        else:
            # Marks of lists and rules, which are laid out later.
            pieces.append(str(node))
    return "".join(pieces)


def _renderer(hidden: frozenset[str]) -> Callable[[Wikicode], str]:
    return lambda code: _render(code, hidden)


def _link_text(link: Wikilink, hidden: frozenset[str]) -> str:
    target = str(link.title).strip()
    prefix, colon, rest = target.partition(":")
    namespace = prefix.strip().lower().replace("_", " ")
    if colon and prefix and (namespace in hidden or _FILE_END.search(rest)):
        return ""
    if link.text is not None:
        # [[Target|]] and options of files in unknown namespaces leave nothing but the last part.
        return _render(link.text, hidden).rsplit("|", 1)[-1]
    if colon and prefix in _OTHER_WIKIS:
        return rest
    if colon and prefix and _LANGUAGE_LINK.fullmatch(prefix):
        return ""
    return target.lstrip(":").replace("_", " ")


def _layout(text: str) -> str:
    """Headings and lists in a plain layout; headings without a word below them are left out."""
    lines: list[str] = []
    open_headings: list[tuple[int, int]] = []  # level and index of headings that have no content yet
    for raw in text.split("\n"):
        line = _EMPTY_BRACKETS.sub("", _BLANKS.sub(" ", raw.strip()))
        line = _SPACE_BEFORE.sub(r"\1", _BRACKET_START.sub("(", line))
        if heading := _heading(line):
            level, title = heading
            while open_headings and open_headings[-1][0] >= level:
                del lines[open_headings.pop()[1] :]
            open_headings.append((level, len(lines)))
            lines += ["", f"{'#' * level} {title}", ""]
            continue
        if item := _LIST.match(line):
            marks, content = item.groups()
            depth = len(marks) - 1
            line = f"{'  ' * min(depth, 8)}- {content}" if marks[-1] in "*#" else content
            if not content.strip("*#:; "):
                continue
        elif line.startswith(("----", "|")):
            # Rules, and rows of tables that never end.
            continue
        lines.append(line)
        if line:
            open_headings.clear()
    if open_headings:
        del lines[open_headings[0][1] :]
    return "\n".join(lines)


def _heading(line: str) -> tuple[int, str] | None:
    if not (line.startswith("=") and line.endswith("=")):
        return None
    title = line.strip("=")
    level = min(len(line) - len(line.lstrip("=")), len(line) - len(line.rstrip("=")), 6)
    return (level, one_line(title)) if title.strip() else None
