"""SwiGLU of rows sorted by group in loops over blocks: gate, up and down while a block's rows are in cache.

Against three calls of `grouped_matmul` it pads and clears once, reads each block of rows once for two matrices, and
recomputes the activation instead of keeping it. One loop serves all groups, its matrices picked by index: a loop a group
compiles E times as long and runs no faster. What large blocks leave of each group goes through loops of smaller ones, so
that rounding up costs half the smallest block a group.
"""

from __future__ import annotations

from collections.abc import Callable
import functools

import jax
from jax.ad_checkpoint import checkpoint_name
import jax.numpy as jnp

from mistral_moe.kernels.blocks import add_at, block_table
from mistral_moe.kernels.residual_names import HIDDEN

# Rows a block, from the largest down. Large blocks multiply faster and fetch a group's matrices less often; small ones round
# up less.
BLOCKS = (256, 128, 32)
_SMALLEST = BLOCKS[-1]

_slice = jax.lax.dynamic_slice_in_dim
_update = functools.partial(jax.lax.dynamic_update_slice_in_dim, axis=0)
_pick = functools.partial(jax.lax.dynamic_index_in_dim, keepdims=False)

# (rows a block, group, first row, end of the group's stretch, carry) -> carry
_Body = Callable[[int, jax.Array, jax.Array, jax.Array, tuple], tuple]


def _over_blocks(group_sizes: jax.Array, num_rows: int, body: _Body, carry: tuple) -> tuple:
    """Runs `body` over all blocks of all groups.

    A group's last small block writes past its end, into rows of groups after it. Small blocks come first and in order, so
    whatever they spill is overwritten by its owner; the padding takes what the last group spills.
    """
    ends = jnp.cumsum(group_sizes)
    start, loops = ends - group_sizes, []
    for block in BLOCKS[:-1]:
        if block <= num_rows:
            stop = start + (ends - start) // block * block
            loops.append((block, start, stop))
            start = stop
    loops.append((_SMALLEST, start, ends))
    for block, first_rows, last_rows in reversed(loops):
        group, first, end, count = block_table(first_rows, last_rows, num_rows, block)

        def one_block(i, carry, block=block, group=group, first=first, end=end):
            return body(block, group[i], first[i], end[i], carry)

        carry = jax.lax.fori_loop(0, count, one_block, carry)
    return carry


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
    rows = jnp.pad(x, ((0, _SMALLEST), (0, 0)))
    hidden = jnp.zeros((rows.shape[0], gate.shape[2]), x.dtype)

    def body(block, group, first, end, carry):
        gated, raised, out = carry
        here = _slice(rows, first, block)
        a, b = here @ _pick(gate, group), here @ _pick(up, group)
        after = (jax.nn.silu(a) * b) @ _pick(down, group)
        return _update(gated, a, first), _update(raised, b, first), _update(out, after, first)

    gated, raised, out = _over_blocks(group_sizes, x.shape[0], body, (hidden, hidden, jnp.zeros_like(rows)))
    gated, raised = checkpoint_name(gated, HIDDEN), checkpoint_name(raised, HIDDEN)
    return out[: x.shape[0]], (rows, gated, raised, gate, up, down, group_sizes)


def _backward(residuals, dout):
    rows, gated, raised, gate, up, down, group_sizes = residuals
    grads = jnp.pad(dout, ((0, _SMALLEST), (0, 0)))
    outer = functools.partial(jnp.einsum, "MK,MN->KN", preferred_element_type=jnp.float32)

    def body(block, group, first, end, carry):
        drows, dgate, dup, ddown = carry
        inside = (first + jnp.arange(block) < end)[:, None]
        grad = jnp.where(inside, _slice(grads, first, block), 0)
        here, a, b = (_slice(array, first, block) for array in (rows, gated, raised))
        sigmoid = jax.nn.sigmoid(a)
        silu = a * sigmoid
        dhidden = jnp.einsum("MD,FD->MF", grad, _pick(down, group))
        da, db = dhidden * b * (sigmoid + silu * (1 - sigmoid)), dhidden * silu
        dhere = jnp.einsum("MF,DF->MD", da, _pick(gate, group)) + jnp.einsum("MF,DF->MD", db, _pick(up, group))
        return (
            _update(drows, dhere, first),
            add_at(dgate, group, outer(here, da)),
            add_at(dup, group, outer(here, db)),
            add_at(ddown, group, outer(silu * b, grad)),
        )

    zeros = tuple(jnp.zeros(weight.shape, jnp.float32) for weight in (gate, up, down))
    carry = (jnp.zeros_like(rows), *zeros)
    drows, *dweights = _over_blocks(group_sizes, dout.shape[0], body, carry)
    return drows[: dout.shape[0]], *(d.astype(w.dtype) for d, w in zip(dweights, (gate, up, down))), None


grouped_swiglu.defvjp(_forward, _backward)
