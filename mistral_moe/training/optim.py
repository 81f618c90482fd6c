"""AdamW with one learning rate a parameter group, and the schedule they share."""

from __future__ import annotations

from collections.abc import Mapping
import dataclasses
import re

import flax.traverse_util
import optax

from mistral_moe.training.partition import group_of

_NO_DECAY = re.compile(r".*(scale|bias|embedding|reasoning/gate|task_log_variance)$")


@dataclasses.dataclass(frozen=True)
class OptimConfig:
    """What the optimiser needs to know.

    Attributes:
      learning_rates: group -> peak learning rate; None freezes the group.
      num_steps: length of the run.
      warmup_steps: linear from 0.
      delays: group -> steps at its beginning in which it stays as it is, before its warm-up; others have none.
      final_fraction: learning rate at the end over the peak; cosine in between (Loshchilov and Hutter 2017).
      weight_decay: decoupled; not on norms, biases, embeddings and gates.
      clip_norm: global norm that gradients are clipped to.
      b1, b2, eps: of AdamW.
    """

    learning_rates: Mapping[str, float | None]
    num_steps: int
    warmup_steps: int = 0
    final_fraction: float = 0.1
    weight_decay: float = 0.1
    clip_norm: float = 1.0
    b1: float = 0.9
    b2: float = 0.95
    eps: float = 1e-8
    delays: Mapping[str, int] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.num_steps < 1:
            raise ValueError(f"num_steps is {self.num_steps}; a run has at least one step")
        if not 0 <= self.warmup_steps <= self.num_steps:
            raise ValueError(f"warmup_steps is {self.warmup_steps}; it lies between 0 and num_steps ({self.num_steps})")
        for group, delay in self.delays.items():
            if not 0 <= delay <= self.num_steps - self.warmup_steps:
                raise ValueError(
                    f"the delay of {group} is {delay} steps; with {self.warmup_steps} steps of warm-up it lies between 0 "
                    f"and {self.num_steps - self.warmup_steps}, what is left of num_steps ({self.num_steps})"
                )


def schedule(config: OptimConfig, peak: float, delay: int = 0) -> optax.Schedule:
    """0 for `delay` steps, then linear warm-up to `peak`, then cosine to `final_fraction` of it."""
    learning = optax.warmup_cosine_decay_schedule(
        init_value=0.0 if config.warmup_steps else peak,
        peak_value=peak,
        warmup_steps=config.warmup_steps,
        decay_steps=max(config.num_steps - delay, config.warmup_steps + 1),
        end_value=peak * config.final_fraction,
    )
    return optax.join_schedules([optax.constant_schedule(0.0), learning], [delay]) if delay else learning


def decay_mask(params: dict) -> dict:
    """True for the leaves that weight decay applies to."""
    flat = flax.traverse_util.flatten_dict(params, sep="/")
    return flax.traverse_util.unflatten_dict({path: not _NO_DECAY.match(path) for path in flat}, sep="/")


def group_labels(params: dict) -> dict:
    """Name of each leaf's group."""
    flat = flax.traverse_util.flatten_dict(params, sep="/")
    return flax.traverse_util.unflatten_dict({path: group_of(path) for path in flat}, sep="/")


def make_optimizer(config: OptimConfig) -> optax.GradientTransformation:
    """Clip by global norm, then AdamW (Loshchilov and Hutter 2019, arXiv:1711.05101), one learning rate a group.

    The balance group (the router's selection bias) has no gradient; its own rule updates it, so the optimiser leaves it.
    """
    transforms = {"balance": optax.set_to_zero()}
    for group, peak in config.learning_rates.items():
        if peak is not None and group != "balance":
            transforms[group] = optax.adamw(
                schedule(config, peak, config.delays.get(group, 0)),
                b1=config.b1,
                b2=config.b2,
                eps=config.eps,
                weight_decay=config.weight_decay,
                mask=decay_mask,
            )
    return optax.chain(optax.clip_by_global_norm(config.clip_norm), optax.multi_transform(transforms, group_labels))
