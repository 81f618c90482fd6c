"""Writes a model of a workdir in Hugging Face's format: what `AutoModelForCausalLM.from_pretrained` and vLLM load.

python -m launch.export_hf --workdir=runs/demo --output=DIR --stage=seed
python -m launch.export_hf --workdir=runs/demo --output=DIR --stage=joint --expert=code
python -m launch.export_hf --workdir=DIR --output=DIR --without=reasoning,selection_bias

A dense model becomes a Mistral, a mixture a Mixtral. What their architecture can't compute is refused, by name: a mixture
whose router is not one linear map a layer can be exported one expert at a time (--expert=NAME, a dense Mistral that computes
what the mixture does when every token is sent to that expert); a reasoning block or a selection bias can be left out
(--without), and the model then computes something else.

A model of which a safety gate failed (launch.validate_safety) is refused, unless --i_accept_unsafe takes that upon oneself.
Beside the weights lies a card, README.md, that holds what the gates said, or that they were never asked.
"""

from __future__ import annotations

from collections.abc import Iterator
import dataclasses
import json
import math
import os
import pathlib
import shutil
from typing import Any

from absl import flags
import flax.traverse_util
import jax
import numpy as np

from data import tokenizer as tokenizer_lib
from launch import cli
from launch import hf_files
from launch import model_card
from launch import saved_models
from launch.errors import UsageError, UserError
from launch.saved_models import SavedModel
from launch.streamed_params import PIECE_BYTES
from launch.workdir import Workdir, atomic_write_json, atomic_write_text
from mistral_moe import hf, hf_config
from mistral_moe.models.config import MistralConfig

PARTS = ("reasoning", "selection_bias")


def _define_flags() -> None:
    flags.DEFINE_string("workdir", None, "Folder of the run, or of the import.")
    flags.DEFINE_string("output", None, "Folder to write; it must not exist or be empty.")
    flags.DEFINE_string("stage", "", f"Whose model: {', '.join(saved_models.STAGES)}; the newest without.")
    flags.DEFINE_string("domain", "", "Which branch, with --stage=experts.")
    flags.DEFINE_string("expert", "", "Export this expert of a mixture, as a dense Mistral.")
    flags.DEFINE_list("without", [], f"Leave out what their format lacks: {', '.join(PARTS)}.")
    flags.DEFINE_enum(
        "dtype", None, [d.name for d in hf_files.DTYPES.values()], "Of the files; the model's own without."
    )
    flags.DEFINE_boolean("i_accept_unsafe", False, "Export a model that failed a safety gate; its card says so.")
    flags.DEFINE_float("shard_gigabytes", 5.0, "Most bytes in a file, in GB.", lower_bound=0.001)


def forced_to_expert(config: MistralConfig, params: dict, expert: str) -> tuple[MistralConfig, dict]:
    """The dense model that a mixture is when every token goes to one expert.

    Raises:
      UserError: the mixture has no such expert, or this is no mixture.
    """
    if expert not in config.experts:
        there = f"the experts are {', '.join(config.experts)}" if config.experts else "leave --expert out"
        raise UserError(f"this model has no expert {expert!r}", there)
    index = config.experts.index(expert)
    flat = flax.traverse_util.flatten_dict(params, sep="/")
    dense = {}
    for path, leaf in flat.items():
        if "router/" in path:
            continue
        if path.startswith("layers/experts/"):
            path, leaf = path.replace("layers/experts/", "layers/ffn/"), leaf[:, index]
        dense[path] = leaf
    return config.as_forced(config.reasoning_steps), flax.traverse_util.unflatten_dict(dense, sep="/")


def as_exported(config: MistralConfig, params: dict, without: tuple[str, ...]) -> tuple[MistralConfig, dict]:
    """The model without the parts that are left out, and without a reasoning block that changes nothing."""
    flat = flax.traverse_util.flatten_dict(params, sep="/")
    if "reasoning" in without or not config.reasoning_steps or not np.any(flat.get("reasoning/gate", 0)):
        flat = {path: leaf for path, leaf in flat.items() if not path.startswith("reasoning/")}
        config = dataclasses.replace(config, has_reasoning=False, reasoning_steps=0)
    if "selection_bias" in without:
        flat = {path: leaf * 0 if path.endswith("selection_bias") else leaf for path, leaf in flat.items()}
    return config, flax.traverse_util.unflatten_dict(flat, sep="/")


def _rows(config: MistralConfig, params: dict) -> list[hf.Tensor]:
    try:
        return hf.check_params(config, params)
    except ValueError as error:
        ways = []
        if config.reasoning_steps:
            ways.append("leave the reasoning block out with --without=reasoning")
        if "selection_bias" in str(error):
            ways.append("leave the bias out with --without=selection_bias")
        if "router_" in str(error):
            ways.append("export one expert as a dense model with --expert=NAME")
        raise UserError(str(error).rstrip("."), ", or ".join(ways)) from error


def pieces(row: hf.Tensor, leaves: dict[str, jax.Array], itemsize: int) -> Iterator[np.ndarray]:
    """A tensor of theirs in pieces of its first axis, fetched from the device one at a time."""
    axis, unit = row.axis
    for cut in row.slices(PIECE_BYTES, itemsize):
        window = [slice(None)] * len(row.leaf_shape)
        window[axis] = slice(cut.start // unit, cut.stop // unit)
        yield row.from_leaves(np.asarray(leaves[path][(*row.index, *window)]) for path in row.leaves)


def _config_json(model: SavedModel, config: MistralConfig, dtype: np.dtype) -> dict[str, Any]:
    theirs = hf_config.config_to_hf(config) | {
        "max_position_embeddings": model.max_length,
        "torch_dtype": dtype.name,
        "use_cache": True,
    }
    origin = {}
    if model.stage == saved_models.IMPORT:
        # Keys that are not ours to know (router_aux_loss_coef, attention_dropout) come back as they were.
        origin = model.manifest["config"]["hf"]
        if "rope_parameters" not in origin:
            del theirs["rope_parameters"]
    if model.tokenizer is not None:
        tokenizer = tokenizer_lib.load(model.tokenizer)
        theirs |= {"bos_token_id": tokenizer.bos_id, "eos_token_id": tokenizer.eos_id}
    return origin | theirs


def _write_tokenizer(model: SavedModel, folder: pathlib.Path) -> None:
    """The files that came with the imported model where it is still that tokenizer; else what ours amounts to."""
    if model.hf is not None:
        hf_files.copy_companions(model.hf, folder)
    if model.tokenizer is None or (folder / saved_models.TOKENIZER_FILE).exists():
        return
    tokenizer = tokenizer_lib.load(model.tokenizer)
    shutil.copyfile(model.tokenizer, folder / saved_models.TOKENIZER_FILE)
    settings = {
        "tokenizer_class": "LlamaTokenizer",
        "add_bos_token": True,
        "add_eos_token": False,
        # A text begins with SentencePiece's space even where it begins with one already; without this, transformers drops it.
        "legacy": True,
        "bos_token": "<s>",
        "eos_token": "</s>",
        "unk_token": "<unk>",
        "clean_up_tokenization_spaces": False,
        "model_max_length": model.max_length,
    }
    atomic_write_json(folder / "tokenizer_config.json", settings)
    ids = {"bos_token_id": tokenizer.bos_id, "eos_token_id": tokenizer.eos_id}
    atomic_write_json(folder / "generation_config.json", ids)


def _changed(expert: str, left_out: list[str]) -> str:
    """What of the model is exported, in words; "" where it is all of it."""
    parts = [f"its expert {expert} alone"] if expert else []
    return ", ".join([*parts, *(f"the model without its {part.replace('_', ' ')}" for part in left_out)])


def export(
    model: SavedModel,
    output: pathlib.Path,
    expert: str,
    without: tuple[str, ...],
    dtype: str | None,
    shard_bytes: int,
    safety: model_card.Safety = model_card.Safety(),
) -> dict[str, Any]:
    """Writes a model.

    Args:
      model: what.
      output: where to; appears whole or not at all.
      expert: of the mixture, to be exported as a dense model; "" exports the model itself.
      without: which of `PARTS` to leave out.
      dtype: of the files; None takes that of the parameters, and of an import its files'.
      shard_bytes: most bytes of tensors in a file.
      safety: what is known of the model's, for its card.

    Returns:
      What was written, for the user.

    Raises:
      UserError: something of the model can't be expressed, or the folder is taken.
    """
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise UserError(f"--output={output} exists", "choose another folder, or delete it")
    _refuse_early(model.config, expert, without)
    config, params = model.config, model.load()
    if expert:
        config, params = forced_to_expert(config, params, expert)
    config, params = as_exported(config, params, without)
    rows = _rows(config, params)
    own = model.manifest.get("file_dtype", config.param_dtype)
    written = next(d for d in hf_files.DTYPES.values() if d.name == (dtype or own))
    leaves = flax.traverse_util.flatten_dict(params, sep="/")
    by_name = {row.name: row for row in rows}
    partial = output.with_name(output.name + ".partial")
    if partial.exists():
        shutil.rmtree(partial)
    partial.mkdir(parents=True)
    hf_files.write_weights(
        partial,
        {row.name: row.shape for row in rows},
        written,
        lambda name: pieces(by_name[name], leaves, written.itemsize),
        shard_bytes,
    )
    theirs = _config_json(model, config, written)
    atomic_write_json(partial / hf_files.CONFIG, theirs)
    _write_tokenizer(model, partial)
    facts = {
        "stage": f"{model.stage}{f', branch {model.domain}' if model.domain else ''}",
        "architecture": theirs["architectures"][0],
        "parameters": sum(math.prod(row.shape) for row in rows),
        "type of the files": written.name,
    }
    atomic_write_text(partial / model_card.CARD, model_card.render(facts, safety, _changed(expert, list(without))))
    if output.exists():
        output.rmdir()
    os.replace(partial, output)
    return {
        "exported": str(output),
        "architecture": theirs["architectures"][0],
        "stage": model.stage,
        "tensors": len(rows),
        "dtype": written.name,
    }


def _refuse_early(config: MistralConfig, expert: str, without: tuple[str, ...]) -> None:
    """What the config alone forbids, before weights are read. Whether a gate or a bias is open, the weights tell."""
    if expert and expert not in config.experts:
        forced_to_expert(config, {}, expert)
    shape = config.as_forced(0) if expert else dataclasses.replace(config, reasoning_steps=0)
    _rows_of_config(shape)


def _rows_of_config(config: MistralConfig) -> None:
    try:
        hf_config.check_expressible(config)
    except ValueError as error:
        raise UserError(str(error).rstrip("."), "or export one expert as a dense model with --expert=NAME") from error


def run() -> None:
    """Exports what the flags say."""
    values = flags.FLAGS
    for name in ("workdir", "output"):
        if not values[name].value:
            raise UsageError(f"--{name} is missing", f"add --{name}=DIR")
    unknown = [part for part in values.without if part not in PARTS]
    if unknown:
        raise UsageError(f"--without={unknown[0]} is no part", f"it is one of {', '.join(PARTS)}")
    workdir = Workdir(values.workdir)
    model = saved_models.find(workdir, values.stage, values.domain)
    safety = model_card.known_safety(workdir, model, values.i_accept_unsafe)
    shard_bytes = int(values.shard_gigabytes * 1e9)
    output = pathlib.Path(values.output)
    print(json.dumps(export(model, output, values.expert, tuple(values.without), values.dtype, shard_bytes, safety)))


if __name__ == "__main__":
    _define_flags()
    cli.command(run)
