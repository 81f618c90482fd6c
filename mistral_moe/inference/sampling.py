"""Drawing the next token: temperature, top-k, top-p and min-p, each with a value of its own in every row.

What a row draws depends on its logits, its own seed and the index of its token, and on nothing else in the batch. The
filters are thresholds found by bisection over the bits of a float: a sort of the vocabulary costs many times as much, and k
may differ from row to row.
"""

from __future__ import annotations

from collections.abc import Callable

import flax.struct
import jax
import jax.numpy as jnp


@flax.struct.dataclass
class Sampling:
    """How the tokens of each row are drawn. The filters apply in the order of the attributes, each to what is left.

    Attributes:
      temperature: [B] float32, divides the logits; 0 takes the first of the likeliest tokens.
      top_k: [B] int32, keeps the k likeliest tokens and their equals; 0 keeps all.
      top_p: [B] float32, keeps the fewest likeliest tokens that hold this share of the probability, and their equals
        (Holtzman et al. 2020, arXiv:1904.09751); 1 keeps all.
      min_p: [B] float32, keeps tokens at least this share as likely as the likeliest (Nguyen et al. 2024,
        arXiv:2407.01082); 0 keeps all.
      seed: [B] uint32.
    """

    temperature: jax.Array
    top_k: jax.Array
    top_p: jax.Array
    min_p: jax.Array
    seed: jax.Array


def _ordered(x: jax.Array) -> jax.Array:
    """float32 -> uint32 in the same order."""
    bits = jax.lax.bitcast_convert_type(jnp.where(x == 0, 0.0, x), jnp.uint32)  # -0 is 0
    sign = jnp.uint32(1 << 31)
    return jnp.where(bits & sign, ~bits, bits | sign)


def _threshold(order: jax.Array, held: Callable[[jax.Array], jax.Array], needed: jax.Array) -> jax.Array:
    """[B] uint32: the largest t of each row such that what lies at or above it holds as much as is needed.

    Args:
      order: [B, V] uint32.
      held: [B, V] bool -> [B], what a set of tokens holds; a set that holds another holds no less.
      needed: [B].
    """

    def one_bit(i: jax.Array, found: jax.Array) -> jax.Array:
        candidate = found | (jnp.uint32(1 << 31) >> i.astype(jnp.uint32))
        return jnp.where(held(order >= candidate[:, None]) >= needed, candidate, found)

    return jax.lax.fori_loop(0, 32, one_bit, jnp.zeros(order.shape[0], jnp.uint32))


def kept_weights(logits: jax.Array, sampling: Sampling) -> jax.Array:
    """What is drawn from, up to a factor.

    Args:
      logits: [B, V] float32.
      sampling: of each row, with temperatures above 0.

    Returns:
      [B, V] float32, 1 for the likeliest token and 0 for every token that a filter takes away.
    """
    best = logits.max(axis=-1, keepdims=True)
    weights = jnp.exp((logits - best) / sampling.temperature[:, None])

    def filtered(weights: jax.Array) -> jax.Array:
        order = _ordered(logits)
        count = jnp.where(sampling.top_k > 0, sampling.top_k, logits.shape[-1])
        least = _threshold(order, lambda kept: kept.sum(axis=-1, dtype=jnp.int32), count)
        weights = jnp.where(order >= least[:, None], weights, 0.0)
        needed = sampling.top_p * weights.sum(axis=-1)
        least = _threshold(order, lambda kept: jnp.where(kept, weights, 0.0).sum(axis=-1), needed)
        inside = (order >= least[:, None]) | (sampling.top_p >= 1)[:, None]
        return jnp.where(inside & (weights >= sampling.min_p[:, None]), weights, 0.0)

    filters = (sampling.top_k > 0) | (sampling.top_p < 1) | (sampling.min_p > 0)
    return jax.lax.cond(filters.any(), filtered, lambda weights: weights, weights)


def _draw(logits: jax.Array, sampling: Sampling, index: jax.Array) -> jax.Array:
    is_greedy = sampling.temperature <= 0
    weights = kept_weights(logits, sampling.replace(temperature=jnp.where(is_greedy, 1.0, sampling.temperature)))

    def uniform(seed: jax.Array, index: jax.Array) -> jax.Array:
        return jax.random.uniform(jax.random.fold_in(jax.random.key(seed), index))

    # One number a row rather than one a token of the vocabulary: the inverse of the cumulative distribution.
    below = jnp.cumsum(weights, axis=-1)
    point = jax.vmap(uniform)(sampling.seed, index)[:, None] * below[:, -1:]
    drawn = jnp.argmax((below > point) & (weights > 0), axis=-1)
    # Where rounding puts the point at the very end nothing lies above it, and argmax says 0.
    likeliest = jnp.argmax(logits, axis=-1)
    drawn = jnp.where(jnp.take_along_axis(weights, drawn[:, None], axis=-1)[:, 0] > 0, drawn, likeliest)
    return jnp.where(is_greedy, likeliest, drawn)


def choose(logits: jax.Array, sampling: Sampling, index: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Each row's next token.

    Args:
      logits: [B, V] float32.
      sampling: of each row.
      index: [B] int32, how many tokens each row has drawn before.

    Returns:
      tokens [B] int32 and their log-probabilities [B] float32 in nats, by the model's own distribution: at temperature 1
      and before any filter.
    """
    draw = (sampling.temperature > 0).any()
    tokens = jax.lax.cond(draw, _draw, lambda logits, *unused: jnp.argmax(logits, axis=-1), logits, sampling, index)
    chosen = jnp.take_along_axis(logits, tokens[:, None], axis=-1)[:, 0]
    return tokens.astype(jnp.int32), chosen - jax.nn.logsumexp(logits, axis=-1)
