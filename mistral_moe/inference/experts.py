"""The mixture's feed-forward for the few tokens of a decoding step, and for a prompt."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp

from mistral_moe.inference.weights import Matrix
from mistral_moe.kernels.grouped_matmul import grouped_matmul
from mistral_moe.models.moe import dispatch
from mistral_moe.models.router import Decision

# Up to so many tokens every expert multiplies every token: reading the experts is what takes time then, not the
# products.
_DENSE_TOKENS = 64


def swiglu(x: jax.Array, gate_up: Matrix, down: Matrix) -> jax.Array:
    """[M, D] -> [M, D] through one feed-forward."""
    gate, up = jnp.split(gate_up.multiply(x), 2, axis=-1)
    return down.multiply(jax.nn.silu(gate) * up)


def mixture(
    x: jax.Array,
    live: jax.Array,
    decision: Decision,
    gate_up: Matrix | tuple[Matrix, ...],
    down: Matrix | tuple[Matrix, ...],
    backend: str,
) -> jax.Array:
    """The weighted sum of each token's experts.

    Args:
      x: [B, T, D].
      live: [B, T] bool; other tokens get zeros and have no expert read.
      decision: of each token.
      gate_up: [E, D, 2 F], or a matrix an expert where they are apart.
      down: [E, F, D], or likewise.
      backend: of `kernels.grouped_matmul`, for prompts off the CPU.

    Returns:
      [B, T, D].
    """
    batch, length, width = x.shape
    apart = isinstance(gate_up, tuple)
    top_k = decision.experts.shape[-1]
    num_experts = len(gate_up) if apart else gate_up.values.shape[0]
    rows = x.reshape(-1, width)
    # Experts past the last stand for none.
    chosen = jnp.where(live[..., None], decision.experts, num_experts)
    weights = jnp.where(live[..., None], decision.weights, 0.0).reshape(-1, top_k).astype(x.dtype)
    if not apart and batch * length * top_k < num_experts:
        out = _gathered(rows, chosen.reshape(-1, top_k), weights, gate_up, down)
    elif not apart and batch * length <= _DENSE_TOKENS:
        out = _dense(rows, chosen.reshape(-1, top_k), weights, gate_up, down)
    else:
        where = dispatch(decision.replace(experts=chosen), num_experts)
        rows = rows[where.order // top_k]
        if apart:
            out = _one_by_one(rows, where.group_sizes, batch * length, gate_up, down)
        else:
            out = _grouped(rows, where.group_sizes, gate_up, down, backend)
        out = jnp.einsum("MkD,Mk->MD", out[where.place].reshape(-1, top_k, width), weights)
    return out.reshape(x.shape)


def _one_by_one(
    rows: jax.Array,
    group_sizes: jax.Array,
    num_tokens: int,
    gate_up: tuple[Matrix, ...],
    down: tuple[Matrix, ...],
) -> jax.Array:
    """Rows [M, D] sorted by expert, one expert after the other; rows past the last group get zeros.

    An expert multiplies as many rows as the smallest of a few sizes that holds its group, and none where it has none,
    which the program decides as it runs.
    """
    count = rows.shape[0]
    share = max(4, 1 << (count // len(gate_up) - 1).bit_length())
    sizes = [size for size in (share, 2 * share) if size < num_tokens] + [num_tokens]
    padded = jnp.pad(rows, ((0, num_tokens), (0, 0)))
    ends = jnp.cumsum(group_sizes)
    out = jnp.zeros_like(padded)
    for expert, matrices in enumerate(zip(gate_up, down, strict=True)):
        first = ends[expert] - group_sizes[expert]

        # What it writes past its group's end the next group, which starts there, writes again.
        def of_size(size: int, out: jax.Array, first: jax.Array = first, matrices: tuple = matrices) -> jax.Array:
            here = jax.lax.dynamic_slice_in_dim(padded, first, size)
            return jax.lax.dynamic_update_slice_in_dim(out, swiglu(here, *matrices), first, axis=0)

        branches = [lambda out: out, *(functools.partial(of_size, size) for size in sizes)]
        branch = jnp.searchsorted(jnp.asarray((0, *sizes)), group_sizes[expert])
        out = jax.lax.switch(branch, branches, out)
    return jnp.where((jnp.arange(count) < ends[-1])[:, None], out[:count], 0)


def _stacked_swiglu(x: jax.Array, gate_up: Matrix, down: Matrix) -> jax.Array:
    """[E, C, D] -> [E, C, D], each through its own feed-forward."""
    gate, up = jnp.split(gate_up.multiply_stack(x), 2, axis=-1)
    return down.multiply_stack(jax.nn.silu(gate) * up)


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
    num_experts = gate_up.values.shape[0]
    out = _stacked_swiglu(jnp.broadcast_to(rows, (num_experts, *rows.shape)), gate_up, down)
    share = (jax.nn.one_hot(chosen, num_experts, dtype=weights.dtype) * weights[..., None]).sum(axis=1)
    return jnp.einsum("EMD,ME->MD", out, share)


def _gathered(rows: jax.Array, chosen: jax.Array, weights: jax.Array, gate_up: Matrix, down: Matrix) -> jax.Array:
    """So few rows [M, D] that only the matrices chosen [M, k] are read, each by itself."""
    index = jnp.minimum(chosen, gate_up.values.shape[0] - 1).reshape(-1)
    repeated = jnp.repeat(rows, chosen.shape[1], axis=0)[:, None]
    out = _stacked_swiglu(repeated, gate_up.pick(index), down.pick(index))
    return jnp.einsum("MkD,Mk->MD", out.reshape(*chosen.shape, -1), weights)
