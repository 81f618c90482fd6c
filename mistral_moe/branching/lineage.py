"""Where every weight came from: the parents of each leaf, and the refusal to mix what doesn't belong together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import flax.traverse_util

from mistral_moe.branching.mix import MixError

# Stages that are made from one seed must agree on these.
_SHARED_FACTS = ("tokenizer_sha256", "seed_digest")


def of_run(
    params: Mapping, trained: Mapping, parent: Mapping[str, Any] | None, facts: Mapping[str, Any]
) -> dict[str, Any]:
    """Lineage of a trained model.

    Args:
      params: all parameters, nested.
      trained: the part that this run changed.
      parent: lineage of the model the run started from; None at the very start.
      facts: what made it: stage, config_hash, data_digest, tokenizer_sha256, parent_digest, ...

    Returns:
      {"facts", "leaves": path -> list of the stages that wrote it, oldest first, "ancestors": stage -> facts}.
    """
    changed = set(flax.traverse_util.flatten_dict(trained, sep="/"))
    before = dict(parent["leaves"]) if parent else {}
    stage = str(facts["stage"])
    leaves = {}
    for path in flax.traverse_util.flatten_dict(params, sep="/"):
        history = list(before.get(path, []))
        leaves[path] = history + [stage] if path in changed or not history else history
    ancestors = dict(parent["ancestors"]) if parent else {}
    return {"facts": dict(facts), "leaves": leaves, "ancestors": ancestors | {stage: dict(facts)}}


def of_mix(
    params: Mapping, names: Sequence[str], branches: Sequence[Mapping[str, Any]], facts: Mapping[str, Any]
) -> dict[str, Any]:
    """Lineage of a mixture: an expert's leaf lists, for each branch by name, the stages that wrote it.

    Raises:
      MixError: the branches have different tokenizers or seeds.
    """
    refuse_strangers(names, branches)
    stage, leaves, ancestors = str(facts["stage"]), {}, {}
    for branch in branches:
        ancestors |= branch["ancestors"]
    for path in flax.traverse_util.flatten_dict(params, sep="/"):
        source = path.replace("layers/experts/", "layers/ffn/")
        if source != path:
            leaves[path] = [{name: branch["leaves"][source] for name, branch in zip(names, branches)}, stage]
        else:
            leaves[path] = list(branches[0]["leaves"].get(path, [])) or [stage]
    return {"facts": dict(facts), "leaves": leaves, "ancestors": ancestors | {stage: dict(facts)}}


def refuse_strangers(names: Sequence[str], branches: Sequence[Mapping[str, Any]]) -> None:
    """Raises MixError when branches don't share their tokenizer and their seed, naming the two that differ."""
    for fact in _SHARED_FACTS:
        first = branches[0]["facts"].get(fact)
        for name, branch in zip(names, branches):
            if branch["facts"].get(fact) != first:
                raise MixError(
                    f"branches {names[0]} and {name} differ in {fact} ({first} and {branch['facts'].get(fact)}): "
                    "only branches of one seed and one tokenizer can be mixed; train them again from the same seed"
                )


def explain(lineage: Mapping[str, Any], path: str) -> str:
    """The story of one parameter in words.

    Raises:
      ValueError: the model has no such parameter.
    """
    if path not in lineage["leaves"]:
        raise ValueError(f"no parameter {path!r}; there are {', '.join(sorted(lineage['leaves']))}")
    lines = [path]
    for entry in lineage["leaves"][path]:
        if isinstance(entry, Mapping):
            lines += [f"  expert {name}: {' -> '.join(history)}" for name, history in entry.items()]
        else:
            facts = lineage["ancestors"].get(entry, {})
            told = ", ".join(f"{name} {str(value)[:12]}" for name, value in sorted(facts.items()) if name != "stage")
            lines.append(f"  {entry}: {told}")
    return "\n".join(lines)
