"""One reward out of several: learned, verified, for the form. Each is told apart, whatever the sum says."""

from __future__ import annotations

from collections.abc import Mapping

import flax.struct
import jax
import jax.numpy as jnp

from mistral_moe.rl.masked import masked_mean, real_values


@flax.struct.dataclass
class Composite:
    """A batch's rewards.

    Attributes:
      total: [B] float32, the weighted sum; 0 in rows that are masked.
      valid: [B] bool, rows all of whose weighted parts are finite.
      parts: name -> mean of that part over its finite rows, float32, before its weight.
      not_finite: name -> int32, rows in which that part was NaN or infinite.
    """

    total: jax.Array
    valid: jax.Array
    parts: dict[str, jax.Array]
    not_finite: dict[str, jax.Array]


def combine(parts: Mapping[str, jax.Array], weights: Mapping[str, float], is_row: jax.Array | None = None) -> Composite:
    """The weighted sum of rewards.

    A row in which a part is NaN or infinite is masked and counted, unless the part weighs nothing: then it is counted and
    told, and takes no part in the sum.

    Args:
      parts: name ("learned", "verifiable", "format") -> [B], any real dtype.
      weights: name -> weight; a part without one weighs 0 and is told alone.
      is_row: [B] bool, false for rows of padding; None where there are none.

    Raises:
      ValueError: no part, a weight for a part that isn't there, or none that weighs anything.
    """
    if unknown := sorted(set(weights) - set(parts)):
        raise ValueError(f"a weight for {unknown[0]!r}, which is no part; the parts are {', '.join(parts) or 'none'}")
    if not any(weights.values()):
        raise ValueError("no part of the reward has a weight; give at least one")
    first = next(iter(parts.values()))
    rows = jnp.ones(first.shape, bool) if is_row is None else is_row.astype(bool)
    total, valid, means, not_finite = jnp.zeros(first.shape, jnp.float32), rows, {}, {}
    for name, values in parts.items():
        values = values.astype(jnp.float32)
        finite = jnp.isfinite(values)
        means[name] = masked_mean(values, rows & finite)
        not_finite[name] = (rows & ~finite).sum()
        if weight := weights.get(name, 0.0):
            total = total + weight * real_values(values, finite)
            valid = valid & finite
    return Composite(jnp.where(valid, total, 0.0), valid, means, not_finite)
