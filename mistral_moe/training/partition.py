"""Parameter groups by regular expression: who learns, how fast, and who is frozen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
import re
from typing import Any

import flax.traverse_util

# First match wins. The dense feed-forward is what becomes an expert, so it answers to the same name.
GROUPS: tuple[tuple[str, str], ...] = (
    # Before the rest: a critic may hold a whole model of its own.
    ("critic", r"critic/.*"),
    ("balance", r"(.*/)?router/selection_bias"),
    ("router", r"(.*/)?router/.*"),
    ("reasoning", r"reasoning/.*"),
    ("experts", r"layers/(experts|ffn)/.*"),
    ("tasks", r"task_log_variance"),
    ("head", r"scalar_head/.*"),
    ("trunk", r".*"),
)
GROUP_NAMES = tuple(name for name, _ in GROUPS)


def group_of(path: str) -> str:
    """Name of the group that a parameter path (`layers/ffn/gate`) belongs to."""
    return next(name for name, pattern in GROUPS if re.fullmatch(pattern, path))


def split(params: Mapping, learning_rates: Mapping[str, float | None]) -> tuple[dict, dict]:
    """Splits a parameter tree into what is trained and what is frozen.

    Args:
      params: nested parameters.
      learning_rates: group -> peak learning rate; None or absent freezes the group.

    Returns:
      (trained, frozen): nested dicts whose union is `params`.

    Raises:
      ValueError: a learning rate for a group that doesn't exist, or nothing left to train.
    """
    unknown = set(learning_rates) - set(GROUP_NAMES)
    if unknown:
        raise ValueError(f"unknown parameter group {sorted(unknown)[0]!r}; the groups are {', '.join(GROUP_NAMES)}")
    trained, frozen = {}, {}
    for path, leaf in flax.traverse_util.flatten_dict(params, sep="/").items():
        (trained if learning_rates.get(group_of(path)) is not None else frozen)[path] = leaf
    if not trained:
        raise ValueError(
            f"every parameter is frozen: give at least one group of {', '.join(GROUP_NAMES)} a learning rate"
        )
    return flax.traverse_util.unflatten_dict(trained, sep="/"), flax.traverse_util.unflatten_dict(frozen, sep="/")


def merge(trained: Mapping, frozen: Mapping) -> dict:
    """The whole tree again; the inverse of `split`."""
    flat = flax.traverse_util.flatten_dict(trained, sep="/") | flax.traverse_util.flatten_dict(frozen, sep="/")
    return flax.traverse_util.unflatten_dict(flat, sep="/")


def map_groups(params: Mapping, change: Callable[[str, Any], Any]) -> dict:
    """Applies `change(group, leaf)` to every leaf."""
    flat = flax.traverse_util.flatten_dict(params, sep="/")
    return flax.traverse_util.unflatten_dict(
        {path: change(group_of(path), leaf) for path, leaf in flat.items()}, sep="/"
    )
