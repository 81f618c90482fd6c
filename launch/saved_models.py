"""Models of a workdir, found from its manifests alone: no config file is needed to use what was trained."""

from __future__ import annotations

import dataclasses
import pathlib
from typing import Any

import jax
import ml_collections

from launch import models
from launch import streamed_params
from launch import workdir as workdir_lib
from launch.errors import UserError
from launch.hf_files import HfFolder
from launch.workdir import Workdir
from mistral_moe import hf, hf_config, sharding
from mistral_moe.checkpoint import CheckpointError, restore_params
from mistral_moe.models.config import MistralConfig

IMPORT = "import"
IMPORT_FOLDER = "imported"
HF_FOLDER = "hf"  # inside IMPORT_FOLDER: the checkpoint as it came, weights and all
TOKENIZER_FILE = "tokenizer.model"
# Stage -> its folder, the newest of a model's life first.
STAGES = {
    "improve": "improve",
    "ppo": "ppo",
    "sft": "sft",
    "joint": "joint",
    "router": "router",
    "mix": "mix",
    "experts": "experts",
    "dense": "dense",
    "seed": "seed",
    IMPORT: IMPORT_FOLDER,
}
# What a stage is taken to be where none is named: whole models alone, none of which is a branch or a peer.
_BY_ITSELF = ("improve", "ppo", "sft", "joint", "router", "mix", "seed", IMPORT)
_WITH_REASONING = ("improve", "ppo", "sft", "joint")


@dataclasses.dataclass(frozen=True)
class SavedModel:
    """A model on disk.

    Attributes:
      stage: that made it.
      domain: of the branch; "" for all other stages.
      folder: holds `checkpoints`, or for an import the files in Hugging Face's format.
      config: the model's.
      digest: of its parameters, as the stage recorded it; "" for an import.
      tokenizer: its SentencePiece model; None for an imported one that came with another kind of tokenizer.
      hf: folder whose tokenizer's files are this model's too; None where they are not an imported model's.
      max_length: tokens of the longest text that it was made for.
      manifest: of the stage.
    """

    stage: str
    domain: str
    folder: pathlib.Path
    config: MistralConfig
    digest: str
    tokenizer: pathlib.Path | None
    hf: pathlib.Path | None
    max_length: int
    manifest: dict[str, Any]

    def load(self, mesh: jax.sharding.Mesh | None = None) -> dict:
        """The parameters, on the mesh by the rules of training; on one device without a mesh.

        Raises:
          UserError: the checkpoint is missing, corrupt, or not the recorded one.
          ShardingError: a dimension doesn't divide over the mesh.
        """
        mesh = mesh or sharding.make_mesh({}, jax.devices()[:1])
        if self.stage == IMPORT:
            return self._read_hf(mesh)
        target = models.abstract_params(self.config)
        if mesh.size > 1:
            placed = sharding.tree_shardings(target, mesh, sharding.ShardingRules())
            target = jax.tree.map(lambda leaf, place: leaf.update(sharding=place), target, placed)
        try:
            return restore_params(self.folder / models.CHECKPOINTS, target, self.digest)
        except CheckpointError as error:
            raise UserError(str(error)) from error

    def _read_hf(self, mesh: jax.sharding.Mesh) -> dict:
        source = HfFolder(self.folder)
        recorded = self.manifest["outputs"]
        for name in source.files:
            if workdir_lib.sha256_file(self.folder / name) != recorded[f"{HF_FOLDER}/{name}"]:
                raise UserError(
                    f"{self.folder / name} is corrupt: it is not the file that was imported",
                    f"delete {self.folder.parent} and run launch.import_hf again",
                )
        return streamed_params.read(source, hf.check_tensors(self.config, source.shapes), self.config, mesh)


def find(workdir: Workdir, stage: str = "", domain: str = "") -> SavedModel:
    """A model of a workdir.

    Args:
      workdir: whose.
      stage: one of `STAGES`; "" takes the newest complete one that is neither a branch nor the dense peer.
      domain: of the branch; for the stage experts, and only there.

    Raises:
      UserError: no such stage or branch, or it is not complete.
    """
    if not workdir.path.is_dir():
        raise UserError(f"there is no workdir {workdir}", "give the --workdir of a run, or of launch.import_hf")
    if stage and stage not in STAGES:
        raise UserError(f"no model is made by a stage {stage!r}", f"the stages are {', '.join(STAGES)}")
    if domain and stage != "experts":
        raise UserError(f"--domain={domain} names a branch, which the stage experts alone has", "add --stage=experts")
    for name in (stage,) if stage else _BY_ITSELF:
        manifest = workdir.read_manifest(STAGES[name])
        if manifest is not None and manifest.get("status") == "complete":
            return _described(workdir, name, domain, manifest)
    made = [name for name in STAGES if (workdir.read_manifest(STAGES[name]) or {}).get("status") == "complete"]
    fix = f"those that are: {', '.join(made)}" if made else "run launch.pipeline or launch.import_hf first"
    raise UserError(f"stage {stage} is not complete in {workdir}" if stage else f"{workdir} holds no model yet", fix)


def _described(workdir: Workdir, stage: str, domain: str, manifest: dict[str, Any]) -> SavedModel:
    folder, imported = workdir.folder(STAGES[stage]), workdir.folder(IMPORT_FOLDER) / HF_FOLDER
    if stage == IMPORT:
        section = manifest["config"]
        config = hf_config.config_from_hf(section["hf"], section["dtype"])
        found = imported / TOKENIZER_FILE
        tokenizer = found if found.is_file() else None
        length = hf_config.max_length(section["hf"])
        return SavedModel(stage, domain, imported, config, "", tokenizer, imported, length, manifest)
    run = ml_collections.ConfigDict(manifest["config"])
    if stage in (*_WITH_REASONING, "mix", "router"):
        config = models.mixture_config(run, reasoning=stage in _WITH_REASONING)
    else:
        config = models.dense_config(run)
    tokenizer = workdir.folder("tokenizer") / TOKENIZER_FILE
    origin = imported if run.tokenizer.get("kind") == "imported" and imported.is_dir() else None
    output = models.CHECKPOINTS
    if stage == "experts":
        branches = [path.split("/")[0] for path in manifest["outputs"] if path.endswith(f"/{models.CHECKPOINTS}")]
        if domain not in branches:
            told = f"there is no branch {domain!r}" if domain else "the stage experts has a model a domain"
            raise UserError(told, f"add --domain=D, one of {', '.join(branches)}")
        folder, output = folder / domain, f"{domain}/{models.CHECKPOINTS}"
    digest, length = manifest["outputs"][output], int(run.train.seq_len)
    return SavedModel(stage, domain, folder, config, digest, tokenizer, origin, length, manifest)
