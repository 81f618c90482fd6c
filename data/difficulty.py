"""From measures of a document to its level: one written definition a domain.

Code and language are measured. Generated domains (math, reasoning, multimodal) are given their level by the template
that made the document, and `DEFINITIONS` says what each level asks for.

Thresholds were set on the standard library of CPython 3.11 and the prose of this project's own dependencies so that
each level holds at least a twentieth of the bytes.
"""

from __future__ import annotations

import ast
import math
import re

from data.document import Document

DEFINITIONS: dict[str, str] = {
    "code": (
        "optimization: at least OPTIMIZATION_SITES places that trade clarity for speed or memory (slots, caches, bit "
        "operations, binary buffers, heaps, bisection, generators that yield). "
        "systems: at least SYSTEMS_SITES uses of the operating system, sockets, threads, processes or foreign code. "
        "algorithms: cyclomatic complexity of at least ALGORITHMS_CYCLOMATIC, or nesting of ALGORITHMS_NESTING. "
        "functions: cyclomatic complexity of at least FUNCTIONS_CYCLOMATIC, or more than one definition. "
        "syntax_basics: the rest, straight-line code and single short definitions. The first that holds is the level."
    ),
    "language": (
        "score = Flesch-Kincaid grade (0.39 words/sentence + 11.8 syllables/word - 15.59), held within 0 to 30, plus "
        "LENGTH_WEIGHT * log2(words / 50); the levels are the score's ranges between LANGUAGE_BOUNDS."
    ),
    "math": (
        "arithmetic: numbers only. algebra: unknowns and polynomials. calculus: derivatives, integrals, limits. "
        "proofs: a general statement with each step checked. research: number theory, matrices, series, counting."
    ),
    "reasoning": (
        "one_step: one rule applied once. multi_step: a chain of rules. constraints: the one arrangement that fits all "
        "clues. search: a shortest plan or the one consistent world. proof: a derivation with a named rule a step, or "
        "a counterexample."
    ),
    "multimodal": (
        "objects: which shapes are there. attributes: their colour and size. counting: how many of a kind. relations: "
        "where they lie to each other. charts: values read from a bar or line chart."
    ),
}

OPTIMIZATION_SITES = 3
SYSTEMS_SITES = 2
ALGORITHMS_CYCLOMATIC = 10
ALGORITHMS_NESTING = 4
FUNCTIONS_CYCLOMATIC = 4
LENGTH_WEIGHT = 1.5
LANGUAGE_BOUNDS = (9.0, 11.0, 13.0, 15.5)

_BRANCHES = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler, ast.IfExp, ast.comprehension, ast.match_case)
_BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.Try, ast.With, ast.AsyncWith, ast.Match)
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_BIT_OPERATIONS = (ast.LShift, ast.RShift, ast.BitAnd, ast.BitXor)
_SYSTEM_NAMES = frozenset(
    ("os", "socket", "threading", "_thread", "ctypes", "subprocess", "signal", "select", "selectors", "mmap", "fcntl")
    + ("multiprocessing", "shutil", "resource", "pty", "termios", "msvcrt", "winreg", "_winapi", "_posixsubprocess")
    + ("asyncio", "events", "futures", "sock", "loop", "_loop", "pwd", "grp", "errno")
)
_FAST_NAMES = frozenset(
    ("lru_cache", "cache", "cached_property", "_cache", "__slots__", "heapq", "heappush", "heappop", "bisect")
    + ("memoryview", "bytearray", "deque", "struct", "array", "intern", "islice", "getrandbits", "unpack", "pack")
    + ("bisect_left", "bisect_right", "from_bytes", "to_bytes", "bit_length")
)
_SENTENCE_END = re.compile(r"[.!?]+(?:\s|$)|\n\n")
_WORD = re.compile(r"[A-Za-z]+")
_VOWELS = re.compile(r"[aeiouy]+")


def code_measures(tree: ast.AST) -> dict[str, int]:
    """Counts over a syntax tree: cyclomatic complexity, deepest nesting of blocks, definitions, and telling names."""
    counts = dict.fromkeys(("cyclomatic", "nesting", "definitions", "system_sites", "fast_sites"), 0)
    counts["cyclomatic"] = 1
    pending: list[tuple[ast.AST, int]] = [(tree, 0)]
    while pending:
        node, depth = pending.pop()
        if isinstance(node, _BLOCKS):
            depth += 1
            counts["nesting"] = max(counts["nesting"], depth)
        if isinstance(node, _BRANCHES):
            counts["cyclomatic"] += 1
        elif isinstance(node, ast.BoolOp):
            counts["cyclomatic"] += len(node.values) - 1
        elif isinstance(node, ast.Name):
            counts["system_sites"] += node.id in _SYSTEM_NAMES
            counts["fast_sites"] += node.id in _FAST_NAMES
        elif isinstance(node, ast.Attribute):
            counts["fast_sites"] += node.attr in _FAST_NAMES
        elif isinstance(node, _DEFINITIONS):
            counts["definitions"] += 1
        elif isinstance(node, (ast.BinOp, ast.AugAssign)):
            counts["fast_sites"] += isinstance(node.op, _BIT_OPERATIONS)
        elif isinstance(node, (ast.Yield, ast.YieldFrom)):
            counts["fast_sites"] += 1
        pending.extend((child, depth) for child in ast.iter_child_nodes(node))
    return counts


def code_level(measures: dict[str, int]) -> str:
    """Level of a code document from `code_measures`."""
    if measures["fast_sites"] >= OPTIMIZATION_SITES:
        return "optimization"
    if measures["system_sites"] >= SYSTEMS_SITES:
        return "systems"
    if measures["cyclomatic"] >= ALGORITHMS_CYCLOMATIC or measures["nesting"] >= ALGORITHMS_NESTING:
        return "algorithms"
    if measures["cyclomatic"] >= FUNCTIONS_CYCLOMATIC or measures["definitions"] > 1:
        return "functions"
    return "syntax_basics"


def _syllables(word: str) -> int:
    groups = len(_VOWELS.findall(word))
    silent = word.endswith("e") and not word.endswith("le") and groups > 1
    return max(groups - silent, 1)


def language_measures(text: str) -> dict[str, float]:
    """Words, sentences, Flesch-Kincaid grade and the score that levels are cut from."""
    words = _WORD.findall(text.lower())
    sentences = max(sum(1 for part in _SENTENCE_END.split(text) if _WORD.search(part)), 1)
    count = max(len(words), 1)
    syllables = sum(map(_syllables, words))
    grade = 0.39 * count / sentences + 11.8 * syllables / count - 15.59
    grade = min(max(grade, 0.0), 30.0)
    score = grade + LENGTH_WEIGHT * math.log2(count / 50)
    return {"words": len(words), "sentences": sentences, "grade": round(grade, 2), "score": round(score, 2)}


def language_level(measures: dict[str, float]) -> str:
    """Level of a prose document from `language_measures`."""
    names = ("plain", "explanatory", "instructive", "technical", "scholarly")
    return names[sum(measures["score"] >= bound for bound in LANGUAGE_BOUNDS)]


def measure(document: Document) -> tuple[str, dict[str, float]]:
    """(level, measures) of a document; one that already has its level keeps it and has no measures.

    Raises:
      SyntaxError: a code document that doesn't parse.
      ValueError: a document without a level, of a domain whose levels aren't measured.
    """
    if document.level:
        return document.level, {}
    if document.domain == "code":
        measures = code_measures(ast.parse(document.text))
        return code_level(measures), measures
    if document.domain == "language":
        measures = language_measures(document.text)
        return language_level(measures), measures
    raise ValueError(f"{document.source}: the levels of {document.domain} aren't measured; its source must name one")
