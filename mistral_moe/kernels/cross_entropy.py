"""Cross-entropy of next tokens, in chunks, so that [B, T, V] in float32 never exists at once."""

from __future__ import annotations

import jax
import jax.numpy as jnp


def _one_chunk(hidden: jax.Array, head: jax.Array, targets: jax.Array) -> tuple[jax.Array, jax.Array]:
    logits = jnp.einsum("ND,DV->NV", hidden, head, preferred_element_type=jnp.float32)
    label = jnp.take_along_axis(logits, targets[:, None], axis=-1)[:, 0]
    nats = jax.nn.logsumexp(logits, axis=-1) - label
    correct = label >= jax.lax.stop_gradient(logits).max(axis=-1)
    return nats, correct


def token_cross_entropy(
    hidden: jax.Array, head: jax.Array, targets: jax.Array, chunk: int = 0
) -> tuple[jax.Array, jax.Array]:
    """Negative log-likelihood of each target, and whether it was the model's first choice.

    Args:
      hidden: [B, T, D].
      head: [D, V].
      targets: [B, T] int32.
      chunk: tokens per chunk; each chunk's logits are computed again in the backward pass. 0: one chunk, kept.

    Returns:
      nats [B, T] float32 and correct [B, T] bool.

    Raises:
      ValueError: the number of tokens is no multiple of the chunk.
    """
    batch, length, width = hidden.shape
    flat_hidden, flat_targets = hidden.reshape(-1, width), targets.reshape(-1)
    head = head.astype(hidden.dtype)
    if not chunk:
        nats, correct = _one_chunk(flat_hidden, head, flat_targets)
    else:
        if (batch * length) % chunk:
            raise ValueError(f"{batch} x {length} tokens are no multiple of the cross-entropy chunk, {chunk}")
        body = jax.checkpoint(lambda pair: _one_chunk(pair[0], head, pair[1]))
        nats, correct = jax.lax.map(body, (flat_hidden.reshape(-1, chunk, width), flat_targets.reshape(-1, chunk)))
    return nats.reshape(batch, length), correct.reshape(batch, length)
