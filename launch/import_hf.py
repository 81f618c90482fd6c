"""Reads a Mistral or Mixtral in Hugging Face's format into a workdir, from where it is generated from, trained on, exported.

python -m launch.import_hf --path=DIR --workdir=runs/mistral
python -m launch.generate --workdir=runs/mistral --prompt="..."
python -m launch.pipeline --config=... --workdir=runs/mistral --config.seed_stage.init=imported \\
    --config.tokenizer.kind=imported

DIR holds config.json, safetensors (one file, or several with an index) and the tokenizer's files. Names, shapes and types are
checked before a weight is read; then the weights stream through in pieces. The model lies in WORKDIR/imported.
"""

from __future__ import annotations

import datetime
import json
import math
import pathlib
import shutil
import time
from typing import Any

from absl import flags
import jax
import numpy as np

from launch import cli
from launch import config_hash
from launch import hf_files
from launch import models
from launch import provenance
from launch import streamed_params
from launch import workdir as workdir_lib
from launch.errors import UsageError, UserError
from launch.hf_files import HfFolder
from launch.progress import Progress
from launch.saved_models import HF_FOLDER, IMPORT, IMPORT_FOLDER, TOKENIZER_FILE
from launch.workdir import MANIFEST_FILE, Workdir
from mistral_moe import hf, hf_config, sharding
from mistral_moe.models.config import DTYPES, MistralConfig


def _define_flags() -> None:
    flags.DEFINE_string("path", None, "Folder with config.json, safetensors and the tokenizer's files.")
    flags.DEFINE_string("workdir", None, "Where the model goes: WORKDIR/imported.")
    flags.DEFINE_enum("dtype", None, DTYPES, "Of the parameters; without it the file's own, float32 for float16.")


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _config(source: HfFolder, dtype: str | None) -> MistralConfig:
    own = source.dtype() if source.dtypes else np.dtype(np.float32)
    try:
        # float16 has no place in a model; float32 holds each of its values.
        return hf_config.config_from_hf(source.config, dtype or (own.name if own.name in DTYPES else "float32"))
    except ValueError as error:
        raise UserError(f"{source.path / hf_files.CONFIG}: {error}") from error


def _check_room(workdir: Workdir, config: MistralConfig) -> None:
    shapes = jax.tree.leaves(models.abstract_params(config))
    needed = sum(math.prod(leaf.shape) * leaf.dtype.itemsize for leaf in shapes)
    existing = next(folder for folder in (workdir.path.absolute(), *workdir.path.absolute().parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    if needed > free:
        raise UserError(
            f"the model takes {needed / 1e9:,.1f} GB and {workdir} has {free / 1e9:,.1f} GB free",
            "choose a --workdir on a larger disk",
        )


def _inputs(source: HfFolder) -> dict[str, str]:
    names = (hf_files.CONFIG, *source.files, *source.companions())
    return {str(source.path / name): workdir_lib.sha256_file(source.path / name) for name in names}


def _read(source: HfFolder, rows: list[hf.Tensor], config: MistralConfig, progress: Any) -> dict:
    total = sum(math.prod(row.shape) * source.dtypes[row.name].itemsize for row in rows)
    began = time.monotonic()

    def tell(done: int) -> None:
        rate = done / max(time.monotonic() - began, 1e-9)
        progress.update(done >> 20, total >> 20, megabytes_per_second=rate / 1e6)

    try:
        return streamed_params.read(source, rows, config, sharding.make_mesh({"fsdp": -1}), tell)
    except sharding.ShardingError as error:
        raise UserError(str(error), "import on a number of devices that divides the model") from error


def import_model(path: str, workdir: Workdir, dtype: str | None = None) -> dict[str, Any]:
    """Imports; finds an import of the same files complete.

    Args:
      path: the folder in Hugging Face's format.
      workdir: where to.
      dtype: of the parameters; None takes the file's own.

    Returns:
      The manifest.

    Raises:
      UserError: anything that is wrong with the folder, or another import in this workdir; nothing is overwritten.
    """
    source = HfFolder(path)
    config = _config(source, dtype)
    try:
        rows = hf.check_tensors(config, source.shapes)
    except ValueError as error:
        raise UserError(f"{source.path}: {error}") from error
    folder = workdir.folder(IMPORT_FOLDER)
    wanted = {"hf": source.config, "dtype": config.param_dtype}
    with workdir.lock(), Progress([IMPORT]) as display:
        inputs = _inputs(source)
        before = workdir.read_manifest(IMPORT_FOLDER)
        if before is not None:
            if sorted(before["inputs"].values()) != sorted(inputs.values()) or before["config"] != wanted:
                raise UserError(
                    f"{folder} holds another import, of {before.get('path')} in {before['config'].get('dtype')}",
                    f"choose another --workdir or delete {folder}",
                )
            display.skip(IMPORT)
            return before
        _check_room(workdir, config)
        provenance.reset_peak_rss()
        started, start = _now(), time.perf_counter()
        if folder.exists():
            shutil.rmtree(folder)  # of an import that was cut short
        (folder / HF_FOLDER).mkdir(parents=True)
        with display.stage(IMPORT) as progress:
            params = _read(source, rows, config, progress)
            shutil.copyfile(source.path / hf_files.CONFIG, folder / HF_FOLDER / hf_files.CONFIG)
            hf_files.copy_companions(source.path, folder / HF_FOLDER)
            tokenizer = folder / HF_FOLDER / TOKENIZER_FILE
            facts = {
                "stage": IMPORT,
                "config_hash": config_hash.digest(wanted),
                "tokenizer_sha256": workdir_lib.sha256_file(tokenizer) if tokenizer.is_file() else None,
            }
            lineage = models.run_lineage(params, params, None, IMPORT, facts.pop("config_hash"), facts)
            outputs = models.save(folder, params, lineage)
        outputs |= {f"{HF_FOLDER}/{k}": v for k, v in workdir_lib.hash_files(folder / HF_FOLDER, "*").items()}
        manifest = {
            "stage": IMPORT,
            "config_hash": config_hash.digest(wanted),
            "status": "complete",
            "path": str(source.path.absolute()),
            "inputs": inputs,
            "outputs": outputs,
            "started": started,
            "finished": _now(),
            "seconds": round(time.perf_counter() - start, 3),
            "file_dtype": source.dtype().name,
            "tensors": len(rows),
            "parameters": sum(math.prod(row.shape) for row in rows),
            "peak_rss_bytes": provenance.peak_rss_bytes(),
            "versions": provenance.versions(),
            "config": wanted,
        }
        workdir_lib.atomic_write_json(folder / MANIFEST_FILE, manifest)
        return manifest


def run() -> None:
    """Imports what the flags say and tells where it lies."""
    values = flags.FLAGS
    for name in ("path", "workdir"):
        if not values[name].value:
            raise UsageError(f"--{name} is missing", f"add --{name}=DIR")
    workdir = Workdir(values.workdir)
    if workdir.path.exists() and not workdir.path.is_dir():
        raise UserError(f"--workdir={values.workdir} is not a folder", "choose another --workdir")
    manifest = import_model(values.path, workdir, values.dtype)
    told = {name: manifest[name] for name in ("tensors", "parameters", "file_dtype", "seconds", "peak_rss_bytes")}
    print(json.dumps({"imported": str(pathlib.Path(workdir.path) / IMPORT_FOLDER), **told}))


if __name__ == "__main__":
    _define_flags()
    cli.command(run)
