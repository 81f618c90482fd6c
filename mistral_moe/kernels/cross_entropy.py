"""Cross-entropy of next tokens, in chunks, so that [B, T, V] in float32 never exists at once."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp


def _logits(hidden: jax.Array, head: jax.Array) -> jax.Array:
    return jnp.einsum("ND,DV->NV", hidden, head, preferred_element_type=jnp.float32)


def _one_chunk(hidden: jax.Array, head: jax.Array, targets: jax.Array) -> tuple[jax.Array, jax.Array]:
    logits = _logits(hidden, head)
    label = jnp.take_along_axis(logits, targets[:, None], axis=-1)[:, 0]
    nats = jax.nn.logsumexp(logits, axis=-1) - label
    correct = label >= jax.lax.stop_gradient(logits).max(axis=-1)
    return nats, correct


def _cut(x: jax.Array, chunk: int) -> jax.Array:
    """[N, ...] -> [chunks, chunk, ...], padded with zeros."""
    padded = jnp.pad(x, ((0, -x.shape[0] % chunk), *((0, 0),) * (x.ndim - 1)))
    return padded.reshape(-1, chunk, *x.shape[1:])


@functools.partial(jax.custom_vjp, nondiff_argnums=(3,))
def _in_chunks(hidden: jax.Array, head: jax.Array, targets: jax.Array, chunk: int) -> tuple[jax.Array, jax.Array]:
    """hidden [N, D], head [D, V], targets [N] -> nats [N] and correct [N], `chunk` tokens at a time."""
    return _in_chunks_forward(hidden, head, targets, chunk)[0]


def _in_chunks_forward(hidden, head, targets, chunk):
    def one_chunk(part):
        rows, target = part
        logits = _logits(rows, head.astype(rows.dtype))
        label = jnp.take_along_axis(logits, target[:, None], axis=-1)[:, 0]
        # Two numbers a token bring the softmax back: their logarithm in one would lose digits where logits are large.
        highest = logits.max(axis=-1)
        total = jnp.exp(logits - highest[:, None]).sum(axis=-1)
        return jnp.log(total) + (highest - label), label >= highest, highest, total

    parts = jax.lax.map(one_chunk, (_cut(hidden, chunk), _cut(targets, chunk)))
    nats, correct, highest, total = (part.reshape(-1)[: targets.shape[0]] for part in parts)
    return (nats, correct), (hidden, head, targets, highest, total)


def _in_chunks_backward(chunk, residuals, grads):
    # What each token's loss weighs is known only here, so the logits are made again: a gradient of the head that is
    # summed in the forward pass would need the weights there.
    hidden, head, targets, highest, total = residuals
    narrow = head.astype(hidden.dtype)

    def one_chunk(dhead, part):
        rows, target, highest, scale, weight = part
        softmax = jnp.exp(_logits(rows, narrow) - highest[:, None]) * scale[:, None]
        is_target = jnp.arange(head.shape[1]) == target[:, None]
        dlogits = ((softmax - is_target) * weight[:, None]).astype(rows.dtype)
        drows = jnp.einsum("NV,DV->ND", dlogits, narrow)
        return dhead + jnp.einsum("ND,NV->DV", rows, dlogits, preferred_element_type=jnp.float32), drows

    parts = tuple(_cut(x, chunk) for x in (hidden, targets, highest, 1 / total, grads[0]))
    dhead, drows = jax.lax.scan(one_chunk, jnp.zeros(head.shape, jnp.float32), parts)
    return drows.reshape(-1, hidden.shape[1])[: hidden.shape[0]], dhead.astype(head.dtype), None


_in_chunks.defvjp(_in_chunks_forward, _in_chunks_backward)


def token_cross_entropy(
    hidden: jax.Array, head: jax.Array, targets: jax.Array, chunk: int = 0
) -> tuple[jax.Array, jax.Array]:
    """Negative log-likelihood of each target, and whether it was the model's first choice.

    Args:
      hidden: [B, T, D].
      head: [D, V].
      targets: [B, T] int32.
      chunk: tokens per chunk, at most; each chunk's logits are computed again in the backward pass, whose sums over chunks
        are in float32. 0: one chunk, kept.

    Returns:
      nats [B, T] float32 and correct [B, T] bool.

    Raises:
      ValueError: a negative chunk.
    """
    if chunk < 0:
        raise ValueError(f"the cross-entropy chunk is {chunk}; it is a number of tokens, or 0 for all at once")
    batch, length, width = hidden.shape
    flat_hidden, flat_targets = hidden.reshape(-1, width), targets.reshape(-1)
    if not chunk:
        nats, correct = _one_chunk(flat_hidden, head.astype(hidden.dtype), flat_targets)
    else:
        # Chunks of one size, as few as fit: what is padded is less than one token a chunk.
        chunks = -(-batch * length // chunk)
        nats, correct = _in_chunks(flat_hidden, head, flat_targets, -(-batch * length // chunks))
    return nats.reshape(batch, length), correct.reshape(batch, length)
