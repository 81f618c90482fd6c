"""SwiGLU of rows sorted by group, by the backends of `grouped_matmul`."""

from __future__ import annotations

import functools

import jax
from jax.ad_checkpoint import checkpoint_name

from mistral_moe.kernels.grouped_matmul import BACKENDS, BY_PLATFORM, grouped_matmul
from mistral_moe.kernels.grouped_swiglu import grouped_swiglu
from mistral_moe.kernels.platform import AUTO, pick
from mistral_moe.kernels.residual_names import EXPERT_OUTPUT, HIDDEN


def grouped_feed_forward(
    x: jax.Array, gate: jax.Array, up: jax.Array, down: jax.Array, group_sizes: jax.Array, backend: str = AUTO
) -> jax.Array:
    """Sends each group of rows through its own feed-forward.

    Args:
      x: [M, D] rows, sorted by group.
      gate: [E, D, F].
      up: [E, D, F].
      down: [E, F, D].
      group_sizes: [E] int32 rows of each group, of sum at most M; what is returned past it means nothing.
      backend: one of `grouped_matmul.BACKENDS`; `blocks` fuses the three matmuls (`grouped_swiglu`).

    Returns:
      [M, D].

    Raises:
      ValueError: an unknown backend, or one that can't run here.
    """
    if backend in BACKENDS and pick(backend, BY_PLATFORM) == "blocks":
        return checkpoint_name(grouped_swiglu(x, gate, up, down, group_sizes), EXPERT_OUTPUT)
    matmul = functools.partial(grouped_matmul, group_sizes=group_sizes, backend=backend)
    gated, raised = (checkpoint_name(matmul(x, weight), HIDDEN) for weight in (gate, up))
    return checkpoint_name(matmul(jax.nn.silu(gated) * raised, down), EXPERT_OUTPUT)
