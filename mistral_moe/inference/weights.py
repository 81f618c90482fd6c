"""A model's parameters in the form that decoding reads fastest: a tree a layer, and matrices that share an input as one.

On CPU a matrix lies in tiles of 16 outputs. A product with few rows is then one fused loop that reads each tile once, from
the cache for all rows but the first, where a library's matmul spends most of its time on repacking the matrix. Each
number it gives is one sum in one order, whatever other rows there are.
"""

from __future__ import annotations

import flax.struct
import jax
import jax.numpy as jnp

from mistral_moe.inference.quantize import quantize
from mistral_moe.models.config import MistralConfig

TILE = 16


@flax.struct.dataclass
class Matrix:
    """A matrix [..., K, N].

    Attributes:
      values: [..., K, N], or where it is tiled [..., ceil(N / 16), K, 16]; int8 where it has a scale.
      scale: [..., N] float32, multiplies the product; None for 1.
      outputs: N.
      tiled: see `values`.
    """

    values: jax.Array
    scale: jax.Array | None
    outputs: int = flax.struct.field(pytree_node=False)
    tiled: bool = flax.struct.field(pytree_node=False)

    @classmethod
    def of(cls, weight: jax.Array, dtype: jnp.dtype, tiled: bool, int8: bool) -> "Matrix":
        """From [..., K, N]."""
        values, scale = quantize(weight) if int8 else (weight.astype(dtype), None)
        *batch, inputs, outputs = values.shape
        if tiled:
            tiles = -(-outputs // TILE)
            values = jnp.pad(values, [(0, 0)] * (values.ndim - 1) + [(0, tiles * TILE - outputs)])
            values = values.reshape(*batch, inputs, tiles, TILE).swapaxes(-2, -3)
        return cls(values, scale, outputs, tiled)

    def pick(self, index: jax.Array) -> "Matrix":
        """One matrix of a stack."""
        picked = [
            None if part is None else jax.lax.dynamic_index_in_dim(part, index, keepdims=False)
            for part in (self.values, self.scale)
        ]
        return self.replace(values=picked[0], scale=picked[1])

    def multiply(self, x: jax.Array, dtype: jnp.dtype | None = None) -> jax.Array:
        """[M, K] -> [M, N] in `dtype` (x's), summed in float32."""
        rows = x.shape[0]
        if self.tiled:
            # With a single row XLA makes of the loop something slow.
            wide = jnp.pad(x, ((0, 1), (0, 0))) if rows == 1 else x
            terms = wide.astype(jnp.float32)[None, :, :, None] * self.values.astype(jnp.float32)[:, None]
            out = terms.sum(axis=2).swapaxes(0, 1).reshape(wide.shape[0], -1)[:rows, : self.outputs]
        else:
            out = jnp.einsum("MK,KN->MN", x, self.values.astype(x.dtype), preferred_element_type=jnp.float32)
        if self.scale is not None:
            out = out * self.scale
        return out.astype(dtype or x.dtype)


@flax.struct.dataclass
class Layer:
    """One transformer block.

    Attributes:
      attention_norm, ffn_norm: [D].
      query_key_value: [D, (N + 2 K) H], all query heads, then the key heads, then the value heads.
      output: [N H, D].
      gate_up: [D, 2 F], or [E, D, 2 F] of experts.
      down: [F, D] or [E, F, D].
      router: parameters of the layer's own router, or None.
    """

    attention_norm: jax.Array
    ffn_norm: jax.Array
    query_key_value: Matrix
    output: Matrix
    gate_up: Matrix
    down: Matrix
    router: dict | None


@flax.struct.dataclass
class Weights:
    """A model.

    Attributes:
      embedding: [V, D].
      lm_head: [D, V].
      final_norm: [D].
      layers: of the trunk.
      router: parameters of the one router of all layers, or None.
      reasoning: the shared block, or None where the config applies it no time.
      reasoning_gate: [D], or None.
    """

    embedding: jax.Array
    lm_head: Matrix
    final_norm: jax.Array
    layers: tuple[Layer, ...]
    router: dict | None
    reasoning: Layer | None
    reasoning_gate: jax.Array | None


def prepare(config: MistralConfig, params: dict, int8: bool = False, tiled: bool | None = None) -> Weights:
    """Rearranges a model's parameters.

    Args:
      config: the model's.
      params: the model's.
      int8: whether the big matrices (attention, feed-forward or experts, head) are kept in eight bits.
      tiled: whether matrices lie in tiles; None for what suits the default device.

    Returns:
      What `inference.forward` reads, in the dtype of the config's activations.
    """
    if tiled is None:
        tiled = jax.default_backend() == "cpu"
    dtype = jnp.dtype(config.dtype)

    def matrix(*parts: jax.Array) -> Matrix:
        return Matrix.of(jnp.concatenate(parts, axis=-1), dtype, tiled, int8)

    def layer(tree: dict) -> Layer:
        attention = tree["attention"]
        heads = [attention[name].reshape(config.d_model, -1) for name in ("query", "key", "value")]
        feed_forward = tree["experts"] if "experts" in tree else tree["ffn"]
        return Layer(
            attention_norm=tree["attention_norm"]["scale"],
            ffn_norm=tree["ffn_norm"]["scale"],
            query_key_value=matrix(*heads),
            output=matrix(attention["output"].reshape(-1, config.d_model)),
            gate_up=matrix(feed_forward["gate"], feed_forward["up"]),
            down=matrix(feed_forward["down"]),
            router=tree.get("router"),
        )

    reasoning = params.get("reasoning") if config.reasoning_steps else None
    return Weights(
        embedding=params["embedding"].astype(dtype),
        lm_head=matrix(params["lm_head"]),
        final_norm=params["final_norm"]["scale"],
        layers=tuple(
            layer(jax.tree.map(lambda leaf, index=index: leaf[index], params["layers"]))
            for index in range(config.num_layers)
        ),
        router=params.get("router"),
        reasoning=layer(reasoning["block"]) if reasoning else None,
        reasoning_gate=reasoning["gate"].astype(dtype) if reasoning else None,
    )
