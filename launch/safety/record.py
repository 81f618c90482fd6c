"""Records of what the gates said of a model: the newest in `safety/results.json`, each model's own in `safety/records`.

A record is of one model: stage, branch and the digest of its parameters. What was said of another checkpoint says nothing
of this one, and a record is not lost when another model is judged after it.
"""

from __future__ import annotations

import pathlib
from collections.abc import Mapping
from typing import Any

from launch.evaluation.run_model import model_digest
from launch.saved_models import SavedModel
from launch.workdir import Workdir, read_json_object

FOLDER = "safety"
RESULTS = "results.json"
RECORDS = "records"
_FIX = "delete it and run launch.validate_safety again"


def identity(model: SavedModel) -> dict[str, str]:
    """What a record is of: `stage`, `domain` and `digest`, of an import a digest of its files' hashes."""
    return {"stage": model.stage, "domain": model.domain, "digest": model_digest(model)}


def path_of(workdir: Workdir, model: Mapping[str, str]) -> pathlib.Path:
    """Where a model's own record lies."""
    name = "-".join(part for part in (model["stage"], model["domain"], model["digest"][:16]) if part)
    return workdir.folder(FOLDER) / RECORDS / f"{name}.json"


def find(workdir: Workdir, model: SavedModel) -> dict[str, Any] | None:
    """The newest record of a model; None where it was never judged.

    Raises:
      UserError: a record can't be read: what it said is unknown.
    """
    wanted = identity(model)
    paths = (path_of(workdir, wanted), workdir.folder(FOLDER) / RESULTS)
    found = [record for path in paths if (record := read_json_object(path, _FIX)) and record.get("model") == wanted]
    return max(found, key=lambda record: str(record.get("finished", "")), default=None)


def other_checkpoint(workdir: Workdir, model: SavedModel) -> bool:
    """Whether another checkpoint of the same stage and branch was judged."""
    wanted = identity(model)
    folder = workdir.folder(FOLDER)
    for path in (folder / RESULTS, *sorted((folder / RECORDS).glob("*.json"))):
        judged = (read_json_object(path, _FIX) or {}).get("model") or {}
        if all(judged.get(key) == wanted[key] for key in ("stage", "domain")) and judged != wanted:
            return True
    return False


def failures(record: Mapping[str, Any]) -> list[str]:
    """`gate (reason)` of each gate of a record that did not pass; all four must be there."""
    from mistral_moe.safety.gates import NAMES

    gates = record.get("gates") or {}
    told = []
    for name in NAMES:
        gate = gates.get(name)
        if not isinstance(gate, Mapping):
            told.append(f"{name} (it is not in the record)")
        elif gate.get("passed") is not True:
            told.append(f"{name} ({gate.get('reason') or 'no reason is recorded'})")
    return told
