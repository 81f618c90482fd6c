"""Roles of Sphinx for docutils: each becomes its readable text, as code where it names something in a program."""

from __future__ import annotations

import re
from collections.abc import Iterable

from docutils import nodes, utils
from docutils.parsers.rst import roles

_USED = re.compile(r":([A-Za-z][\w.+:-]{0,60}):`|`:([A-Za-z][\w.+:-]{0,60}):")
# docutils' own, which do what they should.
_OWN = frozenset(
    ("emphasis", "strong", "math", "subscript", "sub", "superscript", "sup", "title-reference", "title", "t", "raw")
)
_KEYS = frozenset(("kbd", "guilabel", "menuselection"))


def used(text: str) -> set[str]:
    """Names of the roles that a text uses, lower-case as docutils looks them up."""
    return {(first or second).lower() for first, second in _USED.findall(text)}


def register(names: Iterable[str]) -> None:
    """Makes docutils read these roles."""
    for name in names:
        if name not in _OWN:
            roles.register_local_role(name, _role)


def _role(name, rawtext, text, lineno, inliner, options=None, content=None):
    page = inliner.document.settings.docs_page
    shown, is_code = page.role(name, " ".join(utils.unescape(text, restore_backslashes=False).split()))
    if name.rpartition(":")[2] in _KEYS:
        shown = shown.replace("-->", ">").replace("&&", "\x00").replace("&", "").replace("\x00", "&")
    return [nodes.literal(rawtext, shown) if is_code else nodes.inline(rawtext, shown)], []
