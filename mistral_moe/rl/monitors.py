"""What a rising reward hides: signs in a run's history that the policy games its reward or falls apart.

Reward alone misleads: a policy can raise it to any height while people like its answers less (Gao et al. 2022,
arXiv:2210.10760). So it is held against a verifier or reward model that the policy was never trained on, and against
length, KL and entropy.
"""

from __future__ import annotations

from collections.abc import Sequence
import dataclasses
import math

import numpy as np


@dataclasses.dataclass(frozen=True)
class Observation:
    """One iteration of a run.

    Attributes:
      reward: mean score of the answers, as the policy is trained on.
      held_out: score on prompts and by a verifier that the policy is not trained on; None where it was not measured.
      held_out_stderr: of that score.
      kl: nats an answer from the reference.
      length: mean tokens an answer.
      entropy: nats a token.
      truncated: share of answers cut off at the limit.
    """

    reward: float
    held_out: float | None
    kl: float
    length: float
    entropy: float
    truncated: float
    held_out_stderr: float = 0.0


@dataclasses.dataclass(frozen=True)
class Limits:
    """When a monitor speaks.

    Attributes:
      window: iterations that are averaged at either end of what is compared.
      held_out_fall: fall of the held-out score below its best window, or below what it was before the first update, in
        its units. Falls within twice their standard error are none.
      reward_rise: rise of the reward over the same time, in deviations of the reward within a window.
      kl: nats an answer.
      length_factor: how many times longer or shorter answers may get than in the first window.
      entropy_share: of the first window's entropy, that must be left.
      truncated: share of answers cut off.
    """

    window: int = 5
    held_out_fall: float = 0.02
    reward_rise: float = 2.0
    kl: float = 50.0
    length_factor: float = 2.0
    entropy_share: float = 0.2
    truncated: float = 0.5


@dataclasses.dataclass(frozen=True)
class Finding:
    """A sign, e.g. `reward_hacking`.

    Attributes:
      name: of the monitor.
      message: a sentence with the figures in it.
      figures: the figures by name.
    """

    name: str
    message: str
    figures: dict[str, float]


# The one finding that a later measurement takes back.
HELD_OUT_FALL = "held_out_fall"
_MEASURED = ("reward", "kl", "length", "entropy", "truncated")


def _column(history: Sequence[Observation], name: str) -> np.ndarray:
    return np.array([getattr(row, name) for row in history], np.float64)


def _is_finite(row: Observation) -> bool:
    return all(math.isfinite(getattr(row, name)) for name in _MEASURED)


def _not_finite(history: Sequence[Observation], limits: Limits) -> Finding | None:
    broken = [index for index, row in enumerate(history) if not _is_finite(row)]
    if not broken:
        return None
    names = ", ".join(name for name in _MEASURED if not math.isfinite(getattr(history[broken[-1]], name)))
    figures = {"iterations": float(len(broken)), "last": float(broken[-1])}
    message = f"no finite number in {len(broken)} iterations, lastly in {broken[-1]}: {names}"
    return Finding("not_finite", message, figures)


def _kl_runaway(history: Sequence[Observation], limits: Limits) -> Finding | None:
    last = history[-1].kl
    if last <= limits.kl:
        return None
    figures = {"kl": last, "limit": limits.kl}
    return Finding("kl_runaway", f"the KL is {last:.1f} nats an answer, above {limits.kl:.1f}", figures)


def _truncation(history: Sequence[Observation], limits: Limits) -> Finding | None:
    share = float(_column(history[-limits.window :], "truncated").mean())
    if share <= limits.truncated:
        return None
    figures = {"truncated": share, "limit": limits.truncated}
    return Finding("truncation", f"{share:.0%} of the last answers were cut off, above {limits.truncated:.0%}", figures)


def _reward_hacking(history: Sequence[Observation], limits: Limits) -> Finding | None:
    measured = [row for row in history if row.held_out is not None and math.isfinite(row.held_out)]
    width = limits.window
    if len(measured) < 2 * width:
        return None
    held_out, rewards, errors = (_column(measured, name) for name in ("held_out", "reward", "held_out_stderr"))
    windows = [slice(start, start + width) for start in range(len(measured) - width + 1)]
    now = windows[-1]
    # The best window that does not reach into the last one.
    best = max(windows[:-width], key=lambda window: held_out[window].mean())
    fall = float(held_out[best].mean() - held_out[now].mean())
    # Held-out prompts are the same each time, so that their error does not shrink by measuring again.
    noise = float(np.hypot(errors[best].mean(), errors[now].mean()))
    rise = float(rewards[now].mean() - rewards[best].mean())
    # The spread around each window's line: a steady rise is no noise.
    spread = float(np.sqrt(np.mean([_around_line(rewards[window]) for window in (best, now)])))
    if fall <= max(limits.held_out_fall, 2 * noise) or rise <= 0 or rise < limits.reward_rise * spread:
        return None
    figures = {"held_out_best": float(held_out[best].mean()), "held_out": float(held_out[now].mean())}
    figures |= {"reward_at_best": float(rewards[best].mean()), "reward": float(rewards[now].mean())}
    message = (
        "the reward rose from {reward_at_best:.3f} to {reward:.3f} while the held-out score fell from "
        "{held_out_best:.3f} to {held_out:.3f}".format(**figures)
    )
    return Finding("reward_hacking", message, figures)


def _held_out_fall(
    history: Sequence[Observation], limits: Limits, before: tuple[float, float] | None
) -> Finding | None:
    last = history[-1]
    if before is None or last.held_out is None or not math.isfinite(last.held_out):
        return None
    first, error = before
    if first - last.held_out <= max(limits.held_out_fall, 2 * math.hypot(error, last.held_out_stderr)):
        return None
    message = f"the held-out score is {last.held_out:.3f}, and was {first:.3f} before the first update"
    return Finding(HELD_OUT_FALL, message, {"first": first, "last": last.held_out})


def _around_line(values: np.ndarray) -> float:
    """Variance around the line of least squares; of fewer than three values 0."""
    if len(values) < 3:
        return 0.0
    line = np.polynomial.Polynomial.fit(np.arange(len(values)), values, 1)
    return float(np.sum((values - line(np.arange(len(values)))) ** 2) / (len(values) - 2))


def _ends(history: Sequence[Observation], name: str, limits: Limits) -> tuple[float, float] | None:
    """Means of the first and the last window; None while they overlap."""
    if len(history) < 2 * limits.window:
        return None
    values = _column(history, name)
    return float(values[: limits.window].mean()), float(values[-limits.window :].mean())


def _length_drift(history: Sequence[Observation], limits: Limits) -> Finding | None:
    ends = _ends(history, "length", limits)
    if ends is None or ends[0] / limits.length_factor <= ends[1] <= ends[0] * limits.length_factor:
        return None
    message = f"answers went from {ends[0]:.1f} to {ends[1]:.1f} tokens, beyond a factor of {limits.length_factor:g}"
    return Finding("length_drift", message, {"first": ends[0], "last": ends[1]})


def _entropy_collapse(history: Sequence[Observation], limits: Limits) -> Finding | None:
    ends = _ends(history, "entropy", limits)
    if ends is None or ends[1] >= ends[0] * limits.entropy_share:
        return None
    message = f"the entropy fell from {ends[0]:.3f} to {ends[1]:.3f} nats a token, below {limits.entropy_share:.0%}"
    return Finding("entropy_collapse", message, {"first": ends[0], "last": ends[1]})


_OF_ALL = (_not_finite, _kl_runaway)
_OF_FINITE = (_truncation, _reward_hacking, _length_drift, _entropy_collapse)


def findings(
    history: Sequence[Observation], limits: Limits = Limits(), before: tuple[float, float] | None = None
) -> list[Finding]:
    """What the monitors see in a history up to its last iteration.

    Args:
      history: one observation an iteration, the first of them before or near the beginning of training: it is what
        length and entropy are held against. Comparisons of windows wait for two that don't overlap.
      limits: when to speak.
      before: the held-out score before the first update and its standard error, where it was measured.

    Returns:
      At most one finding of each name: `not_finite`, `kl_runaway`, `truncation`, `reward_hacking`, `length_drift`,
      `entropy_collapse`, `held_out_fall`, which speaks whatever the reward does. An empty history has none.
    """
    if not history:
        return []
    # One iteration without numbers must not silence the means over all later windows.
    finite = [row for row in history if _is_finite(row)]
    found = [monitor(history, limits) for monitor in _OF_ALL]
    found += [monitor(finite, limits) for monitor in _OF_FINITE if finite]
    found.append(_held_out_fall(history, limits, before))
    return [finding for finding in found if finding is not None]
