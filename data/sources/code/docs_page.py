"""One page of documentation while it is rendered: whom its references mean, and the files that it includes.

Files are included from inside the input only, never in a circle, and never more than a page's budget of them.
"""

from __future__ import annotations

import dataclasses
import functools
import posixpath
import re
from collections.abc import Callable

from data.inputs import InputFile
from data.sources.code import docs_tree
from data.sources.code.prose import clean
from data.streams import StreamError, decode

MAX_INCLUDES = 200
MAX_INCLUDED_BYTES = 4 << 20
_EXPLICIT = re.compile(r"(.+?)\s*<([^<>]*)>\Z", re.DOTALL)
_TITLED = frozenset(("ref", "numref", "any", "keyword", "eq"))
# Roles whose text is a name in some language, or something that one types.
_CODE = frozenset(
    "func class meth mod attr exc obj data const module type macro struct member var enum enumerator union expr "
    "function method attribute concept texpr namespace program command file option envvar token samp makevar "
    "mailheader mimetype decorator confval setting djadmin opcode regexp newsgroup manpage code literal".split()
)
_NUMBERED = {"pep": "PEP {}", "rfc": "RFC {}", "issue": "#{}", "pull": "#{}", "pr": "#{}", "gh": "#{}", "cve": "CVE-{}"}
# Language of an included file by its suffix.
LANGUAGES = {
    **{".py": "python", ".pyx": "cython", ".c": "c", ".h": "c", ".cc": "c++", ".cpp": "c++", ".hpp": "c++"},
    **{".go": "go", ".java": "java", ".js": "javascript", ".ts": "typescript", ".sh": "bash", ".rb": "ruby"},
    **{".yml": "yaml", ".yaml": "yaml", ".json": "json", ".toml": "toml", ".html": "html", ".css": "css"},
    **{".xml": "xml", ".ini": "ini", ".cfg": "ini", ".rst": "rst", ".md": "markdown", ".tex": "latex"},
    **{".rs": "rust", ".r": "r", ".kt": "kotlin", ".sql": "sql"},
}

Render = Callable[["Page", str, str], str]


@dataclasses.dataclass
class Page:
    """A page and what rendering it needs.

    Attributes:
      file: the page's own file.
      renderers: by format, `rst` and `markdown`: pages include pages of the other format.
      language: of code blocks that name none, as `highlight` sets it.
      included, missing: names of the files that became part of the page, and of those that are not there.
    """

    file: InputFile
    renderers: dict[str, Render]
    language: str = ""
    included: list[str] = dataclasses.field(default_factory=list)
    missing: list[str] = dataclasses.field(default_factory=list)
    _parents: dict[str, str] = dataclasses.field(default_factory=dict)
    _budget: int = MAX_INCLUDED_BYTES

    def render(self, text: str, form: str, source: str) -> str:
        """Markdown of a text in another format."""
        return self.renderers[form](self, text, source)

    @functools.cached_property
    def folder(self) -> str:
        """Path of the tree's folder inside the input."""
        return docs_tree.folder_of(self.file)

    @functools.cached_property
    def tree(self) -> docs_tree.Tree:
        """Titles and labels of the pages around this one."""
        return docs_tree.tree_of(self.file.root, self.folder)

    def find(self, path: str, source: str) -> InputFile | None:
        """A file named in `source`: relative to it, else to the page, `/` to the tree's folder."""
        path = path.strip().strip("\"'")
        up = "../" * self.file.name.count("/")
        if path.startswith("/"):
            inside = posixpath.join(self.folder, path.lstrip("/"))
            return self.file.sibling(up + inside)
        return self.file.sibling(posixpath.join(up + posixpath.dirname(source), path)) or self.file.sibling(path)

    def include(self, path: str, source: str) -> tuple[str, str] | None:
        """Name and text of a file that `source` includes; None, and noted, where it can't be."""
        file = self.find(path, source)
        if file is None or self._is_circle(file.name, source) or len(self.included) >= MAX_INCLUDES:
            self.missing.append(clean(path)[:200])
            return None
        try:
            text = decode(file.read(self._budget))
        except (StreamError, OSError):
            self.missing.append(clean(path)[:200])
            return None
        self._budget -= len(text)
        self._parents[file.name] = source
        self.included.append(file.name)
        return file.name, clean(text)

    def _is_circle(self, name: str, source: str) -> bool:
        seen: set[str] = set()
        while source and source not in seen:
            if source == name:
                return True
            seen.add(source)
            source = self._parents.get(source, "")
        return name == self.file.name

    def role(self, name: str, text: str) -> tuple[str, bool]:
        """The readable text of a role, and whether it is code: `:ref:`x`` -> the title that x stands before."""
        kind = name.lower().rpartition(":")[2]
        explicit = _EXPLICIT.match(text)
        title, target = (explicit[1], explicit[2]) if explicit else (text, text)
        title = title.removeprefix("!")
        if kind in _TITLED or kind == "doc" or kind == "term":
            if explicit or kind in ("term", "keyword"):
                return title, False
            return self.title(target, is_page=kind == "doc"), False
        if kind in _NUMBERED and not explicit:
            return _NUMBERED[kind].format(target.lstrip("#")), False
        if kind in _CODE or (":" in name and not explicit):
            if explicit and " " in title:
                return title, False
            if not explicit and title.startswith("~"):
                title = re.split(r"\.|::", title[1:])[-1]
            return title.removeprefix("~").removeprefix("."), True
        return title, False

    def title(self, target: str, is_page: bool = False) -> str:
        """What a label or a page is called; made of its name where the tree does not know it."""
        target, _, anchor = target.strip().partition("#")
        name = posixpath.splitext(target)[0] if target.endswith(docs_tree.PAGE_SUFFIXES) else target
        here = posixpath.dirname(self.file.name)
        path = posixpath.join(self.folder, name.lstrip("/")) if name.startswith("/") else posixpath.join(here, name)
        path = posixpath.normpath(path)
        label = anchor or target
        found = (None if is_page and not anchor else self.tree.label(label, self.file.name)) or (
            None if anchor else self.tree.titles.get(path) or self.tree.titles.get(name)
        )
        if found:
            return found
        words = label.rstrip("/").rpartition("/")[2].rpartition(":")[2]
        words = re.sub(r"\.(rst|md|html|txt)\Z", "", words)
        return " ".join(re.split(r"[-_\s]+", words)).strip()
