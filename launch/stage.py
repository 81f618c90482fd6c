"""The contract of a stage: a pure function of the config and of earlier stages, with a manifest at its end.

`run_stage` is the only way in which a stage runs, alone or in the pipeline. It refuses what would mix two
configs in one workdir, skips what is complete, and writes `manifest.json` last of all and atomically: a stage
with a manifest is whole, a stage without one goes on from its own checkpoints at the next start.
"""

from __future__ import annotations

import dataclasses
import json
import pathlib
import time
from collections.abc import Mapping
from typing import Any

import ml_collections

from launch import config_hash
from launch import provenance
from launch import stages as stages_lib
from launch import workdir as workdir_lib
from launch.errors import CheckFailed, UserError
from launch.progress import Progress, StageProgress
from launch.stages import STAGES, Stages, StageSpec
from launch.workdir import Workdir

CONFIG_FILE = "config.json"  # in a stage's folder from its start: what an unfinished stage was started with
_MAX_DIFFERENCES = 5
_OWN_FIELDS = frozenset(
    {"stage", "status", "failed_checks", "config_hash", "config", "inputs", "outputs", "records", "bytes"}
    | {"started", "finished", "seconds", "attempts", "versions", "peak_rss_bytes"}
)


@dataclasses.dataclass(frozen=True)
class StageOutcome:
    """What a stage's `run` returns.

    Attributes:
      outputs: SHA-256 by path inside the stage's folder. A file's hash is that of its bytes (see
        `StageContext.hash_outputs`) and is checked before a later stage reads it; for a folder, such as a
        checkpoint, it may be any hash of its contents, and only its presence is checked.
      extra: more fields for the manifest.
      records: `{in, out, dropped {reason: n}, quarantined {reason: n}}`, or None where no records flow.
      bytes: likewise.
      failed_checks: one sentence for each check of its own that failed. The manifest is written, but the stage
        counts as failed and runs again at the next start.
    """

    outputs: Mapping[str, str]
    extra: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    records: Mapping[str, Any] | None = None
    bytes: Mapping[str, Any] | None = None
    failed_checks: tuple[str, ...] | list[str] = ()


@dataclasses.dataclass(frozen=True)
class StageContext:
    """What a stage's `run` is handed.

    Attributes:
      config: the whole config; a stage reads only the keys its row in the table names.
      workdir: the workdir, locked.
      folder: the stage's own folder, which exists.
      progress: where to report steps and figures.
      inputs: SHA-256 by path inside the workdir: the outputs of all stages that this one needs.
      spec: its row in the table.
      stages: the table.
    """

    config: ml_collections.ConfigDict
    workdir: Workdir
    folder: pathlib.Path
    progress: StageProgress
    inputs: Mapping[str, str]
    spec: StageSpec
    stages: Stages

    @property
    def config_hash(self) -> str:
        """Hash of the config sections that decide this stage's result."""
        return config_hash.digest(
            config_hash.sections(self.config, stages_lib.config_keys(self.spec.name, self.stages))
        )

    def input_folder(self, name: str) -> pathlib.Path:
        """The folder of a stage that this one needs.

        Raises:
          ValueError: this stage's row does not name it, so that its outputs are not among the inputs.
        """
        if name not in self.spec.needs:
            raise ValueError(
                f"stage {self.spec.name!r} reads {name!r}, which its row in launch/stages.py does not name"
            )
        return self.workdir.folder(self.stages[name].folder)

    def input_manifest(self, name: str) -> dict[str, Any]:
        """The manifest of a stage that this one needs."""
        return json.loads((self.input_folder(name) / workdir_lib.MANIFEST_FILE).read_text(encoding="utf-8"))

    def hash_outputs(self, *patterns: str) -> dict[str, str]:
        """`StageOutcome.outputs` of the files in this stage's folder that match the globs (`**/*` for all)."""
        found = workdir_lib.hash_files(self.folder, *patterns)
        return {p: h for p, h in found.items() if p not in (workdir_lib.MANIFEST_FILE, CONFIG_FILE)}


def check_balance(stage: str, what: str, balance: Mapping[str, Any]) -> None:
    """Holds the law of conservation: in = out + the sum of dropped + the sum of quarantined.

    Raises:
      CheckFailed: it does not hold, a field is missing or unknown, or a count is no natural number.
    """
    fields = {"in", "out", "dropped", "quarantined"}
    if set(balance) != fields:
        raise CheckFailed(f"stage {stage}: {what} must have exactly the fields {', '.join(sorted(fields))}")
    counts = [balance["in"], balance["out"], *balance["dropped"].values(), *balance["quarantined"].values()]
    if any(isinstance(n, bool) or not hasattr(n, "__index__") or n < 0 for n in counts):
        raise CheckFailed(f"stage {stage}: {what} hold a count that is no natural number")
    dropped, quarantined = sum(balance["dropped"].values()), sum(balance["quarantined"].values())
    missing = balance["in"] - balance["out"] - dropped - quarantined
    if missing:
        raise CheckFailed(
            f"stage {stage}: {what} do not balance: in {balance['in']} is not out {balance['out']} + dropped {dropped}"
            f" + quarantined {quarantined} ({abs(missing)} {'lost' if missing > 0 else 'too many'})"
        )


def _refuse_other_config(
    name: str, workdir: Workdir, old: Mapping[str, Any], new: Mapping[str, Any], folder: pathlib.Path
) -> None:
    changes = config_hash.differences(old, new)
    if not changes:
        return
    shown = ", ".join(changes[:_MAX_DIFFERENCES])
    if len(changes) > _MAX_DIFFERENCES:
        shown += f", and {len(changes) - _MAX_DIFFERENCES} more"
    raise UserError(
        f"stage {name} in {workdir} was made with another config ({shown})",
        f"choose another --workdir, put the old value back, or delete {folder} to make the stage anew",
    )


def _inputs(name: str, workdir: Workdir, stages: Stages) -> dict[str, str]:
    """The outputs that the needed stages recorded, by path inside the workdir."""
    result = {}
    for need in stages[name].needs:
        folder = stages[need].folder
        outputs = (workdir.read_manifest(folder) or {"outputs": {}})["outputs"]
        result.update({f"{folder}/{path}": digest for path, digest in outputs.items()})
    return result


def stage_state(
    name: str, config: ml_collections.ConfigDict, workdir: Workdir, stages: Stages = STAGES
) -> tuple[str, dict[str, Any] | None]:
    """One of pending, started, failed and complete, with the stage's manifest if it has one. Reads only.

    Raises:
      UserError: the stage was made or begun with another config, its manifest cannot be read, or a complete
        stage lacks an output or was made from other inputs than are there now.
    """
    spec = stages_lib.get(name, stages)
    folder = workdir.folder(spec.folder)
    wanted = config_hash.sections(config, stages_lib.config_keys(name, stages))
    manifest = workdir.read_manifest(spec.folder)
    if manifest is None:
        if not folder.is_dir() or {path.name for path in folder.iterdir()} <= {CONFIG_FILE, f"{CONFIG_FILE}.partial"}:
            return "pending", None  # nothing was made yet that another config could contradict
        begun = workdir_lib.read_json_object(folder / CONFIG_FILE, f"delete {folder} to make the stage anew")
        if begun is not None:
            _refuse_other_config(name, workdir, begun, wanted, folder)
        return "started", None
    if manifest["config_hash"] != config_hash.digest(wanted):
        _refuse_other_config(name, workdir, manifest["config"], wanted, folder)
        raise UserError(
            f"{folder / workdir_lib.MANIFEST_FILE} contradicts itself", f"delete {folder} to make the stage anew"
        )
    if manifest.get("status") != "complete":
        return "failed", manifest
    for path in manifest["outputs"]:
        if not (folder / path).exists():
            raise UserError(
                f"{folder / path} is missing, though stage {name} is complete", f"delete {folder} to make it anew"
            )
    inputs = _inputs(name, workdir, stages)
    changed = [path for path, digest in inputs.items() if manifest["inputs"].get(path) != digest]
    if changed:
        raise UserError(
            f"stage {name} was made from another {changed[0]} than is now in {workdir}",
            f"delete {folder} to make it anew",
        )
    return "complete", manifest


def _require_ancestors(
    name: str, config: ml_collections.ConfigDict, workdir: Workdir, stages: Stages, flags: str
) -> None:
    for need in stages_lib.ancestors(name, stages):
        state, _ = stage_state(need, config, workdir, stages)
        if state != "complete":
            told = {"pending": "has not run", "started": "is not finished", "failed": "failed"}[state]
            raise UserError(
                f"stage {name} needs stage {need}, which {told} in {workdir}",
                f"run it first: python -m {stages[need].module} {flags}",
            )


def _verify_inputs(name: str, workdir: Workdir, inputs: Mapping[str, str], stages: Stages, flags: str) -> None:
    """Finds a damaged file before a stage builds on it."""
    makers = {stages[need].folder: stages[need] for need in stages[name].needs}
    for path, digest in inputs.items():
        file = workdir.path / path
        if file.is_file() and workdir_lib.sha256_file(file) != digest:
            maker = makers[path.split("/", 1)[0]]
            raise UserError(
                f"{file} is corrupt: its contents are not what stage {maker.name} wrote",
                f"delete {workdir.folder(maker.folder)} and run: python -m {maker.module} {flags}",
            )


def _manifest_of(context: StageContext, outcome: StageOutcome) -> dict[str, Any]:
    """The part of a manifest that depends on the outcome, checked."""
    name = context.spec.name
    clash = _OWN_FIELDS & set(outcome.extra)
    if clash:
        raise ValueError(f"stage {name!r}: extra must not hold {', '.join(sorted(clash))}, which every manifest has")
    for path in outcome.outputs:
        if not (context.folder / path).exists():
            raise ValueError(f"stage {name!r} names the output {path!r}, which it has not written")
    fields: dict[str, Any] = {
        "status": "failed" if outcome.failed_checks else "complete",
        "inputs": dict(context.inputs),
        "outputs": dict(outcome.outputs),
    }
    if outcome.failed_checks:
        fields["failed_checks"] = list(outcome.failed_checks)
    for what in ("records", "bytes"):
        balance = getattr(outcome, what)
        if balance is not None:
            check_balance(name, what, balance)
            fields[what] = balance
    return {**fields, **outcome.extra}


def run_stage(
    name: str,
    config: ml_collections.ConfigDict,
    workdir: Workdir,
    progress: Progress,
    stages: Stages = STAGES,
    flags: str = "--config=FILE --workdir=DIR",
) -> dict[str, Any]:
    """Runs a stage, or finds it complete.

    Args:
      name: the stage.
      config: the whole config.
      workdir: where all stages lie; locked for the duration.
      progress: the display.
      stages: the table.
      flags: the user's own flags, for the command that an error message proposes.

    Returns:
      The stage's manifest.

    Raises:
      UserError: an earlier stage is missing, or something was made with another config; nothing is overwritten.
      CheckFailed: the stage failed a check of its own, or its records do not balance.
    """
    spec = stages_lib.get(name, stages)
    with workdir.lock():
        _require_ancestors(name, config, workdir, stages, flags)
        state, manifest = stage_state(name, config, workdir, stages)
        if state == "complete":
            workdir.update_run(
                name, **{k: manifest[k] for k in ("status", "started", "finished", "config_hash") if k in manifest}
            )
            progress.skip(name)
            return manifest
        inputs = _inputs(name, workdir, stages)
        _verify_inputs(name, workdir, inputs, stages, flags)
        wanted = config_hash.sections(config, stages_lib.config_keys(name, stages))
        folder = workdir.folder(spec.folder)
        folder.mkdir(parents=True, exist_ok=True)
        workdir_lib.atomic_write_json(folder / CONFIG_FILE, wanted)
        before = workdir.read_run().get(name, {}) if state == "started" else {}
        entry = {
            "status": "running",
            "started": before.get("started") or provenance.now(),
            "finished": None,
            "config_hash": config_hash.digest(wanted),
            "attempts": before.get("attempts", 0) + 1,
        }
        workdir.update_run(name, **entry)
        try:
            with progress.stage(name) as stage_progress:
                context = StageContext(config, workdir, folder, stage_progress, inputs, spec, stages)
                return _execute(context, wanted, entry)
        except BaseException:
            workdir.update_run(name, status="failed", finished=provenance.now())
            raise


def _execute(context: StageContext, wanted: Mapping[str, Any], entry: Mapping[str, Any]) -> dict[str, Any]:
    """Calls the stage's `run`, writes the manifest and then `run.json`."""
    name = context.spec.name
    run = stages_lib.load_run(name, context.stages)
    provenance.reset_peak_rss()
    start = time.perf_counter()
    outcome = run(context)
    seconds = time.perf_counter() - start
    manifest = {
        "stage": name,
        "config_hash": entry["config_hash"],
        **_manifest_of(context, outcome),
        "started": entry["started"],
        "finished": provenance.now(),
        "seconds": round(seconds, 3),
        "attempts": entry["attempts"],
        "peak_rss_bytes": provenance.peak_rss_bytes(),
        "versions": provenance.versions(),
        "config": wanted,
    }
    workdir_lib.atomic_write_json(context.folder / workdir_lib.MANIFEST_FILE, manifest)
    if outcome.failed_checks:
        raise CheckFailed(
            f"stage {name} failed {len(outcome.failed_checks)} of its own checks: " + "; ".join(outcome.failed_checks)
        )
    context.workdir.update_run(name, status="complete", finished=manifest["finished"])
    return manifest
