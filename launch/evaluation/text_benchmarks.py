"""The nine text benchmarks that are scored by likelihood or exact match.

ARC, HellaSwag, PIQA, LogiQA; GLUE, SuperGLUE, MMLU, BIG-bench; MMLU's mathematics. Prompts are those of lm-eval 0.4.13's own
tasks. Without --fewshot MMLU has five examples from its dev split and the others none, as lm-eval has them.

Where a benchmark has several tasks its value is the unweighted mean of theirs, and its error the root of their squared errors'
sum over their number; MMLU alone is the mean over all questions. ARC's value is the mean of easy and challenge, which are also
reported apart in `parts`. `limit` is of each task.
"""

from __future__ import annotations

import dataclasses
import functools
import pathlib
import re
from collections.abc import Callable, Sequence

from data.benchmarks import arc, bigbench, glue, hellaswag, logiqa, mmlu, piqa, superglue
from data.benchmarks.documents import Document, Task
from launch.evaluation import lm_eval_tasks, task_scores
from launch.evaluation.benchmark import Benchmark, Options, Score, mean_and_stderr
from launch.evaluation.lm_eval_tasks import Job
from launch.evaluation.task_scores import TaskScore
from mistral_moe.evaluation import floors
from mistral_moe.evaluation.floors import Floor
from mistral_moe.evaluation.language_model import LanguageModel

_MMLU_EXAMPLES = 5


def _examples(task: Task, count: int, options: Options) -> Sequence[Document]:
    pool = task.examples() if count else []
    # MMLU's own five stand in their own order; of other splits, which may be sorted, a sample stands for the whole.
    return pool[:count] if task.name.startswith("mmlu_") else lm_eval_tasks.sample(pool, count, options.seed, task.name)


def _names(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= 8 else f"{', '.join(names[:8])} and {len(names) - 8} more"


def _mean_of_tasks(tasks: Sequence[Task], scores: Sequence[TaskScore]) -> tuple[float, float, Floor]:
    """Unweighted mean over groups of tasks, its error, and the mean of the tasks' floors."""
    groups: dict[str, list[TaskScore]] = {}
    for task, score in zip(tasks, scores, strict=True):
        groups.setdefault(task.group or task.name, []).append(score)
    value = floor = variance = 0.0
    for members in groups.values():
        share = 1 / (len(groups) * len(members))
        value += share * sum(member.value for member in members)
        floor += share * sum(member.floor.value for member in members)
        variance += sum((share * member.stderr) ** 2 for member in members)
    name = scores[0].floor.name if len(scores) == 1 else "mean of each task's best trivial strategy"
    return value, variance**0.5, Floor(floor, name)


def _mean_of_questions(tasks: Sequence[Task], scores: Sequence[TaskScore]) -> tuple[float, float, Floor]:
    """Mean over the questions of all tasks, and the floor of all of them as one."""
    value, stderr = mean_and_stderr([value for score in scores for value in score.values])
    return value, stderr, floors.best([document for task in tasks for document in task.documents])


def _run(
    model: LanguageModel,
    options: Options,
    tasks: Sequence[Task],
    metric: str,
    reasons: Sequence[str] = (),
    fewshot: int = 0,
    combine: Callable[..., tuple[float, float, Floor]] = _mean_of_tasks,
) -> Score:
    wanted = fewshot if options.fewshot is None else options.fewshot
    examples = {task.name: _examples(task, wanted, options) for task in tasks}
    jobs = [
        Job(
            task.name,
            lm_eval_tasks.sample(task.documents, options.limit, options.seed, task.name),
            examples[task.name],
            task.description,
        )
        for task in tasks
    ]
    answers, counted = lm_eval_tasks.run(model, jobs)
    scores = [task_scores.score(task.name, task.metric, task.documents, answers[task.name]) for task in tasks]
    value, stderr, floor = combine(tasks, scores)
    short = [task.name for task in tasks if len(examples[task.name]) < wanted]
    notes = [*reasons, *(note for task in tasks for note in task.notes)]
    if short:
        notes.append(f"fewer than {wanted} examples can be had for {_names(short)}: no other split has them")
    counts = {key: count for key, count in counted.items() if count}
    duplicates = sum(task.duplicates for task in tasks)
    if duplicates:
        counts["duplicates"] = duplicates
    parts = {}
    for task, score in zip(tasks, scores, strict=True):
        parts[task.name] = {
            "metric": task.metric,
            "value": score.value,
            "stderr": score.stderr,
            "n": score.n,
            "floor": score.floor.value,
            "floor_name": score.floor.name,
            "fewshot": len(examples[task.name]),
            **score.others,
        }
    return Score(
        metric=metric,
        value=value,
        stderr=stderr,
        n=sum(score.n for score in scores),
        floor=floor.value,
        floor_name=floor.name,
        fewshot=max(map(len, examples.values())),
        samples=[sample for score in scores for sample in score.samples],
        parts=parts,
        counted=counts,
        reason="; ".join(notes),
    )


def _simple(read: Callable[[pathlib.Path | None], list[Task]], model: LanguageModel, options: Options) -> Score:
    return _run(model, options, read(options.data_dir), "acc_norm")


def _arc(model: LanguageModel, options: Options) -> Score:
    tasks = arc.tasks(options.data_dir)
    missing = [part for part in arc.PARTS if not any(task.name == f"arc_{part}" for task in tasks)]
    return _run(model, options, tasks, "acc_norm", [f"not there: {part}" for part in missing])


def _suite(
    read: Callable[[pathlib.Path | None], tuple[list[Task], list[str]]], model: LanguageModel, options: Options
) -> Score:
    """GLUE or SuperGLUE: the mean over those tasks that are there."""
    tasks, missing = read(options.data_dir)
    reasons = []
    if missing:
        there = list(dict.fromkeys(task.group or task.name for task in tasks))
        total = len(there) + len(missing)
        reasons = [f"{len(there)} of {total} tasks: {', '.join(there)}; not there: {', '.join(missing)}"]
    return _run(model, options, tasks, "mean of official metrics", reasons)


def _mmlu(model: LanguageModel, options: Options, subjects: Sequence[str] = ()) -> Score:
    tasks = mmlu.tasks(options.data_dir, subjects)
    wanted = len(subjects) or mmlu.SUBJECTS
    reasons = []
    if len(tasks) < wanted:
        there = {task.name.removeprefix("mmlu_") for task in tasks}
        missing = (
            f"; not there: {', '.join(subject for subject in subjects if subject not in there)}" if subjects else ""
        )
        reasons = [f"{len(tasks)} of {wanted} subjects{missing}"]
    return _run(model, options, tasks, "acc", reasons, _MMLU_EXAMPLES, _mean_of_questions)


@functools.cache
def _bbh_description(name: str) -> str:
    """What stands before a question of BBH in lm-eval's own tasks; "" for a task that it doesn't have."""
    import lm_eval.tasks

    path = pathlib.Path(lm_eval.tasks.__file__).parent / "bbh" / "zeroshot" / f"{name}.yaml"
    found = re.search(r'^"description": "(.*)"$', path.read_text("utf-8"), re.MULTILINE) if path.is_file() else None
    return found[1].replace("\\n", "\n").replace('\\"', '"') if found else ""


def _bigbench(model: LanguageModel, options: Options) -> Score:
    tasks = [
        dataclasses.replace(task, description=_bbh_description(task.name.removeprefix("bbh/")))
        if task.name.startswith("bbh/")
        else task
        for task in bigbench.tasks(options.data_dir)
    ]
    hard = [task.name for task in tasks if task.name.startswith("bbh/")]
    reason = (
        f"{len(tasks) - len(hard)} tasks of BIG-bench and {len(hard)} of BBH's {len(bigbench.BBH)}, without reasoning"
    )
    return _run(model, options, tasks, "mean of task scores", [reason])


BENCHMARKS: tuple[Benchmark, ...] = (
    Benchmark("mmlu_math", "math", functools.partial(_mmlu, subjects=mmlu.MATH)),
    Benchmark("arc", "reasoning", _arc),
    Benchmark("hellaswag", "reasoning", functools.partial(_simple, hellaswag.tasks)),
    Benchmark("piqa", "reasoning", functools.partial(_simple, piqa.tasks)),
    Benchmark("logiqa", "reasoning", functools.partial(_simple, logiqa.tasks)),
    Benchmark("glue", "language", functools.partial(_suite, glue.tasks)),
    Benchmark("superglue", "language", functools.partial(_suite, superglue.tasks)),
    Benchmark("mmlu", "language", _mmlu),
    Benchmark("bigbench", "language", _bigbench),
)
