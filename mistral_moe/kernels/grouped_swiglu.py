"""SwiGLU of rows sorted by group in loops over blocks: gate, up and down while a block's rows are in cache.

Against three calls of `grouped_matmul` it reads each block of rows once for two matrices, and recomputes the activation
instead of keeping it.
"""

from __future__ import annotations

import functools

import jax
from jax.ad_checkpoint import checkpoint_name
import jax.numpy as jnp

from mistral_moe.kernels.blocks import add_to_matrix, matrix_of, over_blocks, rows_at, write_rows
from mistral_moe.kernels.residual_names import HIDDEN


@jax.custom_vjp
def grouped_swiglu(x: jax.Array, gate: jax.Array, up: jax.Array, down: jax.Array, group_sizes: jax.Array) -> jax.Array:
    """Sends each group of rows through its own feed-forward.

    Args:
      x: [M, D] rows, sorted by group.
      gate: [E, D, F].
      up: [E, D, F].
      down: [E, F, D].
      group_sizes: [E] int32 rows of each group; their sum is at most M, and rows past it give zeros.

    Returns:
      [M, D].
    """
    return _forward(x, gate, up, down, group_sizes)[0]


def _forward(x, gate, up, down, group_sizes):
    def body(size, group, first, inside, carry):
        gated, raised, out = carry
        here = rows_at(x, first, size)
        a, b = here @ matrix_of(gate, group), here @ matrix_of(up, group)
        after = (jax.nn.silu(a) * b) @ matrix_of(down, group)
        return tuple(
            write_rows(total, value, first, inside) for total, value in ((gated, a), (raised, b), (out, after))
        )

    hidden = jnp.zeros((x.shape[0], gate.shape[2]), x.dtype)
    gated, raised, out = over_blocks(group_sizes, x.shape[0], body, (hidden, hidden, jnp.zeros_like(x)))
    gated, raised = checkpoint_name(gated, HIDDEN), checkpoint_name(raised, HIDDEN)
    return out, (x, gated, raised, gate, up, down, group_sizes)


def _backward(residuals, dout):
    x, gated, raised, gate, up, down, group_sizes = residuals
    outer = functools.partial(jnp.einsum, "MK,MN->KN", preferred_element_type=jnp.float32)

    def body(size, group, first, inside, carry):
        dx, dgate, dup, ddown = carry
        grad = jnp.where(inside, rows_at(dout, first, size), 0)
        here, a, b = (rows_at(array, first, size) for array in (x, gated, raised))
        sigmoid = jax.nn.sigmoid(a)
        silu = a * sigmoid
        dhidden = jnp.einsum("MD,FD->MF", grad, matrix_of(down, group))
        da, db = dhidden * b * (sigmoid + silu * (1 - sigmoid)), dhidden * silu
        dhere = jnp.einsum("MF,DF->MD", da, matrix_of(gate, group)) + jnp.einsum("MF,DF->MD", db, matrix_of(up, group))
        return (
            write_rows(dx, dhere, first, inside),
            add_to_matrix(dgate, group, outer(here, da)),
            add_to_matrix(dup, group, outer(here, db)),
            add_to_matrix(ddown, group, outer(silu * b, grad)),
        )

    carry = jnp.zeros_like(x), *(jnp.zeros(weight.shape, jnp.float32) for weight in (gate, up, down))
    dx, *dweights = over_blocks(group_sizes, x.shape[0], body, carry)
    return dx, *(d.astype(w.dtype) for d, w in zip(dweights, (gate, up, down))), None


grouped_swiglu.defvjp(_forward, _backward)
