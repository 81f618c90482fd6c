"""SWE-bench: patches that models write for issues; where the harness can't run, scored by the files that they find."""

from __future__ import annotations

import os
import pathlib
import subprocess
import tempfile
from collections.abc import Sequence
from typing import Any

from data.benchmarks import swe_bench as data_lib
from launch.evaluation import swebench_harness
from launch.evaluation.benchmark import Options, Score, mean_and_stderr
from mistral_moe.evaluation import patches
from mistral_moe.evaluation.language_model import LanguageModel, Prompt, in_order

PREDICTIONS_FILE = "swe_bench_predictions.jsonl"  # in the format of the official harness
MAX_TOKENS = 1024
STOP = ("</patch>",)
LOCALISATION = f"file_acc@{patches.MOST_FILES}"
FLOOR_NAME = f"the {patches.MOST_FILES} files of the repository that other instances change most"
RESOLVED_FLOOR_NAME = "no patch"
_MODEL = "model"
_GIT_SECONDS = 120


def prompt(instance: data_lib.Instance) -> str:
    """What the model goes on from: the issue, the form of the answer, and an open tag."""
    return (
        f"An issue of the repository {instance.repo}:\n<issue>\n{instance.problem_statement.strip()}\n</issue>\n"
        "Solve it. Respond with one patch that `git apply` takes at the repository's root, in this form:\n"
        "<patch>\n"
        "diff --git a/path/to/file.py b/path/to/file.py\n"
        "--- a/path/to/file.py\n"
        "+++ b/path/to/file.py\n"
        "@@ -1,2 +1,2 @@\n"
        " a line that stays\n"
        "-a line that goes\n"
        "+a line that comes\n"
        "</patch>\n"
        "The patch for the issue:\n"
        "<patch>\n"
    )


def applies(repository: pathlib.Path, commit: str, patch: str) -> bool | None:
    """Whether git would apply a patch to the files of a commit; None where the repository doesn't hold the commit."""
    with tempfile.TemporaryDirectory(prefix="patch-") as folder:
        # The commit goes into an index of its own: nothing of the repository is changed, nor its files checked out.
        environment = {**os.environ, "GIT_INDEX_FILE": os.path.join(folder, "index")}

        def git(*arguments: str, text: str = "") -> bool:
            try:
                done = subprocess.run(
                    ["git", "-C", str(repository), *arguments],
                    input=text.encode("utf-8", "surrogatepass"),
                    capture_output=True,
                    env=environment,
                    timeout=_GIT_SECONDS,
                )
            except (OSError, subprocess.TimeoutExpired):
                return False
            return done.returncode == 0

        if not git("read-tree", f"{commit}^{{commit}}"):
            return None
        return bool(patch) and git("apply", "--cached", "--check", "-", text=patch)


def _sample(instance: data_lib.Instance, text: str, patch: str, options: Options) -> dict[str, Any]:
    found, gold = patches.touched(patch), patches.touched(instance.patch)
    files = found.files if found else ()
    of_files = patches.overlap(files, instance.files)
    sample: dict[str, Any] = {
        "id": instance.id,
        "instance_id": instance.id,
        "prompt": prompt(instance),
        "output": text,
        "model_patch": patch,
        "score": float(patches.localised(files, instance.files)),
        "files": list(files),
        "gold_files": list(instance.files),
        "well_formed": float(found is not None),
        "file_recall": of_files.recall,
        "file_precision": of_files.precision,
        "file_f1": of_files.f1,
    }
    if gold and gold.functions:
        sample["function_recall"] = patches.overlap(found.functions if found else (), gold.functions).recall
    repository = data_lib.repository(options.data_dir, instance.repo)
    checked = applies(repository, instance.base_commit, patch) if repository else None
    if checked is not None:
        sample["applies"] = float(checked)
    return sample


def _parts(samples: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    parts = {}
    for name in ("well_formed", "applies", "file_recall", "file_precision", "file_f1", "function_recall"):
        values = [sample[name] for sample in samples if name in sample]
        if values:
            value, stderr = mean_and_stderr(values)
            parts[name] = {"value": value, "stderr": stderr, "n": len(values)}
    return parts


def swe_bench(model: LanguageModel, options: Options) -> Score:
    """Share of issues resolved, by SWE-bench's harness; without it, of those whose files the patch finds.

    A patch has found them when all files that the right one changes are among its first five. It's a weaker claim than
    a repaired repository, so the metric has another name.

    Raises:
      MissingDataError, BenchmarkDataError: by `data.benchmarks.swe_bench`.
    """
    everything, duplicates = data_lib.instances(options.data_dir)
    guesses = data_lib.most_changed(everything, patches.MOST_FILES)
    floor = sum(patches.localised(guesses[one.id], one.files) for one in everything) / len(everything)
    instances = everything[: options.limit]
    asked = [Prompt(prompt(instance), MAX_TOKENS, STOP, seed=options.seed) for instance in instances]
    answers = in_order(model.generate(asked))
    samples = [
        _sample(instance, answer.text, patches.extract(answer.text), options)
        for instance, answer in zip(instances, answers, strict=True)
    ]
    parts = _parts(samples)
    counts = {
        "duplicates": duplicates,
        "empty_outputs": sum(not answer.text.strip() for answer in answers),
        "truncated_prompts": sum(answer.truncated > 0 for answer in answers),
        "without_patch": sum(not sample["model_patch"] for sample in samples),
        "malformed_patches": sum(bool(sample["model_patch"]) and not sample["well_formed"] for sample in samples),
    }
    reasons = []
    unchecked = len(samples) - parts.get("applies", {"n": 0})["n"]
    if unchecked:
        reasons.append(
            f"whether patches apply isn't checked for {unchecked}: no clone with the commit at "
            f"{data_lib.FOLDERS}/repos/<owner>__<name>"
        )
    value, stderr = mean_and_stderr([sample["score"] for sample in samples])
    metric, floor_name = LOCALISATION, FLOOR_NAME
    solved, why = _resolved(instances, samples)
    if solved is None:
        reasons.insert(0, f"resolved needs docker + swebench: {why}; the value is of the files that the patches touch")
    else:
        parts[LOCALISATION] = {"value": value, "stderr": stderr, "n": len(samples), "floor": floor}
        for sample in samples:
            sample["score"] = float(sample["instance_id"] in solved)
        value, stderr = mean_and_stderr([sample["score"] for sample in samples])
        metric, floor, floor_name = "resolved", 0.0, RESOLVED_FLOOR_NAME
    return Score(
        metric=metric,
        value=value,
        stderr=stderr,
        n=len(samples),
        floor=floor,
        floor_name=floor_name,
        fewshot=0,
        samples=samples,
        parts=parts,
        counted={name: count for name, count in counts.items() if count},
        reason="; ".join(reasons),
        files={PREDICTIONS_FILE: patches.predictions(samples, options.model_name)},
    )


def _resolved(instances: Sequence[data_lib.Instance], samples: Sequence[dict[str, Any]]) -> tuple[set[str] | None, str]:
    """(instances that the harness found resolved, ""), or (None, why it wasn't run to its end)."""
    if not all(instance.has_tests for instance in instances):
        return None, "rows have no FAIL_TO_PASS"
    if lacking := swebench_harness.missing():
        return None, lacking
    rows = [instance.row for instance in instances]
    try:
        return swebench_harness.resolved(rows, patches.predictions(samples, _MODEL)), ""
    except swebench_harness.HarnessError as error:
        return None, str(error)
