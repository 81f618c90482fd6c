"""CodeContests: programs that read standard input, held against every test of their problem."""

from __future__ import annotations

import re

from data.benchmarks import code_contests as data_lib
from data.execution.limits import Limits
from data.execution.pool import Pool
from launch.evaluation import programs
from launch.evaluation.benchmark import Options, Score, Unavailable
from launch.evaluation.programs import Verdict
from mistral_moe.evaluation.judge import outputs_match
from mistral_moe.evaluation.language_model import LanguageModel

MAX_TOKENS = 1024
STOP = ('\n"""', "\n'''", "\n# Problem")
LIMITS = Limits(output=16 << 20)
FLOOR_NAME = "programs that print the first test's answer whatever they read"
_FENCE = re.compile(r"```(?:python3?|py)?[ \t]*\n(.*?)(?:\n```|\Z)", re.DOTALL)


def prompt(problem: data_lib.Problem) -> str:
    """What the model goes on from."""
    statement = problem.description.strip().replace('"""', "'''")
    return f'"""\n{statement}\n"""\n# A Python 3 program that reads standard input and writes standard output.\n'


def source(output: str) -> str:
    """The program in an answer: of its first fence, else all of it."""
    found = _FENCE.search(output)
    return found.group(1) if found else output


def script(program: str) -> str:
    """A program that may leave by exit(0), as scripts may, and is judged by what it printed."""
    return (
        "import builtins, sys\n"
        "builtins.exit = builtins.quit = sys.exit\n"
        "try:\n"
        f"    exec(compile({program!r}, 'solution.py', 'exec'), {{'__name__': '__main__'}})\n"
        "except SystemExit as left:\n"
        "    if left.code not in (None, 0):\n"
        "        raise RuntimeError(f'exit code {left.code}')\n"
    )


def judged(pool: Pool, item: tuple[data_lib.Problem, str]) -> Verdict:
    """Runs a program on the problem's tests up to the first that it doesn't pass."""
    problem, program = item
    for number, (stdin, expected) in enumerate(problem.tests, 1):
        result = pool.run(program, stdin=stdin, timeout=problem.seconds)
        where = f"test {number} of {len(problem.tests)}: "
        if result.status != "passed":
            return Verdict(result.status, where + result.stderr[-programs.TAIL // 2 :])
        if not outputs_match(result.stdout, expected):
            return Verdict("wrong", f"{where}printed {result.stdout[:200]!r}, expected {expected[:200]!r}")
    return Verdict("passed", "")


def code_contests(model: LanguageModel, options: Options) -> Score:
    """Share of problems whose every test a program passes; time is the problem's own limit, of CPU time.

    Raises:
      Unavailable: the data has no tests, or there is no sandbox.
      MissingDataError, BenchmarkDataError: by `data.benchmarks.code_contests`.
    """
    everything, duplicates = data_lib.problems(options.data_dir)
    testable = [problem for problem in everything if problem.tests]
    if not testable:
        raise Unavailable(
            "no_tests",
            f"none of the {len(everything)} problems has tests that a program could be run on; get the files of "
            "deepmind/code_contests with public_tests, private_tests and generated_tests",
        )
    constant = [
        all(outputs_match(problem.tests[0][1], expected) for _, expected in problem.tests) for problem in testable
    ]
    problems = testable[: options.limit]
    # In front of the model's work: without a sandbox it would be for nothing.
    programs.in_sandbox(["pass"], lambda pool, text: pool.run(text), options, "code_contests: sandbox", LIMITS)
    prompts = [prompt(problem) for problem in problems]
    drawn = programs.completions(model, prompts, options, MAX_TOKENS, STOP)
    items = [
        (problem, script(source(one.text))) for problem, of_one in zip(problems, drawn, strict=True) for one in of_one
    ]
    found = iter(programs.in_sandbox(items, judged, options, "code_contests: programs", LIMITS))
    verdicts = [[next(found) for _ in of_one] for of_one in drawn]
    value, stderr, parts = programs.estimated(verdicts, options.attempts)
    untested = len(everything) - len(testable)
    return Score(
        metric="pass@1",
        value=value,
        stderr=stderr,
        n=len(problems),
        floor=sum(constant) / len(constant),
        floor_name=FLOOR_NAME,
        fewshot=0,
        samples=programs.samples([problem.id for problem in problems], prompts, drawn, verdicts),
        parts=parts,
        counted={**programs.counted(drawn, verdicts, duplicates), **({"without_tests": untested} if untested else {})},
        reason=f"{untested} problems without tests are left out" if untested else "",
    )
