"""Questions to computer algebra systems with their answers, each checked where that can be done within bounds.

Three forms: Rubi's test suites, lists of {integrand, variable, steps, antiderivative} in the Wolfram Language; Python
test files of sympy, read without running them; the text of DeepMind's mathematics_dataset, a line of question and a
line of answer. `meta["verified"]` is yes, no or unknown; answers found wrong are yielded all the same, for the
processor to drop.
"""

from __future__ import annotations

import ast
import posixpath
import re
import warnings
from collections.abc import Iterator

from data import archives, streams
from data.document import Document, Quarantined, Skipped
from data.inputs import InputFile
from data.sources.math import mathematica, python_pairs, school_questions, sympy_values, verify_answers
from data.sources.math.members import member_file
from data.sources.math.verify_answers import Verdict

NAME = "wolfram_alpha_queries"
MAX_FILE_BYTES = 32 << 20
MAX_PYTHON_BYTES = 4 << 20
MAX_LATEX_CHARACTERS = 1200
MAX_LATEX_NODES = 250
_VERSION = re.compile(r"If\[\s*\$VersionNumber\s*(<|>=|>|<=)\s*\d+(?:\.\d+)?\s*,")
_UNSOLVED = re.compile(r"(?:Unintegrable|CannotIntegrate|Int|Integrate)\[.*\]\Z", re.DOTALL)

Item = Document | Quarantined | Skipped


def read(file: InputFile) -> Iterator[Item]:
    """Questions of one file, by the ending of its name; of an archive, those of its members."""
    stem = file.stem
    if stem.endswith((".tar", ".tgz", ".zip")):
        for member in archives.members(file):
            if isinstance(member, Quarantined):
                yield member
                continue
            inner = member_file(file, member)
            if inner.matches(("*.m", "*.wl", "*.py", "*__*.txt")):
                yield from read(inner)
            else:
                yield Skipped(file.name, member.offset, "not_a_list", len(member.data), member.name[:200])
    elif stem.endswith(".py"):
        yield from read_python(file)
    elif stem.endswith(".txt"):
        yield from read_lines(file)
    else:
        yield from read_lists(file)


def _document(
    file: InputFile, key: object, question: str, answer: str, text: str, licence: str, verdict: Verdict, **meta: object
) -> Document:
    facts = {"question": question, "answer": answer, "verified": verdict.verified}
    if verdict.method:
        facts["method"] = verdict.method
    facts |= {name: value for name, value in meta.items() if value not in ("", None)}
    return Document(text, "math", f"{NAME}:{file.name}#{key}", licence, meta=facts)


def read_lists(file: InputFile) -> Iterator[Item]:
    """Integrals of a file of lists in the Wolfram Language."""
    try:
        text = streams.decode(file.read(MAX_FILE_BYTES)).replace("\r\n", "\n")
    except streams.StreamError as error:
        yield Quarantined(file.name, error.offset, error.reason, file.size, error.evidence)
        return
    position = offset = 0
    for found in mathematica.lists(text):
        offset += len(text[position : found.start].encode())
        position = found.start
        piece = text[found.start : found.end]
        num_bytes = len(piece.encode())
        if found.problem:
            yield Quarantined(file.name, offset, found.problem, num_bytes, piece[:200])
        elif not found.elements:
            yield Skipped(file.name, offset, "code", num_bytes, piece.strip()[:200])
        elif not 4 <= len(found.elements) <= 6 or not re.fullmatch(r"[A-Za-z][A-Za-z0-9]*", found.elements[1]):
            yield Quarantined(
                file.name, offset, "wrong_columns", num_bytes, f"{len(found.elements)} elements: {piece[:200]}"
            )
        elif not all(found.elements[:4]):
            yield Quarantined(file.name, offset, "empty_element", num_bytes, piece[:200])
        else:
            yield _integral(file, offset, num_bytes, found.elements)


def _integral(file: InputFile, offset: int, num_bytes: int, elements: tuple[str, ...]) -> Item:
    integrand, variable, steps, answer = (re.sub(r"\s+", " ", element) for element in elements[:4])
    answer = _current_version(answer)
    # Rubi marks what it can't integrate by no or negative steps, and what nobody can by Unintegrable.
    if steps.startswith("-") or _UNSOLVED.match(answer) or (answer == "0" and integrand != "0"):
        return Skipped(file.name, offset, "unsolved", num_bytes, integrand[:200])
    verdict = verify_answers.antiderivative(integrand, variable, answer)
    question = f"Integrate[{integrand}, {variable}]"
    shown, told = _latex(integrand), _latex(answer)
    if shown and told:
        text = f"Question: Find $\\int {shown} \\, d{variable}$.\n{question}\n\nAnswer: ${told} + C$\n{answer}"
    else:
        text = f"Question: Find the integral.\n{question}\n\nAnswer: {answer}"
    return _document(
        file, offset, question, answer, text, "MIT", verdict, kind="integral", variable=variable,
        steps=int(steps) if steps.isdecimal() and len(steps) < 6 else None,
    )  # fmt: skip


def _current_version(answer: str) -> str:
    """Of an answer that depends on the version of the system, what the current one gives."""
    match = _VERSION.match(answer)
    if match is None or not answer.endswith("]"):
        return answer
    depth, cut = 0, None
    for position in range(match.end(), len(answer) - 1):
        letter = answer[position]
        if letter in "[({":
            depth += 1
        elif letter in "])}":
            depth -= 1
        elif letter == "," and not depth:
            cut = position
            break
    if cut is None:
        return answer
    new_first = match.group(1).startswith(">")
    return (answer[match.end() : cut] if new_first else answer[cut + 1 : -1]).strip()


def _latex(source: str) -> str:
    """LaTeX of a formula by sympy; "" where it is too large, untame, or beyond sympy's parser."""
    if len(source) > MAX_LATEX_CHARACTERS:
        return ""
    try:
        tree = mathematica.parse(source)
        if mathematica.size(tree) > MAX_LATEX_NODES or not mathematica.is_tame(tree):
            return ""
        from sympy import latex
        from sympy.parsing.mathematica import parse_mathematica

        try:
            formula = sympy_values.to_sympy(tree)  # several times faster than sympy's parser, for the usual functions
        except sympy_values.Unreadable:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                formula = parse_mathematica(source)
        return latex(formula, ln_notation=False)
    except Exception:  # noqa: BLE001 - whatever a foreign parser raises, the formula is still there as it was written
        return ""


def read_lines(file: InputFile) -> Iterator[Item]:
    """Pairs of lines of a mathematics_dataset file. A blank line sets the pairs right again."""
    module = file.stem.removesuffix(".txt")
    difficulty = posixpath.basename(posixpath.dirname(file.name)).removeprefix("train-")
    question: streams.Line | None = None
    try:
        with file.open() as stream:
            for line in streams.lines(stream):
                if question is None:
                    if line.data.strip():
                        question = line
                    continue
                yield _pair(file, question, line, module, difficulty)
                question = None
    except streams.StreamError as error:
        yield Quarantined(file.name, error.offset, error.reason, max(file.size - error.offset, 0), error.evidence)
        return
    if question is not None:
        yield Quarantined(file.name, question.offset, "no_answer", question.num_bytes, repr(question.data[:200]))


def _pair(file: InputFile, first: streams.Line, second: streams.Line, module: str, difficulty: str) -> Item:
    num_bytes = first.num_bytes + second.num_bytes
    if first.too_long or second.too_long:
        return Quarantined(file.name, first.offset, "line_too_long", num_bytes, f"{num_bytes} bytes")
    try:
        question, answer = streams.decode(first.data).strip(), streams.decode(second.data).strip()
    except streams.StreamError as error:
        return Quarantined(file.name, first.offset, error.reason, num_bytes, error.evidence)
    if not answer:
        return Quarantined(file.name, first.offset, "no_answer", num_bytes, question[:200])
    verdict = school_questions.check(question, answer)
    text = f"Question: {question}\n\nAnswer: {answer}"
    return _document(
        file, first.offset, question, answer, text, "Apache-2.0", verdict, kind=module, difficulty=difficulty
    )


def read_python(file: InputFile) -> Iterator[Item]:
    """Pairs of a Python test file; a statement without one is skipped."""
    try:
        data = file.read(MAX_PYTHON_BYTES)
        source = streams.decode(data)
    except streams.StreamError as error:
        yield Quarantined(file.name, error.offset, error.reason, file.size, error.evidence)
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            body = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None) or 1
        offset = sum(len(part) for part in data.splitlines(keepends=True)[: line - 1])
        yield Quarantined(file.name, offset, "syntax_error", len(data), str(error)[:200])
        return
    names = python_pairs.Names()
    starts = [0]
    for line in data.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    for statement in body:
        first = min([statement.lineno, *(node.lineno for node in getattr(statement, "decorator_list", []))])
        offset, end = starts[min(first, len(starts)) - 1], starts[min(statement.end_lineno or first, len(starts) - 1)]
        try:
            found = python_pairs.pairs(statement, names)
            names.note(statement)
        except (RecursionError, ValueError, TypeError, AttributeError) as error:
            yield Quarantined(
                file.name, offset, "not_understood", end - offset, f"{type(error).__name__}: {error}"[:200]
            )
            continue
        if not found:
            yield Skipped(file.name, offset, "no_pair", end - offset, "")
        for number, pair in enumerate(found):
            text = f"Question: {pair.task}: `{pair.question}`\n\nAnswer: `{pair.answer}`"
            key = f"{pair.line}.{number}"
            yield _document(
                file,
                key,
                f"{pair.task}: {pair.question}",
                pair.answer,
                text,
                "BSD-3-Clause",
                pair.verdict,
                kind="sympy",
            )
