"""The two small pieces that every block repeats: RMSNorm and the SwiGLU feed-forward."""

from __future__ import annotations

import flax.linen as nn
import jax
from jax.ad_checkpoint import checkpoint_name
import jax.numpy as jnp

from mistral_moe.kernels.quantized_product import quantized_product
from mistral_moe.kernels.residual_names import HIDDEN
from mistral_moe.models.config import MistralConfig


class RMSNorm(nn.Module):
    """Root-mean-square norm (Zhang and Sennrich 2019, arXiv:1910.07467), computed in float32."""

    epsilon: float
    param_dtype: str = "float32"

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """Normalises the last axis of x [..., D]."""
        scale = self.param("scale", nn.initializers.ones, (x.shape[-1],), jnp.dtype(self.param_dtype))
        wide = x.astype(jnp.float32)
        inverse = jax.lax.rsqrt(jnp.mean(wide * wide, axis=-1, keepdims=True) + self.epsilon)
        return (wide * inverse * scale.astype(jnp.float32)).astype(x.dtype)


def feed_forward_shapes(config: MistralConfig) -> dict[str, tuple[int, int]]:
    """Shapes of the three matrices of one SwiGLU, by name."""
    return {
        "gate": (config.d_model, config.d_ff),
        "up": (config.d_model, config.d_ff),
        "down": (config.d_ff, config.d_model),
    }


def feed_forward_initializers(config: MistralConfig) -> dict[str, nn.initializers.Initializer]:
    """Initialisers of the three matrices; `down` is scaled by depth, as residual writers are."""
    into, out = config.d_model**-0.5, config.d_ff**-0.5 / (2 * config.num_layers) ** 0.5
    return {
        "gate": nn.initializers.normal(into),
        "up": nn.initializers.normal(into),
        "down": nn.initializers.normal(out),
    }


class FeedForward(nn.Module):
    """SwiGLU feed-forward (Shazeer 2020, arXiv:2002.05202)."""

    config: MistralConfig

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """x [B, T, D] -> [B, T, D]."""
        c = self.config
        init = feed_forward_initializers(c)
        gate, up, down = (
            self.param(name, init[name], shape, jnp.dtype(c.param_dtype)).astype(x.dtype)
            for name, shape in feed_forward_shapes(c).items()
        )
        # Rows as one axis: a weight gradient that contracts over two axes is slow on CPU.
        rows = x.reshape(-1, x.shape[-1])
        gated, raised = (
            checkpoint_name(quantized_product(rows, weight, c.quantization), HIDDEN) for weight in (gate, up)
        )
        hidden = jax.nn.silu(gated) * raised
        return quantized_product(hidden, down, c.quantization).reshape(x.shape)
