"""Generated Python functions, each with its tests and a certificate that replays them.

`generate(level, seed, index)` is a pure function. The expected results come from a reference, which is another
implementation than the one that is printed; the tests catch most of the faults that can be put into the function, and
one of those faulty versions is kept for the task of putting it right. `verify` runs both as programs.
"""

from __future__ import annotations

import ast
import atexit
import dataclasses
import functools
import os
import random
import re
from collections.abc import Sequence
from typing import Any

from data.document import Document, content_id
from data.execution.pool import Pool
from data.execution.result import Refused
from data.generators import (
    code_algorithms,
    code_basics,
    code_bits,
    code_closures,
    code_containers,
    code_functions,
    code_graphs,
    code_grids,
    code_machines,
    code_optimization,
    code_parsing,
    code_schedulers,
    code_trials,
)
from data.generators.code_mutants import Fault, faults, instrumented
from data.generators.code_template import Problem, Template, lay_out
from data.generators.code_trials import ENDLESS, RIGHT, WRONG, Trial

NAME = "code_problems"
DOMAIN = "code"
LICENCE = "CC0-1.0"
TEMPLATES: dict[str, Sequence[Template]] = {
    "syntax_basics": (*code_basics.SYNTAX_BASICS, *code_containers.SYNTAX_BASICS),
    "functions": (*code_functions.FUNCTIONS, *code_closures.FUNCTIONS),
    "algorithms": (*code_algorithms.ALGORITHMS, *code_graphs.ALGORITHMS, *code_grids.ALGORITHMS),
    "systems": (*code_machines.SYSTEMS, *code_schedulers.SYSTEMS, *code_parsing.SYSTEMS),
    "optimization": (*code_optimization.OPTIMIZATION, *code_bits.OPTIMIZATION),
}
MIN_CAUGHT = 0.8
MAX_FAULTS = 10
FEW_TESTS, MAX_TESTS, MAX_DRAWS = 3, 8, 16
MAX_ATTEMPTS = 10
VERIFY_SECONDS = 20.0
_ROUNDS = 100_000
_ASSERTION = re.compile(r"^assert ", re.MULTILINE)


class TemplateError(AssertionError):
    """A template whose function and reference differ, or whose tests don't catch its faults however they are drawn."""


@dataclasses.dataclass(frozen=True)
class _Case:
    """One test: arguments and result, as values and in Python's notation."""

    frozen: bytes
    expected: Any
    arguments: str
    result: str

    @property
    def can_be_shown(self) -> bool:
        """Whether a docstring can hold it as it stands, and the interpreter would print its result."""
        text = self.arguments + self.result
        return self.expected is not None and "\\" not in text and '"""' not in text


@dataclasses.dataclass(frozen=True)
class _Checked:
    """The tests that were chosen, and what they caught.

    Attributes:
      cases: the tests, in the order they were drawn.
      tried: faults that were put in.
      alike: those among them that no draw tells from the right function.
      caught: those that the tests catch.
      bug: the faulty version that is kept.
    """

    cases: list[_Case]
    tried: int
    alike: int
    caught: int
    bug: str


def _cases(problem: Problem, rng: random.Random) -> list[_Case]:
    """Up to MAX_DRAWS different tests, their results by the reference."""
    cases: dict[bytes, _Case] = {}
    for _ in range(MAX_DRAWS):
        arguments = problem.arguments(rng)
        frozen = code_trials.frozen(arguments)
        if frozen not in cases:
            shown = ", ".join(map(repr, arguments))
            expected = problem.reference(*code_trials.thawed(frozen))
            cases[frozen] = _Case(frozen, expected, shown, repr(expected))
    return list(cases.values())


def _check(source: str, entry: str, cases: list[_Case], rng: random.Random) -> _Checked | None:
    """Holds the function to the reference, and adds tests until they catch the faults; None where too few are caught.

    Raises:
      TemplateError: the function and its reference differ.
    """
    right, rounds = Trial(instrumented(source), entry), []
    for case in cases:
        result = right.result(case.frozen, _ROUNDS)
        if repr(result) != case.result:
            raise TemplateError(f"{entry}({case.arguments}) is {result!r} and by the reference {case.result}")
        rounds.append(20 * (_ROUNDS - right.left) + 100)
    known = faults(source)
    tried = rng.sample(known, min(MAX_FAULTS, len(known)))
    chosen, caught, alike = set(range(min(FEW_TESTS, len(cases)))), 0, 0
    bugs: list[tuple[int, int, Fault]] = []
    for fault in tried:
        place, outcome = _first_catch(fault.put_into(source), entry, cases, rounds, chosen)
        if place is None:
            alike += 1
            continue
        if place in chosen or len(chosen) < MAX_TESTS:
            chosen.add(place)
            caught += 1
            if outcome != ENDLESS:
                bugs.append((outcome != WRONG, len(bugs), fault))
    if not bugs or caught < MIN_CAUGHT * (len(tried) - alike):
        return None
    bug = min(bugs)[2].put_into(source)  # a wrong result is harder to see than an exception
    return _Checked([cases[place] for place in sorted(chosen)], len(tried), alike, caught, bug)


def _first_catch(
    source: str, entry: str, cases: list[_Case], rounds: list[int], chosen: set[int]
) -> tuple[int | None, str]:
    """The first case that a faulty program fails, those chosen first, and how; None where it passes all."""
    trial = Trial(instrumented(source), entry)
    for place in (*sorted(chosen), *(place for place in range(len(cases)) if place not in chosen)):
        outcome = trial.outcome(cases[place].frozen, cases[place].expected, rounds[place])
        if outcome != RIGHT:
            return place, outcome
    return None, RIGHT


def render_tests(entry: str, tests: Sequence[Sequence[str]]) -> str:
    """The tests as they stand in a document: an assertion a line, from (arguments, result) in Python's notation."""
    lines = []
    for arguments, result in tests:
        sign = "is" if result in ("None", "True", "False") else "=="
        lines.append(f"assert {entry}({arguments}) {sign} {result}")
    return "\n".join(lines)


def generate(level: str, seed: int, index: int) -> Document:
    """The function of that level, seed and index.

    Raises:
      KeyError: an unknown level.
      TemplateError: a template is at fault.
    """
    rng = random.Random(f"{DOMAIN}/{level}/{seed}/{index}")
    return from_template(rng.choice(TEMPLATES[level]), level, f"{seed}/{index}", rng)


def from_template(template: Template, level: str, name: str, rng: random.Random) -> Document:
    """The document that a template makes of what `rng` draws.

    Raises:
      TemplateError: its function and reference differ, or its tests catch too little.
    """
    for _ in range(MAX_ATTEMPTS):
        problem = template(rng)
        cases = _cases(problem, rng)
        shown = [(case.arguments, case.result) for case in cases if case.can_be_shown]
        module = lay_out(problem, rng, shown[: rng.choice((0, 0, 1, 2))])
        if checked := _check(module.source, module.entry, cases, rng):
            break
    else:
        raise TemplateError(f"{module.entry}: no tests catch {MIN_CAUGHT:.0%} of its faults")
    tests = [[case.arguments, case.result] for case in checked.cases]
    text = f"{module.source}\n\n\n{render_tests(module.entry, tests)}"
    certificate = {
        "entry": module.entry,
        "tests": tests,
        "answer": tests[-1][1],
        "mutants": checked.tried - checked.alike,
        "equivalent": checked.alike,
        "caught": checked.caught,
        "text_id": content_id(text),
    }
    meta = {
        "certificate": certificate,
        "language": "python",
        "signature": module.signature,
        "prompt_end": len(module.prompt),
        "implementation_end": len(module.source),
        "bug": checked.bug,
    }
    return Document(text, DOMAIN, f"{NAME}:{level}/{name}", LICENCE, level, meta=meta)


def answered(document: Document, completion: str) -> Document:
    """The function with another body, which ends where assertions begin; the tests, and the fault that they catch, stay."""
    meta, certificate = document.meta, document.meta["certificate"]
    source = document.text[: meta["prompt_end"]] + _ASSERTION.split(completion, 1)[0].rstrip()
    text = f"{source}\n\n\n{render_tests(certificate['entry'], certificate['tests'])}"
    changed = {"certificate": certificate | {"text_id": content_id(text)}, "implementation_end": len(source)}
    return dataclasses.replace(document, text=text, meta=meta | changed)


@functools.cache
def _pool(process: int) -> Pool:
    """The pool of this process (forks don't share one): bubblewrap where it works, else resource limits alone."""
    try:
        pool = Pool("bubblewrap")
    except Refused:
        pool = Pool("process")
    atexit.register(pool.close)
    return pool


def _defines(source: str, entry: str) -> bool:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return False
    return any(isinstance(node, ast.FunctionDef) and node.name == entry for node in tree.body)


def verify(document: Document) -> bool:
    """Whether the certificate belongs to this very text, all its tests pass, and the faulty version fails them.

    Both are run by `data.execution`: a document may come from anywhere.
    """
    meta = document.meta
    certificate, end, bug = meta.get("certificate"), meta.get("implementation_end"), meta.get("bug")
    if not (isinstance(certificate, dict) and isinstance(end, int) and isinstance(bug, str)):
        return False
    entry, tests = certificate.get("entry"), certificate.get("tests")
    if not tests or certificate.get("text_id") != content_id(document.text):
        return False
    source, asserted = document.text[:end], f"\n\n\n{render_tests(entry, tests)}"
    if document.text[end:] != asserted or certificate.get("answer") != tests[-1][1] or not _defines(source, entry):
        return False
    if certificate["caught"] < MIN_CAUGHT * certificate["mutants"] or not _defines(bug, entry):
        return False
    pool = _pool(os.getpid())
    if pool.run(document.text, timeout=VERIFY_SECONDS).status != "passed":
        return False
    return pool.run(bug + asserted, timeout=VERIFY_SECONDS).status == "failed"
