"""A model's parameters as decoding reads them fastest: a tree a layer, and matrices that share an input as one.

On CPU a matrix lies in tiles of 16 outputs. A product with few rows is then one fused loop that reads each tile once,
from the cache for all rows but the first, where a library's matmul spends most of its time on repacking the matrix.
Each number it gives is one sum in one order, whatever other rows there are.
"""

from __future__ import annotations

import flax.struct
import jax
import jax.numpy as jnp

from mistral_moe.inference.quantize import quantize
from mistral_moe.kernels.platform import program_platform
from mistral_moe.models.config import MistralConfig

TILE = 16
# Up to so many rows the loop over the tiles is faster; beyond, repacking the tiles is little beside the products.
_MAX_ROWS = 64


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
        """The stack of matrices at `index` [M] of a stack [E, K, N]."""
        return self.replace(values=self.values[index], scale=None if self.scale is None else self.scale[index])

    def multiply(self, x: jax.Array, dtype: jnp.dtype | None = None) -> jax.Array:
        """[M, K] times [K, N]: [M, N] in `dtype` (x's), summed in float32."""
        if not self.tiled:
            out = jnp.einsum("MK,KN->MN", x, self.values.astype(x.dtype), preferred_element_type=jnp.float32)
            return (out if self.scale is None else out * self.scale).astype(dtype or x.dtype)
        stack = self.replace(values=self.values[None], scale=None if self.scale is None else self.scale[None])
        return stack.multiply_stack(x[None], dtype)[0]

    def multiply_stack(self, x: jax.Array, dtype: jnp.dtype | None = None) -> jax.Array:
        """[E, M, K] times [E, K, N]: [E, M, N] in `dtype` (x's), summed in float32."""
        if self.tiled:
            out = _tiled_product(x, self.values)[..., : self.outputs]
        elif x.shape[1] == 1:
            # A product and a sum, into which XLA fuses the gather that `pick` is.
            out = (x.astype(jnp.float32).swapaxes(1, 2) * self.values.astype(jnp.float32)).sum(axis=1, keepdims=True)
        else:
            out = jnp.einsum("EMK,EKN->EMN", x, self.values.astype(x.dtype), preferred_element_type=jnp.float32)
        if self.scale is not None:
            out = out * self.scale[:, None]
        return out.astype(dtype or x.dtype)


def _tiled_product(x: jax.Array, tiles: jax.Array) -> jax.Array:
    """[E, M, K] times tiles [E, N/16, K, 16]: [E, M, N] float32.

    Written as products and a sum: of this XLA makes one call of its matmul kernel on the tiles as they lie, of a dot a
    call that packs them anew. A single row it would turn into something slow, so there are two.
    """
    rows = x.shape[1]
    if rows > _MAX_ROWS:
        out = jnp.einsum("EMK,ETKn->EMTn", x, tiles.astype(x.dtype), preferred_element_type=jnp.float32)
        return out.reshape(*x.shape[:2], -1)
    wide = jnp.pad(x, ((0, 0), (0, 1), (0, 0))) if rows == 1 else x
    terms = wide.astype(jnp.float32)[:, None, :, :, None] * tiles.astype(jnp.float32)[:, :, None]
    return terms.sum(axis=3).swapaxes(1, 2).reshape(x.shape[0], wide.shape[1], -1)[:, :rows]


@flax.struct.dataclass
class Layer:
    """One transformer block.

    Attributes:
      attention_norm, ffn_norm: [D].
      query_key_value: [D, (N + 2 K) H], all query heads, then the key heads, then the value heads.
      output: [N H, D].
      gate_up: [D, 2 F]; of experts [E, D, 2 F], or where they are tiled a matrix each.
      down: [F, D]; of experts [E, F, D] or likewise.
      router: parameters of the layer's own router, or None.
    """

    attention_norm: jax.Array
    ffn_norm: jax.Array
    query_key_value: Matrix
    output: Matrix
    gate_up: Matrix | tuple[Matrix, ...]
    down: Matrix | tuple[Matrix, ...]
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
      tiled: whether matrices lie in tiles; None for what suits the platform.

    Returns:
      What `inference.forward` reads, in the dtype of the config's activations.
    """
    if tiled is None:
        tiled = program_platform() == "cpu"
    dtype = jnp.dtype(config.dtype)

    def matrix(*parts: jax.Array) -> Matrix:
        return Matrix.of(jnp.concatenate(parts, axis=-1), dtype, tiled, int8)

    def each(*parts: jax.Array) -> Matrix | tuple[Matrix, ...]:
        if not tiled or parts[0].ndim == 2:
            return matrix(*parts)
        return tuple(matrix(*(part[expert] for part in parts)) for expert in range(len(parts[0])))

    def layer(tree: dict) -> Layer:
        attention = tree["attention"]
        heads = [attention[name].reshape(config.d_model, -1) for name in ("query", "key", "value")]
        feed_forward = tree["experts"] if "experts" in tree else tree["ffn"]
        return Layer(
            attention_norm=tree["attention_norm"]["scale"],
            ffn_norm=tree["ffn_norm"]["scale"],
            query_key_value=matrix(*heads),
            output=matrix(attention["output"].reshape(-1, config.d_model)),
            gate_up=each(feed_forward["gate"], feed_forward["up"]),
            down=each(feed_forward["down"]),
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
