"""Whether what a model wrote solves the problem, and whether it has the asked form: two scores, kept apart.

Numbers and formulas are compared exactly (`data.processors.answers`, math-verify behind it); functions are run with the
problem's tests in the sandbox. A function is run in a namespace of its own, and its results must have the right types
all the way down, so that an object that calls itself equal to everything passes nothing.
"""

from __future__ import annotations

import ast
import dataclasses
import re
import warnings
from typing import Self

from data.execution.pool import Pool
from data.processors import answers
from data.verifiable.problem import PROGRAMS, Problem

SECONDS = 2.0  # of its own time for a program
MAX_CHARACTERS = 20_000  # of a completion; more is wrong unread
_ASSERTION = re.compile(r"^assert ", re.MULTILINE)
_STATEMENT = re.compile(r"^Answer: *(\S.*)$", re.MULTILINE)
_HARNESS = """\
def same(first, second):
    if type(first) is not type(second):
        return False
    if type(first) in (list, tuple):
        return len(first) == len(second) and all(map(same, first, second))
    if type(first) is dict:
        plain = all(type(key) in PLAIN for key in first) and first.keys() == second.keys()
        return plain and all(same(first[key], second[key]) for key in second)
    if type(first) in (set, frozenset):
        return all(type(one) in PLAIN for one in first) and first == second
    return type(first) in PLAIN and first == second


def check(arguments, expected):
    assert same(space[ENTRY](*arguments), expected)


PLAIN = (int, float, complex, str, bytes, bool, type(None))
space = {"__name__": "answer"}
"""


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What a completion came to.

    Attributes:
      correct: 1.0 where it is right, else 0.0.
      format: 0 to 1. Of numbers: 1 where it ends with one line `Answer: NUMBER`, 0.5 where it has such a line and more,
        or other things in it, else 0. Of functions: 1 where the function is valid Python with a body, else 0.
      detail: what was found: the answer that was read, or how the program ended.
    """

    correct: float
    format: float
    detail: str


class Verifier:
    """Judges completions; a context manager, which ends the sandbox where one was started.

    Args:
      isolation: of functions, see `data.execution.isolation`.
      seconds: that a function may take with its tests.
    """

    def __init__(self, isolation: str = "bubblewrap", seconds: float = SECONDS):
        self._isolation, self._seconds = isolation, seconds
        self._pool: Pool | None = None

    def score(self, problem: Problem, completion: str) -> Verdict:
        """Judges one completion, whatever it holds.

        Raises:
          data.execution.result.Refused: the first function was to be run and this machine has no such sandbox.
        """
        if len(completion) > MAX_CHARACTERS:
            return Verdict(0.0, 0.0, f"longer than {MAX_CHARACTERS} characters")
        if problem.task in PROGRAMS:
            return self._run(problem, completion)
        return _compare(problem, completion)

    def close(self) -> None:
        """Ends the sandbox."""
        if self._pool is not None:
            self._pool.close()
            self._pool = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _run(self, problem: Problem, completion: str) -> Verdict:
        source = problem.meta["head"] + _ASSERTION.split(completion, maxsplit=1)[0]
        if not _defines(source, problem.meta["entry"]):
            return Verdict(0.0, 0.0, "no function")
        if self._pool is None:
            self._pool = Pool(self._isolation)
        result = self._pool.run(program(problem, source), timeout=self._seconds)
        return Verdict(float(result.status == "passed"), 1.0, result.status)


def program(problem: Problem, source: str) -> str:
    """The program that ends well where `source` defines the function that a problem asks for."""
    entry = f"ENTRY = {problem.meta['entry']!r}\nexec(compile({source!r}, 'answer', 'exec'), space)\n"
    return f"{_HARNESS}{entry}{problem.answer}\n"


def _compare(problem: Problem, completion: str) -> Verdict:
    found = _STATEMENT.findall(completion)
    if not found:
        return Verdict(0.0, 0.0, "no answer")
    answer = found[-1].strip()[: answers.MAX_CHARACTERS]
    value, wanted = answers.number(answer), answers.number(problem.answer)
    if wanted is not None:
        right, in_form = value == wanted, value is not None
    else:
        right, in_form = answers.agree(answer, problem.answer) is True, True
    is_end = len(found) == 1 and completion.rstrip().endswith(found[-1].rstrip())
    return Verdict(float(right), 1.0 if in_form and is_end else 0.5, f"answer {answer}")


def _defines(source: str, entry: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what the model wrote
            tree = ast.parse(source)
            compile(tree, "answer", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    named = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == entry]
    return bool(named) and (len(named[-1].body) > 1 or ast.get_docstring(named[-1]) is None)
