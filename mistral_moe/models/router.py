"""Which experts a token goes to: the router, the causal summary it sees, and the decision it hands on."""

from __future__ import annotations

import flax.linen as nn
import flax.struct
import jax
import jax.numpy as jnp

from mistral_moe.models.config import MistralConfig


@flax.struct.dataclass
class Decision:
    """A routing decision.

    Attributes:
      logits: [B, T, E] float32, what the router said (zeros where the decision was forced).
      experts: [B, T, k] int32, the chosen experts.
      weights: [B, T, k] float32, their weights, summing to 1.
    """

    logits: jax.Array
    experts: jax.Array
    weights: jax.Array


def running_sum(x: jax.Array, starts: jax.Array) -> jax.Array:
    """Sum over each part of a row up to and including each token.

    A segmented scan rather than a difference of cumulative sums: the latter would leak the rounding of one document
    into the next.

    Args:
      x: [B, T, D].
      starts: [B, T] bool, true at the first token of each part.

    Returns:
      [B, T, D] float32.
    """

    def combine(left, right):
        (left_sum, left_start), (right_sum, right_start) = left, right
        return jnp.where(right_start, right_sum, left_sum + right_sum), left_start | right_start

    total, _ = jax.lax.associative_scan(combine, (x.astype(jnp.float32), starts[..., None]), axis=1)
    return total


def causal_mean(x: jax.Array, positions: jax.Array, before: jax.Array | None = None) -> jax.Array:
    """Running mean of each document up to and including each token.

    Args:
      x: [B, T, D].
      positions: [B, T] int32, counting up in each document.
      before: [B, D] float32, sum over what a row's first document held before x where it does not begin in x; None for 0.

    Returns:
      [B, T, D] float32.
    """
    total = running_sum(x, positions == 0)
    if before is not None:
        began_before = (jnp.cumsum(positions == 0, axis=1) == 0)[..., None]
        total = total + jnp.where(began_before, before[:, None], 0.0)
    return total / (positions[..., None] + 1).astype(jnp.float32)


def decide(logits: jax.Array, top_k: int, selection_bias: jax.Array | None = None) -> Decision:
    """Top-k experts and the softmax over the chosen k (Mixtral's form).

    Args:
      logits: [B, T, E] float32.
      top_k: k.
      selection_bias: [E] added for the choice alone, never for the weights (Wang et al. 2024, arXiv:2408.15664).

    Returns:
      The decision.
    """
    scores = logits if selection_bias is None else logits + jax.lax.stop_gradient(selection_bias)
    _, experts = jax.lax.top_k(scores, top_k)
    chosen = jnp.take_along_axis(logits, experts, axis=-1)
    return Decision(logits=logits, experts=experts, weights=jax.nn.softmax(chosen, axis=-1))


def force(expert: jax.Array, like: jax.Array, num_experts: int) -> Decision:
    """The decision that sends every token to `expert` (an int32 scalar or [B, T]); `like` is any [B, T, ...] array."""
    shape = like.shape[:2]
    return Decision(
        logits=jnp.zeros((*shape, num_experts), jnp.float32),
        experts=jnp.broadcast_to(jnp.asarray(expert, jnp.int32), shape)[..., None],
        weights=jnp.ones((*shape, 1), jnp.float32),
    )


class Router(nn.Module):
    """Scores the experts for each token, in float32, from its state and (optionally) its document's running mean."""

    config: MistralConfig

    @nn.compact
    def __call__(
        self, x: jax.Array, positions: jax.Array, before: jax.Array | None = None, total: jax.Array | None = None
    ) -> Decision:
        """Decides.

        Args:
          x: [B, T, D] hidden states, or embeddings when one decision serves the whole model.
          positions: [B, T] int32.
          before: [B, D] float32, sum over what each row's first document held before this pass; None for 0.
          total: [B, T, D] float32, sum of each token's document up to it, for rows that aren't one document after the
            other; None to take it from x.

        Returns:
          The decision for each token.
        """
        c = self.config
        features = x.astype(jnp.float32)
        if c.router_context == "mean":
            if total is None:
                mean = causal_mean(features, positions, before)
            else:
                mean = total / (positions[..., None] + 1).astype(jnp.float32)
            if c.router_scope == "model":
                # Embeddings are small and their mean smaller still: an RMS scale lets the router's step size be one
                # number. The layers' inputs are normalised already.
                features, mean = _unit_rms(features), _unit_rms(mean)
            features = jnp.concatenate([features, mean], axis=-1)

        def weight(name: str, shape: tuple[int, ...], scale: float) -> jax.Array:
            return self.param(name, nn.initializers.normal(scale), shape, jnp.float32)

        if c.router_hidden:
            width = features.shape[-1]
            hidden = jnp.einsum("BTD,DF->BTF", features, weight("hidden", (width, c.router_hidden), width**-0.5))
            bias = self.param("hidden_bias", nn.initializers.zeros, (c.router_hidden,), jnp.float32)
            features = jax.nn.gelu(hidden + bias)
        width = features.shape[-1]
        logits = jnp.einsum("BTD,DE->BTE", features, weight("kernel", (width, c.num_experts), 0.02))
        selection_bias = self.param("selection_bias", nn.initializers.zeros, (c.num_experts,), jnp.float32)
        return decide(logits, c.top_k, selection_bias)


def _unit_rms(x: jax.Array) -> jax.Array:
    return x * jax.lax.rsqrt(jnp.mean(x * x, axis=-1, keepdims=True) + 1e-6)
