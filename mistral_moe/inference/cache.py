"""What is kept of the tokens that a row has read, so that the next one costs one token's work.

Keys and values lie in a ring of S places: a token at position p has place p % S. A token is put into its place before
it looks back, so that with a sliding window of at most S what it overwrites is what it no longer sees.
"""

from __future__ import annotations

import flax.struct
import jax
import jax.numpy as jnp

from mistral_moe.models.config import MistralConfig


@flax.struct.dataclass
class Cache:
    """The memory of B rows.

    Attributes:
      keys: of each layer, then of each use of the reasoning block, [B, K, H, S]: time last, in which the scores of a
        new token are a loop over whole vectors on CPU.
      values: likewise, [B, K, S, H].
      sums: of each router that sees its document's mean, [B, D] float32: the sum of what it has seen.
      positions: [B, S] int32, of the token in each place; -1 where there is none.
    """

    keys: tuple[jax.Array, ...]
    values: tuple[jax.Array, ...]
    sums: tuple[jax.Array, ...]
    positions: jax.Array


def num_sums(config: MistralConfig) -> int:
    """Routers that see a mean: none, one for all layers, or one a layer."""
    if not config.experts or config.router_context != "mean":
        return 0
    return 1 if config.router_scope == "model" else config.num_layers


def empty(config: MistralConfig, rows: int, places: int) -> Cache:
    """A cache of `rows` rows of `places` places in which nothing is kept."""
    uses = config.num_layers + config.reasoning_steps
    dtype = jnp.dtype(config.dtype)
    return Cache(
        keys=tuple(jnp.zeros((rows, config.num_kv_heads, config.head_dim, places), dtype) for _ in range(uses)),
        values=tuple(jnp.zeros((rows, config.num_kv_heads, places, config.head_dim), dtype) for _ in range(uses)),
        sums=tuple(jnp.zeros((rows, config.d_model), jnp.float32) for _ in range(num_sums(config))),
        positions=jnp.full((rows, places), -1, jnp.int32),
    )


def places_needed(config: MistralConfig, length: int) -> int:
    """S for texts of up to `length` tokens, prompt and completion together."""
    return length if config.sliding_window is None else min(length, config.sliding_window)


def insert(cache: Cache, rows: jax.Array, prompts: Cache, lengths: jax.Array) -> Cache:
    """Gives rows to prompts; nothing of what was there before is left.

    Args:
      cache: of B rows and S places.
      rows: [P] int32, all different; B for a prompt that is to be left out.
      prompts: of P rows whose place p holds the token at position p, as `forward.read_prompts` gives it; what lies past
        a row's length is ignored.
      lengths: [P] int32, tokens of each prompt.

    Returns:
      The cache with each prompt's last S tokens in its row.
    """
    places, width = cache.positions.shape[1], prompts.values[0].shape[2]
    place = jnp.arange(places, dtype=jnp.int32)
    # The newest of a prompt's positions that share a place.
    positions = place + (lengths[:, None] - 1 - place) // places * places
    source = jnp.clip(positions, 0, width - 1)

    def put(kept: jax.Array, new: jax.Array) -> jax.Array:
        return kept.at[rows].set(new.astype(kept.dtype), mode="drop", unique_indices=True)

    def in_ring(new: jax.Array, axis: int) -> jax.Array:
        index = source.reshape(source.shape[0], *(places if i == axis else 1 for i in range(1, new.ndim)))
        return jnp.take_along_axis(new, index, axis=axis)

    return Cache(
        keys=tuple(put(kept, in_ring(new, 3)) for kept, new in zip(cache.keys, prompts.keys)),
        values=tuple(put(kept, in_ring(new, 2)) for kept, new in zip(cache.values, prompts.values)),
        sums=tuple(put(kept, new) for kept, new in zip(cache.sums, prompts.sums)),
        positions=put(cache.positions, jnp.where(place < lengths[:, None], positions, -1)),
    )
