"""HumanEval and MBPP: functions that a model writes, run with their tests in the sandbox."""

from __future__ import annotations

import ast
import builtins
import functools
from collections.abc import Sequence

from data.benchmarks import humaneval as humaneval_data
from data.benchmarks import mbpp as mbpp_data
from data.execution.pool import Pool
from launch.evaluation import programs
from launch.evaluation.benchmark import Options, Score
from launch.evaluation.programs import Verdict
from mistral_moe.evaluation.language_model import LanguageModel

# Of its own time for a program. HumanEval's are those of Codex's harness; of MBPP's own solutions one takes more than three.
SECONDS = {"humaneval": 3.0, "mbpp": 20.0}
MAX_TOKENS = 512
HUMANEVAL_STOP = ("\nclass", "\ndef", "\n#", "\nif", "\nprint")
MBPP_STOP = ("[DONE]",)
MBPP_FEWSHOT = 3
FLOOR_NAME = "functions that return their first argument"

_Problem = humaneval_data.Problem | mbpp_data.Problem


def humaneval(model: LanguageModel, options: Options) -> Score:
    """pass@k of HumanEval: the prompt as it is, cut where something new begins on the left margin.

    Raises:
      Unavailable: there is no sandbox.
      MissingDataError, BenchmarkDataError: by `data.benchmarks.humaneval`.
    """
    problems, duplicates = humaneval_data.problems(options.data_dir)
    trivial = [f"    pass\n\n\n{_first_argument(problem.entry_point)}" for problem in problems]
    prompts = [problem.prompt for problem in problems]
    return _score("humaneval", model, options, problems, prompts, trivial, HUMANEVAL_STOP, 0, duplicates, "")


def mbpp(model: LanguageModel, options: Options) -> Score:
    """pass@k of MBPP's test split, with the paper's prompt and examples.

    Raises:
      Unavailable: there is no sandbox.
      MissingDataError, BenchmarkDataError: by `data.benchmarks.mbpp`.
    """
    problems, examples, duplicates = mbpp_data.problems(options.data_dir)
    wanted = MBPP_FEWSHOT if options.fewshot is None else options.fewshot
    shown = examples[:wanted]
    reason = ""
    if len(shown) < wanted:
        reason = f"{len(shown)} of {wanted} examples: the data holds no more rows of task_id 1 to 10"
    before = "".join(f"{example.question()}{example.code}\n[DONE]\n\n" for example in shown)
    prompts = [before + problem.question() for problem in problems]
    trivial = [_first_argument(called(problem.tests[0])) for problem in problems]
    return _score("mbpp", model, options, problems, prompts, trivial, MBPP_STOP, len(shown), duplicates, reason)


def called(test: str) -> str:
    """The function that an assertion is about: the first call that is no builtin's; "f" where it can't be told."""
    try:
        tree = ast.parse(test.strip())
    except SyntaxError:
        return "f"
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    names = [call.func.id for call in calls if not hasattr(builtins, call.func.id)]
    return names[0] if names else "f"


def _first_argument(name: str) -> str:
    return f"def {name}(*arguments):\n    return arguments[0]\n"


def _run(name: str, pool: Pool, program: str) -> Verdict:
    result = pool.run(program, timeout=SECONDS[name])
    return Verdict(result.status, result.stderr[-programs.TAIL :])


def _floor(name: str, options: Options, problems: Sequence[_Problem], trivial: Sequence[str]) -> float:
    texts = [problem.program(completion) for problem, completion in zip(problems, trivial, strict=True)]
    verdicts = programs.in_sandbox(texts, functools.partial(_run, name), options, f"{name}: floor")
    return sum(verdict.passed for verdict in verdicts) / len(verdicts)


def _score(
    name: str,
    model: LanguageModel,
    options: Options,
    problems: Sequence[_Problem],
    prompts: Sequence[str],
    trivial: Sequence[str],
    stop: tuple[str, ...],
    fewshot: int,
    duplicates: int,
    reason: str,
) -> Score:
    # In front of the model's work: without a sandbox it would be for nothing.
    floor = _floor(name, options, problems, trivial)
    problems, prompts = problems[: options.limit], prompts[: options.limit]
    drawn = programs.completions(model, prompts, options, MAX_TOKENS, stop)
    texts = [problem.program(one.text) for problem, of_one in zip(problems, drawn, strict=True) for one in of_one]
    different = list(dict.fromkeys(texts))
    found = dict(
        zip(different, programs.in_sandbox(different, functools.partial(_run, name), options, f"{name}: programs"))
    )
    in_turn = iter(texts)
    verdicts = [[found[next(in_turn)] for _ in of_one] for of_one in drawn]
    value, stderr, parts = programs.estimated(verdicts, options.attempts)
    return Score(
        metric="pass@1",
        value=value,
        stderr=stderr,
        n=len(problems),
        floor=floor,
        floor_name=FLOOR_NAME,
        fewshot=fewshot,
        samples=programs.samples([problem.id for problem in problems], prompts, drawn, verdicts),
        parts=parts,
        counted=programs.counted(drawn, verdicts, duplicates),
        reason=reason,
    )
