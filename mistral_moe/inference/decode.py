"""Completions: prompts are read in one pass, then a token a pass against the cache of what was read (`models.cache`).

The loop ends when every row has, not before.
"""

from __future__ import annotations

from collections.abc import Sequence
import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from mistral_moe.models.config import MistralConfig
from mistral_moe.models.mistral import Mistral

Cache = Any


def read(
    config: MistralConfig,
    params: dict,
    cache: Cache | None,
    tokens: jax.Array,
    lengths: jax.Array,
    starts: jax.Array,
    cache_size: int,
) -> tuple[jax.Array, Cache]:
    """Reads on in every row.

    Args:
      config: the model's.
      params: the model's.
      cache: what was read before; None at the beginning.
      tokens: [B, T] int32, padded at the end.
      lengths: [B] int32, real tokens of each row, at least 1.
      starts: [B] int32, position of each row's first token.
      cache_size: S, places of the cache. Positions beyond it overwrite the oldest, which is exact only where a sliding window
        of at most S hides them anyway.

    Returns:
      [B, V] float32 logits of what follows each row's last token, and the cache.
    """
    steps = jnp.arange(tokens.shape[1], dtype=jnp.int32)
    positions = starts[:, None] + steps
    segments = (steps < lengths[:, None]).astype(jnp.int32)
    variables = {"params": params} if cache is None else {"params": params, "cache": cache}
    out, changed = Mistral(config).apply(
        variables, tokens, segments, positions, cache_size=cache_size, mutable=["cache"]
    )
    last = jnp.take_along_axis(out.hidden, (lengths - 1)[:, None, None], axis=1)[:, 0]
    head = params["lm_head"].astype(last.dtype)
    return jnp.einsum("BD,DV->BV", last, head, preferred_element_type=jnp.float32), changed["cache"]


@functools.partial(jax.jit, static_argnames=("config", "num_tokens"))
def _complete(config, params, tokens, lengths, num_tokens, eos_id, temperature, key):
    size = tokens.shape[1] + num_tokens
    if config.sliding_window is not None:
        size = min(size, config.sliding_window)
    batch = tokens.shape[0]

    def choose(logits, index):
        sampled = jax.random.categorical(jax.random.fold_in(key, index), logits / jnp.maximum(temperature, 1e-6))
        return jnp.where(temperature > 0, sampled, jnp.argmax(logits, axis=-1)).astype(jnp.int32)

    def goes_on(state):
        index, _, _, is_done, _ = state
        return (index < num_tokens) & ~is_done.all()

    def one_token(state):
        index, chosen, new, is_done, cache = state
        new = new.at[:, index].set(jnp.where(is_done, eos_id, chosen))
        is_done |= chosen == eos_id
        logits, cache = read(config, params, cache, chosen[:, None], jnp.ones_like(lengths), lengths + index, size)
        return index + 1, choose(logits, index + 1), new, is_done, cache

    logits, cache = read(config, params, None, tokens, lengths, jnp.zeros_like(lengths), size)
    new = jnp.full((batch, num_tokens), eos_id, jnp.int32)
    state = jnp.int32(0), choose(logits, 0), new, jnp.zeros(batch, bool), cache
    return jax.lax.while_loop(goes_on, one_token, state)[2]


def complete(
    config: MistralConfig,
    params: dict,
    prompts: Sequence[Sequence[int]],
    num_tokens: int,
    eos_id: int,
    temperature: float = 0.0,
    seed: int = 0,
    width_multiple: int = 1,
) -> list[list[int]]:
    """Continues prompts of different lengths.

    Args:
      config: the model's.
      params: the model's.
      prompts: token ids of each prompt, not empty.
      num_tokens: tokens to add.
      eos_id: a completion ends before it.
      temperature: 0 is greedy.
      seed: of the sampling.
      width_multiple: prompts are padded to a multiple of it; every width is compiled once.

    Returns:
      The new tokens of each prompt.

    Raises:
      ValueError: an empty prompt.
    """
    if not all(prompts):
        raise ValueError(f"prompt {[bool(p) for p in prompts].index(False)} is empty; give it at least the BOS id")
    lengths = np.array([len(prompt) for prompt in prompts], np.int32)
    width = -(-int(lengths.max()) // width_multiple) * width_multiple
    tokens = np.full((len(prompts), width), eos_id, np.int32)
    for row, prompt in zip(tokens, prompts):
        row[: len(prompt)] = prompt
    key = jax.random.key(seed)
    done = _complete(config, params, tokens, lengths, num_tokens, jnp.int32(eos_id), jnp.float32(temperature), key)
    rows = np.asarray(done).tolist()
    return [row[: row.index(eos_id)] if eos_id in row else row for row in rows]
