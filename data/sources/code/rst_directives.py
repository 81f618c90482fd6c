"""Directives of Sphinx for docutils: code stays, notes keep their words, what only a build could fill is left out.

Every directive takes any option, since one unknown option would cost its whole content.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable

from docutils import nodes
from docutils.parsers.rst import Directive, directives

from data.sources.code import docs_code
from data.sources.code.docs_page import LANGUAGES, Page

MARKDOWN = "markdown"  # format of raw nodes that the writer copies
_ANY = re.compile(r"\.\.[ \t]+(?:\|[^|\n]{1,100}\|[ \t]+)?([\w:.+-]{1,60})[ \t]?::")
_TITLED_BY_ARGUMENT = ("admonition", "topic", "sidebar")


class _AnyOption(dict):
    """An option_spec that knows every option."""

    def __missing__(self, name: str):
        return directives.unchanged


class _Base(Directive):
    has_content = True
    optional_arguments = 1
    final_argument_whitespace = True
    option_spec = _AnyOption(name=directives.unchanged)

    @property
    def page(self) -> Page:
        return self.state.document.settings.docs_page

    @property
    def argument(self) -> str:
        return self.arguments[0] if self.arguments else ""

    @property
    def source(self) -> str:
        """Name of the file that the directive stands in."""
        return self.state_machine.get_source_and_line(self.lineno)[0] or self.page.file.name

    def parsed(self) -> list[nodes.Node]:
        """Nodes of the content, titles in it too."""
        node = nodes.Element()
        node.document = self.state.document
        memo = self.state.memo
        styles, level = memo.title_styles, memo.section_level
        memo.title_styles, memo.section_level = [], 0
        try:
            self.state.nested_parse(self.content, self.content_offset, node, match_titles=1)
        finally:
            memo.title_styles, memo.section_level = styles, level
        return node.children

    def inline(self, text: str) -> list[nodes.Node]:
        found, _ = self.state.inline_text(text, self.lineno)
        return found


class Dropped(_Base):
    """What a build fills, or what steers it: autodoc, tables of contents, indices, metadata."""

    def run(self) -> list[nodes.Node]:
        return []


class Nested(_Base):
    """Content that stays although its frame goes: grids, columns, `only`. What an argument says is a line before."""

    shows_argument = False

    def run(self) -> list[nodes.Node]:
        shown = self.shows_argument and self.argument and not self.argument.startswith((":", "/"))
        before = [nodes.paragraph("", "", nodes.strong("", "", *self.inline(self.argument)))] if shown else []
        return [nodes.container("", *before, *self.parsed())]


class Titled(Nested):
    """Tabs, cards and drop-downs."""

    shows_argument = True


class Note(_Base):
    """An admonition; its argument is the title of `admonition`, and the first words of any other."""

    def run(self) -> list[nodes.Node]:
        title = _NOTES.get(self.name, "")
        children = self.parsed()
        if self.name in _TITLED_BY_ARGUMENT:
            title = self.argument
        elif self.name.startswith(("version", "deprecated")):
            version, words = [*self.argument.split(maxsplit=1), "", ""][:2]
            title = f"{title} {version}".strip()
            children = [*([nodes.paragraph("", "", *self.inline(words))] if words.strip() else []), *children]
        elif self.argument:
            children = [nodes.paragraph("", "", *self.inline(self.argument)), *children]
        return [nodes.admonition("", nodes.title("", "", *self.inline(title)), *children)] if children else []


class Code(_Base):
    """A block of code in the language of its argument."""

    def run(self) -> list[nodes.Node]:
        language = self.argument.split()[0] if self.argument.strip() else ""
        if self.name in _CODE_LANGUAGES:
            language = _CODE_LANGUAGES[self.name]
        elif self.name == "prompt":
            language = language or "bash"
        code = "\n".join(self.content)
        before = []
        if caption := self.options.get("caption"):
            before = [nodes.paragraph("", "", *self.inline(caption))]
        if not code.strip():
            return []
        return [*before, nodes.literal_block(code, code, language=language or self.page.language)]


class Math(_Base):
    """Displayed maths; the argument is a first formula."""

    def run(self) -> list[nodes.Node]:
        formula = "\n".join(filter(None, (self.argument, "\n".join(self.content))))
        return [nodes.math_block(formula, formula)] if formula.strip() else []


class Described(_Base):
    """A function or class that is described by hand: its signatures, and the words below."""

    def run(self) -> list[nodes.Node]:
        signatures = [line.strip().rstrip("\\") for line in self.argument.split("\n") if line.strip()]
        children = self.parsed()
        lines = [nodes.paragraph("", "", nodes.literal(line, line)) for line in signatures]
        return [nodes.container("", *lines, *children)] if children else []


class ClassOf(Described):
    """`class` is a described class where it looks like one, and docutils' class of the next paragraph elsewhere."""

    def run(self) -> list[nodes.Node]:
        if re.search(r"[A-Z(.]", self.argument):
            return super().run()
        return self.parsed()


class Highlight(_Base):
    """Sets the language of the code blocks that follow."""

    def run(self) -> list[nodes.Node]:
        self.page.language = "" if self.argument in ("none", "default", "text") else self.argument.split(" ")[0]
        return []


class Figure(_Base):
    """A figure's caption and legend; the picture is not text."""

    def run(self) -> list[nodes.Node]:
        children = self.parsed()
        return [nodes.container("", *children)] if children else []


class Image(_Base):
    """A picture, which no text shows; a substitution needs a node nevertheless."""

    def run(self) -> list[nodes.Node]:
        return [nodes.image("")]


class Heading(_Base):
    """A title that is no section."""

    def run(self) -> list[nodes.Node]:
        return [nodes.paragraph("", "", nodes.strong("", "", *self.inline(self.argument)))] if self.argument else []


class Include(_Base):
    """Another file of the same input, in its place."""

    def run(self) -> list[nodes.Node]:
        found = self.page.include(self.argument, self.source)
        if found is None:
            return []
        name, text = found
        text = docs_code.part(text, self.options)
        if "literal" in self.options or "code" in self.options:
            return [nodes.literal_block(text, text, language=self.options.get("code", ""))]
        if name.lower().endswith((".md", ".markdown", ".mdx")):
            return [nodes.raw("", self.page.render(text, MARKDOWN, name), format=MARKDOWN)]
        prepare = self.state.document.settings.docs_prepare
        prepare(text)
        lines = [line.expandtabs(8).rstrip() for line in text.split("\n")]
        self.state_machine.insert_input(lines, name)
        return []


class LiteralInclude(_Base):
    """Another file of the same input, or a part of it, as code."""

    def run(self) -> list[nodes.Node]:
        found = self.page.include(self.argument, self.source)
        if found is None:
            return []
        name, text = found
        code = docs_code.part(text, self.options)
        language = self.options.get("language") or LANGUAGES.get(posixpath.splitext(name)[1].lower(), "")
        return [nodes.literal_block(code, code, language=language)] if code.strip() else []


# What stands before a note's words.
_NOTES = {
    **{name: name.capitalize() for name in "note tip hint important warning caution danger error attention".split()},
    **{"seealso": "See also", "todo": "To do", "impl-detail": "Implementation detail"},
    **{
        "versionadded": "New in version",
        "versionchanged": "Changed in version",
        "versionremoved": "Removed in version",
    },
    **{"deprecated": "Deprecated since version", "deprecated-removed": "Deprecated since version"},
    **{name: "" for name in _TITLED_BY_ARGUMENT},
}
# Directives of code that name no language, and the language it is in.
_CODE_LANGUAGES = {
    **{"doctest": "pycon", "testcode": "python", "testoutput": "text", "plot": "python", "ipython": "ipython"},
    **{"graphviz": "dot", "digraph": "dot", "graph": "dot", "mermaid": "mermaid", "uml": "plantuml", "tikz": "latex"},
    **{"jupyter-execute": "python", "code-cell": "python", "productionlist": "text", "console": "console"},
}
_CODE = ("code", "code-block", "sourcecode", "prompt", *_CODE_LANGUAGES)
# Beside these, whatever begins with `auto` or `doxygen`.
_DROPPED = (
    "toctree contents sectnum section-numbering index meta module currentmodule py:module py:currentmodule program raw "
    "default-domain tabularcolumns sectionauthor codeauthor moduleauthor bibliography footbibliography todolist title "
    "inheritance-diagram testsetup testcleanup nbgallery minigallery youtube video audio highlightlang target-notes "
    "click argparse program-output command-output rst-class openapi swagger contributors"
).split()
_DESCRIBED = (
    "function method data attribute exception classmethod staticmethod decorator decoratormethod property describe "
    "object option cmdoption envvar type var macro struct member enum enumerator confval setting opcode directive role "
    "command variable concept alias union interface signal get post put delete patch"
).split()
_TITLED = "tab-item tab group-tab dropdown card grid-item-card collapse details".split()
_TABLE: dict[str, type[Directive]] = {
    **{name: Dropped for name in _DROPPED},
    **{name: Note for name in _NOTES},
    **{name: Code for name in _CODE},
    **{name: Titled for name in _TITLED},
    # Without a domain, `type`, `get` and the like are more often somebody's own.
    **{name: Described for name in _DESCRIBED[: _DESCRIBED.index("type")]},
    **{"class": ClassOf, "math": Math, "highlight": Highlight, "figure": Figure, "image": Image},
    **{"rubric": Heading, "centered": Heading, "include": Include, "mdinclude": Include},
    "literalinclude": LiteralInclude,
}
# docutils' own, which take no options that Sphinx adds.
_OWN = frozenset(
    "table csv-table list-table line-block parsed-literal epigraph highlights pull-quote replace unicode date role "
    "default-role compound header footer".split()
)


def used(text: str) -> set[str]:
    """Names of the directives that a text uses, lower-case as docutils looks them up."""
    return {name.lower() for name in _ANY.findall(text)}


def register(names: Iterable[str]) -> None:
    """Makes docutils read these directives."""
    for name in names:
        if name not in _OWN:
            directives.register_directive(name, _directive(name))


def _directive(name: str) -> type[Directive]:
    if name in _TABLE:
        return _TABLE[name]
    domain, _, kind = name.rpartition(":")
    if domain:  # `c:function`, `js:class`
        return Described if kind in (*_DESCRIBED, "class") else _TABLE.get(kind, Nested)
    return Dropped if name.startswith(("auto", "doxygen")) else Nested
