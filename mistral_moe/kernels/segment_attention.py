"""Causal attention inside the segments of packed rows, by name of a backend.

- `xla`: chunks of queries under a mask (`kernels.causal_attention`), anywhere; the fastest on CPU.
- `splash`: a Pallas kernel for TPU (`kernels.splash`). Makes no mask.
- `cudnn`: cuDNN's flash kernel for GPU (`kernels.cudnn_attention`).
- `auto`: by the platform that the program is compiled for (`kernels.platform`); `xla` where cuDNN can't take the shapes.

All keep documents apart and honour the window; a test perturbs one document and looks for changes in the others.
"""

from __future__ import annotations

import jax

from mistral_moe.kernels.causal_attention import causal_attention
from mistral_moe.kernels.cudnn_attention import cudnn_attention, why_not
from mistral_moe.kernels.platform import AUTO, pick
from mistral_moe.kernels.splash import splash_attention

BACKENDS = (AUTO, "xla", "cudnn", "splash")
BY_PLATFORM = {"tpu": "splash", "gpu": "cudnn", "cpu": "xla"}
# Those that read a mask [B, T, T].
WITH_MASK = ("xla", "cudnn")


def pick_backend(backend: str, dtype: str, length: int, head_dim: int) -> str:
    """The backend of a pass, never `auto`.

    Raises:
      ValueError: an unknown backend, or cuDNN by name for what it can't do.
    """
    if backend not in BACKENDS:
        raise ValueError(f"unknown attention backend {backend!r}; there are {', '.join(BACKENDS)}")
    picked = pick(backend, BY_PLATFORM)
    reason = why_not(dtype, length, head_dim) if picked == "cudnn" else ""
    if reason and backend != AUTO:
        raise ValueError(f"model.attention_backend=cudnn can't be used here ({reason}); set it to auto or xla")
    return "xla" if reason else picked


def segment_attention(
    query: jax.Array,
    key: jax.Array,
    value: jax.Array,
    segment_ids: jax.Array,
    mask: jax.Array | None,
    window: int | None,
    backend: str,
) -> jax.Array:
    """Each token attends to those before it in its own segment and its window, with the softmax in float32.

    Args:
      query: [B, K, G, T, H], already scaled; G query heads share each of the K key heads.
      key: [B, K, T, H].
      value: [B, K, T, H].
      segment_ids: [B, T] int32.
      mask: [B, T, T] bool, the same in full; backends outside of `WITH_MASK` do without.
      window: number of tokens seen, the token itself included; None for all.
      backend: what `pick_backend` gave.

    Returns:
      [B, K, G, T, H] in query's dtype.
    """
    if backend == "splash":
        return splash_attention(query, key, value, segment_ids, window)
    return (cudnn_attention if backend == "cudnn" else causal_attention)(query, key, value, mask)
