"""What is kept of the tokens that a row has read, so that the next one costs one token's work.

Keys and values lie in a ring of S places: a token at position p has place p % S. A token is put into its place before it
looks back, so that with a sliding window of at most S what it overwrites is what it no longer sees.
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
      keys: of each layer, then of each use of the reasoning block, [B, K, H, S]: time last, in which the scores of a new
        token are a loop over whole vectors on CPU.
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


def insert(cache: Cache, row: jax.Array, prompt: Cache, length: jax.Array) -> Cache:
    """Gives a row to a prompt; nothing of what was there before is left.

    Args:
      cache: of B rows and S places.
      row: int32 scalar.
      prompt: of one row whose place p holds the token at position p, as `forward.read_prompts` gives it; what lies past
        `length` is ignored.
      length: int32 scalar, tokens of the prompt.

    Returns:
      The cache with the prompt's last S tokens in that row.
    """
    places, width = cache.positions.shape[1], prompt.values[0].shape[2]
    place = jnp.arange(places, dtype=jnp.int32)
    # The newest of the prompt's positions that share a place.
    position = place + (length - 1 - place) // places * places
    source = jnp.clip(position, 0, width - 1)

    def put(kept: jax.Array, new: jax.Array) -> jax.Array:
        return jax.lax.dynamic_update_index_in_dim(kept, new.astype(kept.dtype), row, axis=0)

    return Cache(
        keys=tuple(put(kept, new[0][:, :, source]) for kept, new in zip(cache.keys, prompt.keys)),
        values=tuple(put(kept, new[0][:, source]) for kept, new in zip(cache.values, prompt.values)),
        sums=tuple(put(kept, new[0]) for kept, new in zip(cache.sums, prompt.sums)),
        positions=put(cache.positions, jnp.where(place < length, position, -1)),
    )
