"""A model's parameters as decoding reads them fastest: a tree a layer, and matrices that share an input as one.

On CPU each expert is an array of its own, since a slice of a stack would be copied before it is multiplied, and eight-bit
matrices are turned, since only so they are converted inside the product.
"""

from __future__ import annotations

import flax.struct
import jax
import jax.numpy as jnp

from mistral_moe.inference.quantize import quantize
from mistral_moe.kernels.platform import program_platform
from mistral_moe.models.config import MistralConfig


# Up to so many rows an eight-bit matrix is converted inside the product; with more a converted copy is little beside it.
_MAX_SUMMED_ROWS = 64


@flax.struct.dataclass
class Matrix:
    """A matrix [..., K, N].

    Attributes:
      values: [..., K, N], or where it is turned [..., N, K]; int8 where it has a scale.
      scale: [..., N] float32, multiplies the product; None for 1.
      turned: see `values`.
    """

    values: jax.Array
    scale: jax.Array | None
    turned: bool = flax.struct.field(pytree_node=False, default=False)

    @classmethod
    def of(cls, weight: jax.Array, dtype: jnp.dtype, int8: bool, turned: bool = False) -> "Matrix":
        """From [..., K, N]."""
        values, scale = quantize(weight) if int8 else (weight.astype(dtype), None)
        return cls(values.swapaxes(-1, -2) if turned else values, scale, turned)

    def pick(self, index: jax.Array) -> "Matrix":
        """The stack of matrices at `index` [M] of a stack [E, K, N]."""
        return jax.tree.map(lambda array: array[index], self)

    def multiply(self, x: jax.Array, dtype: jnp.dtype | None = None) -> jax.Array:
        """[M, K] times [K, N]: [M, N] in `dtype` (x's), summed in float32."""
        if self.turned and x.shape[0] <= _MAX_SUMMED_ROWS:
            out = _summed_product(x, self.values)
        else:
            values = (self.values.swapaxes(-1, -2) if self.turned else self.values).astype(x.dtype)
            out = jnp.einsum("MK,KN->MN", x, values, preferred_element_type=jnp.float32)
        return (out if self.scale is None else out * self.scale).astype(dtype or x.dtype)

    def multiply_stack(self, x: jax.Array, dtype: jnp.dtype | None = None) -> jax.Array:
        """[E, M, K] times [E, K, N]: [E, M, N] in `dtype` (x's), summed in float32."""
        if x.shape[1] == 1:
            # A product and a sum, into which XLA fuses the gather that `pick` is.
            out = (x.astype(jnp.float32).swapaxes(1, 2) * self.values.astype(jnp.float32)).sum(axis=1, keepdims=True)
        else:
            out = jnp.einsum("EMK,EKN->EMN", x, self.values.astype(x.dtype), preferred_element_type=jnp.float32)
        if self.scale is not None:
            out = out * self.scale[:, None]
        return out.astype(dtype or x.dtype)


def _summed_product(x: jax.Array, turned: jax.Array) -> jax.Array:
    """[M, K] times [N, K] turned: [M, N] float32.

    Written as products and a sum, which XLA on CPU makes one loop of with the conversion to float inside; of a dot's operand
    it makes a copy in float first, of all matrices at a time. A single row it would turn into something slow, so there are two.
    """
    wide = jnp.pad(x, ((0, 1), (0, 0))) if x.shape[0] == 1 else x
    return (wide.astype(jnp.float32)[:, None] * turned.astype(jnp.float32)[None]).sum(axis=-1)[: x.shape[0]]


@flax.struct.dataclass
class Layer:
    """One transformer block.

    Attributes:
      attention_norm, ffn_norm: [D].
      query_key_value: [D, (N + 2 K) H], all query heads, then the key heads, then the value heads.
      output: [N H, D].
      gate_up: [D, 2 F]; of experts [E, D, 2 F], or where they are apart a matrix each.
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


def prepare(config: MistralConfig, params: dict, int8: bool = False, apart: bool | None = None) -> Weights:
    """Rearranges a model's parameters.

    Args:
      config: the model's.
      params: the model's.
      int8: whether the big matrices (attention, feed-forward or experts, head) are kept in eight bits.
      apart: whether experts are arrays of their own and eight-bit matrices turned; None for what suits the platform.

    Returns:
      What `inference.forward` reads, in the dtype of the config's activations.
    """
    if apart is None:
        apart = program_platform() == "cpu"
    dtype = jnp.dtype(config.dtype)

    def matrix(*parts: jax.Array) -> Matrix:
        return Matrix.of(jnp.concatenate(parts, axis=-1), dtype, int8, apart and int8)

    def each(*parts: jax.Array) -> Matrix | tuple[Matrix, ...]:
        if not apart or parts[0].ndim == 2:
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
