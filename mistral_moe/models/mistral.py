"""Mistral in linen: the dense model, and with `experts` the mixture, in one definition.

Parameters of the layers are stacked on a leading axis [L, ...] whether the layers are scanned or unrolled, so that a
checkpoint doesn't depend on how it was run.
"""

from __future__ import annotations

import functools

import flax.linen as nn
import flax.struct
import jax
import jax.numpy as jnp

from mistral_moe import mesh_context
from mistral_moe.models.attention import Attention, Sight, sight_of
from mistral_moe.models.config import MistralConfig
from mistral_moe.models.layers import FeedForward, RMSNorm
from mistral_moe.models.moe import Dispatch, Experts, dispatch
from mistral_moe.models.remat import POLICIES
from mistral_moe.models.router import Decision, Router
from mistral_moe.models.vocabulary import embed


@flax.struct.dataclass
class Output:
    """What a forward pass gives.

    Attributes:
      hidden: [B, T, D] after the final norm; logits are `hidden @ lm_head`.
      decision: routing decisions with a leading layer axis [L, B, T, ...] (length 1 when all layers share one); None
        for a dense model.
    """

    hidden: jax.Array
    decision: Decision | None


@flax.struct.dataclass
class Routing:
    """A decision taken once for all layers, with its dispatch."""

    decision: Decision
    dispatch: Dispatch


class Block(nn.Module):
    """One pre-norm transformer block: attention, then the dense feed-forward or the experts."""

    config: MistralConfig

    @nn.compact
    def __call__(
        self, x: jax.Array, positions: jax.Array, sight: Sight, routing: Routing | None
    ) -> tuple[jax.Array, Decision | None]:
        """x [B, T, D] -> ([B, T, D], this layer's own decision or None)."""
        c = self.config
        normed = RMSNorm(c.norm_eps, c.param_dtype, name="attention_norm")(x)
        x = x + Attention(c, name="attention")(normed, positions, sight)
        x = mesh_context.constrain(x, mesh_context.ROW_AXES)
        normed = RMSNorm(c.norm_eps, c.param_dtype, name="ffn_norm")(x)
        if not c.experts:
            return mesh_context.constrain(x + FeedForward(c, name="ffn")(normed), mesh_context.ROW_AXES), None
        decision = None
        if routing is None or self.is_initializing():
            if c.router_scope == "layer":
                decision = Router(c, name="router")(normed, positions)
        where = routing.dispatch if routing is not None else dispatch(decision, c.num_experts)
        return x + Experts(c, name="experts")(normed, where), decision


class Reasoning(nn.Module):
    """Latent recurrence: one weight-shared block applied R times to the trunk's output.

    After Geiping et al. 2025 (arXiv:2502.05171). The output gate starts at zero, so that a model given this module
    computes exactly what it computed before.
    """

    config: MistralConfig

    @nn.compact
    def __call__(self, x: jax.Array, positions: jax.Array, sight: Sight, steps: int) -> jax.Array:
        """x [B, T, D] -> [B, T, D] after `steps` gated applications."""
        block = Block(self.config.dense(), name="block")
        gate = self.param("gate", nn.initializers.zeros, (x.shape[-1],), jnp.dtype(self.config.param_dtype))
        for _ in range(steps):
            refined, _ = block(x, positions, sight, None)
            x = x + gate.astype(x.dtype) * (refined - x)
        return x


class Mistral(nn.Module):
    """The language model, up to the final norm. Its head is the parameter `lm_head` [D, V], applied by the loss."""

    config: MistralConfig

    @nn.compact
    def __call__(
        self,
        tokens: jax.Array,
        segment_ids: jax.Array,
        positions: jax.Array,
        decision: Decision | None = None,
        reasoning_steps: int | None = None,
    ) -> Output:
        """Runs the trunk.

        Args:
          tokens: [B, T] int32.
          segment_ids: [B, T] int32; documents packed in one row never see each other.
          positions: [B, T] int32, restarting at 0 in each document.
          decision: forces this routing in every layer instead of the router's own.
          reasoning_steps: R, instead of the config's.

        Returns:
          Hidden states after the final norm, and the routing decisions.
        """
        c = self.config
        param_dtype = jnp.dtype(c.param_dtype)
        embedding = self.param("embedding", nn.initializers.normal(1.0), (c.vocab_size, c.d_model), param_dtype)
        self.param("lm_head", nn.initializers.normal(c.d_model**-0.5), (c.d_model, c.vocab_size), param_dtype)
        x = mesh_context.constrain(embed(embedding, tokens).astype(jnp.dtype(c.dtype)), mesh_context.ROW_AXES)
        sight = sight_of(c, segment_ids)

        shared = decision
        if c.experts and c.router_scope == "model" and (decision is None or self.is_initializing()):
            shared = Router(c, name="router")(x, positions)
        routing = None
        if c.experts and shared is not None:
            routing = Routing(shared, dispatch(shared, c.num_experts))

        block = Block
        if c.remat != "none":
            block = nn.remat(Block, policy=POLICIES[c.remat], prevent_cse=False)
        layers = nn.scan(
            block,
            variable_axes={"params": 0},
            split_rngs={"params": True},
            in_axes=nn.broadcast,
            length=c.num_layers,
            unroll=min(c.scan_unroll, c.num_layers),
        )(c, name="layers")
        x, decisions = layers(x, positions, sight, routing)
        if decisions is None and shared is not None:
            decisions = jax.tree.map(lambda leaf: leaf[None], shared)

        if c.has_reasoning:
            steps = c.reasoning_steps if reasoning_steps is None else reasoning_steps
            steps = max(steps, 1) if self.is_initializing() else steps
            if steps:
                x = Reasoning(c, name="reasoning")(x, positions, sight, steps)
        return Output(hidden=RMSNorm(c.norm_eps, c.param_dtype, name="final_norm")(x), decision=decisions)


def logits(params: dict, hidden: jax.Array) -> jax.Array:
    """[B, T, D] -> [B, T, V] float32."""
    head = params["lm_head"].astype(hidden.dtype)
    return jnp.einsum("BTD,DV->BTV", hidden, head, preferred_element_type=jnp.float32)


@functools.partial(jax.jit, static_argnums=0)
def init_params(config: MistralConfig, key: jax.Array) -> dict:
    """Random parameters of a model; `jax.eval_shape` of this gives their shapes without memory."""
    tokens = jnp.zeros((1, 2), jnp.int32)
    return Mistral(config).init(key, tokens, tokens, tokens)["params"]
