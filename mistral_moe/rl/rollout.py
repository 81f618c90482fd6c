"""What rollouts become: prompts with their completions, and which places of the batch are which.

Everything per token is laid on the token it is about: the log-probability of token t, the value of the state in which
token t was chosen, its reward and its advantage all stand at t, though the first two come from the hidden state at
t - 1 (`of_next_token`). Masks follow from lengths and never from ids: the pad may be the id of a real token.
"""

from __future__ import annotations

from collections.abc import Sequence

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np


@flax.struct.dataclass
class Rollout:
    """A batch of prompts and completions. A row of prompt length 0 is padding.

    Attributes:
      tokens: [B, T] int32, each row the prompt, the completion (with the end-of-sequence token it may have drawn), then
        padding of any id.
      prompt_lengths: [B] int32, tokens of the prompt; 1 or more, since the first token of a completion is drawn from
        the state of a token before it.
      completion_lengths: [B] int32, tokens that the policy drew, the end of sequence among them.
      ends_with_eos: [B] bool, whether the completion ended by itself; false where it ran into the limit of tokens.
    """

    tokens: jax.Array
    prompt_lengths: jax.Array
    completion_lengths: jax.Array
    ends_with_eos: jax.Array

    @property
    def lengths(self) -> jax.Array:
        """[B] int32, real tokens of each row."""
        return self.prompt_lengths + self.completion_lengths

    @property
    def is_row(self) -> jax.Array:
        """[B] bool, false for rows of padding."""
        return self.prompt_lengths > 0

    @property
    def is_real(self) -> jax.Array:
        """[B, T] bool, prompt or completion."""
        return jnp.arange(self.tokens.shape[1]) < self.lengths[:, None]

    @property
    def is_completion(self) -> jax.Array:
        """[B, T] bool, the tokens that the policy drew: what rewards and losses are over."""
        return self.is_real & (jnp.arange(self.tokens.shape[1]) >= self.prompt_lengths[:, None])

    @property
    def segment_ids(self) -> jax.Array:
        """[B, T] int32 for the model: 1 for real tokens, 0 for padding."""
        return self.is_real.astype(jnp.int32)

    @property
    def positions(self) -> jax.Array:
        """[B, T] int32 for the model: place in the row; 0 in padding."""
        return jnp.where(self.is_real, jnp.arange(self.tokens.shape[1], dtype=jnp.int32), 0)

    @property
    def next_tokens(self) -> jax.Array:
        """[B, T] int32, the target of each hidden state; 0 at the last place."""
        return jnp.pad(self.tokens[:, 1:], ((0, 0), (0, 1)))


def of_next_token(from_states: jax.Array) -> jax.Array:
    """Moves what hidden states say of the token after them onto that token.

    Args:
      from_states: [B, T, ...], at t what the hidden state of token t gives: the log-probability of token t + 1 (against
        `Rollout.next_tokens`), or the value of the state in which it is chosen.

    Returns:
      The same shape, at t what the state at t - 1 gave; zeros at 0.
    """
    padding = ((0, 0), (1, 0), *((0, 0),) * (from_states.ndim - 2))
    return jnp.pad(from_states[:, :-1], padding)


def last_of(mask: jax.Array) -> jax.Array:
    """[B, T] bool, true at the last true place of each row of a mask [B, T] and nowhere in an empty row."""
    mask = mask.astype(bool)
    after = jnp.cumsum(mask[:, ::-1], axis=1)[:, ::-1]
    return mask & (after == 1)


def make_rollout(
    prompts: Sequence[Sequence[int]],
    completions: Sequence[Sequence[int]],
    ends_with_eos: Sequence[bool],
    length: int,
    rows: int | None = None,
    pad: int = 0,
) -> Rollout:
    """Lays prompts and completions into arrays of a fixed shape, on the host.

    Args:
      prompts: token ids, one or more each.
      completions: token ids that were drawn, with the end of sequence where there is one.
      ends_with_eos: of each completion.
      length: T.
      rows: B; more than there are prompts adds rows of padding. None: as many as there are.
      pad: id in padding; any will do.

    Raises:
      ValueError: lists of unlike length, an empty prompt, more rows than fit, or a row longer than T: it names the row.
    """
    if not len(prompts) == len(completions) == len(ends_with_eos):
        raise ValueError(
            f"{len(prompts)} prompts, {len(completions)} completions and {len(ends_with_eos)} ends don't pair up"
        )
    rows = len(prompts) if rows is None else rows
    if len(prompts) > rows:
        raise ValueError(f"{len(prompts)} rollouts don't fit into {rows} rows")
    tokens = np.full((rows, length), pad, np.int32)
    lengths = np.zeros((2, rows), np.int32)
    ends = np.zeros(rows, bool)
    for row, (prompt, completion, end) in enumerate(zip(prompts, completions, ends_with_eos)):
        whole = [*prompt, *completion]
        if not len(prompt):
            raise ValueError(f"row {row}: an empty prompt; a completion's first token needs a token before it")
        if len(whole) > length:
            raise ValueError(f"row {row}: {len(prompt)} tokens of prompt and {len(completion)} drawn exceed {length}")
        tokens[row, : len(whole)] = whole
        lengths[:, row] = len(prompt), len(completion)
        ends[row] = end
    return Rollout(jnp.asarray(tokens), jnp.asarray(lengths[0]), jnp.asarray(lengths[1]), jnp.asarray(ends))
