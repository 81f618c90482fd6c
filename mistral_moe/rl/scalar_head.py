"""A trunk with a scalar head in place of the language model's: a reward model, or a critic.

Its parameters are the language model's and beside them `scalar_head`, so that it starts from a policy and shares its
checkpoints' form. The language model's own head stays in the tree and takes no part.
"""

from __future__ import annotations

from collections.abc import Mapping

import jax
import jax.numpy as jnp

from mistral_moe.models.config import MistralConfig
from mistral_moe.models.mistral import Mistral, init_params
from mistral_moe.rl.preference import bradley_terry_loss

NAME = "scalar_head"


def init_head(config: MistralConfig, key: jax.Array) -> dict:
    """A fresh head: weights of N(0, 1 / (D + 1)), bias 0 (Huang et al. 2024, arXiv:2403.17031)."""
    dtype = jnp.dtype(config.param_dtype)
    kernel = jax.random.normal(key, (config.d_model,), jnp.float32) * (config.d_model + 1) ** -0.5
    return {"kernel": kernel.astype(dtype), "bias": jnp.zeros((), dtype)}


def with_head(params: Mapping, head: Mapping) -> dict:
    """The parameters of a language model, with this head."""
    return {**params, NAME: dict(head)}


def without_head(params: Mapping) -> dict:
    """The parameters of the language model alone."""
    return {name: leaf for name, leaf in params.items() if name != NAME}


def abstract_params(config: MistralConfig) -> dict:
    """Shapes of all parameters, without memory."""
    key = jax.random.key(0)
    return jax.eval_shape(lambda: with_head(init_params(config, key), init_head(config, key)))


def token_values(
    config: MistralConfig, params: Mapping, tokens: jax.Array, segment_ids: jax.Array, positions: jax.Array
) -> jax.Array:
    """What the head says at every token.

    Args:
      config: the language model's.
      params: with a head.
      tokens, segment_ids, positions: [B, T] int32, as of `Mistral`.

    Returns:
      [B, T] float32; at t of the text up to and with token t. Of padding it means nothing.
    """
    out = Mistral(config).apply({"params": without_head(params)}, tokens, segment_ids, positions)
    head = params[NAME]
    # A sum over D in the trunk's bfloat16 would round scores to two or three digits.
    return out.hidden.astype(jnp.float32) @ head["kernel"].astype(jnp.float32) + head["bias"].astype(jnp.float32)


def scores(config: MistralConfig, params: Mapping, tokens: jax.Array, lengths: jax.Array) -> jax.Array:
    """The score of whole texts, read at the last real token.

    Args:
      config: the language model's.
      params: with a head.
      tokens: [B, T] int32, padded on the right with any id.
      lengths: [B] int32, real tokens of each row.

    Returns:
      [B] float32; of a row without tokens 0.
    """
    places = jnp.arange(tokens.shape[1], dtype=jnp.int32)
    real = places < lengths[:, None]
    values = token_values(config, params, tokens, real.astype(jnp.int32), jnp.where(real, places, 0))
    last = jnp.take_along_axis(values, jnp.maximum(lengths - 1, 0)[:, None], axis=1)[:, 0]
    return jnp.where(lengths > 0, last, 0.0)


def shifted(params: Mapping, shift: jax.Array | float) -> dict:
    """The parameters of a model whose scores are lower by `shift`: what makes the reference's mean 0
    (`preference.reference_shift`)."""
    bias = params[NAME]["bias"]
    lowered = (bias.astype(jnp.float32) - shift).astype(bias.dtype)
    return with_head(params, {**params[NAME], "bias": lowered})


def preference_loss(
    config: MistralConfig, params: Mapping, batch: Mapping[str, jax.Array], margin: float = 0.0
) -> tuple[jax.Array, dict[str, jax.Array]]:
    """Bradley-Terry loss of a batch of pairs (`preference.bradley_terry_loss`).

    Args:
      config: the language model's.
      params: with a head.
      batch: tokens [B, 2, T] int32, the chosen side first; lengths [B, 2] int32, 0 for padding; margins [B] float32, in
        the labels' unit.
      margin: weight of the margins, in nats a unit; 0 leaves them out.

    Returns:
      The scalar that is minimised, and `loss` (the same), `accuracy`, `margin` (chosen minus rejected), float32 scalars.
    """
    tokens, lengths = batch["tokens"], batch["lengths"]
    found = scores(config, params, tokens.reshape(-1, tokens.shape[-1]), lengths.reshape(-1)).reshape(lengths.shape)
    margins = margin * batch["margins"] if margin else None
    loss, statistics = bradley_terry_loss(found[:, 0], found[:, 1], lengths.min(axis=1) > 0, margins)
    return loss, {"loss": loss, **statistics}
