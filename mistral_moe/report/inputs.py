"""What a report is made from: plain values that the launch layer read from a run's JSON files."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from mistral_moe.report.wording import is_number

# The order in which domains are told, wherever a report lists them; others follow by name.
DOMAIN_ORDER = ("code", "math", "language", "reasoning", "multimodal")
MIXTURES = ("mixture_after_mix", "mixture_after_router", "mixture_after_joint")
DENSE = "dense_equal_flops"
ORACLE = "oracle"


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReportInput:
    """One run, as the report reads it. Everything is optional: a section without data is left out.

    Attributes:
      config_name: the config's file or name.
      config_hash: hash of the resolved config.
      command: the command line that makes this run again.
      results: `eval/results.json`: held_out_loss, held_out_loss_mean, oracle_regret, expert_utilisation,
        expert_names, forced_expert_loss, training_flops, training_tokens, checks, samples.
      metrics: stage -> rows with `step`, `loss` and further scalars; joint rows have a `phase`.
      curriculum: domain -> rows with `step`, `level`, `performance`, `weights`.
      level_names: domain -> names of its levels, easiest first.
      stages: stage -> `seconds`, `started`, `finished`, `peak_rss_bytes`, in the order they ran.
      data: domain -> level -> `documents`, `bytes`, `heldout_documents`, `licences {spdx: n}`.
      dropped: domain -> reason -> documents dropped.
      versions: package -> version.
      model_card: facts of the model, label -> text.
      images: (caption, PNG bytes) of sample documents.
      post_training: sft, reward, ppo, improve -> what its manifest says.
    """

    config_name: str = ""
    config_hash: str = ""
    command: str = ""
    results: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    metrics: Mapping[str, Sequence[Mapping[str, Any]]] = dataclasses.field(default_factory=dict)
    curriculum: Mapping[str, Sequence[Mapping[str, Any]]] = dataclasses.field(default_factory=dict)
    level_names: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=dict)
    stages: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)
    data: Mapping[str, Mapping[str, Mapping[str, Any]]] = dataclasses.field(default_factory=dict)
    dropped: Mapping[str, Mapping[str, int]] = dataclasses.field(default_factory=dict)
    versions: Mapping[str, str] = dataclasses.field(default_factory=dict)
    model_card: Mapping[str, str] = dataclasses.field(default_factory=dict)
    images: Sequence[tuple[str, bytes]] = ()
    post_training: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)

    @property
    def held_out_loss(self) -> Mapping[str, Mapping[str, float]]:
        """model -> domain -> nats per token."""
        return self.results.get("held_out_loss") or {}

    @property
    def held_out_loss_mean(self) -> dict[str, float]:
        """model -> mean over the domains, as the run wrote it or else computed from its domains."""
        written = self.results.get("held_out_loss_mean") or {}
        means = {}
        for model, losses in self.held_out_loss.items():
            if model in written:
                means[model] = written[model]
            elif losses and all(map(is_number, losses.values())):
                means[model] = sum(losses.values()) / len(losses)
        return means

    @property
    def final_mixture(self) -> str | None:
        """The furthest mixture up to the joint phase that was evaluated, or None: what follows learns from other problems."""
        present = [model for model in MIXTURES if model in self.held_out_loss]
        return present[-1] if present else None

    @property
    def domains(self) -> list[str]:
        """Every domain that the run's results, data or curriculum name, in the report's order."""
        named = {domain for losses in self.held_out_loss.values() for domain in losses}
        return in_order(named or {*self.data, *self.curriculum})


def in_order(domains: Any) -> list[str]:
    """Domain names in the order of `DOMAIN_ORDER`, unknown ones after them by name."""
    position = {domain: index for index, domain in enumerate(DOMAIN_ORDER)}
    return sorted(domains, key=lambda domain: (position.get(domain, len(position)), domain))
