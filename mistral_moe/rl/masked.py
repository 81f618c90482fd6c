"""Sums and means over what is real. What a mask leaves out is never read: it may be NaN and gets no gradient."""

from __future__ import annotations

from typing import Literal

import jax
import jax.numpy as jnp

Over = Literal["token", "sequence", "constant"]


def real_values(values: jax.Array, mask: jax.Array) -> jax.Array:
    """`values` in float32, 0 outside the mask. Multiplying would keep a NaN and hand one to the gradient."""
    return jnp.where(mask.astype(bool), values.astype(jnp.float32), 0.0)


def masked_mean(values: jax.Array, mask: jax.Array) -> jax.Array:
    """Mean over the mask, a float32 scalar; 0 where the mask is empty."""
    return real_values(values, mask).sum() / jnp.maximum(mask.astype(bool).sum(), 1)


def masked_max(values: jax.Array, mask: jax.Array) -> jax.Array:
    """Largest of values that are 0 or more, a float32 scalar; 0 where the mask is empty."""
    return real_values(values, mask).max(initial=0.0)


def loss_mean(values: jax.Array, mask: jax.Array, over: Over = "token", constant: int | None = None) -> jax.Array:
    """The mean of a loss over a batch of sequences. What it is over decides what a long answer counts.

    Args:
      values: [B, T] loss of each token.
      mask: [B, T], true for tokens that count. Rows without any are no rows.
      over: `token`, each token counts alike, so long answers weigh more (Yu et al. 2025, DAPO, arXiv:2503.14476);
        `sequence`, each answer counts alike, so a token of a long one weighs less (Shao et al. 2024, GRPO,
        arXiv:2402.03300); `constant`, sums over answers divided by one constant length, so that no answer's own length
        weighs at all (Liu et al. 2025, Dr. GRPO, arXiv:2503.20783).
      constant: that length in tokens: the longest completion allowed. T would do if it did not change with the padding.

    Returns:
      A float32 scalar; 0 where the mask is empty.

    Raises:
      ValueError: an unknown mean, or `constant` without a positive length.
    """
    if over == "token":
        return masked_mean(values, mask)
    if over not in ("sequence", "constant"):
        raise ValueError(f"a loss is a mean over 'token', 'sequence' or 'constant', not {over!r}")
    if over == "constant" and (constant is None or constant <= 0):
        raise ValueError(f"a mean over 'constant' needs the longest completion's tokens, not {constant!r}")
    counts = mask.astype(bool).sum(axis=1)
    lengths = jnp.maximum(counts, 1) if over == "sequence" else constant
    return (real_values(values, mask).sum(axis=1) / lengths).sum() / jnp.maximum((counts > 0).sum(), 1)
