"""docutils' document tree -> Markdown, for reading: text, code and maths stay, addresses and error messages go."""

from __future__ import annotations

import re
from collections.abc import Iterable

from docutils import nodes

from data.sources.code.prose import fenced, inline_code

_HIDDEN = (
    *(nodes.comment, nodes.target, nodes.substitution_definition, nodes.system_message, nodes.pending, nodes.meta),
    *(nodes.decoration, nodes.generated, nodes.colspec, nodes.image),
)
_MARKS = {nodes.emphasis: "*", nodes.strong: "**"}
# What docutils could not resolve stays in the text as it was typed: `|version|`, `name_`, `Title <target_>`_.
_TYPED = re.compile(
    r"\|([^|]{1,200})\|_{0,2}|`([^`<]{1,300}?)(?:\s{0,9}<[^<>`]{0,500}>)?`_{0,2}|\b([\w.+-]{1,200}?)__?\b|\[([^\[\]]{1,200})\]_"
)
_MATHS = re.compile(r"\\[A-Za-z]+|[\^_]\{")


def markdown(tree: nodes.Node) -> str:
    """Markdown of a whole tree."""
    return "\n\n".join(_blocks(tree.children, 1)).strip()


def _blocks(children: Iterable[nodes.Node], level: int) -> list[str]:
    found: list[str] = []
    run: list[str] = []  # inline nodes that stand where blocks do
    for child in children:
        if isinstance(child, (nodes.Text, nodes.Inline)) and not isinstance(child, _HIDDEN):
            run.append(_inline(child))
            continue
        if text := "".join(run).strip():
            found.append(text)
        run = []
        found += _block(child, level)
    if text := "".join(run).strip():
        found.append(text)
    return found


def _block(node: nodes.Node, level: int) -> list[str]:
    if isinstance(node, _HIDDEN):
        return []
    if isinstance(node, nodes.section):
        found = _blocks(node.children, level + 1)
        # A title over what only a build fills in would be a title over nothing.
        has_title = any(isinstance(child, nodes.title) for child in node.children)
        return [] if len(found) == 1 and has_title else found
    if isinstance(node, (nodes.title, nodes.subtitle)):
        title = " ".join(_content(node).split())
        return [f"{'#' * min(max(level - 1, 1), 6)} {title}"] if title else []
    if isinstance(node, (nodes.literal_block, nodes.doctest_block)):
        return [_code(node)]
    if isinstance(node, nodes.math_block):
        return [f"$$\n{_formula(node)}\n$$"]
    if isinstance(node, nodes.raw):
        return [node.astext().strip()] if node.get("format") == "markdown" else []
    if isinstance(node, (nodes.bullet_list, nodes.enumerated_list)):
        return [_list(node, level)]
    if isinstance(node, nodes.definition_list):
        return [text for item in node.children if (text := _definition(item, level))]
    if isinstance(node, (nodes.field_list, nodes.option_list, nodes.docinfo)):
        lines = [_field(item, level) for item in node.children]
        return ["\n".join(filter(None, lines))] if any(lines) else []
    if isinstance(node, nodes.line_block):
        lines = _lines(node, "")
        return ["\n".join(lines)] if any(map(str.strip, lines)) else []
    if isinstance(node, nodes.block_quote):
        return _quote(_blocks(node.children, level))
    if isinstance(node, nodes.table):
        return _table(node, level)
    if isinstance(node, nodes.Admonition):
        return _admonition(node, level)
    if isinstance(node, (nodes.footnote, nodes.citation)):
        label = "".join(child.astext() for child in node.children if isinstance(child, nodes.label))
        rest = _blocks([child for child in node.children if not isinstance(child, nodes.label)], level)
        return [f"[{label}] " + "\n\n".join(rest)] if rest else []
    if isinstance(node, nodes.transition):
        return ["---"]
    if isinstance(node, nodes.TextElement):
        text = _content(node).strip()
        return [text] if text else []
    return _blocks(node.children, level)


def _code(node: nodes.Element) -> str:
    language = "pycon" if isinstance(node, nodes.doctest_block) else node.get("language", "")
    if not language:  # docutils' own `code` keeps it among the classes
        language = next((name for name in node.get("classes", ()) if name not in ("code", "literal-block")), "")
    if not language and node.astext().lstrip().startswith(">>> "):
        language = "pycon"
    return fenced(node.astext(), "" if language in ("none", "default") else re.sub(r"[^\w+#.-]", "", language))


def _formula(node: nodes.Node) -> str:
    return re.sub(r"\n\s*\n", "\n", node.astext().strip())


def _list(node: nodes.Element, level: int) -> str:
    is_ordered = isinstance(node, nodes.enumerated_list)
    number = node.get("start", 1)
    items, is_loose = [], False
    for item in node.children:
        blocks = _blocks(item.children, level)
        if not blocks:
            continue
        is_loose |= len(blocks) > 1 and not all(isinstance(child, nodes.Sequential) for child in item.children[1:])
        items.append(_hung(f"{number}. " if is_ordered else "- ", "\n\n".join(blocks)))
        number += 1
    return ("\n\n" if is_loose else "\n").join(items)


def _hung(prefix: str, text: str) -> str:
    """A text behind a prefix, its further lines indented as far."""
    indent = " " * len(prefix)
    lines = text.split("\n")
    return "\n".join([prefix + lines[0], *[indent + line if line else "" for line in lines[1:]]])


def _definition(item: nodes.Element, level: int) -> str:
    terms = [_content(child) for child in item.children if isinstance(child, nodes.term)]
    terms += [_content(child) for child in item.children if isinstance(child, nodes.classifier)]
    body = _blocks([child for child in item.children if isinstance(child, nodes.definition)], level)
    term = " : ".join(" ".join(term.split()) for term in terms if term.strip())
    if not term:
        return "\n\n".join(body)
    term += ":" if body and not term.endswith(":") else ""
    return _hung("- ", "\n".join([term, "\n\n".join(body)]).rstrip())


def _field(item: nodes.Element, level: int) -> str:
    if len(item.children) < 2:
        return ""
    name, body = item.children[0], item.children[1]
    shown = f"`{name.astext()}`" if isinstance(name, nodes.option_group) else _content(name)
    text = "\n\n".join(_blocks(body.children, level))
    return _hung("- ", f"{shown}: {text}".rstrip()) if shown.strip() else text


def _lines(node: nodes.Element, indent: str) -> list[str]:
    found = []
    for child in node.children:
        if isinstance(child, nodes.line_block):
            found += _lines(child, indent + "  ")
        else:
            found.append(indent + " ".join(_content(child).split()))
    return found


def _quote(blocks: list[str]) -> list[str]:
    return ["\n".join([f"> {line}".rstrip() for line in "\n\n".join(blocks).split("\n")])] if blocks else []


def _admonition(node: nodes.Element, level: int) -> list[str]:
    titles = [child for child in node.children if isinstance(child, nodes.title)]
    title = " ".join(_content(titles[0]).split()) if titles else node.tagname.capitalize()
    blocks = _blocks([child for child in node.children if child not in titles], level)
    if not blocks or not title:
        return blocks
    if blocks[0][0].isalnum() or blocks[0][0] in "`*(\"'":
        return [f"**{title}:** {blocks[0]}", *blocks[1:]]
    return [f"**{title}:**", *blocks]


def _table(node: nodes.Element, level: int) -> list[str]:
    found = [_content(child).strip() for child in node.children if isinstance(child, nodes.title)]
    rows = []
    for row in node.findall(nodes.row):
        cells = ["\n\n".join(_blocks(entry.children, level)) for entry in row.children]
        rows.append([" ".join(cell.split()).replace("|", "\\|") for cell in cells])
    rows = [cells for cells in rows if any(cells)]
    if rows:
        width = max(map(len, rows))
        lines = ["| " + " | ".join(cells + [""] * (width - len(cells))) + " |" for cells in rows]
        found.append("\n".join([lines[0], "|" + " --- |" * width, *lines[1:]]))
    return [text for text in found if text]


def _content(node: nodes.Node) -> str:
    return "".join([_inline(child) for child in node.children])


def _inline(node: nodes.Node) -> str:
    if isinstance(node, nodes.Text):
        return node.astext()
    if isinstance(node, nodes.literal):
        return inline_code(node.astext())
    if isinstance(node, nodes.math):
        return f"${' '.join(node.astext().split())}$"
    if isinstance(node, nodes.title_reference):
        # The role that a project's conf.py sets: maths where it looks like maths, and else a name in the code.
        typed = node.rawsource.strip("`")
        return f"${' '.join(typed.split())}$" if _MATHS.search(typed) else inline_code(node.astext())
    if isinstance(node, (nodes.footnote_reference, nodes.citation_reference)):
        return f"[{node.astext()}]"
    if isinstance(node, nodes.problematic):
        return _TYPED.sub(lambda found: next(filter(None, found.groups())), node.astext())
    if isinstance(node, nodes.raw) and node.get("format") == "markdown":
        return node.astext()
    if isinstance(node, (*_HIDDEN, nodes.raw)) and not isinstance(node, nodes.target):
        return ""
    content = _content(node)
    mark = next((mark for kind, mark in _MARKS.items() if isinstance(node, kind)), "")
    if mark and content.strip():
        return f"{mark}{content}{mark}"
    if isinstance(node, (nodes.superscript, nodes.subscript)) and content:
        sign = "^" if isinstance(node, nodes.superscript) else "_"
        return sign + (content if content.isalnum() else f"({content})")
    return content
