"""The twenty benchmarks by name; the modules that run them are loaded when they are run."""

from __future__ import annotations

import dataclasses
import difflib
import importlib
import re

from launch.errors import UserError
from launch.evaluation.benchmark import CATEGORIES, Benchmark

HARNESS = "lm_eval"  # category, and prefix, of the harness's own tasks
_MODULES = {
    "launch.evaluation.code_benchmarks": ("humaneval", "mbpp", "code_contests", "swe_bench"),
    "launch.evaluation.math_benchmarks": ("math", "gsm8k", "imo_problems"),
    "launch.evaluation.text_benchmarks": (
        *("mmlu_math", "arc", "hellaswag", "piqa", "logiqa"),
        *("glue", "superglue", "mmlu", "bigbench"),
    ),
    "launch.evaluation.multimodal_benchmarks": ("vqa", "coco_captions", "winoground", "pope"),
}
NAMES = {
    "code": ("humaneval", "mbpp", "code_contests", "swe_bench"),
    "math": ("math", "gsm8k", "mmlu_math", "imo_problems"),
    "reasoning": ("arc", "hellaswag", "piqa", "logiqa"),
    "language": ("glue", "superglue", "mmlu", "bigbench"),
    "multimodal": ("vqa", "coco_captions", "winoground", "pope"),
}
# Other names that people write, in lower case without marks.
_ALIASES = {
    "imo": "imo_problems",
    "coco": "coco_captions",
    "vqav2": "vqa",
    "bbh": "bigbench",
    "swebenchlite": "swe_bench",
}


@dataclasses.dataclass(frozen=True)
class Chosen:
    """A benchmark that the user asked for: its category and name; of category HARNESS the name is a task of lm-eval."""

    category: str
    name: str

    def load(self, task_dir: str | None = None) -> Benchmark:
        """The benchmark.

        Args:
          task_dir: folder of further tasks of lm-eval, in its YAML.

        Raises:
          UserError: lm-eval has no such task.
        """
        if self.category == HARNESS:
            from launch.evaluation import harness_tasks

            return harness_tasks.benchmark(self.name, task_dir)
        module = next(module for module, names in _MODULES.items() if self.name in names)
        found = {benchmark.name: benchmark for benchmark in importlib.import_module(module).BENCHMARKS}
        return found[self.name]


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def choose(names: list[str]) -> list[Chosen]:
    """What `all`, categories, benchmarks and `lm_eval:TASK` stand for, each once, in the order of the table.

    Raises:
      UserError: an unknown name; the nearest ones are given.
    """
    known = {_plain(name): Chosen(category, name) for category in CATEGORIES for name in NAMES[category]}
    known |= {alias: known[_plain(name)] for alias, name in _ALIASES.items()}
    wanted: dict[Chosen, None] = {}
    in_harness = False
    for given in filter(None, (name.strip() for name in names)):
        # `lm_eval:a,b` is one list: what follows the prefix is the harness's until another word of ours comes.
        prefix, _, task = given.partition(":")
        if prefix == HARNESS:
            in_harness = True
            if not task:
                raise UserError("--benchmarks: lm_eval: names no task", "write for example lm_eval:arc_easy")
            wanted[Chosen(HARNESS, task)] = None
        elif given == "all":
            wanted |= dict.fromkeys(known.values())
        elif given in CATEGORIES:
            wanted |= {Chosen(given, name): None for name in NAMES[given]}
        elif _plain(given) in known:
            wanted[known[_plain(given)]] = None
        elif in_harness:
            wanted[Chosen(HARNESS, given)] = None
        else:
            every = [*(name for category in CATEGORIES for name in NAMES[category]), *CATEGORIES, "all"]
            near = difflib.get_close_matches(given.lower(), every, n=2)
            told = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(every)} and {HARNESS}:TASK"
            raise UserError(f"--benchmarks: there is no {given!r}", told)
    order = list(dict.fromkeys(known.values()))
    ours = [one for one in order if one in wanted]
    return [*ours, *(one for one in wanted if one.category == HARNESS)]
