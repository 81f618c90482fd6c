"""BIG-bench (Srivastava et al. 2022) and its hard tasks, BBH (Suzgun et al. 2022).

Layouts: the official task.json (examples of {input, target} or {input, target_scores}), BBH's .json (examples of {input, target}),
the hub's tables (inputs, targets, multiple_choice_targets, multiple_choice_scores; for BBH input, target), and prompts (query,
choices, gold, or context, continuation). A task is a file, or a folder with a task.json.
"""

from __future__ import annotations

import json
import pathlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from data.benchmarks import documents, hub, layout, rows
from data.benchmarks.documents import Document, Task
from data.benchmarks.rows import BenchmarkDataError, MissingDataError, Row

BBH = (
    "boolean_expressions",
    "causal_judgement",
    "date_understanding",
    "disambiguation_qa",
    "dyck_languages",
    "formal_fallacies",
    "geometric_shapes",
    "hyperbaton",
    "logical_deduction_five_objects",
    "logical_deduction_seven_objects",
    "logical_deduction_three_objects",
    "movie_recommendation",
    "multistep_arithmetic_two",
    "navigate",
    "object_counting",
    "penguins_in_a_table",
    "reasoning_about_colored_objects",
    "ruin_names",
    "salient_translation_error_detection",
    "snarks",
    "sports_understanding",
    "temporal_sequences",
    "tracking_shuffled_objects_five_objects",
    "tracking_shuffled_objects_seven_objects",
    "tracking_shuffled_objects_three_objects",
    "web_of_lies",
    "word_sorting",
)


def _of_scores(row: Row, query: str, scores: Mapping[str, float]) -> Document:
    # Many tasks name the right choice first; the order of the alphabet tells nothing.
    choices = sorted(scores)
    credits = [scores[choice] for choice in choices]
    if not all(isinstance(credit, (int, float)) for credit in credits) or not credits:
        raise BenchmarkDataError(f"{row.place}: target_scores are {scores!r:.80}; a number a choice is wanted")
    gold = max(range(len(credits)), key=lambda index: credits[index])
    return documents.choice(row, query, choices, gold, credits=[float(credit) for credit in credits])


def _sorted(row: Row, document: Document | None) -> Document:
    """With its choices sorted, unless the question lists them: where it doesn't, their order is no part of it."""
    if document is None:
        raise BenchmarkDataError(f"{row.place} has no label; fetch the file again")
    choices = document["choices"]
    if all(choice in document["query"] for choice in choices):
        return document
    order = sorted(range(len(choices)), key=choices.__getitem__)
    return document | {"choices": [choices[place] for place in order], "gold": order.index(document["gold"])}


def _generation(row: Row, context: str, targets: Any) -> Document:
    targets = [targets] if isinstance(targets, (str, int, float)) else list(targets or [])
    texts = [str(target).strip() for target in targets]
    if not texts or not all(texts):
        raise BenchmarkDataError(f"{row.place}: the right answer is empty; fetch the file again")
    if not context.strip():
        raise BenchmarkDataError(f"{row.place}: the question is empty; is it the right column?")
    return documents.own_id(row) | {"context": context.rstrip(), "continuation": texts[0], "targets": texts}


def parse(row: Row, form: Mapping[str, Any] | None = None, is_bbh: bool = False) -> Document:
    """A row of any of the layouts.

    Args:
      row: the row.
      form: an official task's own prefixes, from its task.json.
      is_bbh: questions get BBH's "Q: ...\\nA:" around them.
    """
    form = form or {}
    if documents.is_repacked(row):
        return _sorted(row, documents.repacked(row))
    if "continuation" in row.fields:
        return _generation(row, documents.text_of(row, "context"), row["continuation"])
    if "inputs" in row.fields:
        rows.require(row, ["targets"], {"inputs": str})
        if row.fields.get("multiple_choice_targets"):
            scores = dict(zip(row["multiple_choice_targets"], row.fields["multiple_choice_scores"]))
            return _of_scores(row, row["inputs"], scores)
        return _generation(row, row["inputs"], row["targets"])
    text = documents.text_of(row, "input")
    if is_bbh:
        rows.require(row, ["target"])
        return _generation(row, f"Q: {text}\nA:", row["target"])
    before = form.get("task_prefix", "") + form.get("example_input_prefix", "\nQ: ") + text
    after = form.get("example_output_prefix", "\nA: ")
    if "target_scores" in row.fields:
        rows.require(row, ["target_scores"], {"target_scores": dict})
        listed = form.get("append_choices_to_input", True)
        mark = form.get("choice_prefix", "\n  choice: ")
        shown = "".join(mark + choice for choice in sorted(row["target_scores"])) if listed else ""
        return _of_scores(row, (before + shown + after).lstrip("\n"), row["target_scores"])
    rows.require(row, ["target"])
    return _generation(row, (before + after).lstrip("\n"), row["target"])


def _form(path: pathlib.Path) -> dict[str, Any]:
    """The prefixes of a task.json."""
    value = json.loads(path.read_text("utf-8-sig"))
    wanted = (
        "task_prefix",
        "example_input_prefix",
        "example_output_prefix",
        "choice_prefix",
        "append_choices_to_input",
    )
    return {key: value[key] for key in wanted if key in value}


def _task(name: str, table: Sequence[Row], is_bbh: bool, form: Mapping[str, Any] | None = None) -> Task:
    parsed = [parse(row, form, is_bbh) for row in table]
    kinds = {"choices" in document for document in parsed}
    if len(kinds) > 1:
        raise BenchmarkDataError(
            f"{table[0].place}: {name} mixes multiple choice with text to generate; split the file"
        )
    metric = "exact_match" if kinds == {False} else "credit" if "credits" in parsed[0] else "acc"
    found, duplicates = documents.with_ids(parsed)
    return Task(name, found, lambda: [], metric, duplicates=duplicates)


def _name(path: pathlib.PurePath) -> str:
    """The task of a file: its own name, or its folder's where the file's says only its kind or split."""
    stem = path.name.split(".")[0]
    if (
        stem == "task"
        or layout.split_of(pathlib.PurePath(stem))
        and stem.split("-")[0] in ("test", "validation", "train")
    ):
        return "/".join(part for part in path.parts[:-1] if part.lower() != "bbh")
    return re.sub(r"^bigbench_|_(zero_shot|test)$", "", stem)


def tasks(data_dir: pathlib.Path | None) -> list[Task]:
    """One task a file; those of BBH are called `bbh/...`. The validation split is scored where the hub's files are.

    Raises:
      MissingDataError: there are none.
    """
    if data_dir is None:
        return [_task(f"bbh/{name}", hub.rows("SaylorTwift/bbh", name, "test"), True) for name in BBH]
    base = layout.folder(data_dir, "bigbench", "big_bench", "bbh")
    grouped: dict[tuple[str, bool], dict[str, list[pathlib.Path]]] = {}
    for path in rows.find(base, "**/*"):
        relative = path.relative_to(base)
        is_bbh = "bbh" in (part.lower() for part in (base.name, *relative.parts))
        if any(part.startswith(".") for part in relative.parts) or "metadata" in relative.name:
            continue
        split = layout.split_of(pathlib.PurePath(relative.name))
        grouped.setdefault((_name(relative), is_bbh), {}).setdefault(split, []).append(path)
    found = []
    for (name, is_bbh), splits in sorted(grouped.items()):
        paths = next(splits[split] for split in ("validation", "test", "", "dev", "train") if split in splits)
        table: list[Row] = []
        form = None
        for path in paths:
            is_json = ".json" in path.suffixes
            table += rows.read(path, key="examples" if is_json else "")
            form = _form(path) if is_json and not is_bbh else form
        found.append(_task(f"bbh/{name}" if is_bbh else name, table, is_bbh, form))
    if not found:
        raise MissingDataError(f"{base} holds no task; put task files there")
    return found
