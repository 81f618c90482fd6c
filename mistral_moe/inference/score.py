"""Log-likelihoods of texts after contexts, many in a pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np

from mistral_moe.inference import branch_packing
from mistral_moe.inference.forward import Branches, read_branches
from mistral_moe.inference.weights import Weights
from mistral_moe.models.config import MistralConfig

_MIN_WIDTH = 256
_PASS_TOKENS = 8192  # of one pass: enough to fill a core's caches many times over, little enough to show progress
_LOGITS = 1 << 24  # float32 logits that exist at a time


@dataclasses.dataclass(frozen=True)
class Likelihood:
    """Of a text after its context: nats, and whether every token was the model's first choice."""

    nats: float
    is_greedy: bool


@functools.partial(jax.jit, static_argnames="config")
def _pass(
    config: MistralConfig, weights: Weights, tokens: jax.Array, branches: Branches, source: jax.Array, target: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """[B, P] float32 log-probabilities of the targets, and [B, P] bool whether each was the first choice."""
    hidden = read_branches(config, weights, tokens, branches)
    rows = jnp.take_along_axis(hidden, source[..., None], axis=1).reshape(-1, hidden.shape[-1])
    size = max(min(_LOGITS // config.vocab_size, rows.shape[0]), 1)
    pieces = -(-rows.shape[0] // size)
    padded = jnp.pad(rows, ((0, pieces * size - rows.shape[0]), (0, 0))).reshape(pieces, size, -1)
    targets = jnp.pad(target.reshape(-1), (0, pieces * size - rows.shape[0])).reshape(pieces, size)

    def one_piece(piece: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        rows, targets = piece
        logits = weights.lm_head.multiply(rows, jnp.float32)
        wanted = jnp.take_along_axis(logits, targets[:, None], axis=-1)[:, 0]
        # The first of equal logits is the first choice, as it is of a greedy decoder.
        return wanted - jax.nn.logsumexp(logits, axis=-1), jnp.argmax(logits, axis=-1) == targets

    log_probs, first = jax.lax.map(one_piece, (padded, targets))
    return tuple(x.reshape(-1)[: rows.shape[0]].reshape(target.shape) for x in (log_probs, first))


def log_likelihoods(
    config: MistralConfig, weights: Weights, requests: Sequence[tuple[Sequence[int], Sequence[int]]]
) -> Iterator[tuple[int, Likelihood]]:
    """The likelihood of each text after its context.

    Args:
      config: the model's.
      weights: from `inference.weights.prepare`.
      requests: (context, text) as token ids, each at least one.

    Yields:
      (number of the request, its likelihood), pass by pass.

    Raises:
      ValueError: an empty context or text.
    """
    by_width: dict[int, list[int]] = {}
    for index, (context, text) in enumerate(requests):
        needed = max(len(context) + len(text) - 1, len(text), _MIN_WIDTH)
        by_width.setdefault(1 << (needed - 1).bit_length(), []).append(index)
    for width, chosen in sorted(by_width.items()):
        groups = branch_packing.group([requests[index] for index in chosen], width)
        for packed, complete in branch_packing.passes(groups, width, max(_PASS_TOKENS // width, 1)):
            branches = Branches(packed.part, packed.parent, packed.last, packed.positions)
            found = _pass(config, weights, packed.tokens, branches, packed.source, packed.target)
            log_probs, first = jax.device_get(found)
            is_real = packed.request >= 0
            order = packed.request[is_real]
            nats = np.bincount(order, log_probs[is_real].astype(np.float64), len(chosen))
            misses = np.bincount(order, ~first[is_real], len(chosen))
            for place in complete:
                yield chosen[place], Likelihood(float(nats[place]), not misses[place])
