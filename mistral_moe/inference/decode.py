"""Completions for a report: greedy or sampled, the whole window run again for every token.

Enough for a few samples of a small model; it keeps no cache.
"""

from __future__ import annotations

from collections.abc import Sequence
import functools

import jax
import jax.numpy as jnp
import numpy as np

from mistral_moe.models.config import MistralConfig
from mistral_moe.models.mistral import Mistral


@functools.partial(jax.jit, static_argnums=(0, 4))
def _complete(config, params, tokens, lengths, num_tokens, temperature, key):
    rows = jnp.arange(tokens.shape[0])
    positions = jnp.broadcast_to(jnp.arange(tokens.shape[1], dtype=jnp.int32), tokens.shape)
    segments = jnp.ones_like(tokens)

    def one_token(index, tokens):
        out = Mistral(config).apply({"params": params}, tokens, segments, positions)
        last = out.hidden[rows, lengths + index - 1]
        scores = jnp.einsum("BD,DV->BV", last, params["lm_head"].astype(last.dtype)).astype(jnp.float32)
        sampled = jax.random.categorical(jax.random.fold_in(key, index), scores / jnp.maximum(temperature, 1e-6))
        chosen = jnp.where(temperature > 0, sampled, jnp.argmax(scores, axis=-1))
        return tokens.at[rows, lengths + index].set(chosen.astype(tokens.dtype))

    return jax.lax.fori_loop(0, num_tokens, one_token, tokens)


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
      width_multiple: the window's width is a multiple of it; every width is compiled once.

    Returns:
      The new tokens of each prompt.

    Raises:
      ValueError: an empty prompt.
    """
    if not all(prompts):
        raise ValueError(f"prompt {[bool(p) for p in prompts].index(False)} is empty; give it at least the BOS id")
    lengths = np.array([len(prompt) for prompt in prompts], np.int32)
    width = -(-(int(lengths.max()) + num_tokens) // width_multiple) * width_multiple
    tokens = np.full((len(prompts), width), eos_id, np.int32)
    for row, prompt in zip(tokens, prompts):
        row[: len(prompt)] = prompt
    done = np.asarray(
        _complete(config, params, tokens, lengths, num_tokens, jnp.float32(temperature), jax.random.key(seed))
    )
    completions = []
    for row, length in zip(done, lengths):
        new = row[length : length + num_tokens].tolist()
        completions.append(new[: new.index(eos_id)] if eos_id in new else new)
    return completions
