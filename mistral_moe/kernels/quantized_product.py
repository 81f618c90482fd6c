"""Matrix products of training in eight bits, by qwix's arrays (https://github.com/google/qwix).

The product and the gradient of its input run in eight bits, with one scale a row of what is multiplied and one a column; the
gradient of the weights keeps its dtype. That is the split of AQT's usual recipe (Abdolrashidi et al. 2022, arXiv:2105.03536):
the weights' gradients are summed over steps, so that their rounding matters most.
"""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp

NONE = "none"
# Of activations and weights, of gradients: fp8 gives those more range (Micikevicius et al. 2022, arXiv:2209.05433).
_TYPES = {"int8": ("int8", "int8"), "fp8": ("float8_e4m3fn", "float8_e5m2")}
MODES = (NONE, *_TYPES)


def quantized_product(x: jax.Array, weight: jax.Array, mode: str) -> jax.Array:
    """Multiplies in eight bits.

    Args:
      x: [M, K].
      weight: [K, N], in x's dtype.
      mode: one of `MODES`; `none` multiplies in x's dtype.

    Returns:
      [M, N] in x's dtype.
    """
    if mode == NONE:
        return jnp.einsum("MK,KN->MN", x, weight)
    return _product(x, weight, mode)


def _eight_bits(equation: str, left: jax.Array, right: jax.Array, types: tuple[str, str]) -> jax.Array:
    """`equation` of two matrices, each scaled along the axis that it doesn't contract."""
    # Takes a second to import, which only those pay who train in eight bits.
    import qwix

    inputs, output = equation.split("->")
    parts = []
    for array, axes, dtype in zip((left, right), inputs.split(","), types, strict=True):
        kept = [axis for axis, name in enumerate(axes) if name in output]
        parts.append(qwix.quantize(array, jnp.dtype(dtype), channelwise_axes=kept, scale_dtype=jnp.float32))
    return qwix.einsum(equation, *parts).astype(left.dtype)


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def _product(x, weight, mode):
    return _forward(x, weight, mode)[0]


def _forward(x, weight, mode):
    forward, _ = _TYPES[mode]
    return _eight_bits("MK,KN->MN", x, weight, (forward, forward)), (x, weight)


def _backward(mode, residuals, grad):
    x, weight = residuals
    forward, backward = _TYPES[mode]
    dweight = jnp.einsum("MK,MN->KN", x, grad, preferred_element_type=jnp.float32).astype(weight.dtype)
    return _eight_bits("MN,KN->MK", grad, weight, (backward, forward)), dweight


_product.defvjp(_forward, _backward)
