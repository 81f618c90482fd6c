"""reStructuredText as Sphinx writes it -> Markdown, through docutils' parser.

docutils runs with file insertion, raw content and configuration files off; what is included, `Page` opens. Its tables
of roles and directives are global, so they are set for one parse and put back.
"""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterator

from docutils import nodes
from docutils.core import publish_doctree
from docutils.parsers.rst import Parser, directives, roles

from data.sources.code import rst_directives, rst_roles
from data.sources.code.docs_page import Page
from data.sources.code.doctree_markdown import markdown
from data.sources.code.rst_inliner import Inliner

MAX_LINE = 10_000  # as docutils' own limit: patterns and tables take time in the square of it
MAX_ERRORS = 5_000
_MAX_NESTED = re.compile(r"^[ \t]*(?:(?:[-*+]|\w{1,3}[.)]|\(\w{1,3}\)|>)[ \t]+){20}", re.MULTILINE)
_SETTINGS = {
    "file_insertion_enabled": False,
    "raw_enabled": False,
    "_disable_config": True,
    "report_level": 5,
    "halt_level": 6,
    "line_length_limit": MAX_LINE,
    "doctitle_xform": False,
    "sectsubtitle_xform": False,
    "docinfo_xform": False,
    "smart_quotes": False,
    "syntax_highlight": "none",
    "input_encoding": "unicode",
    "output_encoding": "unicode",
    "traceback": True,
    "warning_stream": False,
}


class _Parser(Parser):
    """docutils' parser, which refuses a page of thousands of errors: the time that it takes is in their square."""

    def setup_parse(self, inputstring, document):
        super().setup_parse(inputstring, document)
        document.reporter.attach_observer(self._count)
        self._num_errors = 0

    def _count(self, message) -> None:
        self._num_errors += 1
        if self._num_errors > MAX_ERRORS:
            raise ValueError(f"more than {MAX_ERRORS} errors of markup, the last: {message.astext()[:200]}")


@contextlib.contextmanager
def _own_names() -> Iterator[None]:
    """What is registered inside is forgotten outside; as `sphinx.util.docutils.docutils_namespace` does it."""
    saved = dict(directives._directives), dict(roles._roles)
    try:
        yield
    finally:
        for table, before in zip((directives._directives, roles._roles), saved, strict=True):
            table.clear()
            table.update(before)


def prepare(text: str) -> None:
    """Lets docutils read every role and directive that a text uses."""
    rst_roles.register(rst_roles.used(text))
    rst_directives.register(rst_directives.used(text))


def render(page: Page, text: str, source: str) -> str:
    """Markdown of a page or a part of one.

    Args:
      page: whom references mean, and where included files are found.
      text: clean reStructuredText.
      source: name of the file that it is from.

    Raises:
      ValueError: a line is longer or nests deeper than docutils should be given, or almost all markup is wrong.
    """
    if max(map(len, text.split("\n"))) > MAX_LINE:
        raise ValueError(f"a line of more than {MAX_LINE} characters")
    if _MAX_NESTED.search(text):
        raise ValueError("20 lists inside each other on one line")
    settings = {**_SETTINGS, "docs_page": page, "docs_prepare": prepare}
    with _own_names(), contextlib.redirect_stderr(io.StringIO()):
        prepare(text)
        parser = _Parser(inliner=Inliner())
        tree: nodes.document = publish_doctree(text, source, parser=parser, settings_overrides=settings)
    return markdown(tree)
