"""Folders in Hugging Face's layout: config.json, safetensors in one file or several with an index, tokenizer files.

Reading goes through the library `safetensors`. It can only write what lies in memory whole, so the writer is ours: the format
(https://huggingface.co/docs/safetensors) is a length, a JSON header and the tensors' bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
import contextlib
import json
import math
import os
import pathlib
import shutil
import struct
from typing import Any

import jax.numpy as jnp
import numpy as np
import safetensors

from launch import workdir as workdir_lib
from launch.errors import UserError

CONFIG, INDEX, SINGLE = "config.json", "model.safetensors.index.json", "model.safetensors"
# What travels along with the weights, where it is there.
COMPANIONS = (
    *("tokenizer.model", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"),
    *("tekken.json", "chat_template.jinja", "generation_config.json"),
)
# Name in a safetensors header -> numpy type.
DTYPES = {"F32": np.dtype(np.float32), "F16": np.dtype(np.float16), "BF16": np.dtype(jnp.bfloat16)}
_NAMES = {dtype: name for name, dtype in DTYPES.items()}
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt")


class HfFolder:
    """A checkpoint to read. Making this object reads the headers of all files and no weights.

    Attributes:
      path: the folder.
      config: the content of config.json.
      shapes: tensor name -> shape.
      dtypes: tensor name -> numpy type.
    """

    def __init__(self, path: str | os.PathLike[str]):
        """Opens the folder.

        Raises:
          UserError: no such folder, no config.json, no safetensors, a file that is missing, truncated or not what it seems.
        """
        self.path = pathlib.Path(path)
        if not self.path.is_dir():
            raise UserError(
                f"{path} is not a folder", "give the folder that holds config.json and the safetensors files"
            )
        config = workdir_lib.read_json_object(self.path / CONFIG, "download it again")
        if config is None:
            raise UserError(f"{self.path} has no {CONFIG}", "download the whole checkpoint, its config.json too")
        self.config = config
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.dtypes: dict[str, np.dtype] = {}
        self._file_of: dict[str, str] = {}
        listed = self._listed()
        self.files = tuple(sorted(set(listed.values()))) if listed else (SINGLE,)
        for file in self.files:
            self._read_header(file, listed)
        missing = sorted(listed.keys() - self.shapes.keys())
        if missing:
            raise UserError(
                f"{self.path / listed[missing[0]]} lacks the tensor {missing[0]!r} that {INDEX} says it holds",
                "download this file again",
            )

    def _listed(self) -> dict[str, str]:
        """Tensor -> file by the index; {} where one file holds all."""
        index = workdir_lib.read_json_object(self.path / INDEX, "download it again")
        if index is None:
            if not (self.path / SINGLE).is_file():
                self._refuse_without_safetensors()
            return {}
        listed = index.get("weight_map")
        if not isinstance(listed, dict) or not listed or not all(isinstance(file, str) for file in listed.values()):
            raise UserError(f"{self.path / INDEX} has no weight_map from tensors to files", "download it again")
        for file in sorted(set(listed.values())):
            if pathlib.Path(file).name != file or not (self.path / file).is_file():
                raise UserError(f"{self.path / file} is missing, which {INDEX} lists", "download this file too")
        return listed

    def _refuse_without_safetensors(self) -> None:
        pickles = sorted(file.name for pattern in _PICKLES for file in self.path.glob(pattern))
        if pickles:
            raise UserError(
                f"{self.path} holds its weights as {pickles[0]}, a pickle, which can run any code when it is read",
                "use the safetensors files of the model, or convert it with transformers' save_pretrained",
            )
        others = sorted(file.name for file in self.path.glob("*.safetensors"))
        if others:
            raise UserError(
                f"{self.path} has {others[0]} but neither {INDEX} nor {SINGLE}",
                "use the checkpoint in Hugging Face's naming, with its index",
            )
        raise UserError(f"{self.path} has neither {INDEX} nor {SINGLE}", "download the model's safetensors files")

    def _read_header(self, file: str, listed: Mapping[str, str]) -> None:
        with self._open(file) as tensors:
            for name in tensors.keys():
                if listed and listed.get(name, file) != file:
                    continue  # a copy that the index doesn't use
                view = tensors.get_slice(name)
                if view.get_dtype() not in DTYPES:
                    raise UserError(
                        f"{self.path / file}: tensor {name!r} is of type {view.get_dtype()}; weights are read in "
                        f"{', '.join(DTYPES)}",
                        "use the checkpoint that isn't quantised",
                    )
                self.shapes[name] = tuple(view.get_shape())
                self.dtypes[name] = DTYPES[view.get_dtype()]
                self._file_of[name] = file

    @contextlib.contextmanager
    def _open(self, file: str) -> Iterator[Any]:
        try:
            with safetensors.safe_open(self.path / file, framework="numpy") as tensors:
                yield tensors
        except (safetensors.SafetensorError, OSError) as error:
            raise UserError(
                f"{self.path / file} cannot be read as safetensors ({error})",
                "it is truncated or another kind of file: download it again",
            ) from error

    def dtype(self) -> np.dtype:
        """The type of the weights: of the widest tensor, since some checkpoints keep norms or routers wider."""
        return max(self.dtypes.values(), key=lambda dtype: (dtype.itemsize, dtype == DTYPES["BF16"]))

    def pieces(self, name: str, slices: Iterable[slice]) -> Iterator[np.ndarray]:
        """Pieces of a tensor along its first axis, one in memory at a time."""
        for part in slices:
            # Opened anew for each: pages of the file stay mapped, and count as ours, for as long as it is open.
            with self._open(self._file_of[name]) as tensors:
                yield tensors.get_slice(name)[part]

    def members(self) -> tuple[str, ...]:
        """All files that make up the checkpoint: config, index, weights, and those of `COMPANIONS` that are there."""
        there = (name for name in (INDEX, *COMPANIONS) if (self.path / name).is_file())
        return (CONFIG, *self.files, *there)


def shards(sizes: Sequence[tuple[str, int]], max_bytes: int) -> list[list[str]]:
    """Tensor names of each file, in order, no file above `max_bytes` unless one tensor alone is."""
    result: list[list[str]] = []
    filled = 0
    for name, size in sizes:
        if not result or filled + size > max_bytes:
            result.append([])
            filled = 0
        result[-1].append(name)
        filled += size
    return result


def write_weights(
    folder: pathlib.Path,
    shapes: Mapping[str, tuple[int, ...]],
    dtype: np.dtype,
    pieces: Callable[[str], Iterable[np.ndarray]],
    max_shard_bytes: int = 5_000_000_000,
) -> None:
    """Writes tensors as safetensors, in one file or in several with an index, a piece in memory at a time.

    Args:
      folder: where to; exists.
      shapes: name -> shape, in the order in which they are written.
      dtype: of all tensors in the files; one of `DTYPES`.
      pieces: name -> the tensor's consecutive pieces along its first axis.
      max_shard_bytes: most bytes of tensors in a file.

    Raises:
      ValueError: the pieces of a tensor are not what its shape says.
    """
    sizes = {name: math.prod(shape) * dtype.itemsize for name, shape in shapes.items()}
    files = shards(list(sizes.items()), max_shard_bytes)
    weight_map = {}
    for number, names in enumerate(files, 1):
        file = SINGLE if len(files) == 1 else f"model-{number:05}-of-{len(files):05}.safetensors"
        header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
        end = 0
        for name in names:
            start, end = end, end + sizes[name]
            header[name] = {"dtype": _NAMES[dtype], "shape": list(shapes[name]), "data_offsets": [start, end]}
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        with open(folder / file, "wb") as out:
            out.write(struct.pack("<Q", len(text)) + text)
            for name in names:
                written = 0
                for piece in pieces(name):
                    written += out.write(np.ascontiguousarray(piece, dtype).reshape(-1).view(np.uint8).data)
                if written != sizes[name]:
                    raise ValueError(f"tensor {name!r} came as {written} bytes; its shape asks for {sizes[name]}")
            out.flush()
            os.fsync(out.fileno())
        weight_map |= dict.fromkeys(names, file)
    if len(files) > 1:
        index = {"metadata": {"total_size": sum(sizes.values())}, "weight_map": weight_map}
        workdir_lib.atomic_write_json(folder / INDEX, index)


def copy_companions(source: pathlib.Path, target: pathlib.Path) -> tuple[str, ...]:
    """Copies what travels along with the weights; returns the names of the files."""
    found = tuple(name for name in COMPANIONS if (source / name).is_file())
    for name in found:
        shutil.copyfile(source / name, target / name)
    return found
