"""How the report says numbers and names: one spelling for each, in plots, tables and text alike."""

from __future__ import annotations

import datetime
import math
from typing import Any

_NBSP = "\u00a0"  # keeps a number and its unit on one line
_MINUS = "\u2212"
ABSENT = "\u2013"

_MODELS = {
    "seed": "Seed",
    "dense_equal_flops": "Dense, equal FLOPs",
    "mixture_after_mix": "Mixture after mixing",
    "mixture_after_router": "Mixture after router",
    "mixture_after_joint": "Mixture after joint",
    "mixture_after_sft": "Mixture after SFT",
    "mixture_after_ppo": "Mixture after PPO",
    "mixture_after_improve": "Mixture after self-improvement",
    "oracle": "Oracle (a bound)",
}
_STAGES = {"sft": "SFT", "ppo": "PPO"}


def is_number(value: Any) -> bool:
    """True for a finite int or float; JSON's null, NaN and booleans are no figures."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def nats(value: Any) -> str:
    """A loss with three decimals: `1.234`."""
    return f"{value:.3f}".replace("-", _MINUS) if is_number(value) else ABSENT


def percent(value: Any, *, signed: bool = False) -> str:
    """A share as a percentage: `12.3 %`, or with its sign `−3.2 %`."""
    if not is_number(value):
        return ABSENT
    text = f"{100 * value:+.1f}" if signed else f"{100 * value:.1f}"
    if float(text) == 0:
        text = "0.0"
    return text.replace("-", _MINUS) + _NBSP + "%"


def _scaled(value: float, base: float, units: tuple[str, ...]) -> str:
    power = 0
    while abs(value) >= base * 0.9995 and power < len(units) - 1:
        value, power = value / base, power + 1
    digits = f"{value:.3g}" if power and abs(value) < 1000 else f"{value:,.0f}"
    return f"{digits}{_NBSP}{units[power]}".rstrip(_NBSP)


def count(value: Any) -> str:
    """How many: `950`, `12.3 k`, `4.56 M`."""
    return _scaled(value, 1000, ("", "k", "M", "G", "T")) if is_number(value) else ABSENT


def size(value: Any) -> str:
    """Bytes in decimal units: `512 B`, `12.3 MB`."""
    return _scaled(value, 1000, ("B", "kB", "MB", "GB", "TB", "PB")) if is_number(value) else ABSENT


def flops(value: Any) -> str:
    """Operations done: `1.23 TFLOP`."""
    units = ("FLOP", "kFLOP", "MFLOP", "GFLOP", "TFLOP", "PFLOP", "EFLOP", "ZFLOP", "YFLOP")
    return _scaled(value, 1000, units) if is_number(value) else ABSENT


def duration(seconds: Any) -> str:
    """Time as a person says it: `0.4 s`, `48 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`."""
    if not is_number(seconds):
        return ABSENT
    if seconds < 9.95:
        return f"{seconds:.1f}{_NBSP}s"
    whole = round(seconds)
    if whole >= 3600:  # seconds no longer matter, and rounding here keeps 2 h from reading "1 h 60 min"
        whole = round(whole / 60) * 60
    for unit, large, small, small_unit in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= unit:
            rest = whole % unit // small
            return f"{whole // unit}{_NBSP}{large}" + (f" {rest}{_NBSP}{small_unit}" if rest else "")
    return f"{whole}{_NBSP}s"


def moment(value: Any) -> str:
    """A point in time; seconds since 1970 become UTC, text stays what it is."""
    if is_number(value):
        return datetime.datetime.fromtimestamp(value, datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
    return str(value) if value else ABSENT


def relative(value: Any, reference: Any) -> float | None:
    """(value - reference) / reference, or None where one of them is no figure."""
    if is_number(value) and is_number(reference) and reference:
        return (value - reference) / reference
    return None


def name(identifier: str) -> str:
    """`mixture_after_joint` -> `Mixture after joint`, `expert_code` -> `Code expert`, `bad_parse` -> `bad parse`."""
    if identifier in _MODELS:
        return _MODELS[identifier]
    if identifier.startswith("expert_"):
        return capital(identifier.removeprefix("expert_").replace("_", " ")) + " expert"
    return identifier.replace("_", " ")


def stage(identifier: str) -> str:
    """`experts/code` -> `Code expert`, `joint` -> `Joint`."""
    group, _, part = identifier.partition("/")
    if group == "experts" and part:
        return name(f"expert_{part}")
    return _STAGES.get(identifier) or capital(name(identifier))


def capital(text: str) -> str:
    """The text with a capital first letter, the others as they are."""
    return text[:1].upper() + text[1:]


def grain(key: str) -> str:
    """Name of the grain at which the oracle chooses: `window_64` -> `per window of 64 tokens`."""
    head, _, width = key.partition("_")
    return f"per window of {width} tokens" if head == "window" and width else f"per {name(key)}"
