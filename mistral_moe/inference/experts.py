"""The mixture's feed-forward for the few tokens of a decoding step, and for a prompt."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from mistral_moe.inference.weights import Matrix
from mistral_moe.kernels.blocks import block_table
from mistral_moe.kernels.grouped_matmul import grouped_matmul
from mistral_moe.models.moe import dispatch
from mistral_moe.models.router import Decision

# Up to so many tokens every expert multiplies every token: reading the experts is what takes time then, not the products.
_DENSE_TOKENS = 64


def swiglu(x: jax.Array, gate_up: Matrix, down: Matrix) -> jax.Array:
    """[M, D] -> [M, D] through one feed-forward."""
    gate, up = jnp.split(gate_up.multiply(x), 2, axis=-1)
    return down.multiply(jax.nn.silu(gate) * up)


def mixture(
    x: jax.Array, live: jax.Array, decision: Decision, gate_up: Matrix, down: Matrix, backend: str
) -> jax.Array:
    """The weighted sum of each token's experts.

    Args:
      x: [B, T, D].
      live: [B, T] bool; other tokens get zeros and have no expert read.
      decision: of each token.
      gate_up: [E, D, 2 F].
      down: [E, F, D].
      backend: of `kernels.grouped_matmul`, for prompts off the CPU.

    Returns:
      [B, T, D].
    """
    batch, length, width = x.shape
    top_k, num_experts = decision.experts.shape[-1], gate_up.values.shape[0]
    rows = x.reshape(-1, width)
    # Experts past the last stand for none.
    chosen = jnp.where(live[..., None], decision.experts, num_experts)
    weights = jnp.where(live[..., None], decision.weights, 0.0).reshape(-1, top_k).astype(x.dtype)
    if not gate_up.tiled and batch * length * top_k < num_experts:
        out = _gathered(rows, chosen.reshape(-1, top_k), weights, gate_up, down)
    elif not gate_up.tiled and batch * length <= _DENSE_TOKENS:
        out = _dense(rows, chosen.reshape(-1, top_k), weights, gate_up, down)
    else:
        where = dispatch(decision.replace(experts=chosen), num_experts)
        rows = rows[where.order // top_k]
        if gate_up.tiled:
            out = _in_blocks(rows, where.group_sizes, gate_up, down)
        else:
            out = _grouped(rows, where.group_sizes, gate_up, down, backend)
        out = jnp.einsum("MkD,Mk->MD", out[where.place].reshape(-1, top_k, width), weights)
    return out.reshape(x.shape)


def _in_blocks(rows: jax.Array, group_sizes: jax.Array, gate_up: Matrix, down: Matrix) -> jax.Array:
    """Rows [M, D] sorted by expert, in blocks of one expert each; rows past the last group get zeros."""
    count, num_experts = rows.shape[0], group_sizes.shape[0]
    # About a group's share of the rows: a group's matrices are then read once, and rounding up costs little.
    block = min(32, max(2, 1 << (-(-count // num_experts) - 1).bit_length()))
    ends = jnp.cumsum(group_sizes)
    group, first, _, blocks = block_table(ends - group_sizes, ends, count, block)
    padded = jnp.pad(rows, ((0, block), (0, 0)))

    # What a group's last block writes past its end the next group, which starts there, writes again.
    def one_block(i: jax.Array, out: jax.Array) -> jax.Array:
        here = jax.lax.dynamic_slice_in_dim(padded, first[i], block)
        after = swiglu(here, gate_up.pick(group[i]), down.pick(group[i]))
        return jax.lax.dynamic_update_slice_in_dim(out, after, first[i], axis=0)

    out = jax.lax.fori_loop(0, blocks, one_block, jnp.zeros_like(padded))[:count]
    return jnp.where((jnp.arange(count) < ends[-1])[:, None], out, 0)


def _grouped(rows: jax.Array, group_sizes: jax.Array, gate_up: Matrix, down: Matrix, backend: str) -> jax.Array:
    """Rows [M, D] sorted by expert, by the kernel that training uses; rows past the last group get zeros."""
    group = jnp.searchsorted(jnp.cumsum(group_sizes), jnp.arange(rows.shape[0]), side="right")

    def multiply(x: jax.Array, matrix: Matrix) -> jax.Array:
        out = grouped_matmul(x, matrix.values.astype(x.dtype), group_sizes, backend)
        if matrix.scale is None:
            return out
        return (out * matrix.scale[jnp.minimum(group, group_sizes.shape[0] - 1)]).astype(x.dtype)

    gate, up = jnp.split(multiply(rows, gate_up), 2, axis=-1)
    return multiply(jax.nn.silu(gate) * up, down)


def _dense(rows: jax.Array, chosen: jax.Array, weights: jax.Array, gate_up: Matrix, down: Matrix) -> jax.Array:
    """Every expert on every row [M, D], weighted by 0 where it was not chosen."""

    def multiply(spec: str, x: jax.Array, matrix: Matrix) -> jax.Array:
        out = jnp.einsum(spec, x, matrix.values.astype(x.dtype), preferred_element_type=jnp.float32)
        return (out if matrix.scale is None else out * matrix.scale[:, None]).astype(x.dtype)

    gate, up = jnp.split(multiply("MD,EDF->EMF", rows, gate_up), 2, axis=-1)
    out = multiply("EMF,EFD->EMD", jax.nn.silu(gate) * up, down)
    share = (jax.nn.one_hot(chosen, gate_up.values.shape[0], dtype=weights.dtype) * weights[..., None]).sum(axis=1)
    return jnp.einsum("EMD,ME->MD", out, share)


def _gathered(rows: jax.Array, chosen: jax.Array, weights: jax.Array, gate_up: Matrix, down: Matrix) -> jax.Array:
    """Fewer assignments than experts: only the chosen matrices are read.

    Products and sums rather than a matmul, since XLA fuses the gather into those.
    """
    index = jnp.minimum(chosen, gate_up.values.shape[0] - 1)

    def multiply(x: jax.Array, matrix: Matrix) -> jax.Array:
        out = (x.astype(jnp.float32)[..., None] * matrix.values[index].astype(jnp.float32)).sum(axis=-2)
        return (out if matrix.scale is None else out * matrix.scale[index]).astype(rows.dtype)

    gate, up = jnp.split(multiply(rows[:, None], gate_up), 2, axis=-1)
    return jnp.einsum("MkD,Mk->MD", multiply(jax.nn.silu(gate) * up, down), weights)
