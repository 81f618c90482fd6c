"""The model as decoding runs it: whole prompts at once, then a token a pass against the cache of what was read.

It computes what `models.mistral` computes, from `inference.weights`; tests hold the two together.
"""

from __future__ import annotations

from collections.abc import Callable

import flax.struct
import jax
import jax.numpy as jnp

from mistral_moe.inference.cache import Cache, num_sums
from mistral_moe.inference.experts import mixture, swiglu
from mistral_moe.inference.weights import Layer, Weights
from mistral_moe.kernels.causal_attention import MASKED, causal_attention
from mistral_moe.kernels.platform import program_platform
from mistral_moe.kernels.segment_attention import segment_attention
from mistral_moe.models.attention import rotary, sight_of
from mistral_moe.models.config import MistralConfig
from mistral_moe.models.layers import RMSNorm
from mistral_moe.models.router import Decision, Router, running_sum


@flax.struct.dataclass
class Branches:
    """Which token of a row belongs to what: contexts, and texts that go on from them.

    Attributes:
      part: [B, T] int32, number of the context or text that a token is of, 0 for padding; a part's tokens are side by side,
        and a context comes before its texts.
      parent: [B, T] int32, of a text's token the part that is its context; of others -1.
      last: [B, T] int32, of a text's token the index in the row of its context's last token; of others -1.
      positions: [B, T] int32, counting up through context and text.
    """

    part: jax.Array
    parent: jax.Array
    last: jax.Array
    positions: jax.Array


# (use, query [B, K, G, T, H] scaled, key [B, K, T, H], value [B, K, T, H]) -> [B, K, G, T, H]
_Attend = Callable[[int, jax.Array, jax.Array, jax.Array], jax.Array]


def _norm(config: MistralConfig, scale: jax.Array, x: jax.Array) -> jax.Array:
    return RMSNorm(config.norm_eps, config.param_dtype).apply({"params": {"scale": scale}}, x)


def _attention(
    config: MistralConfig, layer: Layer, x: jax.Array, positions: jax.Array, attend: _Attend, use: int
) -> jax.Array:
    c = config
    batch, length, width = x.shape
    group = c.num_heads // c.num_kv_heads
    projected = layer.query_key_value.multiply(x.reshape(-1, width)).reshape(batch, length, -1, c.head_dim)
    query, key, value = jnp.split(projected, (c.num_heads, c.num_heads + c.num_kv_heads), axis=2)
    query = rotary(query, positions, c.rope_theta) * c.head_dim**-0.5
    key = rotary(key, positions, c.rope_theta)
    query = query.reshape(batch, length, c.num_kv_heads, group, c.head_dim).transpose(0, 2, 3, 1, 4)
    mixed = attend(use, query, key.transpose(0, 2, 1, 3), value.transpose(0, 2, 1, 3))
    mixed = mixed.reshape(batch, c.num_heads, length, c.head_dim).transpose(0, 2, 1, 3)
    return layer.output.multiply(mixed.reshape(batch * length, -1)).reshape(x.shape)


def _trunk(
    config: MistralConfig,
    weights: Weights,
    tokens: jax.Array,
    positions: jax.Array,
    live: jax.Array,
    sums: tuple[jax.Array, ...],
    attend: _Attend,
    total: Callable[[jax.Array], jax.Array] | None = None,
) -> tuple[jax.Array, tuple[jax.Array, ...]]:
    """tokens, positions, live [B, T]; sums before them -> hidden states [B, T, D] after the final norm, sums after.

    `total` gives the sums of documents that a router sees, where they don't simply follow one another; then no sums are kept.
    """
    c = config
    x = weights.embedding[tokens]
    after: list[jax.Array] = []

    def route(router: dict, x: jax.Array) -> Decision:
        before = None
        if total is not None:
            return Router(c).apply({"params": router}, x, positions, None, total(x))
        if num_sums(c):
            before = sums[len(after)]
            after.append(before + jnp.sum(jnp.where(live[..., None], x.astype(jnp.float32), 0.0), axis=1))
        return Router(c).apply({"params": router}, x, positions, before)

    def block(layer: Layer, x: jax.Array, use: int, decision: Decision | None, has_experts: bool) -> jax.Array:
        x = x + _attention(c, layer, _norm(c, layer.attention_norm, x), positions, attend, use)
        normed = _norm(c, layer.ffn_norm, x)
        if not has_experts:
            return x + swiglu(normed.reshape(-1, c.d_model), layer.gate_up, layer.down).reshape(x.shape)
        if decision is None:
            decision = route(layer.router, normed)
        return x + mixture(normed, live, decision, layer.gate_up, layer.down, c.moe_backend)

    shared = route(weights.router, x) if weights.router is not None else None
    for use, layer in enumerate(weights.layers):
        x = block(layer, x, use, shared, bool(c.experts))
    for step in range(c.reasoning_steps):
        refined = block(weights.reasoning, x, c.num_layers + step, None, False)
        x = x + weights.reasoning_gate * (refined - x)
    return _norm(c, weights.final_norm, x), tuple(after)


def read_prompts(
    config: MistralConfig, weights: Weights, tokens: jax.Array, lengths: jax.Array
) -> tuple[jax.Array, Cache]:
    """Reads whole prompts.

    Args:
      config: the model's.
      weights: the model's.
      tokens: [B, T] int32, padded at the end.
      lengths: [B] int32, real tokens of each row, at least 1.

    Returns:
      [B, V] float32 logits of what follows each row's last token, and a cache of T places.
    """
    batch, length = tokens.shape
    positions = jnp.broadcast_to(jnp.arange(length, dtype=jnp.int32), tokens.shape)
    live = positions < lengths[:, None]
    sight = sight_of(config, live.astype(jnp.int32))
    keys, values = [], []

    def attend(use: int, query: jax.Array, key: jax.Array, value: jax.Array) -> jax.Array:
        keys.append(key.swapaxes(2, 3))
        values.append(value)
        arguments = (query, key, value, sight.segment_ids, sight.mask)
        return segment_attention(*arguments, config.sliding_window, sight.backend)

    zeros = (jnp.zeros((batch, config.d_model), jnp.float32),) * num_sums(config)
    hidden, sums = _trunk(config, weights, tokens, positions, live, zeros, attend)
    last = jnp.take_along_axis(hidden, (lengths - 1)[:, None, None], axis=1)[:, 0]
    cache = Cache(tuple(keys), tuple(values), sums, jnp.where(live, positions, -1))
    return weights.lm_head.multiply(last, jnp.float32), cache


def read_branches(config: MistralConfig, weights: Weights, tokens: jax.Array, branches: Branches) -> jax.Array:
    """Reads rows that hold contexts, each followed by several texts that go on from it.

    A text sees its context and itself, and nothing of the texts beside it: it computes what it would after the context alone.

    Args:
      config: the model's.
      weights: the model's.
      tokens: [B, T] int32.
      branches: what belongs to what.

    Returns:
      [B, T, D] hidden states after the final norm.
    """
    part, parent, positions = branches.part, branches.parent, branches.positions
    live = part > 0
    mask = (part[:, :, None] == part[:, None]) | (parent[:, :, None] == part[:, None])
    distance = positions[:, :, None] - positions[:, None]
    mask &= live[:, :, None] & live[:, None] & (distance >= 0)
    if config.sliding_window is not None:
        mask &= distance < config.sliding_window

    def attend(use: int, query: jax.Array, key: jax.Array, value: jax.Array) -> jax.Array:
        return causal_attention(query, key, value, mask)

    def total(x: jax.Array) -> jax.Array:
        own = running_sum(x, jnp.pad(part[:, 1:] != part[:, :-1], ((0, 0), (1, 0)), constant_values=True))
        of_context = jnp.take_along_axis(own, jnp.maximum(branches.last, 0)[..., None], axis=1)
        return own + jnp.where((branches.last >= 0)[..., None], of_context, 0.0)

    return _trunk(config, weights, tokens, positions, live, (), attend, total if num_sums(config) else None)[0]


def read_tokens(
    config: MistralConfig,
    weights: Weights,
    cache: Cache,
    tokens: jax.Array,
    positions: jax.Array,
    live: jax.Array,
) -> tuple[jax.Array, Cache]:
    """Reads one more token in every row.

    Args:
      config: the model's.
      weights: the model's.
      cache: what was read before.
      tokens: [B] int32.
      positions: [B] int32, of those tokens.
      live: [B] bool; what other rows give means nothing, and they have no expert read.

    Returns:
      [B, V] float32 logits of what follows, and the cache with the tokens in it.
    """
    rows = jnp.arange(tokens.shape[0])
    slots = positions % cache.positions.shape[1]
    kept_positions = cache.positions.at[rows, slots].set(positions, unique_indices=True)
    distance = positions[:, None] - kept_positions
    seen = (kept_positions >= 0) & (distance >= 0)
    if config.sliding_window is not None:
        seen &= distance < config.sliding_window
    keys, values = list(cache.keys), list(cache.values)
    as_loop = program_platform() == "cpu"

    def attend(use: int, query: jax.Array, key: jax.Array, value: jax.Array) -> jax.Array:
        keys[use] = keys[use].at[rows, :, :, slots].set(key[:, :, 0], unique_indices=True)
        values[use] = values[use].at[rows, :, slots].set(value[:, :, 0], unique_indices=True)
        return _look_back(query[:, :, :, 0], keys[use], values[use], seen, as_loop)[:, :, :, None]

    hidden, sums = _trunk(config, weights, tokens[:, None], positions[:, None], live[:, None], cache.sums, attend)
    logits = weights.lm_head.multiply(hidden[:, 0], jnp.float32)
    return logits, Cache(tuple(keys), tuple(values), sums, kept_positions)


def _look_back(query: jax.Array, keys: jax.Array, values: jax.Array, seen: jax.Array, as_loop: bool) -> jax.Array:
    """One query a head over the cache: [B, K, G, H], [B, K, H, S], [B, K, S, H], [B, S] -> [B, K, G, H].

    As a loop the scores are one fused pass over the keys; on CPU a batch of small matmuls takes about twice as long.
    """
    if as_loop:
        terms = query.astype(jnp.float32)[..., None] * keys.astype(jnp.float32)[:, :, None]
        scores = terms.sum(axis=3)
    else:
        scores = jnp.einsum("BKGH,BKHS->BKGS", query, keys, preferred_element_type=jnp.float32)
    scores = jnp.where(seen[:, None, None], scores, MASKED)
    weights = jnp.exp(scores - scores.max(axis=-1, keepdims=True))
    total = weights.sum(axis=-1, keepdims=True)
    mixed = jnp.einsum("BKGS,BKSH->BKGH", weights.astype(query.dtype), values, preferred_element_type=jnp.float32)
    return (mixed / total).astype(query.dtype)
