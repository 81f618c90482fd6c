"""SwiGLU of rows sorted by group in one loop over blocks: gate, up and down while a block's rows are in cache.

Against three calls of `grouped_matmul` it pads and clears once, reads each block of rows once for two matrices, and
recomputes the activation instead of keeping it. One loop for all groups, its matrices picked by index: a loop a group
compiles E times as long and runs no faster.
"""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp

from mistral_moe.kernels.blocks import add_at, block_table

BLOCK = 128

_slice = jax.lax.dynamic_slice_in_dim
_update = functools.partial(jax.lax.dynamic_update_slice_in_dim, axis=0)
_pick = functools.partial(jax.lax.dynamic_index_in_dim, keepdims=False)


@jax.custom_vjp
def grouped_swiglu(x: jax.Array, gate: jax.Array, up: jax.Array, down: jax.Array, group_sizes: jax.Array) -> jax.Array:
    """Sends each group of rows through its own feed-forward.

    Args:
      x: [M, D] rows, sorted by group.
      gate: [E, D, F].
      up: [E, D, F].
      down: [E, F, D].
      group_sizes: [E] int32 rows of each group; their sum is M.

    Returns:
      [M, D].
    """
    return _forward(x, gate, up, down, group_sizes)[0]


def _forward(x, gate, up, down, group_sizes):
    group, first, _, count = block_table(group_sizes, x.shape[0], BLOCK)
    rows = jnp.pad(x, ((0, BLOCK), (0, 0)))
    hidden = jnp.zeros((rows.shape[0], gate.shape[2]), x.dtype)

    def body(i, carry):
        # A group's last block writes past its end. Blocks run in order and the next group starts exactly there, so it
        # overwrites that; the padding takes what the last group leaves.
        gated, raised, out = carry
        here = _slice(rows, first[i], BLOCK)
        a, b = here @ _pick(gate, group[i]), here @ _pick(up, group[i])
        after = (jax.nn.silu(a) * b) @ _pick(down, group[i])
        return _update(gated, a, first[i]), _update(raised, b, first[i]), _update(out, after, first[i])

    gated, raised, out = jax.lax.fori_loop(0, count, body, (hidden, hidden, jnp.zeros_like(rows)))
    return out[: x.shape[0]], (rows, gated, raised, gate, up, down, group_sizes)


def _backward(residuals, dout):
    rows, gated, raised, gate, up, down, group_sizes = residuals
    group, first, end, count = block_table(group_sizes, dout.shape[0], BLOCK)
    grads = jnp.pad(dout, ((0, BLOCK), (0, 0)))
    outer = functools.partial(jnp.einsum, "MK,MN->KN", preferred_element_type=jnp.float32)

    def body(i, carry):
        drows, dgate, dup, ddown = carry
        start, g = first[i], group[i]
        inside = (start + jnp.arange(BLOCK) < end[i])[:, None]
        grad = jnp.where(inside, _slice(grads, start, BLOCK), 0)
        here, a, b = (_slice(array, start, BLOCK) for array in (rows, gated, raised))
        sigmoid = jax.nn.sigmoid(a)
        silu = a * sigmoid
        dhidden = jnp.einsum("MD,FD->MF", grad, _pick(down, g))
        da, db = dhidden * b * (sigmoid + silu * (1 - sigmoid)), dhidden * silu
        dhere = jnp.einsum("MF,DF->MD", da, _pick(gate, g)) + jnp.einsum("MF,DF->MD", db, _pick(up, g))
        return (
            _update(drows, dhere, start),
            add_at(dgate, g, outer(here, da)),
            add_at(dup, g, outer(here, db)),
            add_at(ddown, g, outer(silu * b, grad)),
        )

    zeros = tuple(jnp.zeros(weight.shape, jnp.float32) for weight in (gate, up, down))
    drows, *dweights = jax.lax.fori_loop(0, count, body, (jnp.zeros_like(rows), *zeros))
    return drows[: dout.shape[0]], *(d.astype(w.dtype) for d, w in zip(dweights, (gate, up, down))), None


grouped_swiglu.defvjp(_forward, _backward)
