"""Programs as syntax trees: which grammar a language has, and how much of a text its grammar can't read.

tree-sitter recovers from errors, so that a program with one odd macro still counts as a program. Python has a fast
path: what CPython itself parses has no error.
"""

from __future__ import annotations

import ast
import functools
import importlib
import posixpath
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node, Parser, Tree

# Error recovery costs up to 10 microseconds a byte; of a longer text its beginning speaks for the rest. Longer programs
# than this are dropped for their length before.
MAX_PARSED_BYTES = 1 << 20

# canonical name -> the module of the grammar's wheel and the function that hands it out
_GRAMMARS: dict[str, tuple[str, str]] = {
    "python": ("tree_sitter_python", "language"),
    "javascript": ("tree_sitter_javascript", "language"),
    "typescript": ("tree_sitter_typescript", "language_typescript"),
    "tsx": ("tree_sitter_typescript", "language_tsx"),
    "java": ("tree_sitter_java", "language"),
    "c": ("tree_sitter_c", "language"),
    "c++": ("tree_sitter_cpp", "language"),
    "c#": ("tree_sitter_c_sharp", "language"),
    "go": ("tree_sitter_go", "language"),
    "rust": ("tree_sitter_rust", "language"),
    "ruby": ("tree_sitter_ruby", "language"),
    "php": ("tree_sitter_php", "language_php"),
    "shell": ("tree_sitter_bash", "language"),
    "scala": ("tree_sitter_scala", "language"),
    "html": ("tree_sitter_html", "language"),
    "css": ("tree_sitter_css", "language"),
}
_ALIASES = {
    "py": "python", "python3": "python", "js": "javascript", "jsx": "javascript", "node": "javascript",
    "ts": "typescript", "cpp": "c++", "cxx": "c++", "cplusplus": "c++", "csharp": "c#", "cs": "c#", "golang": "go",
    "rs": "rust", "rb": "ruby", "bash": "shell", "sh": "shell", "zsh": "shell", "shellscript": "shell",
}  # fmt: skip
_SUFFIXES = {
    ".py": "python", ".pyi": "python", ".js": "javascript", ".mjs": "javascript", ".cjs": "javascript",
    ".jsx": "javascript", ".ts": "typescript", ".mts": "typescript", ".tsx": "tsx", ".java": "java", ".c": "c",
    ".h": "c", ".cc": "c++", ".cpp": "c++", ".cxx": "c++", ".hh": "c++", ".hpp": "c++", ".hxx": "c++", ".cs": "c#",
    ".go": "go", ".rs": "rust", ".rb": "ruby", ".php": "php", ".sh": "shell", ".bash": "shell", ".scala": "scala",
    ".sbt": "scala", ".html": "html", ".htm": "html", ".css": "css",
}  # fmt: skip


def language_of(name: str, path: str = "") -> str:
    """The canonical name of a language that has a grammar here, by its usual names or a file's suffix; "" for others.

    Args:
      name: as upstream writes it (`GO`, `C++`, `Shell`); "" where it isn't said.
      path: of the file; it decides where the name is missing, and between the two grammars of TypeScript.
    """
    folded = name.strip().lower()
    suffix = posixpath.splitext(path.lower())[1]
    found = _ALIASES.get(folded, folded) if folded else _SUFFIXES.get(suffix, "")
    if found == "typescript" and suffix == ".tsx":
        found = "tsx"
    return found if found in _GRAMMARS else ""


@functools.cache
def _parser(language: str) -> Parser:
    from tree_sitter import Language, Parser

    module, function = _GRAMMARS[language]
    return Parser(Language(getattr(importlib.import_module(module), function)()))


def _encoded(text: str) -> bytes:
    data = text.encode("utf-8", "replace")
    if len(data) <= MAX_PARSED_BYTES:
        return data
    return data[: data.rfind(b"\n", 0, MAX_PARSED_BYTES) + 1 or MAX_PARSED_BYTES]


@functools.lru_cache(maxsize=2)
def parse(text: str, language: str) -> Tree:
    """The syntax tree of a text's first MAX_PARSED_BYTES bytes.

    Args:
      text: the program.
      language: a canonical name from `language_of`.

    Raises:
      KeyError: the language has no grammar here.
    """
    return _parser(language).parse(_encoded(text))


def parses_as_python(text: str) -> bool:
    """Whether CPython's own parser takes the text."""
    try:
        with warnings.catch_warnings():  # of strings with odd escapes, which are no error
            warnings.simplefilter("ignore")
            ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def error_share(text: str, language: str) -> float:
    """Share of the bytes that the grammar can't read, in [0, 1]; 0 where there is no grammar to say so.

    Bytes inside an ERROR node count, except those of whole constructs that the parser found within it: one missing
    brace at the end turns all of a file into one ERROR node, and isn't worth all of it. A token that the parser had
    to invent counts as one byte.
    """
    if not language:
        return 0.0
    if language == "python" and parses_as_python(text):
        return 0.0
    share = _error_share(text, language)
    # A header's suffix doesn't tell C from C++.
    return min(share, _error_share(text, "c++")) if language == "c" and share > 0 else share


def _error_share(text: str, language: str) -> float:
    root = parse(text, language).root_node
    if not root.has_error:
        return 0.0
    total = max(root.end_byte, 1)
    return min(_error_bytes(root) / total, 1.0)


def _error_bytes(root: Node) -> int:
    """Bytes in ERROR nodes that no construct inside them covers, plus one for each missing token."""
    wrong = 0
    pending = [root]
    while pending:
        node = pending.pop()
        children = node.children
        if node.is_missing:
            wrong += 1
        if node.is_error:
            whole = [child for child in children if child.is_named and child.child_count and not child.is_error]
            nested = [child for child in children if child.is_error]
            covered = sum(child.end_byte - child.start_byte for child in (*whole, *nested))
            wrong += node.end_byte - node.start_byte - covered
        pending.extend(child for child in children if child.has_error or child.is_missing)
    return wrong
