"""Log-probabilities of drawn tokens, and the entropy they were drawn from, without [B, T, V] ever lying in memory."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
from jax.sharding import PartitionSpec as P

from mistral_moe import mesh_context


def from_logits(logits: jax.Array, targets: jax.Array, temperature: float = 1.0) -> tuple[jax.Array, jax.Array]:
    """Log-probability of each target and entropy of each distribution.

    Args:
      logits: [..., V].
      targets: [...] int32.
      temperature: that the tokens are drawn at. Rollouts and training must use the same: the ratio of the two is else
        not 1 where nothing has changed.

    Returns:
      Both [...] float32 nats.
    """
    logits = logits.astype(jnp.float32) / temperature
    total = jax.nn.logsumexp(logits, axis=-1)
    label = jnp.take_along_axis(logits, targets[..., None], axis=-1)[..., 0]
    # A token that is ruled out, at -inf, adds nothing: 0 * -inf would be NaN.
    possible = jnp.where(jnp.isneginf(logits), 0.0, logits)
    expected = jnp.sum(jnp.exp(logits - total[..., None]) * possible, axis=-1)
    return label - total, total - expected


def _of_tokens(
    hidden: jax.Array, head: jax.Array, targets: jax.Array, temperature: float, chunk: int
) -> tuple[jax.Array, jax.Array]:
    batch, length, width = hidden.shape
    tokens = batch * length
    pieces = -(-tokens // (chunk or tokens))
    size = -(-tokens // pieces)

    def cut(x: jax.Array) -> jax.Array:
        flat = x.reshape(tokens, *x.shape[2:])
        padded = jnp.pad(flat, ((0, pieces * size - tokens), *((0, 0),) * (flat.ndim - 1)))
        return padded.reshape(pieces, size, *flat.shape[1:])

    # Logits are made again in the backward pass. The head is narrowed inside, so that its gradient is summed over the
    # pieces in float32.
    head = head.astype(jnp.float32)

    @jax.checkpoint
    def one_piece(head: jax.Array, hidden: jax.Array, targets: jax.Array) -> tuple[jax.Array, jax.Array]:
        logits = jnp.einsum("ND,DV->NV", hidden, head.astype(hidden.dtype), preferred_element_type=jnp.float32)
        return from_logits(logits, targets, temperature)

    found = jax.lax.map(lambda piece: one_piece(head, *piece), (cut(hidden), cut(targets)))
    return tuple(x.reshape(-1)[:tokens].reshape(batch, length) for x in found)


def log_probs_and_entropy(
    hidden: jax.Array, head: jax.Array, targets: jax.Array, temperature: float = 1.0, chunk: int = 0
) -> tuple[jax.Array, jax.Array]:
    """Of hidden states against their next tokens; `rollout.of_next_token` moves both onto the tokens they are about.

    On a mesh each device takes its own tokens against the whole vocabulary, as `models.vocabulary.head_cross_entropy`
    does, and `chunk` counts those.

    Args:
      hidden: [B, T, D], after the final norm.
      head: [D, V].
      targets: [B, T] int32, `Rollout.next_tokens`.
      temperature: above 0.
      chunk: tokens whose logits exist at a time, at most; 0: those of all.

    Returns:
      Log-probabilities and entropies, both [B, T] float32 nats.

    Raises:
      ValueError: a temperature that is not above 0, or a negative chunk.
    """
    if not temperature > 0:
        raise ValueError(f"at a temperature of {temperature} nothing is drawn; it is above 0")
    if chunk < 0:
        raise ValueError(f"a chunk of {chunk} tokens; it is a number of tokens, or 0 for all at once")
    run = functools.partial(_of_tokens, temperature=temperature, chunk=chunk)
    if not mesh_context.axis_sizes():
        return run(hidden, head, targets)
    rows = mesh_context.dividing(hidden.shape[0], *mesh_context.ROW_AXES)
    tokens = P(rows, mesh_context.dividing(hidden.shape[1], "context", "tensor"))

    def one_device(hidden: jax.Array, head: jax.Array, targets: jax.Array) -> tuple[jax.Array, jax.Array]:
        gather = functools.partial(jax.lax.all_gather, tiled=True)
        return run(hidden, gather(gather(head, "fsdp", axis=0), "tensor", axis=1), targets)

    of_parts = mesh_context.over_mesh(
        one_device, in_specs=(tokens, P("fsdp", "tensor"), tokens), out_specs=(tokens, tokens)
    )
    return of_parts(hidden, head.astype(hidden.dtype), targets)
