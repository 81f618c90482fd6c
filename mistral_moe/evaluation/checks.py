"""The run's own checks: what must hold of the held-out losses for a mixture to have been worth it."""

from __future__ import annotations

from collections.abc import Mapping
import dataclasses


@dataclasses.dataclass(frozen=True)
class Check:
    """One check: its name, whether it held, and the figures."""

    name: str
    passed: bool
    detail: str


def mean_loss(losses: Mapping[str, float]) -> float:
    """Mean over domains of nats per token."""
    return sum(losses.values()) / len(losses)


def mixture_checks(held_out_loss: Mapping[str, Mapping[str, float]], own_expert_margin: float) -> list[Check]:
    """Checks of the mixture after the joint phase.

    Args:
      held_out_loss: model -> domain -> nats per token; holds `seed`, `mixture_after_joint` and `expert_<domain>`.
      own_expert_margin: share by which the mixture may end above each domain's own expert.

    Returns:
      One check each: below the seed on every domain, below every expert on the mean, within the margin of each domain's
      own expert.
    """
    mixture, seed = held_out_loss["mixture_after_joint"], held_out_loss["seed"]
    worse = {domain: mixture[domain] - seed[domain] for domain in mixture}
    worst = max(worse, key=worse.__getitem__)
    checks = [
        Check(
            "the mixture beats the seed on every domain",
            worse[worst] < 0,
            f"closest on {worst}: {mixture[worst]:.3f} against {seed[worst]:.3f} nats per token",
        )
    ]
    experts = {name: mean_loss(losses) for name, losses in held_out_loss.items() if name.startswith("expert_")}
    best = min(experts, key=experts.__getitem__)
    checks.append(
        Check(
            "the mixture beats every single expert on the mean",
            mean_loss(mixture) < experts[best],
            f"{mean_loss(mixture):.3f} against {experts[best]:.3f} of {best}, the best of them",
        )
    )
    over = {domain: mixture[domain] / held_out_loss[f"expert_{domain}"][domain] - 1 for domain in mixture}
    worst = max(over, key=over.__getitem__)
    checks.append(
        Check(
            f"the mixture is within {own_expert_margin:.0%} of each domain's own expert",
            over[worst] <= own_expert_margin,
            f"furthest on {worst}: {over[worst]:+.1%}",
        )
    )
    return checks


def against_dense(held_out_loss: Mapping[str, Mapping[str, float]]) -> str:
    """How the mixture stands beside the dense model of equal training FLOPs, in words; no check, it stands as it is."""
    mixture = mean_loss(held_out_loss["mixture_after_joint"])
    dense = mean_loss(held_out_loss["dense_equal_flops"])
    return f"mean {mixture:.3f} against {dense:.3f} nats per token of the dense model of equal FLOPs ({mixture / dense - 1:+.1%})"
