"""The mixture's feed-forward: tokens sorted by expert, three grouped matmuls, sorted back. Dropless.

On a mesh every device sorts the tokens of its own rows. The experts' weights are gathered over `fsdp` for the layer
that is running and their gradients scattered back; `tensor` splits the hidden units. Where `expert` is larger than 1
each of its devices holds some of the experts and sees the tokens of all rows along that axis: it sorts those of its
experts to the front, leaves the others out, and the outputs are summed. Exchanging only what is needed (all-to-all of
ragged parts) would send less, but XLA has no such operation on CPU, so that it could not be tested.
"""

from __future__ import annotations

import functools

import flax.linen as nn
import flax.struct
import jax
from jax.sharding import PartitionSpec as P
import jax.numpy as jnp

from mistral_moe import mesh_context
from mistral_moe.kernels.grouped_feed_forward import grouped_feed_forward
from mistral_moe.models.config import MistralConfig
from mistral_moe.models.layers import feed_forward_initializers, feed_forward_shapes
from mistral_moe.models.router import Decision


@flax.struct.dataclass
class Dispatch:
    """Where each of the M = B*T*k assignments goes.

    On a mesh the first three hold one part a device, each counted within its device's rows and experts.

    Attributes:
      order: [M] int32, assignment at each sorted place (assignment a belongs to token a // k).
      place: [M] int32, sorted place of each assignment (the inverse of `order`).
      group_sizes: [E] int32, assignments of each expert; places past their sum belong to experts of other devices.
      weights: [B, T, k] float32.
    """

    order: jax.Array
    place: jax.Array
    group_sizes: jax.Array
    weights: jax.Array


def _layout(num_rows: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Mesh axes that rows are on inside the experts, and with `expert` those that each have a part of their own."""
    rows = mesh_context.dividing(num_rows, "data", "fsdp")
    return rows, (*rows, "expert") if mesh_context.axis_sizes().get("expert", 1) > 1 else rows


def dispatch(decision: Decision, num_experts: int) -> Dispatch:
    """Sorts the assignments by expert (stable, so equal inputs give equal layouts)."""
    rows, parts = _layout(decision.experts.shape[0])
    held = num_experts // mesh_context.axis_sizes().get("expert", 1)

    def sort(experts: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        flat = experts.reshape(-1)
        if held < num_experts:
            own = flat - jax.lax.axis_index("expert") * held
            flat = jnp.where((own >= 0) & (own < held), own, held)
        order = jnp.argsort(flat, stable=True).astype(jnp.int32)
        place = jnp.zeros_like(order).at[order].set(jnp.arange(order.size, dtype=jnp.int32), unique_indices=True)
        sizes = jnp.sum(flat[:, None] == jnp.arange(held)[None], axis=0, dtype=jnp.int32)
        return order, place, sizes

    sort = mesh_context.over_mesh(sort, in_specs=P(rows), out_specs=P(parts))
    order, place, sizes = sort(decision.experts)
    return Dispatch(order=order, place=place, group_sizes=sizes, weights=decision.weights)


@functools.partial(jax.custom_vjp, nondiff_argnums=(3,))
def _to_sorted(x: jax.Array, order: jax.Array, place: jax.Array, top_k: int) -> jax.Array:
    """[B*T, D] -> [M, D]: each token once for each of its k experts, in sorted order."""
    return x[order // top_k]


def _to_sorted_forward(x, order, place, top_k):
    return _to_sorted(x, order, place, top_k), (place,)


def _to_sorted_backward(top_k, residuals, grad):
    # The transpose of a gather is a scatter-add; since each token owns exactly k places, it is a gather and a sum.
    (place,) = residuals
    return grad[place].reshape(-1, top_k, grad.shape[-1]).sum(axis=1), None, None


_to_sorted.defvjp(_to_sorted_forward, _to_sorted_backward)


@jax.custom_vjp
def _from_sorted(y: jax.Array, order: jax.Array, place: jax.Array) -> jax.Array:
    """[M, D] sorted -> [M, D] in assignment order."""
    return y[place]


def _from_sorted_forward(y, order, place):
    return _from_sorted(y, order, place), (order,)


def _from_sorted_backward(residuals, grad):
    (order,) = residuals
    return grad[order], None, None


_from_sorted.defvjp(_from_sorted_forward, _from_sorted_backward)


class Experts(nn.Module):
    """E SwiGLU feed-forwards, each on the tokens that were sent to it."""

    config: MistralConfig

    @nn.compact
    def __call__(self, x: jax.Array, where: Dispatch) -> jax.Array:
        """x [B, T, D] -> [B, T, D]: the weighted sum of each token's experts."""
        c = self.config
        init = feed_forward_initializers(c)
        gate, up, down = (
            self.param(name, init[name], (c.num_experts, *shape), jnp.dtype(c.param_dtype)).astype(x.dtype)
            for name, shape in feed_forward_shapes(c).items()
        )
        arguments = (x, gate, up, down, where.order, where.place, where.group_sizes, where.weights)
        sizes = mesh_context.axis_sizes()
        if not sizes:
            return self._own_part(*arguments)
        rows, parts = _layout(x.shape[0])
        into, out = P("expert", "fsdp", "tensor"), P("expert", ("tensor", "fsdp"), None)

        def one_device(x, gate, up, down, *rest):
            gathered = (jax.lax.all_gather(weight, "fsdp", axis=1, tiled=True) for weight in (gate, up, down))
            return self._own_part(x, *gathered, *rest)[None]

        # Partial sums on a leading axis, added outside: a sum in here would be repeated in the backward pass.
        of_parts = mesh_context.over_mesh(
            one_device,
            in_specs=(P(rows), into, into, out, P(parts), P(parts), P(parts), P(rows)),
            out_specs=P(("expert", "tensor"), rows),
        )
        return mesh_context.constrain(of_parts(*arguments).sum(axis=0), mesh_context.ROW_AXES)

    def _own_part(self, x, gate, up, down, order, place, group_sizes, weights):
        """What the experts given here add to the tokens given here, [B, T, D]."""
        top_k = weights.shape[-1]
        rows = _to_sorted(x.reshape(-1, x.shape[-1]), order, place, top_k)
        out = grouped_feed_forward(rows, gate, up, down, group_sizes, self.config.moe_backend)
        out = _from_sorted(out, order, place)
        out = out.reshape(*x.shape[:2], top_k, x.shape[-1])
        if gate.shape[0] < self.config.num_experts:
            is_own = (place < group_sizes.sum()).reshape(weights.shape)
            out = jnp.where(is_own[..., None], out, 0)
        return jnp.einsum("BTkD,BTk->BTD", out, weights.astype(x.dtype))
