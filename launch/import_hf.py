"""Takes a Mistral or Mixtral in Hugging Face's format into a workdir, to generate from, to train on, to export again.

python -m launch.import_hf --path=DIR --workdir=runs/mistral [--dtype=bfloat16]
python -m launch.generate --workdir=runs/mistral --prompt="..."
python -m launch.pipeline --config=... --workdir=runs/mistral --config.seed_stage.init=imported \\
    --config.tokenizer.kind=imported

DIR holds config.json, safetensors (one file, or several with an index) and the tokenizer's files. Names, shapes and types of
all tensors are checked before anything is written. The files lie in WORKDIR/imported/hf as they came (the weights as hard links
where that is one file system): whoever loads the model streams them onto its devices in pieces, so that the host never holds more than one.
"""

from __future__ import annotations

import json
import math
import os
import pathlib
import shutil
import time
from typing import Any

from absl import flags
import numpy as np

from launch import cli
from launch import config_hash
from launch import hf_files
from launch import provenance
from launch import workdir as workdir_lib
from launch.errors import UsageError, UserError
from launch.hf_files import HfFolder
from launch.progress import Progress
from launch.saved_models import HF_FOLDER, IMPORT, IMPORT_FOLDER
from launch.workdir import MANIFEST_FILE, Workdir
from mistral_moe import hf, hf_config
from mistral_moe.models.config import DTYPES, MistralConfig


def _define_flags() -> None:
    flags.DEFINE_string("path", None, "Folder with config.json, safetensors and the tokenizer's files.")
    flags.DEFINE_string("workdir", None, "Where the model goes: WORKDIR/imported.")
    flags.DEFINE_enum("dtype", None, DTYPES, "Of the parameters; without it the file's own, float32 for float16.")


def _config(source: HfFolder, dtype: str | None) -> MistralConfig:
    own = source.dtype() if source.dtypes else np.dtype(np.float32)
    try:
        # float16 has no place in a model; float32 holds each of its values.
        return hf_config.config_from_hf(source.config, dtype or (own.name if own.name in DTYPES else "float32"))
    except ValueError as error:
        raise UserError(f"{source.path / hf_files.CONFIG}: {error}") from error


def _take(source: pathlib.Path, target: pathlib.Path) -> None:
    """Links or copies a file; the target is whole or not there."""
    if source.suffix == ".safetensors":
        try:
            os.link(source.resolve(), target)
            return
        except OSError:
            pass  # another file system, or one without links
    free, needed = shutil.disk_usage(target.parent).free, source.stat().st_size
    if needed > free:
        raise UserError(
            f"{source.name} takes {needed / 1e9:,.1f} GB and {target.parent} has {free / 1e9:,.1f} GB free",
            "choose a --workdir on a larger disk",
        )
    partial = target.with_name(target.name + ".partial")
    shutil.copyfile(source, partial)
    os.replace(partial, target)


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
        before = workdir.read_manifest(IMPORT_FOLDER)
        started, start = provenance.now(), time.perf_counter()
        inputs = {}
        if before is None:
            (folder / HF_FOLDER).mkdir(parents=True, exist_ok=True)
        with display.stage(IMPORT) as progress:
            for done, name in enumerate(source.members()):
                progress.update(done, len(source.members()))
                inputs[name] = workdir_lib.sha256_file(source.path / name)
                target = folder / HF_FOLDER / name
                if before is None:
                    target.unlink(missing_ok=True)  # of an import that was cut short
                    _take(source.path / name, target)
        outputs = {f"{HF_FOLDER}/{name}": digest for name, digest in inputs.items()}
        if before is not None:
            if before["outputs"] != outputs or before["config"] != wanted:
                raise UserError(
                    f"{folder} holds another import, of {before.get('path')} in {before['config'].get('dtype')}",
                    f"choose another --workdir or delete {folder}",
                )
            return before
        manifest = {
            "stage": IMPORT,
            "config_hash": config_hash.digest(wanted),
            "status": "complete",
            "path": str(source.path.absolute()),
            "inputs": {str(source.path / name): digest for name, digest in inputs.items()},
            "outputs": outputs,
            "started": started,
            "finished": provenance.now(),
            "seconds": round(time.perf_counter() - start, 3),
            "file_dtype": source.dtype().name,
            "tensors": len(rows),
            "parameters": sum(math.prod(row.shape) for row in rows),
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
    told = {name: manifest[name] for name in ("tensors", "parameters", "file_dtype", "seconds")}
    print(json.dumps({"imported": str(pathlib.Path(workdir.path) / IMPORT_FOLDER), **told}))


if __name__ == "__main__":
    _define_flags()
    cli.command(run)
