"""What stands inside a paragraph of Markdown, made readable: links to their words, roles to their names, tags away.

Code and maths inside a line are found first and copied, so nothing in them is taken for a link.
"""

from __future__ import annotations

import re

from data.sources.code.docs_page import Page

_TAGS = (
    "a|abbr|article|aside|b|big|br|button|caption|center|cite|code|col|colgroup|dd|del|details|div|dl|dt|em|figcaption|"
    "figure|font|footer|form|h[1-6]|head|header|hr|html|i|iframe|img|input|ins|kbd|label|li|link|main|mark|meta|nav|"
    "noscript|ol|p|picture|pre|q|s|samp|section|small|source|span|strike|strong|sub|summary|sup|svg|path|table|tbody|td|"
    "tfoot|th|thead|tr|tt|u|ul|var|video|audio|body"
)
_TAG = re.compile(rf"</?(?:{_TAGS})(?:\s[^<>]{{0,2000}})?/?>", re.IGNORECASE)
_COMPONENT = re.compile(r"</?[A-Z][\w.]*(?:\s[^<>]{0,2000})?/?>")
_BREAK = re.compile(r"<(?:br|hr)\s*/?>", re.IGNORECASE)
_DEFINITION = re.compile(
    r"^ {0,3}\[((?!\^)[^\[\]\n]{1,200})\]:[ \t]*<?([^\s>]+)>?(?:[ \t]+[\"'(][^\n]*)?[ \t]*$", re.MULTILINE
)
# Brackets of a link with one level of brackets inside, and the address with one level of parentheses, and its title.
_WORDS = r"(?:[^\[\]\\]|\\.|\[[^\[\]]{0,300}\]){0,1000}"
_ADDRESS = r"<[^<>\n]{0,1000}>|[^\s()<>]{0,1500}(?:\([^\s()]{0,300}\)[^\s()]{0,300})?"
_LINK_TITLE = r"(?:\s{1,20}[\"'][^\"]{0,500}[\"'])?\s{0,20}"
_ATTRIBUTES = r"(?:\{[:.#][^{}\n]{0,200}\})?"
_PIECE = re.compile(
    r"(?P<role>\{(?P<name>[\w:.+-]{1,60})\}(?P<ticks>`+)(?P<content>[^`]{1,2000})(?P=ticks))"
    r"|(?P<code>(?<!`)(?P<fence>`+)(?!`)(?:[^`]|(?!(?P=fence)(?!`))`){1,3000}(?P=fence)(?!`))"
    r"|(?P<maths>\$\$[^$]{1,5000}\$\$|\$(?![\s$])[^$\n]{1,500}(?<!\s)\$(?!\d))"
    r"|(?P<escaped>\\.)"
    rf"|(?P<image>!\[{_WORDS}\](?:\(\s{{0,20}}(?:{_ADDRESS}){_LINK_TITLE}\)|\[[^\[\]\n]{{0,200}}\]){_ATTRIBUTES})"
    rf"|(?P<link>\[(?P<text>{_WORDS})\](?:\(\s{{0,20}}(?P<target>{_ADDRESS}){_LINK_TITLE}\)"
    rf"|\[(?P<key>[^\[\]\n]{{0,200}})\])?{_ATTRIBUTES})"
    r"|<(?P<address>(?:https?|ftp|mailto):[^\s<>]{1,1000})>"
)
_ROLES_CODE = frozenset(("code", "literal", "raw"))


def definitions(text: str) -> frozenset[str]:
    """Names of the links that a text defines by `[name]: address`, lower-case."""
    return frozenset(" ".join(found[1].lower().split()) for found in _DEFINITION.finditer(text))


def shown(text: str, page: Page, defined: frozenset[str], is_mdx: bool = False) -> str:
    """A block of prose as it reads.

    Args:
      text: lines of prose, without fenced code.
      page: whom roles and links without words mean.
      defined: names of links that the whole text defines.
      is_mdx: whether tags with capitals are components, which go, or placeholders, which stay.
    """
    text = _DEFINITION.sub("", text)
    out: list[str] = []
    end = 0
    for piece in _PIECE.finditer(text):
        out += [_without_tags(text[end : piece.start()], is_mdx), _piece(piece, page, defined, is_mdx)]
        end = piece.end()
    out.append(_without_tags(text[end:], is_mdx))
    return "".join(out)


def _without_tags(text: str, is_mdx: bool) -> str:
    if "<" not in text:
        return text
    text = _TAG.sub("", _BREAK.sub("\n", text))
    return _COMPONENT.sub("", text) if is_mdx else text


def _piece(piece: re.Match[str], page: Page, defined: frozenset[str], is_mdx: bool) -> str:
    if piece["role"]:
        return _role(piece["name"], " ".join(piece["content"].split()), page)
    if piece["address"]:
        return piece["address"].removeprefix("mailto:")
    if piece["image"]:
        return ""
    if piece["link"] is None:
        return piece[0]
    words = piece["text"]
    inner = shown(words, page, defined, is_mdx) if words else ""
    if piece["target"] is not None:
        target = piece["target"].strip("<>")
        if inner.strip() or target.startswith(("http:", "https:")) or "![" in words or not target:
            return inner
        return page.title(target, is_page=False)
    # `[words][name]`, `[name][]` and `[name]` are links where the name is defined, and brackets elsewhere.
    name = " ".join((piece["key"] or words).lower().split())
    if name in defined:
        return inner
    key = "" if piece["key"] is None else f"[{piece['key']}]"
    return f"[{inner}]{key}"


def _role(name: str, content: str, page: Page) -> str:
    kind = name.rpartition(":")[2].lower()
    if kind == "math":
        return f"${content}$"
    if kind in ("sub", "sup", "subscript", "superscript"):
        return ("_" if kind.startswith("sub") else "^") + (content if content.isalnum() else f"({content})")
    if kind in _ROLES_CODE:
        return f"`{content}`"
    text, is_code = page.role(name, content)
    return f"`{text}`" if is_code else text
