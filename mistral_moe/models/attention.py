"""Grouped-query causal attention with rotary positions, a sliding window, and packed documents kept apart."""

from __future__ import annotations

import functools
import math

import flax.linen as nn
import flax.struct
import jax
from jax.ad_checkpoint import checkpoint_name
import jax.numpy as jnp
from jax.sharding import PartitionSpec as P

from mistral_moe import mesh_context
from mistral_moe.kernels.quantized_product import NONE, quantized_product
from mistral_moe.kernels.residual_names import ATTENTION, QKV
from mistral_moe.kernels.segment_attention import WITH_MASK, pick_backend, segment_attention
from mistral_moe.models.config import MistralConfig


def rotary(x: jax.Array, positions: jax.Array, theta: float) -> jax.Array:
    """Rotary position embedding (Su et al. 2021, arXiv:2104.09864), halves rotated as Hugging Face's Mistral does.

    Args:
      x: [B, T, N, H].
      positions: [B, T] int32.
      theta: base of the frequencies.

    Returns:
      [B, T, N, H] in x's dtype.
    """
    half = x.shape[-1] // 2
    frequency = theta ** (-jnp.arange(half, dtype=jnp.float32) / half)
    angle = positions[..., None].astype(jnp.float32) * frequency  # [B, T, H/2]
    cos, sin = jnp.cos(angle)[:, :, None], jnp.sin(angle)[:, :, None]
    first, second = jnp.split(x.astype(jnp.float32), 2, axis=-1)
    return jnp.concatenate([first * cos - second * sin, second * cos + first * sin], axis=-1).astype(x.dtype)


def attention_mask(segment_ids: jax.Array, sliding_window: int | None) -> jax.Array:
    """Who may see whom: causal, inside one segment, inside the window.

    Args:
      segment_ids: [B, T] int32; tokens of different ids never see each other.
      sliding_window: number of tokens seen, the token itself included; None for all.

    Returns:
      [B, T, S] bool, query by key.
    """
    length = segment_ids.shape[1]
    distance = jnp.arange(length)[:, None] - jnp.arange(length)[None, :]
    causal = distance >= 0
    if sliding_window is not None:
        causal &= distance < sliding_window
    return causal[None] & (segment_ids[:, :, None] == segment_ids[:, None, :])


@flax.struct.dataclass
class Sight:
    """Who may see whom among the tokens of one pass.

    Attributes:
      segment_ids: [B, T] int32.
      mask: [B, T, T] bool, query by key, made once for all layers; None where the backend makes do with the segments.
      backend: of the attention.
    """

    segment_ids: jax.Array
    mask: jax.Array | None
    backend: str = flax.struct.field(pytree_node=False)


def sight_of(config: MistralConfig, segment_ids: jax.Array) -> Sight:
    """The sight of a pass over [B, T] segment ids.

    Raises:
      ValueError: the config's backend can't do it.
    """
    backend = pick_backend(config.attention_backend, config.dtype, segment_ids.shape[1], config.head_dim)
    mask = attention_mask(segment_ids, config.sliding_window) if backend in WITH_MASK else None
    return Sight(segment_ids, mask, backend)


def _project(mode: str, equation: str, x: jax.Array, weight: jax.Array) -> jax.Array:
    """Contracts the last axes of x [B, T, ...] with the first of `weight`.

    No method: flax would name its scope, and the audit of compiled programs tells projections from scores by their path.
    """
    if mode == NONE:
        return jnp.einsum(equation, x, weight)
    rows = x.reshape(-1, math.prod(x.shape[2:]))
    out = quantized_product(rows, weight.reshape(rows.shape[1], -1), mode)
    return out.reshape(*x.shape[:2], *weight.shape[x.ndim - 2 :])


class Attention(nn.Module):
    """Multi-head attention with K key/value heads shared by N query heads."""

    config: MistralConfig

    @nn.compact
    def __call__(self, x: jax.Array, positions: jax.Array, sight: Sight) -> jax.Array:
        """Attends.

        Args:
          x: [B, T, D].
          positions: [B, T] int32.
          sight: who may see whom.

        Returns:
          [B, T, D].
        """
        c = self.config
        dtype = jnp.dtype(c.dtype)
        init = nn.initializers.normal(c.d_model**-0.5)
        out_init = nn.initializers.normal((c.num_heads * c.head_dim) ** -0.5 / (2 * c.num_layers) ** 0.5)

        def weight(name: str, shape: tuple[int, ...], initializer: nn.initializers.Initializer) -> jax.Array:
            return self.param(name, initializer, shape, jnp.dtype(c.param_dtype)).astype(dtype)

        query = _project(
            c.quantization, "BTD,DNH->BTNH", x, weight("query", (c.d_model, c.num_heads, c.head_dim), init)
        )
        key = _project(c.quantization, "BSD,DKH->BSKH", x, weight("key", (c.d_model, c.num_kv_heads, c.head_dim), init))
        value = _project(
            c.quantization, "BSD,DKH->BSKH", x, weight("value", (c.d_model, c.num_kv_heads, c.head_dim), init)
        )
        query = rotary(query, positions, c.rope_theta) * c.head_dim**-0.5
        key = rotary(key, positions, c.rope_theta)

        # Heads before time, and the G query heads of one key head in one row axis: two large batched matmuls a layer,
        # faster on CPU than leaving the transposes to the einsum.
        batch, length = x.shape[:2]
        group = c.num_heads // c.num_kv_heads
        query = query.reshape(batch, length, c.num_kv_heads, group, c.head_dim).transpose(0, 2, 3, 1, 4)
        key, value = key.transpose(0, 2, 1, 3), value.transpose(0, 2, 1, 3)
        query, key, value = (checkpoint_name(x, QKV) for x in (query, key, value))
        mixed = checkpoint_name(self._attend(query, key, value, sight), ATTENTION)
        mixed = mixed.reshape(batch, c.num_heads, length, c.head_dim).transpose(0, 2, 1, 3)
        output = weight("output", (c.num_heads, c.head_dim, c.d_model), out_init)
        return _project(c.quantization, "BTNH,NHD->BTD", mixed, output)

    def _attend(self, query: jax.Array, key: jax.Array, value: jax.Array, sight: Sight) -> jax.Array:
        """[B, K, G, T, H] of the tokens of this pass alone."""
        attend = functools.partial(segment_attention, window=self.config.sliding_window, backend=sight.backend)
        arguments = (query, key, value, sight.segment_ids, sight.mask)
        if sight.backend == "xla":
            return attend(*arguments)
        # The compiler can't look inside a kernel: each device runs it on its own rows and heads.
        rows = mesh_context.dividing(query.shape[0], *mesh_context.ROW_AXES)
        heads = P(rows, mesh_context.dividing(query.shape[1], "tensor"))
        over_mesh = mesh_context.over_mesh(attend, in_specs=(heads, heads, heads, P(rows), P(rows)), out_specs=heads)
        return over_mesh(*arguments)
