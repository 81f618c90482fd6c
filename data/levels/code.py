"""The difficulty of code: counts over a syntax tree, Python's own or tree-sitter's, and of texts about code."""

from __future__ import annotations

import ast
import math
import re
import warnings
from typing import TYPE_CHECKING

from data.document import Document
from data.processors import code_parse

if TYPE_CHECKING:
    from tree_sitter import Node

DEFINITION = (
    "optimization: at least OPTIMIZATION_SITES places that trade clarity for speed or memory (slots, caches, bit "
    "operations, binary buffers, heaps, bisection, generators that yield, vector instructions). "
    "systems: at least SYSTEMS_SITES uses of the operating system, sockets, threads, processes or foreign code. "
    "algorithms: cyclomatic complexity of at least ALGORITHMS_CYCLOMATIC, or nesting of ALGORITHMS_NESTING. "
    "functions: cyclomatic complexity of at least FUNCTIONS_CYCLOMATIC, or more than one definition. "
    "syntax_basics: the rest, straight-line code and single short definitions. The first that holds is the level. "
    "Counts "
    "but for nesting are those of SCALE_BYTES bytes where a program is longer: a file of a thousand lines isn't about "
    "speed "
    "because three of them are. Python is counted by its own parser, languages with a grammar by tree-sitter, others "
    "and "
    "what doesn't parse by their words. "
    "Texts about code: optimization and systems where at least TEXT_SITES words speak of them and those are "
    "TEXT_SITES_SHARE of all; else by log2(words / 50) + TEXT_CODE_WEIGHT * share of the characters that are code, "
    "cut at "
    "TEXT_BOUNDS."
)

OPTIMIZATION_SITES = 3
SYSTEMS_SITES = 2
ALGORITHMS_CYCLOMATIC = 10
ALGORITHMS_NESTING = 4
FUNCTIONS_CYCLOMATIC = 4
SCALE_BYTES = 12288
TEXT_SITES = 3
TEXT_SITES_SHARE = 0.01
TEXT_CODE_WEIGHT = 3.0
TEXT_BOUNDS = (1.0, 3.0)

_KEYS = ("cyclomatic", "nesting", "definitions", "system_sites", "fast_sites")
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

# Node types of the grammars; the names hardly differ between languages.
_TREE_BRANCHES = frozenset(
    "if_statement if_expression elif_clause elsif if unless if_modifier unless_modifier while until for when rescue "
    "for_statement for_in_statement for_range_loop for_expression enhanced_for_statement foreach_statement "
    "for_each_statement while_statement while_expression while_modifier until_modifier do_statement loop_expression "
    "catch_clause except_clause case case_statement case_clause case_item switch_case switch_section switch_label "
    "expression_case type_case communication_case match_arm ternary_expression conditional_expression "
    "c_style_for_statement switch_expression_arm match_conditional_expression for_in_clause guard "
    "else_if_clause".split()
)
_TREE_BLOCKS = frozenset(
    "if_statement if_expression if unless while until for case begin for_statement for_in_statement for_range_loop "
    "for_expression enhanced_for_statement foreach_statement try_statement for_each_statement while_statement "
    "while_expression do_statement loop_expression switch_statement expression_switch_statement "
    "type_switch_statement select_statement match_expression switch_expression try_expression with_statement "
    "synchronized_statement try_with_resources_statement case_statement c_style_for_statement unsafe_block "
    "match_statement".split()
)
_TREE_DEFINITIONS = frozenset(
    "function_definition function_declaration function_item method_declaration method_definition method "
    "constructor_declaration class_definition class_declaration class_specifier struct_specifier class struct_item "
    "enum_item trait_item impl_item interface_declaration type_declaration singleton_method "
    "generator_function_declaration object_definition trait_definition enum_declaration struct_declaration "
    "record_declaration enum_specifier template_declaration rule_set local_function_statement".split()
)
_TREE_YIELDS = frozenset(("yield", "yield_expression", "yield_statement"))
_TREE_SYSTEM = frozenset(("go_statement", "select_statement", "synchronized_statement", "unsafe_block", "extern_block"))
_TREE_FAST = frozenset(("asm_statement", "gnu_asm_expression"))
_LOGICAL = frozenset(("&&", "||", "and", "or", "??"))
_SHIFTS = frozenset(("<<", ">>", ">>>", "<<=", ">>=", ">>>="))
_BITS = frozenset(("&", "^", "&=", "^=", "&^")) | _SHIFTS
_OPERATIONS = frozenset(
    "binary_expression binary binary_operator assignment_expression augmented_assignment operator_assignment "
    "augmented_assignment_expression compound_assignment_expr infix_expression assignment_statement "
    "boolean_operator list".split()
)
_NUMBERS = frozenset(
    ("number_literal", "integer_literal", "int_literal", "number", "integer", "decimal_integer_literal")
)
_SYSTEM_WORDS = _SYSTEM_NAMES | frozenset(
    "syscall fork exec execve waitpid epoll_wait kqueue poll ioctl pthread_create pthread_t std::thread thread "
    "Thread Runnable ExecutorService CompletableFuture mutex Mutex RwLock RWMutex WaitGroup atomic AtomicInteger "
    "AtomicUsize volatile semaphore Semaphore spawn Socket ServerSocket TcpStream TcpListener UdpSocket FileChannel "
    "FileDescriptor dlopen mprotect child_process Worker SharedArrayBuffer net ProcessBuilder Command "
    "ReadableByteChannel trap kill malloc mlock sendfile SIGINT SIGTERM unsafe extern libc tokio".split()
)
_FAST_WORDS = _FAST_NAMES | frozenset(
    "ByteBuffer ArrayBuffer DataView Uint8Array Int32Array Float32Array Float64Array WeakMap memo memoize "
    "PriorityQueue BinaryHeap simd __m128i __m256i _mm_set1_epi8 _mm256_set1_epi8 restrict memcpy memmove "
    "reinterpret_cast constexpr noexcept alignas prefetch __builtin_expect popcount trailing_zeros leading_zeros "
    "get_unchecked transmute MaybeUninit SmallVec inline_always Pool binary_search lower_bound upper_bound "
    "partition_point parallelStream BitSet bitset wrapping_mul".split()
)
_IDENTIFIERS = re.compile(r"[A-Za-z_]\w*")
_PLAIN_BRANCH = re.compile(
    r"\b(?:if|elif|elsif|unless|for|foreach|while|until|when|case|catch|except|rescue|guard)\b|&&|\|\|"
)
_PLAIN_DEFINITION = re.compile(
    r"\b(?:def|defn|fun|func|fn|function|sub|proc|class|struct|interface|trait|module|object)\s+\w"
)
_PLAIN_BITS = re.compile(r"<<\s*\d|>>\s*\d|\bshl\b|\bshr\b|\bband\b|\bbxor\b")
_FENCED = re.compile(r"^(?:```|~~~).*?^(?:```|~~~)[ \t]*$|^(?: {4}|\t)[^\n]*$", re.MULTILINE | re.DOTALL)
_WORDS = re.compile(r"\w+")
_ABOUT_SYSTEMS = re.compile(
    r"\b(?:threads?|threading|process(?:es)|mutex(?:es)?|locks?|deadlocks?|sockets?|kernel|daemons?|syscalls?|signals?"
    r"|async"
    r"|concurren\w+|docker|containers?|networks?|tcp|udp|permissions?|segfaults?|file ?descriptors?|drivers?"
    r"|subprocess\w*)\b",
    re.IGNORECASE,
)
_ABOUT_SPEED = re.compile(
    r"\b(?:performance|optimi[sz]\w+|faster|slow(?:er|ly)?|latency|throughput|caching|cached?|benchmarks?"
    r"|profil(?:e[rd]?|ing)"
    r"|bottlenecks?|memory (?:usage|leak|footprint)|big-?o|complexity|vectori[sz]\w+|efficien\w+|speed(?:up)?)\b",
    re.IGNORECASE,
)


def code_measures(tree: ast.AST) -> dict[str, int]:
    """Counts over a syntax tree: cyclomatic complexity, deepest nesting of blocks, definitions, and telling names."""
    counts = dict.fromkeys(_KEYS, 0)
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


def tree_measures(text: str, language: str) -> dict[str, int]:
    """The counts of `code_measures` for a language that has a grammar."""
    counts = dict.fromkeys(_KEYS, 0)
    counts["cyclomatic"] = 1
    pending: list[tuple[Node, int]] = [(code_parse.parse(text, language).root_node, 0)]
    while pending:
        node, depth = pending.pop()
        kind = node.type
        if not node.is_named:
            _count_token(node, kind, language, counts)
            continue
        if kind in _TREE_BLOCKS:
            depth += 1
            counts["nesting"] = max(counts["nesting"], depth)
        counts["cyclomatic"] += kind in _TREE_BRANCHES
        counts["definitions"] += kind in _TREE_DEFINITIONS
        counts["system_sites"] += kind in _TREE_SYSTEM
        counts["fast_sites"] += kind in _TREE_YIELDS or kind in _TREE_FAST
        if node.child_count:
            pending.extend((child, depth) for child in node.children)
        elif kind.endswith(("identifier", "constant", "word")):
            name = node.text.decode("utf-8", "replace")
            counts["system_sites"] += name in _SYSTEM_WORDS
            counts["fast_sites"] += name in _FAST_WORDS
    return counts


def _count_token(node: Node, kind: str, language: str, counts: dict[str, int]) -> None:
    if kind not in _LOGICAL and kind not in _BITS:
        return
    parent = node.parent
    if parent is None or parent.type not in _OPERATIONS:
        return
    if kind in _LOGICAL:
        counts["cyclomatic"] += 1
    elif not (language == "c++" and kind in _SHIFTS) or any(child.type in _NUMBERS for child in parent.children):
        counts["fast_sites"] += 1  # `out << text` of C++ shifts nothing


def word_measures(text: str) -> dict[str, int]:
    """The counts of `code_measures` by words alone; nesting by indentation."""
    names = _IDENTIFIERS.findall(text)
    steps = [
        len(line) - len(line.lstrip(" \t")) + 3 * (len(line) - len(line.lstrip("\t"))) for line in text.split("\n")
    ]
    return {
        "cyclomatic": 1 + len(_PLAIN_BRANCH.findall(text)),
        "nesting": max(max(steps, default=0) // 4 - 1, 0),
        "definitions": len(_PLAIN_DEFINITION.findall(text)),
        "system_sites": sum(name in _SYSTEM_WORDS for name in names),
        "fast_sites": sum(name in _FAST_WORDS for name in names) + len(_PLAIN_BITS.findall(text)),
    }


def text_measures(text: str) -> dict[str, float]:
    """Of a text about code: words, the share that is code, words on systems and on speed, and the score."""
    words = max(len(_WORDS.findall(text)), 1)
    share = sum(map(len, _FENCED.findall(text))) / max(len(text), 1)
    return {
        "words": words,
        "code_share": round(share, 4),
        "system_sites": len(_ABOUT_SYSTEMS.findall(text)),
        "fast_sites": len(_ABOUT_SPEED.findall(text)),
        "score": round(math.log2(words / 50) + TEXT_CODE_WEIGHT * share, 2),
    }


def text_level(measures: dict[str, float]) -> str:
    """Level of a text about code from `text_measures`."""
    enough = max(TEXT_SITES, TEXT_SITES_SHARE * measures["words"])
    if measures["fast_sites"] >= max(enough, measures["system_sites"]):
        return "optimization"
    if measures["system_sites"] >= enough:
        return "systems"
    return ("syntax_basics", "functions", "algorithms")[sum(measures["score"] >= bound for bound in TEXT_BOUNDS)]


def _python_measures(text: str) -> dict[str, int] | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return code_measures(tree)


def _scaled(counts: dict[str, int], text: str) -> dict[str, int]:
    scale = len(text.encode("utf-8", "replace")) / SCALE_BYTES
    if scale <= 1:
        return counts
    return {name: count if name == "nesting" else math.ceil(count / scale) for name, count in counts.items()}


def measure(document: Document) -> tuple[str, dict[str, float]]:
    """(level, measures) of a program or of a text about programs."""
    named = str(document.meta.get("language") or "")
    language = code_parse.language_of(named, str(document.meta.get("path") or ""))
    kind = document.meta.get("kind")
    if kind not in (None, "", "program"):
        counts = text_measures(document.text)
        return text_level(counts), counts
    counts = _python_measures(document.text) if language == "python" or not (named or language) else None
    if counts is None and language:
        counts = tree_measures(document.text, language)
    if counts is None:
        counts = word_measures(document.text)
    counts = _scaled(counts, document.text)
    return code_level(counts), counts
