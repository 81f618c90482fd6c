"""The two ends of the model on a mesh: each device takes its own tokens against the whole vocabulary."""

from __future__ import annotations

import functools

import jax
from jax.sharding import PartitionSpec as P

from mistral_moe import mesh_context
from mistral_moe.kernels.cross_entropy import token_cross_entropy

_gather = functools.partial(jax.lax.all_gather, tiled=True)


def embed(table: jax.Array, tokens: jax.Array) -> jax.Array:
    """Rows of a table [V, D] at tokens [B, T]: [B, T, D] in the table's dtype."""
    if not mesh_context.axis_sizes():
        return table[tokens]
    rows = P(mesh_context.dividing(tokens.shape[0], *mesh_context.ROW_AXES))

    def one_device(table: jax.Array, tokens: jax.Array) -> jax.Array:
        return _gather(table, "fsdp", axis=1)[tokens]

    return mesh_context.over_mesh(one_device, in_specs=(P(None, "fsdp"), rows), out_specs=rows)(table, tokens)


def head_cross_entropy(
    hidden: jax.Array, head: jax.Array, targets: jax.Array, chunk: int = 0
) -> tuple[jax.Array, jax.Array]:
    """`token_cross_entropy`; on a mesh each device runs it on the tokens it holds, and `chunk` counts those.

    Chunks of the whole batch would each lie on one device while the others wait. `tensor` splits the tokens here, not
    the vocabulary: the softmax then needs no exchange, and the head is gathered once a pass.

    Args:
      hidden: [B, T, D].
      head: [D, V].
      targets: [B, T] int32.
      chunk: tokens per chunk, of one device; 0: one chunk.

    Returns:
      nats [B, T] float32 and correct [B, T] bool.

    Raises:
      ValueError: the number of a device's tokens is no multiple of the chunk.
    """
    if not mesh_context.axis_sizes():
        return token_cross_entropy(hidden, head, targets, chunk)
    batch, length, _ = hidden.shape
    tokens = P(mesh_context.dividing(batch, *mesh_context.ROW_AXES), mesh_context.dividing(length, "context", "tensor"))

    def one_device(hidden: jax.Array, head: jax.Array, targets: jax.Array) -> tuple[jax.Array, jax.Array]:
        head = _gather(_gather(head, "fsdp", axis=0), "tensor", axis=1)
        return token_cross_entropy(hidden, head, targets, chunk)

    of_parts = mesh_context.over_mesh(one_device, in_specs=(tokens, P("fsdp", "tensor"), tokens), out_specs=tokens)
    with jax.named_scope("head"):
        return of_parts(hidden, head.astype(hidden.dtype), targets)
