"""What of a config decides a stage's result: its canonical form, its hash, and the difference of two of them."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

import ml_collections

from launch.errors import UserError

# Keys that change how fast or how safely a stage runs, never what it computes. They may differ between two
# starts on one workdir, at any depth of a section.
UNHASHED_KEYS = frozenset({"workers", "threads", "prefetch", "checkpoint_every", "keep_checkpoints"})


def _canonical(value: Any, path: str) -> Any:
    if isinstance(value, ml_collections.FieldReference):
        value = value.get()
    if isinstance(value, (ml_collections.ConfigDict, Mapping)):
        return {str(k): _canonical(v, f"{path}.{k}") for k, v in value.items() if k not in UNHASHED_KEYS}
    if isinstance(value, (list, tuple)):
        return [_canonical(v, f"{path}[{i}]") for i, v in enumerate(value)]
    if hasattr(value, "item") and callable(value.item):  # a NumPy scalar
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # JSON has no infinity
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise UserError(
        f"config.{path} is a {type(value).__name__}, which cannot be recorded",
        "use numbers, strings, tuples or sections",
    )


def sections(config: ml_collections.ConfigDict, keys: Iterable[str]) -> dict[str, Any]:
    """The named top-level keys of a config as plain JSON values, without `UNHASHED_KEYS`.

    Raises:
      UserError: the config lacks a key, or holds a value that JSON cannot.
    """
    result = {}
    for key in sorted(set(keys)):
        if key not in config:
            raise UserError(f"the config has no key {key!r}", f"add config.{key} to the config file")
        result[key] = _canonical(config[key], key)
    return result


def digest(config_sections: Mapping[str, Any]) -> str:
    """SHA-256 over the canonical JSON of `sections(...)`."""
    text = json.dumps(config_sections, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _flatten(value: Any, path: str, into: dict[str, Any]) -> dict[str, Any]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            _flatten(inner, f"{path}.{key}" if path else key, into)
    else:
        into[path] = value
    return into


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """`key: old -> new` for every key whose value differs between two canonical forms, in the order of keys."""
    old_flat, new_flat = _flatten(old, "", {}), _flatten(new, "", {})

    def show(flat: Mapping[str, Any], key: str) -> str:
        return json.dumps(flat[key], ensure_ascii=False) if key in flat else "absent"

    return [
        f"{key}: {show(old_flat, key)} -> {show(new_flat, key)}"
        for key in sorted(old_flat.keys() | new_flat.keys())
        if show(old_flat, key) != show(new_flat, key)
    ]
