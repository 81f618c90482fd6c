"""A function's body, from its signature and docstring."""

from __future__ import annotations

import ast
import random

from data.document import Document
from data.multitask.task import Example, Task, cut_at_prompt, instruction

_ASK = "Complete this function.\n"
MIN_DOCSTRING = 20
MAX_CHARACTERS = 4000


def _make(document: Document, rng: random.Random) -> Example | None:
    if (cut := cut_at_prompt(document)) is not None:
        prompt, body = cut
        # What follows the implementation tests it; the model is asked for the implementation.
        end = document.meta.get("implementation_end", len(document.text))
        return instruction(_ASK + prompt, body[: end - len(prompt)])
    found = _documented_functions(document.text)
    if not found:
        return None
    head, body = rng.choice(found)
    return instruction(_ASK + head, body)


def _documented_functions(source: str) -> list[tuple[str, str]]:
    """(signature and docstring, body) of every function of a Python module that has both, as they stand in it."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    lines = source.splitlines(keepends=True)
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) or len(node.body) < 2:
            continue
        docstring = ast.get_docstring(node, clean=False)
        if docstring is None or len(docstring) < MIN_DOCSTRING or node.body[0].end_lineno == node.body[1].lineno:
            continue
        head = "".join(lines[node.lineno - 1 : node.body[0].end_lineno])
        body = "".join(lines[node.body[0].end_lineno : node.end_lineno])
        if len(head) + len(body) <= MAX_CHARACTERS:
            found.append((head, body))
    return found


TASK = Task("code_generation", "the body of a function from its signature and docstring", _make, ("code",))
