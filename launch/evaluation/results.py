"""`eval/results.json`: held-out losses of the run's own stage, and what benchmarks found, in one file for readers.

The stage `evaluate` owns held_out.json, which later stages rest on; each model's benchmarks lie in a folder of their own.
results.json is both together, written anew whenever one of them changes.
"""

from __future__ import annotations

import pathlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from launch import workdir as workdir_lib
from launch.evaluation.benchmark import CATEGORIES
from launch.workdir import Workdir

if TYPE_CHECKING:
    from launch.saved_models import SavedModel  # loads JAX, which a report need not wait for

FOLDER = "eval"
RESULTS_FILE = "results.json"
HELD_OUT_FILE = "held_out.json"
BENCHMARKS_FOLDER = "benchmarks"
_NAMES = {
    "seed": "seed",
    "dense": "dense_equal_flops",
    "mix": "mixture_after_mix",
    "router": "mixture_after_router",
    "joint": "mixture_after_joint",
    "sft": "mixture_after_sft",
    "ppo": "mixture_after_ppo",
    "improve": "mixture_after_improve",
    "import": "imported",
}
_FIX = "delete it: the next evaluation writes it anew"


def model_name(saved: "SavedModel") -> str:
    """What results call a model: `seed`, `expert_code`, `mixture_after_joint`."""
    return f"expert_{saved.domain}" if saved.stage == "experts" else _NAMES.get(saved.stage, saved.stage)


def folder_of(workdir: Workdir, model: str) -> pathlib.Path:
    """Where a model's benchmarks lie."""
    return workdir.folder(FOLDER) / BENCHMARKS_FOLDER / model


def read(workdir: Workdir, model: str) -> dict[str, Any]:
    """What was kept of a model: `digest`, `finished`, and `benchmarks {category: {name: entry}}`; {} where nothing was.

    Raises:
      UserError: the file is no JSON.
    """
    return workdir_lib.read_json_object(folder_of(workdir, model) / RESULTS_FILE, _FIX) or {}


def write(workdir: Workdir, model: str, digest: str, finished: str, benchmarks: Mapping[str, Any]) -> None:
    """Keeps a model's benchmarks, and writes the merged file."""
    ordered = {c: benchmarks[c] for c in [*CATEGORIES, *(set(benchmarks) - set(CATEGORIES))] if benchmarks.get(c)}
    kept = {"model": model, "digest": digest, "finished": finished, "benchmarks": ordered}
    workdir_lib.atomic_write_json(folder_of(workdir, model) / RESULTS_FILE, kept)
    merge(workdir)


def by_model(workdir: Workdir) -> dict[str, dict[str, Any]]:
    """What was kept of every model, the one evaluated last at the end."""
    parent = workdir.folder(FOLDER) / BENCHMARKS_FOLDER
    names = sorted(path.parent.name for path in parent.glob(f"*/{RESULTS_FILE}"))
    found = {name: read(workdir, name) for name in names}
    return dict(sorted(found.items(), key=lambda item: item[1].get("finished", "")))


def merge(workdir: Workdir) -> None:
    """Writes results.json from its parts.

    `benchmarks` are those of the model that was evaluated last, which `benchmarks_model` names; `benchmarks_by_model` has
    all of them.
    """
    held_out = workdir_lib.read_json_object(workdir.folder(FOLDER) / HELD_OUT_FILE, _FIX) or {}
    models = by_model(workdir)
    merged = dict(held_out)
    if models:
        last = next(reversed(models))
        merged |= {
            "benchmarks": models[last]["benchmarks"],
            "benchmarks_model": last,
            "benchmarks_by_model": {name: kept["benchmarks"] for name, kept in models.items()},
        }
    workdir_lib.atomic_write_json(workdir.folder(FOLDER) / RESULTS_FILE, merged)
