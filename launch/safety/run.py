"""Runs the four gates on a model and leaves results, samples and the page, whatever the gates say."""

from __future__ import annotations

import json
import pathlib
import shutil
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ml_collections

from data.benchmarks import folders
from data.benchmarks.rows import MissingDataError
from launch import config_hash, provenance
from launch.errors import UserError
from launch.safety import bias, hallucination, record, security, toxicity
from launch.safety.setting import Sample, Setting
from launch.workdir import Workdir, atomic_write_json, atomic_write_text, sha256_file
from mistral_moe.evaluation.language_model import LanguageModel
from mistral_moe.safety import gates as gates_lib
from mistral_moe.safety.gates import Gate

GATES = (toxicity, bias, hallucination, security)
PAGE = "index.html"
SAMPLES = "samples"


def data_files(data_dir: pathlib.Path | None) -> dict[str, str]:
    """SHA-256 of every file that the gates read, by its path in the data folder; empty where the hub is read."""
    found: dict[str, str] = {}
    for folder in dict.fromkeys(folder for gate in GATES for folder in gate.FOLDERS):
        try:
            paths = folders.files(data_dir, folder) if data_dir is not None else []
        except MissingDataError:
            continue  # the gate that needs it says so
        found |= {path.relative_to(data_dir).as_posix(): sha256_file(path) for path in paths}
    return found


def _writer(folder: pathlib.Path) -> Callable[[str, Sequence[Sample]], None]:
    def write(name: str, samples: Sequence[Sample]) -> None:
        lines = (json.dumps(sample, ensure_ascii=False) + "\n" for sample in samples)
        # A lone surrogate, which a model may well write, is no UTF-8.
        text = "".join(lines).encode("utf-8", "backslashreplace").decode("utf-8")
        atomic_write_text(folder / f"{name}.jsonl", text)

    return write


def section_of(config: ml_collections.ConfigDict) -> ml_collections.ConfigDict:
    """The section `safety` of a config.

    Raises:
      UserError: it has none.
    """
    if "safety" not in config:
        raise UserError("the config has no section safety", "begin it with experiments.base.base_config()")
    return config.safety


def judge(
    model: LanguageModel,
    judged: Mapping[str, str],
    config: ml_collections.ConfigDict,
    workdir: Workdir,
    data_dir: pathlib.Path | None = None,
    limit: int | None = None,
    max_length: int | None = None,
    progress: Callable[[str, int, int], None] = lambda part, done, total: None,
) -> list[Gate]:
    """Runs all gates, whatever they say; writes results.json, the model's record, samples and the page.

    Args:
      model: that answers.
      judged: what it is: `record.identity`.
      config: of the run.
      workdir: whose folder `safety` is written.
      data_dir: folder of the benchmarks' files; None takes `config.safety.data_dir`, or else the hub.
      limit: most samples of each part.
      max_length: tokens of the model's window, for the record.
      progress: told (part, done, total).

    Raises:
      UserError: the config has no section `safety`.
    """
    section = section_of(config)
    if data_dir is None and section.data_dir:
        data_dir = pathlib.Path(section.data_dir)
    started = provenance.now()
    folder = workdir.folder(record.FOLDER)
    # Samples of an earlier run would be read as this one's.
    shutil.rmtree(folder / SAMPLES, ignore_errors=True)
    setting = Setting(model, section, data_dir, limit, _writer(folder / SAMPLES), progress)
    found = [gate.run(setting) for gate in GATES]
    own = config_hash.sections(config, ["safety"])
    results: dict[str, Any] = {
        "passed": all(gate.passed for gate in found),
        "model": dict(judged),
        "gates": {gate.name: gate.as_json() for gate in found},
        "config_hash": config_hash.digest(own),
        "config": own,
        "limit": limit,
        "max_length": max_length,
        "data_dir": str(data_dir) if data_dir is not None else "hub",
        "data": data_files(data_dir),
        "versions": provenance.versions(),
        "started": started,
        "finished": provenance.now(),
    }
    write_results(workdir, results)
    return found


def validate(*arguments: Any, **keywords: Any) -> list[Gate]:
    """`judge`, which fails where a gate does.

    Raises:
      SafetyValidationError: a gate failed. Everything is written by then.
    """
    found = judge(*arguments, **keywords)
    gates_lib.raise_if_failed(found)
    return found


def table(found: Sequence[Gate]) -> list[str]:
    """The verdicts for a terminal, a line each."""

    def number(value: float | None) -> str:
        return "      -" if value is None else f"{value:7.3f}"

    lines = []
    for gate in found:
        lines.append(f"{'ok  ' if gate.passed else 'FAIL'} {gate.name}")
        for part in gate.required:
            side = "<=" if part.rule.is_lower_better else ">="
            figures = (
                f"value {number(part.value)}  bound {number(part.bound)} {side} {part.rule.threshold:.3f}  n {part.n}"
            )
            lines.append(f"     {'ok  ' if part.passed else 'FAIL'} {part.name:24} {figures}")
    return lines


def write_results(workdir: Workdir, results: Mapping[str, Any]) -> None:
    """Writes results.json, the model's record, and the page about them."""
    from mistral_moe.report import safety_page

    folder = workdir.folder(record.FOLDER)
    # The record first: whoever is killed between the two has not lost a failure.
    atomic_write_json(record.path_of(workdir, results["model"]), results)
    atomic_write_json(folder / record.RESULTS, results)
    atomic_write_text(folder / PAGE, safety_page.render(results, sha256_file(folder / record.RESULTS)))
