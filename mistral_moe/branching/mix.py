"""Mixing: branches of one seed become the experts of one mixture (Sukhbaatar et al. 2024, arXiv:2403.07816)."""

from __future__ import annotations

from collections.abc import Sequence

import flax.traverse_util
import jax
import jax.numpy as jnp
import numpy as np

from mistral_moe.models.config import MistralConfig
from mistral_moe.models.mistral import init_params

SHARED_RULES = ("frozen", "average")


class MixError(ValueError):
    """Branches that can't be mixed; the message names the leaf or the difference."""


def mix_branches(config: MistralConfig, branches: Sequence[dict], key: jax.Array, shared: str = "frozen") -> dict:
    """Stacks the feed-forwards of E dense branches into experts.

    Args:
      config: the mixture's config; branch e becomes expert `config.experts[e]`.
      branches: E dense parameter trees of one shape.
      key: for the parameters that no branch has (the router; the reasoning block, whose gate is zero).
      shared: what becomes of the other weights: "frozen" demands that all branches hold the same ones (mixing is then
        exact: forcing expert e gives branch e), "average" takes their mean.

    Returns:
      The mixture's parameters.

    Raises:
      MixError: the number or shapes of the branches don't match the config, or `frozen` weights differ.
    """
    if shared not in SHARED_RULES:
        raise MixError(f"unknown rule for shared weights {shared!r}; there are {', '.join(SHARED_RULES)}")
    if len(branches) != config.num_experts:
        raise MixError(f"{len(branches)} branches for {config.num_experts} experts ({', '.join(config.experts)})")
    expected = flax.traverse_util.flatten_dict(jax.eval_shape(lambda: init_params(config.dense(), key)), sep="/")
    flat = [flax.traverse_util.flatten_dict(branch, sep="/") for branch in branches]
    for name, branch in zip(config.experts, flat):
        for path, leaf in expected.items():
            found = branch.get(path)
            if found is None or found.shape != leaf.shape:
                raise MixError(
                    f"branch {name}: {path} is {None if found is None else found.shape}, the mixture needs {leaf.shape}"
                )
    mixture = flax.traverse_util.flatten_dict(init_params(config, key), sep="/")
    for path in expected:
        leaves = [branch[path] for branch in flat]
        if path.startswith("layers/ffn/"):
            mixture[path.replace("layers/ffn/", "layers/experts/")] = jnp.stack(leaves, axis=1)
        elif shared == "average":
            mixture[path] = jnp.mean(jnp.stack(leaves).astype(jnp.float32), axis=0).astype(leaves[0].dtype)
        else:
            for name, leaf in zip(config.experts, leaves):
                if not np.array_equal(np.asarray(leaf), np.asarray(leaves[0])):
                    raise MixError(
                        f"{path} of branch {name} differs from that of {config.experts[0]}: shared weights were trained; "
                        'mix with shared="average", or freeze them in the branches'
                    )
            mixture[path] = leaves[0]
    return flax.traverse_util.unflatten_dict(mixture, sep="/")


def expert_as_dense(params: dict, expert: jax.Array | int) -> dict:
    """The dense model that a mixture is when every layer is forced to one expert.

    Args:
      params: a mixture's parameters.
      expert: index, may be traced.

    Returns:
      Dense parameters (with the reasoning block, where there is one).
    """
    layers = {name: leaf for name, leaf in params["layers"].items() if name not in ("experts", "router")}
    layers["ffn"] = jax.tree.map(
        lambda leaf: jax.lax.dynamic_index_in_dim(leaf, expert, axis=1, keepdims=False), params["layers"]["experts"]
    )
    return {**{name: leaf for name, leaf in params.items() if name != "router"}, "layers": layers}
